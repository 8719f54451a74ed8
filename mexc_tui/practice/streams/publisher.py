"""Publisher: encodes each event once and sends it to all subscribers of the topic."""

from decimal import Decimal
from typing import Protocol

from mexc_tui.model.order import Side
from mexc_tui.practice.matching.values import BalanceChange, Fill, OrderRecord, PracticeTrade
from mexc_tui.practice.session import ExchangeSession
from mexc_tui.practice.streams.channels import PRIVATE, ChannelKind, ChannelTopic
from mexc_tui.practice.streams.feeds import (
    BatchTickerFeed,
    BookTickerFeed,
    ChannelFeed,
    DealsFeed,
    DepthFeed,
    LimitDepthFeed,
)
from mexc_tui.practice.streams.frames import frame
from mexc_tui.practice.streams.private_pushes import account_push, deal_push, order_push
from mexc_tui.practice.streams.ticker_feeds import KlineFeed, MiniTickerFeed, MiniTickersFeed


class Listener(Protocol):
    """A subscriber's socket."""

    def push(self, channel: str, data: bytes) -> None:
        """Queue a frame until the next flush."""
        ...

    def flush(self) -> None:
        """Write the queued frames."""
        ...


class _FeedListeners:
    """A feed and its listeners."""

    def __init__(self, feed: ChannelFeed) -> None:
        self.feed = feed
        self.listeners: list[Listener] = []
        self.is_waiting = False


class _Period:
    """The feeds of one interval: periodic ones and those with pending data."""

    def __init__(self, length_ms: int) -> None:
        self.length_ms = length_ms
        self.steady: list[_FeedListeners] = []
        self.waiting: list[_FeedListeners] = []
        self._last = -1

    def next_ms(self, now_ms: int) -> int | None:
        """Return the start of the next interval with a push."""
        if not self.steady and not self.waiting:
            return None
        return max(now_ms // self.length_ms, self._last) * self.length_ms + self.length_ms

    def due(self, now_ms: int) -> list[_FeedListeners]:
        """Return the feeds due now, at most once per interval."""
        if now_ms // self.length_ms <= self._last or not (self.steady or self.waiting):
            return []
        self._last = now_ms // self.length_ms
        lines = self.steady + self.waiting
        for line in self.waiting:
            line.is_waiting = False
        self.waiting = []
        return lines


class Publisher:
    """Subscriber of the session that turns events into pushes."""

    def __init__(self, session: ExchangeSession) -> None:
        self._session = session
        self._lines: dict[str, _FeedListeners] = {}
        self._of_symbol: dict[str, list[_FeedListeners]] = {}
        self._periods: dict[int, _Period] = {}
        self._private: dict[ChannelKind, dict[Listener, str]] = {kind: {} for kind in PRIVATE}
        self._touched: dict[Listener, None] = {}
        self.shown_ms = session.now_ms
        """Time of the exchange's clock: `sendTime` of pushes."""
        session.sinks.append(self)

    # Subscriptions

    def subscribe(self, listener: Listener, topic: ChannelTopic) -> None:
        """Start sending a topic to a listener."""
        if topic.kind in PRIVATE:
            self._private[topic.kind][listener] = topic.text
            return
        line = self._lines.get(topic.text) or self._open(topic)
        line.listeners.append(listener)

    def unsubscribe(self, listener: Listener, topic: ChannelTopic) -> None:
        """Stop sending a topic to a listener."""
        if topic.kind in PRIVATE:
            self._private[topic.kind].pop(listener, None)
            return
        line = self._lines[topic.text]
        line.listeners.remove(listener)
        if not line.listeners:
            self._close(line)

    def _open(self, topic: ChannelTopic) -> _FeedListeners:
        line = _FeedListeners(open_feed(topic, self._session))
        self._lines[topic.text] = line
        self._of_symbol.setdefault(topic.symbol, []).append(line)
        period = self._periods.setdefault(line.feed.period_ms, _Period(line.feed.period_ms))
        if line.feed.is_steady:
            period.steady.append(line)
        return line

    def _close(self, line: _FeedListeners) -> None:
        topic = line.feed.topic
        del self._lines[topic.text]
        self._of_symbol[topic.symbol].remove(line)
        period = self._periods[line.feed.period_ms]
        if line.feed.is_steady:
            period.steady.remove(line)
        if line.is_waiting:
            period.waiting.remove(line)

    # Schedule

    def next_push_ms(self, now_ms: int) -> int | None:
        """Return the time of the next push; None: none."""
        times = [period.next_ms(now_ms) for period in self._periods.values()]
        return min((time for time in times if time is not None), default=None)

    def publish(self, now_ms: int) -> None:
        """Send all due pushes."""
        for period in self._periods.values():
            for line in period.due(now_ms):
                self._send(line)
        self.flush()

    def flush(self) -> None:
        """Write all queued frames."""
        touched, self._touched = self._touched, {}
        for listener in touched:
            listener.flush()

    def _send(self, line: _FeedListeners) -> None:
        message = line.feed.message(self.shown_ms)
        if message is None:
            return
        packed = frame(message)
        channel = line.feed.topic.text
        for listener in line.listeners:
            listener.push(channel, packed)
            self._touched[listener] = None

    # Events of the session (MessageSink)

    def on_trade(self, symbol: str, trade: PracticeTrade) -> None:
        """Pass the event to the feeds of the pair."""
        for line in self._of_symbol.get(symbol, ()):
            if line.feed.on_trade(trade):
                self._wait(line)

    def on_level(self, symbol: str, side: Side, price: Decimal, *, quantity: Decimal, version: int) -> None:
        """Pass the event to the feeds of the pair."""
        for line in self._of_symbol.get(symbol, ()):
            if line.feed.on_level(side, price, quantity, version=version):
                self._wait(line)

    def on_order(self, order: OrderRecord) -> None:
        """Push immediately."""
        for listener, channel in self._private[ChannelKind.ORDERS].items():
            self._push_now(listener, channel, order_push(channel, order, self.shown_ms))

    def on_deal(self, fill: Fill) -> None:
        """Push immediately."""
        for listener, channel in self._private[ChannelKind.DEALS].items():
            self._push_now(listener, channel, deal_push(channel, fill, self.shown_ms))

    def on_balance(self, change: BalanceChange) -> None:
        """Push immediately."""
        for listener, channel in self._private[ChannelKind.ACCOUNT].items():
            self._push_now(listener, channel, account_push(channel, change, self.shown_ms))

    def _wait(self, line: _FeedListeners) -> None:
        if not line.is_waiting and not line.feed.is_steady:
            line.is_waiting = True
            self._periods[line.feed.period_ms].waiting.append(line)

    def _push_now(self, listener: Listener, channel: str, message: bytes) -> None:
        listener.push(channel, frame(message))
        self._touched[listener] = None


def open_feed(topic: ChannelTopic, session: ExchangeSession) -> ChannelFeed:
    """Return a new feed for a public topic; its pair must be visible."""
    if topic.kind is ChannelKind.MINI_TICKERS:
        return MiniTickersFeed(topic, session)
    pair = session.pair(topic.symbol)
    if pair is None:
        raise LookupError(topic.symbol)
    simple = _OF_PAIR.get(topic.kind)
    return simple(topic, pair) if simple is not None else _OF_SESSION[topic.kind](topic, pair, session)


_OF_PAIR = {
    ChannelKind.AGGRE_DEALS: DealsFeed,
    ChannelKind.AGGRE_DEPTH: DepthFeed,
    ChannelKind.AGGRE_BOOK_TICKER: BookTickerFeed,
    ChannelKind.BOOK_TICKER_BATCH: BatchTickerFeed,
}
_OF_SESSION = {
    ChannelKind.LIMIT_DEPTH: LimitDepthFeed,
    ChannelKind.KLINE: KlineFeed,
    ChannelKind.MINI_TICKER: MiniTickerFeed,
}
