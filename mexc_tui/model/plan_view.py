"""Rows of views about the effect of commands on money, and about equity. Money is in quote units."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.trading import TradingState
from mexc_tui.model.trading_view import PositionRow
from mexc_tui.model.verdict import Verdict
from mexc_tui.model.view import Row

MAX_POINTS = 500


class Preview(StrEnum):
    """Commands with a preview; the values are the commands' names."""

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
    """Estimate of one sale. Without a fresh order book its prices are None and `text` gives the reason."""

    symbol: str
    base_asset: str
    quantity: Decimal
    """Base units, rounded down to the pair's step."""
    bid: Decimal | None = None
    value: Decimal | None = None
    """Value at the best bid."""
    expected_price: Decimal | None = None
    """Average price over the bids that it would consume, as far as known."""
    slippage_pct: Decimal | None = None
    """Distance of the expected price below the bid, in per cent; 0 or more."""
    proceeds: Decimal | None = None
    """Proceeds at that price, less the fee."""
    fee: Decimal | None = None
    pnl: Decimal | None = None
    """Proceeds less the cost of what is sold."""
    pnl_pct: Decimal | None = None
    is_covered: bool = False
    """Whether the known bids cover the quantity; False: the price is an estimate, likely too good."""
    floor_price: Decimal | None = None
    """Lowest price within the slippage cap; below it the sale waits."""
    orders_to_cancel: int = 0
    """Resting take-profits on the same coins."""
    text: str = ""


class PreviewRow(Row, frozen=True, kw_only=True):
    """Preview of a command with current numbers. A preview changes nothing."""

    name: Preview
    symbol: str
    at_ms: int
    """Exchange time."""
    is_allowed: bool
    """False: it would be rejected; `text` gives the reason."""
    text: str
    """Confirmation text."""
    state: TradingState
    """Current trading state."""
    state_after: TradingState
    sales: tuple[SaleRow, ...] = ()
    value: Decimal | None = None
    """Value of all sales at the bid; None: a price is missing."""
    pnl: Decimal | None = None
    orders_to_cancel: int = 0
    snipes_to_disarm: int = 0
    positions: int = 0
    """Open positions affected, or remaining if none are affected."""
    spend_cap: Decimal | None = None
    """Maximum spend of an arming."""
    price_cap: Decimal | None = None
    bound: str = ""
    """How the price of an arming is bounded; empty: unbounded."""
    released: Decimal | None = None
    """Reservations released by disarming, halting or selling all."""
    refusals: tuple[Verdict, ...] = ()
    """Failed checks of an arming."""
    typed: str = ""
    """Text to type as confirmation; empty: none. For unlocking, each preview has a new one."""
    unlock_hours: int = 0
    """Duration of an unlock."""
    position_cap: Decimal | None = None
    """Maximum cost of one position after unlocking."""
    max_positions: int = 0
    shows_rules: bool = False
    """Whether this unlock must also acknowledge MEXC's rules about automated trading."""


class ExitsRow(Row, frozen=True, kw_only=True):
    """Result of a change of a position's exits."""

    position: PositionRow
    stop_before: Decimal
    stop_after: Decimal
    time_stop_ms: int | None
    """Closing time of the time stop; None: never."""
    orders_cancelled: int = 0
    """Replaced take-profits."""
    orders_placed: int = 0
    rungs_waiting: int = 0
    """Take-profits to cancel and rungs to place; the engine continues with them."""
    worst_pnl: Decimal = Decimal(0)
    """P&L if the remainder is sold at the stop, less the fee."""
    is_durable: bool = True


class EquityPointRow(msgspec.Struct, frozen=True, kw_only=True):
    """Equity at one time."""

    at_ms: int
    equity: Decimal
    drawdown_pct: Decimal | None
    """Drawdown from the previous peak; 0 or more. None: a price was missing."""
    is_complete: bool
    """False: a price was missing, and equity is an estimate."""


class DayStartRow(msgspec.Struct, frozen=True, kw_only=True):
    """Start of a UTC day."""

    at_ms: int
    equity: Decimal | None
    """Last equity of the previous day, or the first of the day; None: neither exists."""


class EquityRow(Row, frozen=True, kw_only=True):
    """Equity since a moment, oldest first, thinned to a bounded number of points."""

    since_ms: int
    until_ms: int
    quote_asset: str
    points: tuple[EquityPointRow, ...]
    peak: Decimal | None
    """All-time peak of equity, net of flows; None: no point."""
    worst_drawdown_pct: Decimal | None
    """Over all points read."""
    days: tuple[DayStartRow, ...]
    step_ms: int = 0
    """0: every point is included. Else the length of one slice, represented by its lowest and highest point
    or (`is_sampled`) by its first only."""
    is_sampled: bool = False
    """Beyond two days not every point is read: a drop between two points is not visible."""
