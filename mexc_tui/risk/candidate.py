"""What a risk check looks at: the trade that is asked for, the books as they are, and the limits."""

from dataclasses import dataclass
from decimal import Decimal

Level = tuple[float, float]
"""(price, quantity) of a book, best first."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that is asked for. `spend`: quote units, fees included."""

    symbol: str
    spend: Decimal
    opens_ms: int
    price: Decimal | None = None
    """Its limit, or the price it is expected at; None: not known before the first book."""
    reference_price: Decimal | None = None
    asks: tuple[Level, ...] | None = None
    """The book to be bought from; None: there is none yet."""
    snipe_id: str = ""
    """Of a snipe that is checked again: its own reservation does not count against it."""


@dataclass(frozen=True, slots=True)
class HeldPosition:
    """What one open position binds: the higher of its cost and its worth, in quote units."""

    symbol: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Reserved:
    """Quote units held back for one open intent to buy."""

    snipe_id: str
    symbol: str
    amount: Decimal
    opens_ms: int


@dataclass(frozen=True, slots=True)
class RiskBook:
    """The books and the conditions as they are now. None of a number: not known, which refuses."""

    equity: Decimal | None
    """Cash, reserved cash and holdings, in quote units."""
    peak: Decimal
    free_cash: Decimal
    """The desk's cash less all reservations."""
    day_equity: Decimal | None
    """Equity at the start of this UTC day, or when a person resumed after a loss; flows since added."""
    held: tuple[HeldPosition, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    entries_ms: tuple[int, ...] = ()
    """When entries were made, of two days at least."""
    exits_ms: tuple[tuple[str, int], ...] = ()
    """The last exit of each symbol."""
    losses_in_a_row: int = 0
    """Closed positions that lost, since the last gain or since a person resumed."""
    last_loss_ms: int | None = None
    clock_offset_ms: float | None = None
    """Change of the measured offset since it was last good; the offset itself is corrected for."""
    clock_error_ms: float | None = None
    stream_age_ms: int | None = None
    """Since the last word of the market stream."""
    weight_left: int = 0
    orders_left: int = 0


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """Settings of risk. Shares are per cent of equity."""

    max_positions: int = 3
    max_snipes: int = 1
    max_trades_hour: int = 5
    max_trades_day: int = 10
    position_cap_quote: Decimal = Decimal(100)
    position_cap_pct: Decimal = Decimal(5)
    exposure_cap_pct: Decimal = Decimal(20)
    daily_loss_pct: Decimal = Decimal(2)
    drawdown_pct: Decimal = Decimal(10)
    losses_pause: int = 3
    losses_pause_s: int = 3_600
    losses_halt: int = 5
    cooldown_s: int = 3_600
    premium_pct: Decimal = Decimal(25)
    slippage_pct: Decimal = Decimal(3)
    overlap_ms: int = 5_000
    """Snipes that open so close together fire at once."""
    clock_offset_ms: float = 900
    clock_error_ms: float = 1_000
    stream_age_ms: int = 5_000
    weight_least: int = 50
    orders_least: int = 4
