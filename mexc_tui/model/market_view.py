"""Rows of views about one pair's market: levels, trades, price path, and the desk's own fills and exits.

Prices are quote units for one base unit, quantities base units, values quote units; `_ms` are Unix
milliseconds of the exchange. The path uses floats: it is for display only.
"""

from decimal import Decimal

import msgspec

from mexc_tui.model.intent import OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.view import Row

MAX_LEVELS = 20
MAX_TRADES = 50
MAX_SPANS = 240
MAX_FILLS = 50


class LevelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One level of an order book."""

    price: Decimal
    quantity: Decimal
    value: Decimal
    """Cumulative value of this level and all better ones, in quote units."""


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trade of the market."""

    at_ms: int
    price: Decimal
    quantity: Decimal
    side: Side | None
    """Side of the taker; None: an unknown number from the exchange."""


class SpanRow(msgspec.Struct, frozen=True, kw_only=True):
    """Trades within one interval of the path. Intervals without trades are left out."""

    start_ms: int
    low: float
    high: float
    last: float
    value: float
    """Traded value in quote units."""


class OwnFillRow(msgspec.Struct, frozen=True, kw_only=True):
    """Fill of one of the desk's orders, at its average price."""

    at_ms: int
    """Time of the last update."""
    side: Side
    role: OrderRole
    price: Decimal
    quantity: Decimal
    client_order_id: str


class ExitLevelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One exit price of a position, or a price at which its stop moves."""

    name: str
    """`stop`, `trailing` (its activation or current price), `break-even`, `entry`, `rung 1`, ..."""
    price: Decimal
    quantity: Decimal | None
    """Quantity sold there; None: the price itself sells nothing."""
    where: str
    """`engine`, `exchange`, `sold`, `too small`, `nowhere`; empty: a mark, not an order."""


class MarketRow(Row, frozen=True, kw_only=True):
    """One pair for display. A query keeps its streams subscribed for `watched_s` more seconds."""

    symbol: str
    at_ms: int
    """Exchange time of this response."""
    base_asset: str = ""
    quote_asset: str = ""
    price_decimals: int | None = None
    """None: the exchange does not list the pair."""
    quantity_decimals: int | None = None
    watched_s: float = 0.0
    problem: str = ""
    """Why it has no streams; empty: it has."""
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    priced_ms: int | None = None
    """Time of the newest message about it; None: none yet."""
    bids: tuple[LevelRow, ...] = ()
    """Best first, as many as requested or available."""
    asks: tuple[LevelRow, ...] = ()
    leveled_ms: int | None = None
    """Time of these levels; None: the few levels used for trading, or none."""
    is_exact: bool = False
    """Whether the levels are reliable: complete, recent and not crossed."""
    trades: tuple[TradeRow, ...] = ()
    """Newest first."""
    path: tuple[SpanRow, ...] = ()
    """Oldest first."""
    path_step_ms: int = 0
    """Length of one interval of the path."""
    holes: tuple[tuple[int, int], ...] = ()
    """Gaps in the trades of the path, as (from, until)."""
    opens_ms: int | None = None
    opened_ms: int | None = None
    fills: tuple[OwnFillRow, ...] = ()
    """The desk's own fills, newest first."""
    exits: tuple[ExitLevelRow, ...] = ()
    """Exits of the open position, highest price first; empty: no open position."""
