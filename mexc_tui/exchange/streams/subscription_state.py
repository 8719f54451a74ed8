"""State of one subscribed topic: waiting frames, counters, staleness."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from mexc_tui.exchange.streams.topics import Queueing, StreamTopic, TopicKind
from mexc_tui.model.number import version_number
from mexc_tui.model.stream import NS_PER_S, Strikes
from mexc_tui.proto.stream_pb2 import Push

SERIES_BOUND = 256
"""Waiting messages of a series beyond which they are dropped and a gap is reported."""

_ALWAYS_PUSHING = frozenset({TopicKind.BEST_QUOTE, TopicKind.MINI_TICKER, TopicKind.MINI_TICKERS})


class SubscriptionPhase(Enum):
    """State of a subscription."""

    PENDING = "asked"
    """Not acknowledged yet, or not connected."""
    LIVE = "live"
    REFUSED = "refused"
    """Refused by the exchange; retried periodically, because the pair may not exist yet."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """State of a topic, for display. `age_s` is None before the first message; `reason`: why it is not live.

    A pair without trades is not stale by itself.
    """

    topic: StreamTopic
    phase: SubscriptionPhase
    is_stale: bool
    age_s: float | None
    messages: int
    rejected: int
    conflated: int
    dropped: int
    gaps: int
    reason: str


class SubscriptionState:
    """A subscribed topic with its queue: sockets put frames, one handler removes them in order of arrival."""

    def __init__(self, topic: StreamTopic, now_ns: int, stale_after_s: float) -> None:
        """Start without a connection. The age counts from `now_ns` until the first message."""
        self.topic = topic
        self.frames: deque[tuple[bytes, int]] = deque()
        self.turns = 0
        """Number of its entries in the queue of the inbox, at most one per waiting frame."""
        self.carriers: list[object] = []
        """Sockets that carry it: two during a rotation."""
        self.phase = SubscriptionPhase.PENDING
        self.reason = "not connected yet"
        self.overlap_filter: OverlapFilter | None = None
        self.strikes = Strikes()
        self.messages = 0
        self.conflated = 0
        self.dropped = 0
        self.gaps = 0
        self.requested_ns = now_ns
        """Time of the last acknowledgement or reassignment."""
        self.stale_after_s = stale_after_s
        self._since_ns = now_ns
        self._last_message_ns: int | None = None

    def put(self, frame: bytes, now_ns: int) -> bool:
        """Queue a frame. False: waiting frames of a series were dropped for it."""
        frames, queueing = self.frames, self.topic.kind.queueing
        if frames and queueing is Queueing.LATEST:
            frames[0] = (frame, now_ns)
            self.conflated += 1
            return True
        frames.append((frame, now_ns))
        if len(frames) > SERIES_BOUND and queueing is Queueing.SERIES:
            self.dropped += len(frames) - 1
            newest = frames[-1]
            frames.clear()
            frames.append(newest)
            return False
        return True

    def record_message(self, now_ns: int) -> None:
        """Count a valid message."""
        self.messages += 1
        self._last_message_ns = now_ns

    def mark_live(self) -> None:
        """Record that a socket carries the topic. Its age still counts from the last message."""
        self.phase, self.reason = SubscriptionPhase.LIVE, ""
        self.strikes.clear()

    def mark_lost(self, reason: str) -> None:
        """Record that no socket carries the topic."""
        self.phase, self.reason = SubscriptionPhase.PENDING, reason
        self.gaps += 1

    def age_s(self, now_ns: int) -> float:
        """Return the seconds since the last message, or since the request before the first one."""
        last_message_ns = self._since_ns if self._last_message_ns is None else self._last_message_ns
        return (now_ns - last_message_ns) / NS_PER_S

    def is_stale(self, now_ns: int) -> bool:
        """Return whether its data is stale: not live, rejected too often, or silent.

        Only channels that push at a fixed interval can be silent. The others push on change: a quiet market
        is normal, and a dead connection ends the live phase.
        """
        is_mute = self.topic.kind in _ALWAYS_PUSHING and self.age_s(now_ns) > self.stale_after_s
        return self.phase is not SubscriptionPhase.LIVE or is_mute or self.strikes.are_out(now_ns)

    def is_mute(self, now_ns: int, after_s: float) -> bool:
        """Return whether a live channel with a fixed push interval is silent (reliability M3, M4)."""
        is_expected = self.topic.kind in _ALWAYS_PUSHING and self.phase is SubscriptionPhase.LIVE
        return is_expected and min(self.age_s(now_ns), (now_ns - self.requested_ns) / NS_PER_S) > after_s

    def state(self, now_ns: int) -> FeedState:
        """Return the state for display."""
        return FeedState(
            topic=self.topic,
            phase=self.phase,
            is_stale=self.is_stale(now_ns),
            age_s=None if self._last_message_ns is None else self.age_s(now_ns),
            messages=self.messages,
            rejected=self.strikes.total,
            conflated=self.conflated,
            dropped=self.dropped,
            gaps=self.gaps,
            reason=self.reason,
        )


class OverlapFilter:
    """Removes duplicates while two sockets overlap during a rotation.

    It starts before the newer socket subscribes. That socket receives no earlier messages, so remembering
    messages from then on is sufficient.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._trades: set[str] = set()
        self._private: set[bytes] = set()
        self._version = 0

    def is_duplicate(self, push: Push) -> bool:
        """Return whether `push` contains nothing new. Removes duplicate trades from it."""
        if push.HasField("aggre_deals"):
            return self._strip_deals(push)
        if push.HasField("aggre_depths"):
            return self._is_not_after(push.aggre_depths.to_version, strictly=True)
        if push.HasField("aggre_book_ticker"):
            return self._is_not_after(push.aggre_book_ticker.version, strictly=False)
        if push.HasField("limit_depths"):
            return self._is_not_after(push.limit_depths.version, strictly=False)
        return _is_private(push) and self._is_repeated(push)

    def _is_repeated(self, push: Push) -> bool:
        """Return whether the same private message was received before. The send time may differ."""
        parts = (push.private_order, push.private_deal, push.private_account)
        body = push.symbol.encode() + b"".join(part.SerializeToString(deterministic=True) for part in parts)
        if body in self._private:
            return True
        self._private.add(body)
        return False

    def _strip_deals(self, push: Push) -> bool:
        deals = push.aggre_deals.deals
        for index in range(len(deals) - 1, -1, -1):
            trade_id = deals[index].trade_id
            if trade_id and trade_id in self._trades:
                del deals[index]
        self._trades.update(deal.trade_id for deal in deals)
        return not deals

    def _is_not_after(self, text: str, *, strictly: bool) -> bool:
        version = version_number(text)
        if version is None:
            return False
        if version < self._version or (strictly and version == self._version):
            return True
        self._version = version
        return False


def _is_private(push: Push) -> bool:
    return push.HasField("private_order") or push.HasField("private_deal") or push.HasField("private_account")
