"""Converts public stream messages to model types. Raises only `BadStreamMessage`."""

from decimal import Decimal
from itertools import pairwise

from mexc_tui.exchange.streams.numbers import (
    is_nothing,
    positive_of,
    price_of,
    quantity_of,
    side_of,
    time_of,
    version_of,
)
from mexc_tui.model.stream import BadStreamMessage, BestQuote, StreamDeal, TopLevels
from mexc_tui.model.text import clean_name
from mexc_tui.proto import stream_pb2 as wire
from mexc_tui.proto.stream_pb2 import Push


def deals_of(push: Push) -> list[StreamDeal]:
    """Return the trades of an aggre.deals message, oldest first."""
    symbol = clean_name(push.symbol)
    return [
        StreamDeal(
            symbol=symbol,
            price=price_of(deal.price),
            quantity=positive_of(deal.quantity),
            taker_side=side_of(deal.trade_type),
            time_ms=time_of(deal.time),
            trade_id=clean_name(deal.trade_id),
        )
        for deal in push.aggre_deals.deals
    ]


def best_quote_of(push: Push) -> BestQuote:
    """Return the quote of an aggre.bookTicker message.

    Both sides may be None, as for a pair before its opening.
    """
    body = push.aggre_book_ticker
    return _quote(push.symbol, body, version=version_of(body.version), sent_ms=push.send_time)


def _quote(
    symbol: str, body: wire.AggreBookTicker | wire.BookTicker, *, version: int, sent_ms: int
) -> BestQuote:
    bid = None if is_nothing(body.bid_price) else price_of(body.bid_price, "bid")
    ask = None if is_nothing(body.ask_price) else price_of(body.ask_price, "ask")
    if bid is not None and ask is not None and bid > ask:
        raise BadStreamMessage(f"bid {bid} is above ask {ask}")
    bid_quantity = quantity_of(body.bid_quantity, "bid quantity")
    ask_quantity = quantity_of(body.ask_quantity, "ask quantity")
    return BestQuote(
        symbol=clean_name(symbol),
        bid_price=bid,
        bid_quantity=bid_quantity,
        ask_price=ask,
        ask_quantity=ask_quantity,
        version=version,
        sent_ms=sent_ms,
    )


def top_levels_of(push: Push) -> TopLevels:
    """Return the levels of a limit.depth message. An empty or crossed book raises BadStreamMessage.

    A locked book (bid equal to ask) is valid: it occurs for moments.
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
    return TopLevels(
        symbol=clean_name(push.symbol),
        asks=asks,
        bids=bids,
        version=version_of(body.version),
        sent_ms=push.send_time,
    )


def _check_order(keys: list[Decimal], name: str) -> None:
    if any(left >= right for left, right in pairwise(keys)):
        raise BadStreamMessage(f"{name} are not sorted best first")
