"""A connection with up to 30 topics, replaced when it ends or reaches its age limit (reliability M1)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from random import Random

import aiohttp

from mexc_tui.exchange.streams.replies import Ack
from mexc_tui.exchange.streams.socket import SocketEnded, SocketTimings, StreamSocket, open_socket
from mexc_tui.exchange.streams.subscription_state import OverlapFilter, SubscriptionPhase, SubscriptionState
from mexc_tui.exchange.streams.subscriptions import Subscriptions
from mexc_tui.exchange.streams.topics import MAX_TOPICS_PER_SOCKET

_HEALTHY_AFTER_S = 30

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StreamGap:
    """Messages of a topic were lost, or may have been.

    `is_closed` False: messages are being lost from now on. True: the subscription is live (again); earlier
    messages are not replayed, so fetch a snapshot. The first subscription of a topic also reports a closed
    gap.
    """

    channel: str
    is_closed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ShardParts:
    """Dependencies of a shard.

    `address` returns the URL before each connection attempt; `on_dropped` receives topics that were never
    acknowledged.
    """

    session: aiohttp.ClientSession
    address: Callable[[], Awaitable[str]]
    rng: Random
    timings: SocketTimings
    max_bytes: int
    on_frame: Callable[[bytes], None]
    on_gap: Callable[[StreamGap], None]
    on_dropped: Callable[[SubscriptionState], None]
    on_unknown: Callable[[str], None]
    on_ended: Callable[[SocketEnded], None]


@dataclass(frozen=True, slots=True)
class ShardState:
    """State of one connection, for display."""

    topics: int
    age_s: float | None
    """Age of its oldest socket; None without one."""
    messages: int
    """Messages of its current topics, including those received over other connections."""
    connects: int
    rotations: int
    reason: str
    """Reason of the last disconnect or failed attempt."""


class _Link:
    """A socket and its subscriptions."""

    def __init__(self, socket: StreamSocket, subscriptions: Subscriptions, opened_s: float) -> None:
        self.socket = socket
        self.subscriptions = subscriptions
        self.opened_s = opened_s
        self.ended = asyncio.Event()
        self.changed = asyncio.Event()
        self.settled = asyncio.Event()


class Shard:
    """Keeps its topics subscribed. Reports a gap when no socket carries a topic, and when one does again."""

    def __init__(self, parts: ShardParts) -> None:
        """Start without topics; `run` connects."""
        self.feeds: dict[str, SubscriptionState] = {}
        self.connects = 0
        self.rotations = 0
        self.failures = 0
        self.reason = "not connected yet"
        self._parts = parts
        self._links: list[_Link] = []
        self._is_rotating = False
        self._priority: frozenset[str] = frozenset()
        self._loop = asyncio.get_running_loop()

    @property
    def has_room(self) -> bool:
        """Whether one more topic fits."""
        return len(self.feeds) < MAX_TOPICS_PER_SOCKET

    @property
    def sockets(self) -> int:
        """Number of open sockets: one, two during a rotation, none while reconnecting."""
        return len(self._links)

    def state(self) -> ShardState:
        """Return the state for display."""
        oldest_s = min((link.opened_s for link in self._links), default=None)
        return ShardState(
            topics=len(self.feeds),
            age_s=None if oldest_s is None else self._loop.time() - oldest_s,
            messages=sum(feed.messages for feed in self.feeds.values()),
            connects=self.connects,
            rotations=self.rotations,
            reason=self.reason,
        )

    def silent_s(self, channel: str) -> float | None:
        """Return the seconds since a socket with this topic last received anything; None if not accepted."""
        feed = self.feeds.get(channel)
        received_s = [
            link.socket.last_received_s for link in self._links if feed is not None and link in feed.carriers
        ]
        return self._loop.time() - max(received_s) if received_s else None

    def probe(self) -> None:
        """Ping every socket immediately."""
        for link in self._links:
            link.socket.probe()

    def add(self, feed: SubscriptionState) -> None:
        """Subscribe a topic. Raises ValueError if the connection is full."""
        if not self.has_room:
            raise ValueError(f"a connection carries at most {MAX_TOPICS_PER_SOCKET} topics")
        self.feeds[feed.topic.channel] = feed
        feed.overlap_filter = OverlapFilter() if self._is_rotating else None
        for link in self._links:
            link.subscriptions.add([feed.topic.channel])
            link.changed.set()

    def remove(self, feed: SubscriptionState) -> None:
        """Unsubscribe a topic."""
        self.feeds.pop(feed.topic.channel, None)
        feed.overlap_filter = None  # without the end of a rotation it would grow forever
        for link in self._links:
            if link in feed.carriers:
                feed.carriers.remove(link)
            link.subscriptions.remove(feed.topic.channel)
            link.changed.set()

    def prioritise(self, channels: frozenset[str]) -> None:
        """Retry refused subscriptions of these channels faster: their trading is about to begin."""
        if channels != self._priority:
            self._priority = channels
            for link in self._links:
                link.subscriptions.prioritise(channels, self._loop.time())
                link.changed.set()

    def reconnect(self, reason: str) -> None:
        """Close every socket and open a new one."""
        for link in self._links:
            link.socket.close(reason)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                link = await self._open(group, attempt=0)
                while True:
                    link = await self._next_link(group, link)
        finally:
            self._links.clear()

    async def _next_link(self, group: asyncio.TaskGroup, link: _Link) -> _Link:
        """Return the successor of `link`: an overlapping one at its age limit, a new one after its end."""
        timings = self._parts.timings
        rotate_s = timings.rotate_after_s * (1 - 0.05 * self._parts.rng.random())
        try:
            async with asyncio.timeout_at(link.opened_s + rotate_s):
                await link.ended.wait()
        except TimeoutError:
            return await self._rotate(group, link)
        was_healthy = self._loop.time() - link.opened_s >= _HEALTHY_AFTER_S
        self.failures = 0 if was_healthy else self.failures
        return await self._open(group, attempt=self.failures + 1)

    async def _rotate(self, group: asyncio.TaskGroup, old: _Link) -> _Link:
        """Open a newer connection, and close the old one after the overlap."""
        self.rotations += 1
        self._is_rotating = True
        for feed in self.feeds.values():
            feed.overlap_filter = OverlapFilter()
        try:
            newer = await self._open_overlapping(group, old)
            old.socket.close("replaced by a newer connection")
            await old.ended.wait()
            await asyncio.sleep(
                self._parts.timings.overlap_s
            )  # messages of the old socket may still be queued
            return newer
        finally:
            self._is_rotating = False
            for feed in self.feeds.values():
                feed.overlap_filter = None

    async def _open_overlapping(self, group: asyncio.TaskGroup, old: _Link) -> _Link:
        """Return a newer link that lasted for the overlap; retry if one ends sooner."""
        attempt = 0
        while True:
            newer = await self._open(group, attempt)
            await _either_within(newer.settled, self._parts.timings.ack_within_s * 3)
            await asyncio.sleep(self._parts.timings.overlap_s)
            if not newer.ended.is_set() or old.ended.is_set():
                return newer
            attempt += 1

    async def _open(self, group: asyncio.TaskGroup, attempt: int) -> _Link:
        """Connect, with exponential backoff and jitter between attempts. Never gives up."""
        while True:
            if attempt:
                await asyncio.sleep(self._pause_s(attempt))
            try:
                link = await self._connect()
            except SocketEnded as ended:
                attempt = self._record_failure(ended, attempt)
                continue
            self.connects += 1
            self._links.append(link)
            link.subscriptions.add(self.feeds)
            link.subscriptions.prioritise(self._priority, self._loop.time())
            link.changed.set()
            group.create_task(self._serve(link))
            return link

    async def _connect(self) -> _Link:
        parts, timings = self._parts, self._parts.timings
        ws = await open_socket(parts.session, await parts.address(), timings, max_bytes=parts.max_bytes)
        subscriptions = Subscriptions(
            ack_timeout_s=timings.ack_within_s, refused_retry_s=timings.refused_retry_s
        )
        link: _Link

        def on_ack(ack: Ack) -> None:
            self._apply_ack(link, ack)

        socket = StreamSocket(
            ws, timings=timings, on_frame=parts.on_frame, on_ack=on_ack, on_unknown=parts.on_unknown
        )
        link = _Link(socket, subscriptions, self._loop.time())
        return link

    def _record_failure(self, ended: SocketEnded, attempt: int) -> int:
        self.failures += 1
        self.reason = str(ended)
        log.info("stream connection failed: %s", ended)
        self._parts.on_ended(ended)
        return attempt + 1

    def _pause_s(self, attempt: int) -> float:
        timings = self._parts.timings
        longest_s = min(timings.backoff_cap_s, timings.backoff_base_s * 2 ** min(attempt - 1, 10))
        return longest_s * (0.5 + 0.5 * self._parts.rng.random())

    async def _serve(self, link: _Link) -> None:
        """Run a link until it ends, then report the topics without a connection."""
        async with asyncio.TaskGroup() as group:
            sender = group.create_task(self._send_requests(link))
            try:
                await link.socket.run()
            except SocketEnded as ended:
                self._on_socket_ended(link, ended)
            finally:
                sender.cancel()

    def _on_socket_ended(self, link: _Link, ended: SocketEnded) -> None:
        self._links.remove(link)
        if self._loop.time() - link.opened_s < _HEALTHY_AFTER_S:
            self.failures += 1
        self.reason = str(ended)
        log.info("stream connection ended: %s", ended)
        self._parts.on_ended(ended)
        for feed in list(self.feeds.values()):
            if link in feed.carriers:
                feed.carriers.remove(link)
                if not feed.carriers:
                    feed.mark_lost(str(ended))
                    self._parts.on_gap(StreamGap(feed.topic.channel, is_closed=False, reason=str(ended)))
        unserved = [channel for channel, feed in self.feeds.items() if not feed.carriers]
        for other in self._links:
            other.subscriptions.add(unserved)
            other.changed.set()
        link.ended.set()

    async def _send_requests(self, link: _Link) -> None:
        """Send due requests and reassign silently dropped topics, until the link ends."""
        subscriptions = link.subscriptions
        while True:
            link.changed.clear()
            for request in subscriptions.due(self._loop.time()):
                try:
                    await link.socket.send(request.text())
                except SocketEnded as ended:
                    link.socket.close(str(ended))
                    return
            self._move_dropped(subscriptions.pop_dropped(self._loop.time()))
            self._update_settled(link)
            due_s = subscriptions.next_due_s()
            pause_s = None if due_s is None else max(due_s - self._loop.time(), 0.01)
            await _either_within(link.changed, pause_s)

    def _apply_ack(self, link: _Link, ack: Ack) -> None:
        verdict = link.subscriptions.apply_ack(ack, self._loop.time())
        for channel in verdict.accepted:
            feed = self.feeds.get(channel)
            if feed is None or link in feed.carriers:
                continue
            feed.carriers.append(link)
            if len(feed.carriers) == 1:
                feed.mark_live()
                self._parts.on_gap(StreamGap(channel, is_closed=True, reason="subscribed"))
        for channel in verdict.refused:
            feed = self.feeds.get(channel)
            if feed is not None and not feed.carriers:
                feed.phase, feed.reason = SubscriptionPhase.REFUSED, "the exchange refused the subscription"
        self._update_settled(link)
        link.changed.set()

    def _update_settled(self, link: _Link) -> None:
        if link.subscriptions.is_settled:
            link.settled.set()

    def _move_dropped(self, channels: Iterable[str]) -> None:
        """Reassign topics that the exchange silently ignored to another connection (reliability M4)."""
        for channel in channels:
            feed = self.feeds.get(channel)
            if feed is not None and not feed.carriers:
                feed.reason = "never acknowledged; resubscribing on another connection"
                self._parts.on_dropped(feed)


async def _either_within(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for `event`, at most `seconds`; without limit if None."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
