"""400,000 mutated frames: only our error, no absurd value (reliability 4.14, M7, M8)."""

from collections.abc import Callable
from decimal import Decimal
from random import Random

import pytest

from mexc_tui.exchange.streams.codec import BadStreamMessage, check, decode
from mexc_tui.exchange.streams.market_messages import (
    best_quote_of,
    deals_of,
    top_levels_of,
)
from mexc_tui.exchange.streams.private_messages import private_of
from mexc_tui.exchange.streams.topics import StreamTopic, TopicKind
from mexc_tui.market.book import OrderBook
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.model.stream import BalanceUpdate, BestQuote, FillUpdate, OrderUpdate, StreamDeal
from mexc_tui.proto.stream_pb2 import Push
from tests.support.samples import stream_frames as frames

FRAMES_PER_RUN = 400_000
PARTS = 4
SNAPSHOT = DepthSnapshot(last_update_id=100, bids=(("2.40", "1"),), asks=(("2.60", "1"),))


def sane_price(value: Decimal | float) -> bool:
    return 0 < value <= 10**12


def sane_amount(value: Decimal | float) -> bool:
    return 0 <= value <= 10**20


def sane_deals(push: Push) -> bool:
    return all(_sane_deal(deal) for deal in deals_of(push))


def _sane_deal(deal: StreamDeal) -> bool:
    return sane_price(deal.price) and sane_amount(deal.quantity) and deal.quantity > 0


def sane_quote(quote: BestQuote) -> bool:
    prices = [price for price in (quote.bid_price, quote.ask_price) if price is not None]
    in_order = len(prices) < 2 or prices[0] <= prices[1]
    return in_order and all(sane_price(price) for price in prices)


def sane_depth(push: Push) -> bool:
    book = OrderBook("MXUSDT")
    book.load(SNAPSHOT, 0)
    book.apply(push.aggre_depths, 0)
    bid, ask = book.best_bid, book.best_ask
    levels = book.asks() + book.bids()
    is_uncrossed = bid is None or ask is None or bid <= ask
    return is_uncrossed and all(sane_price(price) and 0 < quantity <= 1e20 for price, quantity in levels)


def sane_levels(push: Push) -> bool:
    levels = top_levels_of(push)
    both = levels.asks + levels.bids
    is_uncrossed = not levels.asks or not levels.bids or levels.bids[0][0] <= levels.asks[0][0]
    return bool(both) and is_uncrossed and all(sane_price(price) for price, _ in both)


def sane_private(push: Push) -> bool:
    match private_of(push):
        case OrderUpdate() as order:
            amounts = (order.price, order.quantity, order.filled_quantity, order.filled_amount, order.amount)
            return all(sane_amount(amount) for amount in amounts) and order.order_id.isprintable()
        case FillUpdate() as fill:
            return sane_price(fill.price) and fill.quantity > 0 and fill.trade_id.isprintable()
        case BalanceUpdate() as balance:
            return sane_amount(balance.available) and balance.asset.isprintable()


SANE: dict[TopicKind, Callable[[Push], bool]] = {
    TopicKind.DEALS: sane_deals,
    TopicKind.DEPTH: sane_depth,
    TopicKind.BEST_QUOTE: lambda push: sane_quote(best_quote_of(push)),
    TopicKind.TOP_LEVELS: sane_levels,
    TopicKind.PRIVATE_ORDERS: sane_private,
    TopicKind.PRIVATE_DEALS: sane_private,
    TopicKind.ACCOUNT: sane_private,
}

TRICKS = (b"-", b"e", b"E", b"9", b"0", b".", b"n", b"_", b"\xff", b"\x00", b"\x1b", b"1e30", b"nan", b"inf")


def mutate(frame: bytes, rng: Random) -> bytes:
    """Return the frame with one to three mutations: changed, added, removed or repeated bytes."""
    mutated = bytearray(frame)
    for _ in range(1 + int(rng.random() * 3)):
        place = int(rng.random() * (len(mutated) or 1))
        way = rng.random()
        if way < 0.4:
            mutated[place : place + 1] = bytes((int(rng.random() * 256),))
        elif way < 0.8:
            trick = TRICKS[int(rng.random() * len(TRICKS))]
            mutated[place : place + len(trick)] = trick
        elif way < 0.9:
            del mutated[place : place + 1 + int(rng.random() * 4)]
        elif way < 0.95:
            mutated[place:place] = mutated[place : place + 8]
        else:
            del mutated[place:]
    return bytes(mutated)


def is_sane_or_rejected(topic: StreamTopic, frame: bytes) -> bool | None:
    """Return whether the accepted values are sane; None if the frame was rejected or ignored."""
    try:
        push = decode(frame)
        if not check(topic, push):
            return None
        is_sane = SANE.get(topic.kind)  # the desk reads no values of the other kinds
        return is_sane is None or is_sane(push)
    except BadStreamMessage:
        return None


def test_the_unchanged_frames_pass() -> None:
    templates = frames.all_frames()
    assert {topic.kind for topic, _ in templates} == set(TopicKind)
    assert all(is_sane_or_rejected(topic, frame) for topic, frame in templates)


@pytest.mark.parametrize("part", range(PARTS))
def test_M7_M8_mutated_frames_raise_only_our_error_and_pass_no_absurd_value(part: int) -> None:
    rng = Random(f"frames {part}")
    templates = frames.all_frames()
    passed = 0
    for number in range(FRAMES_PER_RUN // PARTS):
        topic, frame = templates[number % len(templates)]
        mutated = mutate(frame, rng)
        verdict = is_sane_or_rejected(topic, mutated)
        assert verdict is not False, (topic.channel, mutated.hex())
        passed += verdict is True
    assert passed > FRAMES_PER_RUN // PARTS // 50  # enough mutants remain valid to be checked
