"""Public stream messages as values of the desk. Everything raises `BadStreamMessage` and nothing else."""

from decimal import Decimal
from itertools import pairwise

from mexc_tui.exchange.streams.numbers import (
    MAX_TIME_MS,
    is_nothing,
    positive_of,
    price_of,
    price_or_zero_of,
    quantity_of,
    side_of,
    signed_of,
    time_of,
    version_of,
)
from mexc_tui.model.stream import BadStreamMessage, BestQuote, MiniTick, StreamCandle, StreamDeal, TopLevels
from mexc_tui.model.text import clean_name
from mexc_tui.proto import stream_pb2 as wire
from mexc_tui.proto.stream_pb2 import Push


def deals_of(push: Push) -> list[StreamDeal]:
    """Return the trades of an aggre.deals message, oldest first as sent."""
    symbol = clean_name(push.symbol)
    return [
        StreamDeal(
            symbol,
            price_of(deal.price),
            positive_of(deal.quantity),
            side_of(deal.trade_type),
            time_of(deal.time),
            clean_name(deal.trade_id),
        )
        for deal in push.aggre_deals.deals
    ]


def best_quote_of(push: Push) -> BestQuote:
    """Return the quote of an aggre.bookTicker message; without any side, as a pair shows before it opens.

    That is no bad frame: it says truly that there is nothing to price by, and has no price to be absurd.
    """
    body = push.aggre_book_ticker
    return _quote(push.symbol, body, version_of(body.version))


def best_quotes_of(push: Push) -> list[BestQuote]:
    """Return the quotes of a bookTicker.batch message, oldest first."""
    body = push.book_ticker_batch
    version = version_of(body.version)
    return [_quote(push.symbol, item, version) for item in body.items]


def _quote(symbol: str, body: wire.AggreBookTicker | wire.BookTicker, version: int) -> BestQuote:
    bid = None if is_nothing(body.bid_price) else price_of(body.bid_price, "bid")
    ask = None if is_nothing(body.ask_price) else price_of(body.ask_price, "ask")
    if bid is not None and ask is not None and bid > ask:
        raise BadStreamMessage(f"bid {bid} is above ask {ask}")
    bid_quantity = quantity_of(body.bid_quantity, "bid quantity")
    ask_quantity = quantity_of(body.ask_quantity, "ask quantity")
    return BestQuote(clean_name(symbol), bid, bid_quantity, ask, ask_quantity, version)


def top_levels_of(push: Push) -> TopLevels:
    """Return the levels of a limit.depth message; both sides empty or crossed is a BadStreamMessage.

    Bid and ask may be equal for a moment: a locked book is no crossed one.
    """
    body = push.limit_depths
    asks = tuple((price_of(level.price), positive_of(level.quantity)) for level in body.asks)
    bids = tuple((price_of(level.price), positive_of(level.quantity)) for level in body.bids)
    if not asks and not bids:
        raise BadStreamMessage("an order book without levels")
    _check_order([price for price, _ in asks], "asks")
    _check_order([-price for price, _ in bids], "bids")
    if asks and bids and bids[0][0] > asks[0][0]:
        raise BadStreamMessage(f"bid {bids[0][0]} is above ask {asks[0][0]}")
    return TopLevels(clean_name(push.symbol), asks, bids, version_of(body.version))


def _check_order(keys: list[Decimal], name: str) -> None:
    if any(left >= right for left, right in pairwise(keys)):
        raise BadStreamMessage(f"{name} are not sorted best first")


def candle_of(push: Push) -> StreamCandle:
    """Return the candle of a kline message; its window is in seconds on the wire."""
    body = push.kline
    low, high = price_of(body.lowest_price, "low"), price_of(body.highest_price, "high")
    opened, closed = price_of(body.opening_price, "open"), price_of(body.closing_price, "close")
    if not low <= min(opened, closed) <= max(opened, closed) <= high:
        raise BadStreamMessage("a candle whose open or close is outside its range")
    start_s = time_of(body.window_start, "window start", MAX_TIME_MS // 1000)
    end_s = time_of(body.window_end, "window end", MAX_TIME_MS // 1000)
    if end_s < start_s:
        raise BadStreamMessage("a candle that ends before it starts")
    return StreamCandle(
        clean_name(push.symbol), clean_name(body.interval), start_s * 1000, end_s * 1000,
        opened, high, low, closed, quantity_of(body.volume, "volume"), quantity_of(body.amount, "amount"),
    )  # fmt: skip


def mini_tick_of(push: Push) -> MiniTick:
    """Return the day of a miniTicker message."""
    return _mini_tick(push.mini_ticker)


def mini_ticks_of(push: Push) -> list[MiniTick]:
    """Return the days of all symbols; one absurd item leaves out that item only, all of them raise."""
    ticks: list[MiniTick] = []
    last: BadStreamMessage | None = None
    for item in push.mini_tickers.items:
        try:
            ticks.append(_mini_tick(item))
        except BadStreamMessage as error:
            last = error
    if last is not None and not ticks:
        raise last
    return ticks


def _mini_tick(item: wire.MiniTicker) -> MiniTick:
    return MiniTick(
        clean_name(item.symbol),
        price_of(item.price),
        signed_of(item.rate, "rate"),
        price_or_zero_of(item.high, "high"),
        price_or_zero_of(item.low, "low"),
        quantity_of(item.volume, "turnover"),
        quantity_of(item.quantity, "volume"),
    )
