"""What a face is shown before and after it acts on money, and how equity went. Money is in quote units."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.trading import TradingState
from mexc_tui.model.trading_view import PositionRow
from mexc_tui.model.verdict import Verdict
from mexc_tui.model.view import Row

MAX_POINTS = 500


class Preview(StrEnum):
    """Commands that say beforehand what they would do; the values are the commands' names."""

    ARM = "arm"
    DISARM = "disarm"
    CLOSE = "close"
    HALT = "halt"
    REDUCE_ONLY = "reduce_only"
    RESUME = "resume"
    FLATTEN = "flatten"
    KILL = "kill"
    UNLOCK = "unlock"


class SaleRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one sale would do now. Without a fresh book its prices are None and `words` say so."""

    symbol: str
    base_asset: str
    quantity: Decimal
    """Base units, floored to the pair's step."""
    bid: Decimal | None = None
    value: Decimal | None = None
    """Of all of it at the best bid."""
    expected_price: Decimal | None = None
    """Average over the bids that it would eat, as far as they are known."""
    slippage_pct: Decimal | None = None
    """How far that lies below the bid, in per cent; 0 or more."""
    proceeds: Decimal | None = None
    """At that price, less the fee."""
    fee: Decimal | None = None
    pnl: Decimal | None = None
    """Proceeds less the cost of what is sold."""
    pnl_pct: Decimal | None = None
    is_covered: bool = False
    """Whether the known bids take all of it; False: the price is an estimate, likely too good."""
    floor_price: Decimal | None = None
    """A sale goes at most so far down by the slippage cap, then waits."""
    orders_to_cancel: int = 0
    """Take-profits that rest on the same coins."""
    words: str = ""


class PreviewRow(Row, frozen=True, kw_only=True):
    """What a command would do, in numbers of this moment. Nothing is changed by asking."""

    name: Preview
    symbol: str
    at_ms: int
    """The exchange's time."""
    is_allowed: bool
    """False: it would be refused, and `words` say why."""
    words: str
    """One sentence for a confirmation."""
    state: TradingState
    """Of trading, now."""
    state_after: TradingState
    sales: tuple[SaleRow, ...] = ()
    value: Decimal | None = None
    """Of all sales at the bid; None: one has no price."""
    pnl: Decimal | None = None
    orders_to_cancel: int = 0
    snipes_to_disarm: int = 0
    positions: int = 0
    """Open ones that it would touch, or that stay if it touches none."""
    spend_cap: Decimal | None = None
    """Of arming: at most so much would be spent."""
    price_cap: Decimal | None = None
    bound: str = ""
    """Of arming: what bounds the price of each coin, in words; empty: nothing does."""
    released: Decimal | None = None
    """Of disarming, halting and selling all: reserved money that becomes free."""
    refusals: tuple[Verdict, ...] = ()
    """Of arming: who says no."""
    typed: str = ""
    """What must be typed for it; empty: nothing. For unlocking it is made up anew with each preview."""
    unlock_hours: int = 0
    """Of unlocking: how long that lasts."""
    position_cap: Decimal | None = None
    """Of unlocking: what one position may cost at most."""
    max_positions: int = 0


class ExitsRow(Row, frozen=True, kw_only=True):
    """What a change of a position's exits achieved."""

    position: PositionRow
    stop_before: Decimal
    stop_after: Decimal
    time_stop_ms: int | None
    """When it is closed by time alone; None: never."""
    orders_cancelled: int = 0
    """Take-profits that were replaced."""
    orders_placed: int = 0
    rungs_waiting: int = 0
    """Take-profits that are still to go, and rungs that are still to rest; the engine goes on with them."""
    worst_pnl: Decimal = Decimal(0)
    """Of what is held, sold at the stop, less the fee."""
    is_durable: bool = True


class EquityPointRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk was worth at one moment."""

    at_ms: int
    equity: Decimal
    drawdown_pct: Decimal | None
    """Below the highest equity until then; 0 or more. None: a price was missing."""
    is_complete: bool
    """False: a price was missing, and equity is an estimate."""


class DayStartRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a UTC day begins."""

    at_ms: int
    equity: Decimal | None
    """The last of the day before, or its own first point; None: there is neither."""


class EquityRow(Row, frozen=True, kw_only=True):
    """Equity since a moment, oldest first, at most `MOST_POINTS` points."""

    since_ms: int
    until_ms: int
    quote_asset: str
    points: tuple[EquityPointRow, ...]
    peak: Decimal | None
    """The highest equity ever, flows taken out; None: there is no point."""
    worst_drawdown_pct: Decimal | None
    """Of all points that were read."""
    days: tuple[DayStartRow, ...]
    step_ms: int = 0
    """0: every point is there. Else how long one slice is: of each the lowest and the highest were kept, or
    (`is_sampled`) its first alone."""
    is_sampled: bool = False
    """Of more than two days not every point was read: a fall between two of them is not seen."""
