"""What a face is shown of one pair's market: levels, trades, the way of the price, and what we have in it.

Prices are quote units for one base unit, quantities base units, values quote units; `_ms` are Unix
milliseconds of the exchange. The path is made of floats: it is drawn, nothing is decided from it.
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
    """One level of a book."""

    price: Decimal
    quantity: Decimal
    value: Decimal
    """Of this level and all better ones, in quote units."""


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trade of the market."""

    at_ms: int
    price: Decimal
    quantity: Decimal
    side: Side | None
    """What the taker did; None: the exchange sent a number that nobody knows."""


class SpanRow(msgspec.Struct, frozen=True, kw_only=True):
    """Trades of one span of the path. Spans without a trade are left out."""

    start_ms: int
    low: float
    high: float
    last: float
    value: float
    """Traded, in quote units."""


class OwnFillRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one order of ours bought or sold so far, at its average price."""

    at_ms: int
    """When it was told last."""
    side: Side
    role: OrderRole
    price: Decimal
    quantity: Decimal
    client_order_id: str


class ExitLevelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One price at which a position of ours is left, or its stop moves."""

    name: str
    """`stop`, `trailing` (where it begins, or follows), `break-even`, `entry`, `rung 1`, ..."""
    price: Decimal
    quantity: Decimal | None
    """What is sold there; None: nothing by itself."""
    where: str
    """`engine`, `exchange`, `sold`, `too small`, `nowhere`; empty: it is a mark, no order."""


class MarketRow(Row, frozen=True, kw_only=True):
    """One pair, as a face shows it. Asking has the engine watch its streams for `watched_s` more seconds."""

    symbol: str
    at_ms: int
    """The exchange's time of this answer."""
    base_asset: str = ""
    quote_asset: str = ""
    price_decimals: int | None = None
    """None: the exchange does not show the pair (yet)."""
    quantity_decimals: int | None = None
    watched_s: float = 0.0
    problem: str = ""
    """Why it is not watched, in plain words; empty: it is."""
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    priced_ms: int | None = None
    """When the newest message about it was heard; None: none was."""
    bids: tuple[LevelRow, ...] = ()
    """Best first, as many as were asked for or are known."""
    asks: tuple[LevelRow, ...] = ()
    leveled_ms: int | None = None
    """When these levels were heard; None: they are the few that trading hears, or there are none."""
    is_exact: bool = False
    """Whether the levels are what the exchange has: heard whole, lately, and not crossed."""
    trades: tuple[TradeRow, ...] = ()
    """Newest first."""
    path: tuple[SpanRow, ...] = ()
    """Oldest first."""
    path_step_ms: int = 0
    """How long one span of the path is."""
    holes: tuple[tuple[int, int], ...] = ()
    """Spans of the path in which trades could not be seen, as (from, until)."""
    opens_ms: int | None = None
    opened_ms: int | None = None
    fills: tuple[OwnFillRow, ...] = ()
    """Of ours, newest first."""
    exits: tuple[ExitLevelRow, ...] = ()
    """Of the open position, highest price first; empty: none is open."""
