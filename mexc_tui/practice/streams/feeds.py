"""Feeds of trades and order books: one per topic, collecting events for its next push (protocol 7.5)."""

from decimal import Decimal
from typing import Protocol

from mexc_tui.model.order import Side
from mexc_tui.practice.matching.numbers import trimmed
from mexc_tui.practice.matching.pairs import PracticePair
from mexc_tui.practice.matching.values import PracticeLevel, PracticeTrade
from mexc_tui.practice.session import ExchangeSession
from mexc_tui.practice.streams.channels import ChannelTopic
from mexc_tui.practice.streams.frames import head, sent_at
from mexc_tui.proto import stream_pb2 as pb

LIMIT_DEPTH_MS = 10
BATCH_MS = 100

_SIDE_NUMBER = {Side.BUY: 1, Side.SELL: 2}


class ChannelFeed(Protocol):
    """Interface of a topic for the publisher. Nothing is collected without a subscriber."""

    topic: ChannelTopic
    period_ms: int
    is_steady: bool
    """Whether it pushes every period, changed or not."""

    def on_trade(self, trade: PracticeTrade) -> bool:
        """Add a trade; return whether a push is pending."""
        ...

    def on_level(self, side: Side, price: Decimal, quantity: Decimal, *, version: int) -> bool:
        """Add a changed level; return whether a push is pending."""
        ...

    def message(self, shown_ms: int) -> bytes | None:
        """Encode the push of all events since the last one; `shown_ms`: time of the exchange's clock."""
        ...


class PairFeed:
    """A topic of one pair that collects nothing."""

    is_steady = False

    def __init__(self, topic: ChannelTopic, pair: PracticePair, period_ms: int) -> None:
        self.topic = topic
        self.period_ms = period_ms
        self._pair = pair
        self._head = head(topic.text, pair.symbol)

    def on_trade(self, trade: PracticeTrade) -> bool:
        """Ignored."""
        del trade
        return False

    def on_level(self, side: Side, price: Decimal, quantity: Decimal, *, version: int) -> bool:
        """Ignored."""
        del side, price, quantity, version
        return False

    def _wrap(self, shown_ms: int, body: pb.Push) -> bytes:
        return self._head + sent_at(shown_ms) + body.SerializeToString()


class DealsFeed(PairFeed):
    """aggre.deals: the trades of a period."""

    def __init__(self, topic: ChannelTopic, pair: PracticePair) -> None:
        super().__init__(topic, pair, topic.period_ms)
        self._deals: list[pb.Deal] = []

    def on_trade(self, trade: PracticeTrade) -> bool:
        """Add the trade to the next push."""
        self._deals.append(
            pb.Deal(
                price=trimmed(trade.price),
                quantity=trimmed(trade.quantity),
                trade_type=_SIDE_NUMBER[trade.taker_side],
                time=trade.time_ms,
                trade_id=trade.trade_id,
            )
        )
        return True

    def message(self, shown_ms: int) -> bytes | None:
        """Encode the collected trades."""
        if not self._deals:
            return None
        deals, self._deals = self._deals, []
        body = pb.AggreDeals(deals=deals, event_type=self.topic.event_type)
        return self._wrap(shown_ms, pb.Push(aggre_deals=body))


class DepthFeed(PairFeed):
    """aggre.depth: the last quantity of each level changed in a period; version ranges are contiguous."""

    def __init__(self, topic: ChannelTopic, pair: PracticePair) -> None:
        super().__init__(topic, pair, topic.period_ms)
        self._from_version = pair.version + 1
        self._to_version = pair.version
        self._sides: dict[Side, dict[Decimal, Decimal]] = {Side.BUY: {}, Side.SELL: {}}

    def on_level(self, side: Side, price: Decimal, quantity: Decimal, *, version: int) -> bool:
        """Record the level's latest quantity."""
        self._sides[side][price] = quantity
        self._to_version = version
        return True

    def message(self, shown_ms: int) -> bytes | None:
        """Encode the changed levels."""
        if self._to_version < self._from_version:
            return None
        body = pb.AggreDepths(
            asks=_levels(self._sides[Side.SELL]),
            bids=_levels(self._sides[Side.BUY]),
            event_type=self.topic.event_type,
            from_version=str(self._from_version),
            to_version=str(self._to_version),
            last_order_create_time=self._pair.last_order_ms,
        )
        self._from_version = self._to_version + 1
        for side in self._sides.values():
            side.clear()
        return self._wrap(shown_ms, pb.Push(aggre_depths=body))


class BookTickerFeed(PairFeed):
    """aggre.bookTicker: the best quotes each period, changed or not."""

    is_steady = True

    def __init__(self, topic: ChannelTopic, pair: PracticePair) -> None:
        super().__init__(topic, pair, topic.period_ms)
        self._written_version = -1
        self._body = b""

    def message(self, shown_ms: int) -> bytes | None:
        """Encode the quotes; the bytes of an unchanged body are reused."""
        version = self._pair.version
        if version != self._written_version:
            self._written_version = version
            self._body = self._write()
        return self._head + sent_at(shown_ms) + self._body

    def _write(self) -> bytes:
        bid, ask, version = self._pair.top()
        body = pb.AggreBookTicker(version=str(version), last_order_create_time=self._pair.last_order_ms)
        body.bid_price, body.bid_quantity = _quote(bid)
        body.ask_price, body.ask_quantity = _quote(ask)
        return pb.Push(aggre_book_ticker=body).SerializeToString()


class BatchTickerFeed(PairFeed):
    """bookTicker.batch: each best quote since the last push."""

    def __init__(self, topic: ChannelTopic, pair: PracticePair) -> None:
        super().__init__(topic, pair, BATCH_MS)
        self._last: tuple[PracticeLevel | None, PracticeLevel | None] = (None, None)
        self._items: list[pb.BookTicker] = []

    def on_level(self, side: Side, price: Decimal, quantity: Decimal, *, version: int) -> bool:
        """Record the best quotes if they moved."""
        del side, price, quantity, version
        bid, ask, _ = self._pair.top()
        if (bid, ask) == self._last:
            return False
        self._last = (bid, ask)
        item = pb.BookTicker()
        item.bid_price, item.bid_quantity = _quote(bid)
        item.ask_price, item.ask_quantity = _quote(ask)
        self._items.append(item)
        return True

    def message(self, shown_ms: int) -> bytes | None:
        """Encode the collected quotes."""
        if not self._items:
            return None
        items, self._items = self._items, []
        body = pb.BookTickerBatch(
            items=items,
            version=str(self._pair.version),
            last_order_create_time=self._pair.last_order_ms,
        )
        return self._wrap(shown_ms, pb.Push(book_ticker_batch=body))


class LimitDepthFeed(PairFeed):
    """limit.depth: the best levels, after each change."""

    def __init__(self, topic: ChannelTopic, pair: PracticePair, session: ExchangeSession) -> None:
        super().__init__(topic, pair, LIMIT_DEPTH_MS)
        self._session = session
        self._last: tuple[list[PracticeLevel], list[PracticeLevel]] = ([], [])

    def on_level(self, side: Side, price: Decimal, quantity: Decimal, *, version: int) -> bool:
        """Read the order book again at the next push."""
        del side, price, quantity, version
        return True

    def message(self, shown_ms: int) -> bytes | None:
        """Encode the best levels if they changed since the last push."""
        if self._session.pair(self.topic.symbol) is None:
            return None
        depth = self._session.depth(self.topic.symbol, self.topic.depth)
        if (depth.bids, depth.asks) == self._last:
            return None
        self._last = (depth.bids, depth.asks)
        body = pb.LimitDepths(
            asks=_levels(dict(depth.asks)),
            bids=_levels(dict(depth.bids)),
            event_type=self.topic.event_type,
            version=str(depth.version),
            last_order_create_time=self._pair.last_order_ms,
        )
        return self._wrap(shown_ms, pb.Push(limit_depths=body))


def _levels(levels: dict[Decimal, Decimal]) -> list[pb.Level]:
    return [pb.Level(price=trimmed(price), quantity=trimmed(quantity)) for price, quantity in levels.items()]


def _quote(level: PracticeLevel | None) -> tuple[str, str]:
    return ("0", "0") if level is None else (trimmed(level.price), trimmed(level.quantity))
