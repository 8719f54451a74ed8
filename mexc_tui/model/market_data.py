"""Public market data of the REST API (protocol 4.1, 4.3)."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.answer import Count, EndpointResponse, Ms, NumberText


class Interval(StrEnum):
    """Candle lengths of the REST API: 60m instead of 1h, capital W and M."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "60m"
    H4 = "4h"
    D1 = "1d"
    W1 = "1W"
    MONTH1 = "1M"


class ServerTime(EndpointResponse, frozen=True):
    """GET time."""

    server_time: Ms


class DepthSnapshot(EndpointResponse, frozen=True):
    """GET depth: levels `(price, quantity)` as printed, best first, at most 2,000 per side.

    Prices are padded here and trimmed on the stream, so order books are keyed by number, not by text.
    """

    last_update_id: Count
    bids: tuple[tuple[NumberText, NumberText], ...]
    asks: tuple[tuple[NumberText, NumberText], ...]
    timestamp: Ms | None = None


class PublicTrade(EndpointResponse, frozen=True):
    """One element of GET trades; newest first."""

    price: Decimal
    quantity: Decimal = msgspec.field(name="qty")
    time: Ms
    buyer_is_maker: bool = msgspec.field(name="isBuyerMaker")
    quote_quantity: Decimal | None = msgspec.field(name="quoteQty", default=None)
    trade_type: str | None = None
    """BID: the taker bought."""


class Kline(EndpointResponse, frozen=True, array_like=True):
    """One row of GET klines; oldest first. `close_time` equals the next row's `open_time`."""

    open_time: Ms
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    close_time: Ms
    quote_volume: Decimal


class AveragePrice(EndpointResponse, frozen=True):
    """GET avgPrice, over `mins` minutes."""

    mins: Count
    price: Decimal | None


TICKER_FIELDS = frozenset(
    {
        *("lastPrice", "price", "priceChange", "priceChangePercent", "prevClosePrice"),
        *("bidPrice", "bidQty", "askPrice", "askQty", "openPrice", "highPrice", "lowPrice"),
        *("volume", "quoteVolume", "openTime", "closeTime"),
    }
)
"""Numbers of a ticker: null or "" means none, such as a side without quotes (protocol 4.10)."""


_QUOTES = ("bid_price", "bid_quantity", "ask_price", "ask_quantity")


def _drop_zero_quotes(ticker: "Ticker24h | BookTicker") -> None:
    """Replace zero quotes by None: a side without orders is quoted as 0 (protocol 4.10)."""
    for name in _QUOTES:
        if getattr(ticker, name) == 0:
            msgspec.structs.force_setattr(ticker, name, None)


class Ticker24h(EndpointResponse, frozen=True):
    """GET ticker/24hr. Prices are None for a pair without trades or quotes."""

    symbol: str
    last_price: Decimal | None = None
    price_change: Decimal | None = None
    price_change_percent: Decimal | None = None
    """A ratio: -0.0055 means -0.55 %."""
    prev_close_price: Decimal | None = None
    bid_price: Decimal | None = None
    bid_quantity: Decimal | None = msgspec.field(name="bidQty", default=None)
    ask_price: Decimal | None = None
    ask_quantity: Decimal | None = msgspec.field(name="askQty", default=None)
    open_price: Decimal | None = None
    high_price: Decimal | None = None
    low_price: Decimal | None = None
    volume: Decimal | None = None
    quote_volume: Decimal | None = None
    open_time: Ms | None = None
    close_time: Ms | None = None

    def __post_init__(self) -> None:
        _drop_zero_quotes(self)


class PriceTicker(EndpointResponse, frozen=True):
    """GET ticker/price."""

    symbol: str
    price: Decimal | None = None


class BookTicker(EndpointResponse, frozen=True):
    """GET ticker/bookTicker. Prices and quantities of a side without orders are None."""

    symbol: str
    bid_price: Decimal | None = None
    bid_quantity: Decimal | None = msgspec.field(name="bidQty", default=None)
    ask_price: Decimal | None = None
    ask_quantity: Decimal | None = msgspec.field(name="askQty", default=None)

    def __post_init__(self) -> None:
        _drop_zero_quotes(self)
