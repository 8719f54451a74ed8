"""Queue of frames between the sockets and the message handler, processed in short slices."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from mexc_tui.exchange.streams.codec import channel_bytes, check, decode
from mexc_tui.exchange.streams.subscription_state import SubscriptionState
from mexc_tui.model.stream import NS_PER_S, BadStreamMessage
from mexc_tui.model.text import clean
from mexc_tui.ports.clock import Clock
from mexc_tui.proto.stream_pb2 import Push

SLICE_NS = 250_000
"""Longest slice of stream processing before other tasks run (performance 5)."""

UNSUBSCRIBED_GRACE_NS = 30 * NS_PER_S
"""Period after an unsubscribe in which further messages of the channel are expected."""
_UNSUBSCRIBED_REMEMBERED = 1_000

log = logging.getLogger(__name__)


class UnknownMessages:
    """Counts unknown messages and logs each kind once (reliability M8)."""

    def __init__(self, limit: int = 100) -> None:
        """Log at most `limit` kinds."""
        self.total = 0
        self._limit = limit
        self._logged: set[str] = set()

    def record(self, text: str) -> None:
        """Count a message and log `text`, cleaned, unless it was logged before or the limit is reached."""
        self.total += 1
        text = clean(text)
        if text not in self._logged and len(self._logged) < self._limit:
            self._logged.add(text)
            log.warning("ignored from the exchange's stream: %s", text)


Handler = Callable[[SubscriptionState, Push, int], None]


def _ignore_unreadable(_reason: str) -> None:
    """Ignore it: public streams repeat their data."""


class Inbox:
    """Routes frames to subscriptions by channel and passes them to the handler in order of arrival."""

    def __init__(
        self,
        clock: Clock,
        *,
        handle: Handler,
        on_overflow: Callable[[SubscriptionState], None],
        on_unreadable: Callable[[str], None] = _ignore_unreadable,
    ) -> None:
        """Call `handle(feed, push, received_ns)` for each valid message; it may raise BadStreamMessage.

        `on_unreadable` receives the reason for each frame that cannot be read and is lost.
        """
        self.unroutable = 0
        self.received = 0
        self.unknown_messages = UnknownMessages()
        self._clock = clock
        self._handle = handle
        self._on_overflow = on_overflow
        self._on_unreadable = on_unreadable
        self._routes: dict[bytes, SubscriptionState] = {}
        self._unsubscribed_ns: dict[bytes, int] = {}
        """Time of the unsubscribe, for channels that may still push."""
        self._queue: deque[SubscriptionState] = deque()
        self._has_work = asyncio.Event()

    def add(self, feed: SubscriptionState) -> None:
        """Route messages of the feed's channel to it."""
        channel = feed.topic.channel.encode()
        self._routes[channel] = feed
        self._unsubscribed_ns.pop(channel, None)

    def remove(self, feed: SubscriptionState) -> None:
        """Stop routing to the feed and drop its waiting frames."""
        channel = feed.topic.channel.encode()
        self._routes.pop(channel, None)
        self._unsubscribed_ns[channel] = self._clock.monotonic_ns()
        if len(self._unsubscribed_ns) > _UNSUBSCRIBED_REMEMBERED:
            del self._unsubscribed_ns[next(iter(self._unsubscribed_ns))]
        feed.frames.clear()

    @property
    def waiting(self) -> int:
        """Number of waiting frames."""
        return sum(len(feed.frames) for feed in self._routes.values())

    def put(self, frame: bytes) -> None:
        """Queue one binary frame from a socket."""
        self.received += 1
        feed = self._routes.get(channel_bytes(frame)) or self._find(frame)
        if feed is None:
            return
        if not feed.put(frame, self._clock.monotonic_ns()):
            self._on_overflow(feed)
        if feed.turns < len(feed.frames):
            feed.turns += 1
            self._queue.append(feed)
            self._has_work.set()

    async def run(self) -> None:
        """Process frames until cancelled. A handler error other than BadStreamMessage is raised."""
        while True:
            await self._has_work.wait()
            self.process(self._clock.monotonic_ns() + SLICE_NS)
            await asyncio.sleep(0)

    def process(self, until_ns: int) -> None:
        """Process waiting frames until none is left or `until_ns` is reached."""
        queue, now_ns = self._queue, self._clock.monotonic_ns
        while queue:
            feed = queue.popleft()
            feed.turns -= 1
            if feed.frames:  # dropped frames leave empty turns
                self._handle_frame(feed, *feed.frames.popleft())
            if now_ns() >= until_ns:
                break
        if not queue:
            self._has_work.clear()

    def _handle_frame(self, feed: SubscriptionState, frame: bytes, received_ns: int) -> None:
        try:
            push = decode(frame)
            if not check(feed.topic, push):
                self._on_unreadable("a message without a known body")
                self.unknown_messages.record(f"a message without a known body on {feed.topic.channel}")
                return
            if feed.overlap_filter is not None and feed.overlap_filter.is_duplicate(push):
                return
            self._handle(feed, push, received_ns)
            feed.record_message(received_ns)
        except BadStreamMessage as error:
            self._on_unreadable(str(error))
            if feed.strikes.add(received_ns):
                log.warning(
                    "three rejected messages in a minute on %s, the last: %s", feed.topic.channel, error
                )

    def _find(self, frame: bytes) -> SubscriptionState | None:
        """Find the feed by parsing, if the channel is not the first field or is not subscribed."""
        try:
            channel = decode(frame).channel
        except BadStreamMessage as error:
            self.unroutable += 1
            self._on_unreadable(str(error))
            return None
        feed = self._routes.get(channel.encode())
        if feed is None:
            self.unroutable += 1
            if not self._was_unsubscribed(channel.encode()):
                self.unknown_messages.record(
                    f"a message of channel {channel[:80]!a}, which is not subscribed"
                )
        return feed

    def _was_unsubscribed(self, channel: bytes) -> bool:
        unsubscribed_ns = self._unsubscribed_ns.get(channel)
        return (
            unsubscribed_ns is not None
            and self._clock.monotonic_ns() - unsubscribed_ns < UNSUBSCRIBED_GRACE_NS
        )
