"""Public topics, spread over connections with at most 30 topics each (protocol 7.1)."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import aiohttp

from mexc_tui.exchange.streams.inbox import Inbox
from mexc_tui.exchange.streams.shard import Shard, ShardParts, ShardState, StreamGap
from mexc_tui.exchange.streams.socket import (
    SocketEnded,
    SocketTimings,
    checked_stream_url,
    ignore_refusal,
    refuse_redirects,
)
from mexc_tui.exchange.streams.subscription_state import FeedState, SubscriptionPhase, SubscriptionState
from mexc_tui.exchange.streams.topics import StreamTopic
from mexc_tui.ports.clock import Clock
from mexc_tui.proto.stream_pb2 import Push

MAX_MESSAGE_BYTES = 1 << 20
"""Message size limit. The largest, miniTickers of 2,000 symbols, has about 0.3 MB."""

HELD_STALE_AFTER_S = 3
"""Stale limit for symbols with an open position (reliability M2)."""

_RATE_OVER_S = 5
_MUTE_AFTER_S = 15


@dataclass(frozen=True, slots=True)
class StreamsState:
    """State of the market streams, for display."""

    feeds: list[FeedState]
    connections: int
    connects: int
    rotations: int
    messages: int
    messages_per_s: float
    waiting: int
    unroutable: int
    unknown_messages: int
    reasons: list[str]
    """Reason for each connection that is down."""


class _Running(NamedTuple):
    """Resources that exist only during `run`."""

    group: asyncio.TaskGroup
    session: aiohttp.ClientSession


OnPush = Callable[[StreamTopic, Push, int], None]
"""Called with (topic, message, arrival in monotonic ns). May raise BadStreamMessage to reject the message."""


class MarketStreams:
    """Keeps the requested topics subscribed during `run`.

    `on_push` is called for each message; `on_gap` when messages of a topic are being lost, and when its
    subscription is live (again). Both are synchronous and must be fast.
    """

    def __init__(
        self,
        url: str,
        *,
        connector: aiohttp.BaseConnector,
        clock: Clock,
        rng: Random,
        on_push: OnPush,
        on_gap: Callable[[StreamGap], None],
        timings: SocketTimings | None = None,
        stale_after_s: float = 60,
        on_refused: Callable[[int], None] = ignore_refusal,
    ) -> None:
        """Prepare without connecting. The caller owns `connector`. Raises OriginRefused for a foreign URL.

        `on_refused` receives the HTTP status of a refused connection, so that the rate budget detects a ban.
        """
        self._url = checked_stream_url(url)
        self._connector = connector
        self._clock = clock
        self._rng = rng
        self._on_push = on_push
        self._on_gap = on_gap
        self._timings = timings or SocketTimings()
        self._stale_after_s = stale_after_s
        self._on_refused = on_refused
        self._feeds: dict[str, SubscriptionState] = {}
        self._held: set[str] = set()
        self._priority: frozenset[str] = frozenset()
        self._shards: list[Shard] = []
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._running: _Running | None = None
        self._inbox = Inbox(clock, handle=self._handle, on_overflow=self._on_overflow)
        self._received: list[int] = []

    # ---- subscriptions

    def subscribe(self, topics: Iterable[StreamTopic]) -> None:
        """Subscribe additional topics."""
        now_ns = self._clock.monotonic_ns()
        for topic in topics:
            if topic.channel in self._feeds:
                continue
            feed = SubscriptionState(topic, now_ns, self._stale_limit_s(topic.symbol))
            self._feeds[topic.channel] = feed
            self._inbox.add(feed)
            self._assign(feed)

    def unsubscribe(self, topics: Iterable[StreamTopic]) -> None:
        """Unsubscribe topics."""
        for topic in topics:
            feed = self._feeds.pop(topic.channel, None)
            if feed is not None:
                self._inbox.remove(feed)
                self._unassign(feed)

    def set_held_symbols(self, symbols: Iterable[str]) -> None:
        """Set the symbols with open positions: their topics are stale after 3 s instead of a minute."""
        self._held = set(symbols)
        for feed in self._feeds.values():
            feed.stale_after_s = self._stale_limit_s(feed.topic.symbol)

    def prioritise(self, topics: Iterable[StreamTopic]) -> None:
        """Set the topics whose refused subscriptions are retried faster, before an opening."""
        self._priority = frozenset(topic.channel for topic in topics)
        for shard in self._shards:
            shard.prioritise(self._priority)

    def reconnect(self, reason: str) -> None:
        """Close all connections and open new ones."""
        for shard in self._shards:
            shard.reconnect(reason)

    def state(self) -> StreamsState:
        """Return the state for display."""
        now_ns = self._clock.monotonic_ns()
        spans = max(len(self._received) - 1, 1)
        recent = self._received[-1] - self._received[0] if self._received else 0
        return StreamsState(
            feeds=[feed.state(now_ns) for feed in self._feeds.values()],
            connections=sum(shard.sockets for shard in self._shards),
            connects=sum(shard.connects for shard in self._shards),
            rotations=sum(shard.rotations for shard in self._shards),
            messages=self._inbox.received,
            messages_per_s=recent / spans,
            waiting=self._inbox.waiting,
            unroutable=self._inbox.unroutable,
            unknown_messages=self._inbox.unknown_messages.total,
            reasons=[shard.reason for shard in self._shards if not shard.sockets],
        )

    def shards(self) -> list[ShardState]:
        """Return the state of every connection, for display."""
        return [shard.state() for shard in self._shards]

    def is_stale(self, topic: StreamTopic) -> bool:
        """Return whether the topic's data is stale; True if it is not subscribed."""
        feed = self._feeds.get(topic.channel)
        return feed is None or feed.is_stale(self._clock.monotonic_ns())

    def silent_s(self, topic: StreamTopic) -> float | None:
        """Return the seconds since the topic's connection last received anything; None if not accepted."""
        shards = (shard for shard in self._shards if topic.channel in shard.feeds)
        return next((shard.silent_s(topic.channel) for shard in shards), None)

    def probe(self, topics: Iterable[StreamTopic]) -> None:
        """Ping the connections of these topics immediately."""
        channels = {topic.channel for topic in topics}
        for shard in self._shards:
            if channels & shard.feeds.keys():
                shard.probe()

    # ---- connections

    async def run(self) -> None:
        """Run until cancelled. Network errors are handled; an error in `on_push` is raised."""
        async with aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[refuse_redirects()],
        ) as session:
            try:
                async with asyncio.TaskGroup() as group:
                    self._running = _Running(group, session)
                    for feed in self._feeds.values():
                        self._assign(feed)
                    group.create_task(self._inbox.run())
                    group.create_task(self._monitor())
            finally:
                self._running = None
                self._shards.clear()
                self._tasks.clear()

    async def _monitor(self) -> None:
        """Measure the message rate every second and reassign silent topics (reliability M3)."""
        while True:
            self._received = [*self._received[-_RATE_OVER_S:], self._inbox.received]
            now_ns = self._clock.monotonic_ns()
            mute = [feed for feed in self._feeds.values() if feed.is_mute(now_ns, _MUTE_AFTER_S)]
            for feed in mute:
                self._on_gap(
                    StreamGap(feed.topic.channel, is_closed=False, reason="acknowledged, but silent")
                )
                self._reassign(feed, "acknowledged, but silent; resubscribing on another connection")
            await asyncio.sleep(1)

    def _handle(self, feed: SubscriptionState, push: Push, received_ns: int) -> None:
        self._on_push(feed.topic, push, received_ns)

    def _on_overflow(self, feed: SubscriptionState) -> None:
        """Report dropped messages of a slow handler as a gap that is already closed."""
        feed.gaps += 1
        self._on_gap(
            StreamGap(feed.topic.channel, is_closed=True, reason="queue overflow: messages were dropped")
        )

    def _on_shard_gap(self, gap: StreamGap) -> None:
        """Forward a gap. A closed one restarts the silence timer of the topic."""
        feed = self._feeds.get(gap.channel)
        if feed is not None and gap.is_closed:
            feed.requested_ns = self._clock.monotonic_ns()
        self._on_gap(gap)

    def _stale_limit_s(self, symbol: str) -> float:
        return HELD_STALE_AFTER_S if symbol in self._held else self._stale_after_s

    # ---- assignment of topics to connections

    def _assign(self, feed: SubscriptionState, avoid: Shard | None = None) -> None:
        """Assign a topic to a connection with room, or to a new one. Does nothing before `run`."""
        if self._running is None or any(feed.topic.channel in shard.feeds for shard in self._shards):
            return
        shard = next((shard for shard in self._shards if shard.has_room and shard is not avoid), None)
        (shard or self._new_shard(self._running)).add(feed)

    def _new_shard(self, running: _Running) -> Shard:
        shard = Shard(
            ShardParts(
                session=running.session,
                address=self._address,
                rng=self._rng,
                timings=self._timings,
                max_bytes=MAX_MESSAGE_BYTES,
                on_frame=self._inbox.put,
                on_gap=self._on_shard_gap,
                on_dropped=lambda feed: self._reassign(feed, feed.reason),
                on_unknown=self._inbox.unknown_messages.record,
                on_ended=self._on_ended,
            )
        )
        shard.prioritise(self._priority)
        self._shards.append(shard)
        self._tasks[id(shard)] = running.group.create_task(shard.run())
        return shard

    def _unassign(self, feed: SubscriptionState) -> Shard | None:
        """Remove a topic from its connection; close the connection if it has no topics left."""
        shard = next((shard for shard in self._shards if feed.topic.channel in shard.feeds), None)
        if shard is None:
            return None
        shard.remove(feed)
        feed.carriers.clear()
        if not shard.feeds:
            self._shards.remove(shard)
            self._tasks.pop(id(shard)).cancel()
        return shard

    def _reassign(self, feed: SubscriptionState, reason: str) -> None:
        """Subscribe a topic on another connection."""
        shard = self._unassign(feed)
        feed.phase, feed.reason = SubscriptionPhase.PENDING, reason
        feed.requested_ns = self._clock.monotonic_ns()
        self._assign(feed, avoid=shard)

    async def _address(self) -> str:
        return self._url

    def _on_ended(self, ended: SocketEnded) -> None:
        if ended.http_status is not None:
            self._on_refused(ended.http_status)
