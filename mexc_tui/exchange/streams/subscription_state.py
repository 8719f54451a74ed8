"""One subscribed topic: what waits to be handled, and how well it is served."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from mexc_tui.exchange.streams.topics import Queueing, StreamTopic, TopicKind
from mexc_tui.model.number import version_number
from mexc_tui.model.stream import NS_PER_S, Strikes
from mexc_tui.proto.stream_pb2 import Push

SERIES_BOUND = 256
"""Parts of a series that may wait before they are dropped and a gap is reported."""

_ALWAYS_PUSHING = frozenset({TopicKind.BEST_QUOTE, TopicKind.MINI_TICKER, TopicKind.MINI_TICKERS})


class SubscriptionPhase(Enum):
    """State of a subscription."""

    PENDING = "asked"
    """Not acknowledged yet, or the connection is being made."""
    LIVE = "live"
    REFUSED = "refused"
    """The exchange said no; it is asked again now and then (a pair may not exist yet)."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """A topic for display. `age_s` is None before the first message; `reason` explains why it is not live.

    Stale is the connection: a pair that does not trade is not.
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
    """A wanted topic. Sockets put frames in, one handler takes them out in the order of arrival."""

    def __init__(self, topic: StreamTopic, now_ns: int, stale_after_s: float) -> None:
        """Start unserved; its age counts from `now_ns` until the first message."""
        self.topic = topic
        self.frames: deque[tuple[bytes, int]] = deque()
        self.turns = 0
        """How many turns the inbox owes it; at most one for each waiting frame is added."""
        self.carriers: list[object] = []
        """The sockets on which it is acknowledged: two during a rotation."""
        self.phase = SubscriptionPhase.PENDING
        self.reason = "not connected yet"
        self.overlap_filter: OverlapFilter | None = None
        self.strikes = Strikes()
        self.messages = 0
        self.conflated = 0
        self.dropped = 0
        self.gaps = 0
        self.requested_ns = now_ns
        """When it was last subscribed, or asked for elsewhere."""
        self.stale_after_s = stale_after_s
        self._since_ns = now_ns
        self._last_message_ns: int | None = None

    def put(self, frame: bytes, now_ns: int) -> bool:
        """Keep a frame; False means that waiting parts of a series were given up for it."""
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
        """Count a message that made sense."""
        self.messages += 1
        self._last_message_ns = now_ns

    def mark_live(self) -> None:
        """Record that a socket carries it. Its age keeps counting from the last message."""
        self.phase, self.reason = SubscriptionPhase.LIVE, ""
        self.strikes.clear()

    def mark_lost(self, reason: str) -> None:
        """Note that no socket bears it any more."""
        self.phase, self.reason = SubscriptionPhase.PENDING, reason
        self.gaps += 1

    def age_s(self, now_ns: int) -> float:
        """Return seconds since the last message, or since it was wanted."""
        last_message_ns = self._since_ns if self._last_message_ns is None else self._last_message_ns
        return (now_ns - last_message_ns) / NS_PER_S

    def is_stale(self, now_ns: int) -> bool:
        """Return whether its data should not be trusted: unserved, absurd too often, or mute.

        Only a channel that always pushes can be mute. The others push what changes: their silence is that of
        the market, and a dead connection ends their being served.
        """
        is_mute = self.topic.kind in _ALWAYS_PUSHING and self.age_s(now_ns) > self.stale_after_s
        return self.phase is not SubscriptionPhase.LIVE or is_mute or self.strikes.are_out(now_ns)

    def is_mute(self, now_ns: int, after_s: float) -> bool:
        """Return whether an acknowledged channel that should always push is silent (reliability M3, M4)."""
        is_expected = self.topic.kind in _ALWAYS_PUSHING and self.phase is SubscriptionPhase.LIVE
        return is_expected and min(self.age_s(now_ns), (now_ns - self.requested_ns) / NS_PER_S) > after_s

    def state(self, now_ns: int) -> FeedState:
        """Return what to show of it."""
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
    """Removes duplicates while one socket takes over from another: each message is passed on once.

    It starts before the younger socket subscribes, and that one is told nothing from before, so remembering
    since then is enough.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._trades: set[str] = set()
        self._private: set[bytes] = set()
        self._version = 0

    def is_duplicate(self, push: Push) -> bool:
        """Return whether nothing in `push` is new; known trades are removed from it."""
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
        """Return whether the same private news came before; only the sending time may differ."""
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
