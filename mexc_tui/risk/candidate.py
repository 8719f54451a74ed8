"""Input of the pre-trade risk checks: the candidate entry, the state of the ledger, and the limits."""

from dataclasses import dataclass
from decimal import Decimal

Level = tuple[float, float]
"""(price, quantity) of an order book, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A candidate entry. `spend`: quote units, fees included."""

    symbol: str
    spend: Decimal
    opens_ms: int
    price: Decimal | None = None
    """Limit price or expected price; None: unknown before the first order book."""
    reference_price: Decimal | None = None
    asks: tuple[Level, ...] | None = None
    """Ask side of the order book; None: no order book yet."""
    snipe_id: str = ""
    """Snipe being rechecked: its own reservation is not counted against it."""


@dataclass(frozen=True, slots=True)
class HeldPosition:
    """Exposure of one open position: the higher of cost and market value, in quote units."""

    symbol: str
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Quote units reserved for one open entry intent."""

    snipe_id: str
    symbol: str
    amount: Decimal
    opens_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskBook:
    """Current state of the ledger and the connections. None means unknown, which refuses an entry."""

    equity: Decimal | None
    """Cash, reserved cash and positions, in quote units."""
    peak: Decimal
    free_cash: Decimal
    """Cash of the desk less all reservations."""
    day_equity: Decimal | None
    """Equity at the start of the UTC day or at the last resume after a loss, plus flows since."""
    held: tuple[HeldPosition, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    entries_ms: tuple[int, ...] = ()
    """Entry times of at least the last two days."""
    exits_ms: tuple[tuple[str, int], ...] = ()
    """Last exit time of each symbol."""
    losses_in_a_row: int = 0
    """Consecutive losing positions since the last gain or resume."""
    last_loss_ms: int | None = None
    clock_offset_ms: float | None = None
    """Change of the clock offset since the last good measurement; the offset itself is corrected for."""
    clock_error_ms: float | None = None
    stream_age_ms: int | None = None
    """Time since the last market stream message."""
    weight_left: int = 0
    orders_left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Risk settings. Shares are per cent of equity."""

    max_positions: int = 3
    max_snipes: int = 1
    max_trades_hour: int = 5
    max_trades_day: int = 10
    position_cap_quote: Decimal = Decimal(100)
    position_cap_pct: Decimal = Decimal(5)
    exposure_cap_pct: Decimal = Decimal(20)
    exposure_cap_quote: Decimal | None = None
    """None: only the share of equity limits the exposure."""
    daily_loss_pct: Decimal = Decimal(2)
    drawdown_pct: Decimal = Decimal(10)
    losses_pause: int = 3
    losses_pause_s: int = 3_600
    losses_halt: int = 5
    cooldown_s: int = 3_600
    premium_pct: Decimal = Decimal(25)
    slippage_pct: Decimal = Decimal(3)
    overlap_ms: int = 5_000
    """Snipes whose openings are this close together count as simultaneous."""
    clock_offset_ms: float = 900
    clock_error_ms: float = 1_000
    stream_age_ms: int = 5_000
    weight_least: int = 50
    orders_least: int = 4
