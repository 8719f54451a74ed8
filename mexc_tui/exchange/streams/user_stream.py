"""User stream: order, fill and balance updates of the account (protocol 9).

It does not replay the past. After every gap (connect, reconnect, new listen key, unreadable message) `on_gap`
is called, and the caller queries the state by REST (reliability M11). Only polling by the caller detects a
stream that is silent while fills happen (reliability M12).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

import aiohttp

from mexc_tui.exchange.streams.inbox import Inbox
from mexc_tui.exchange.streams.listen_key import KeyEvent, KeyRecord, ListenKeyCalls, ListenKeyManager
from mexc_tui.exchange.streams.private_messages import private_of
from mexc_tui.exchange.streams.public_streams import MAX_MESSAGE_BYTES
from mexc_tui.exchange.streams.shard import Shard, ShardParts, ShardState, StreamGap
from mexc_tui.exchange.streams.socket import (
    ListenKeyRefused,
    SocketEnded,
    SocketTimings,
    checked_stream_url,
    ignore_refusal,
    refuse_redirects,
)
from mexc_tui.exchange.streams.subscription_state import FeedState, SubscriptionPhase, SubscriptionState
from mexc_tui.exchange.streams.topics import private_topics
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.stream import OrderUpdate, PrivateUpdate
from mexc_tui.ports.clock import Clock
from mexc_tui.proto.stream_pb2 import Push

log = logging.getLogger(__name__)

PRIVATE = "private"
"""Channel name in the gaps of this stream: its three channels count as one."""

RELEASE_KEY_S = 2.0
"""Deadline for deleting the key on shutdown. It expires anyway."""

_CHECK_EVERY_S = 10
_SUSPECT_AFTER = 3


@dataclass(frozen=True, slots=True)
class UserStreamState:
    """State of the user stream, for display."""

    is_live: bool
    silent_s: float | None
    """Seconds since its connection last received anything; None without one."""
    feeds: list[FeedState]
    connects: int
    rotations: int
    keys_created: int
    failed_renewals: int
    reason: str


class UserStream:
    """Keeps the three private channels subscribed during `run`, and deletes its listen key afterwards."""

    def __init__(
        self,
        url: str,
        *,
        connector: aiohttp.BaseConnector,
        clock: Clock,
        rng: Random,
        calls: ListenKeyCalls,
        on_update: Callable[[PrivateUpdate], None],
        on_gap: Callable[[StreamGap], None],
        on_key: Callable[[KeyEvent], None] | None = None,
        keys: KeyRecord | None = None,
        timings: SocketTimings | None = None,
        on_refused: Callable[[int], None] = ignore_refusal,
    ) -> None:
        """Prepare without connecting. `url` excludes the key; the caller owns `connector`.

        `on_update` receives every order, fill and balance in order of arrival, none dropped. `on_gap` is
        called once when the stream is lost and once when all channels are live again. `on_refused` receives
        the HTTP status of a refused connection, so that the rate budget detects a ban. `keys` records the
        listen keys that this desk created. Raises OriginRefused for a foreign URL.
        """
        self._url = checked_stream_url(url)
        self._connector = connector
        self._rng = rng
        self._timings = timings or SocketTimings()
        self._on_update = on_update
        self._on_gap = on_gap
        self._on_refused = on_refused
        self._key = ListenKeyManager(calls, rng=rng, on_event=on_key, record=keys)
        self._key_is_suspect = False
        self._short_lives = 0
        self._is_live = False
        self._inbox = Inbox(
            clock, handle=self._handle, on_overflow=lambda _feed: None, on_unreadable=self._on_unreadable
        )
        self._clock = clock
        self._feeds = [
            SubscriptionState(topic, clock.monotonic_ns(), float("inf")) for topic in private_topics()
        ]
        self._shard: Shard | None = None

    def state(self) -> UserStreamState:
        """Return the state for display."""
        now_ns = self._clock.monotonic_ns()
        return UserStreamState(
            is_live=self._is_live,
            silent_s=self._silent_s(),
            feeds=[feed.state(now_ns) for feed in self._feeds],
            connects=self._shard.connects if self._shard else 0,
            rotations=self._shard.rotations if self._shard else 0,
            keys_created=self._key.created,
            failed_renewals=self._key.failures,
            reason="" if self._is_live else (self._shard.reason if self._shard else "not started"),
        )

    def probe(self) -> None:
        """Ping its connection immediately."""
        if self._shard is not None:
            self._shard.probe()

    def connection_state(self) -> ShardState | None:
        """Return the state of its connection; None before `run`."""
        return self._shard.state() if self._shard else None

    async def run(self) -> None:
        """Run until cancelled. An error in `on_update` is raised."""
        async with aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[refuse_redirects()],
        ) as session:
            self._shard = shard = self._make_shard(session)
            for feed in self._feeds:
                self._inbox.add(feed)
                shard.add(feed)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._inbox.run())
                    group.create_task(self._key.renew_until_cancelled(self._move_to_new_key))
                    group.create_task(self._watch(shard))
                    group.create_task(shard.run())
            finally:
                self._is_live = False
                await self._release_key()

    def _silent_s(self) -> float | None:
        if self._shard is None:
            return None
        return self._shard.silent_s(self._feeds[0].topic.channel)

    async def _release_key(self) -> None:
        """Delete the key, within a deadline: an unresponsive exchange must not delay shutdown."""
        try:
            async with asyncio.timeout(RELEASE_KEY_S):
                await self._key.release()
        except TimeoutError:
            log.info("cannot delete the listen key within %g s; it expires", RELEASE_KEY_S)

    def _make_shard(self, session: aiohttp.ClientSession) -> Shard:
        return Shard(
            ShardParts(
                session=session,
                address=self._address,
                rng=self._rng,
                timings=self._timings,
                max_bytes=MAX_MESSAGE_BYTES,
                on_frame=self._inbox.put,
                on_gap=self._on_shard_gap,
                on_dropped=self._on_dropped,
                on_unknown=self._inbox.unknown_messages.record,
                on_ended=self._on_ended,
            )
        )

    async def _address(self) -> str:
        """Return the URL with a valid listen key. Raises SocketEnded without one."""
        try:
            if self._key_is_suspect:
                self._key_is_suspect = False
                await self._key.release()
            key = await self._key.get()
        except ExchangeError as error:
            raise SocketEnded(f"no listen key: {error}") from None
        return f"{self._url}?listenKey={quote(key, safe='')}"

    async def _watch(self, shard: Shard) -> None:
        """Replace the key if the private channels are refused: it is no longer valid."""
        while True:
            await asyncio.sleep(_CHECK_EVERY_S)
            if any(feed.phase is SubscriptionPhase.REFUSED for feed in self._feeds):
                self._suspect_key(shard, "the private channels were refused")

    def _suspect_key(self, shard: Shard, reason: str) -> None:
        self._key_is_suspect = True
        shard.reconnect(reason)

    def _move_to_new_key(self) -> None:
        if self._shard is not None:
            self._shard.reconnect("the listen key was replaced")

    def _on_dropped(self, feed: SubscriptionState) -> None:
        if self._shard is not None:
            self._suspect_key(self._shard, f"{feed.topic.channel} was never acknowledged")

    def _on_ended(self, ended: SocketEnded) -> None:
        """Suspect the key if it is refused, or if sockets repeatedly end before they are live."""
        if ended.http_status is not None:
            self._on_refused(ended.http_status)
        self._short_lives += 1
        if isinstance(ended, ListenKeyRefused) or self._short_lives >= _SUSPECT_AFTER:
            self._key_is_suspect = True
            self._short_lives = 0

    def _on_shard_gap(self, gap: StreamGap) -> None:
        """Combine the gaps of the three channels into one."""
        if not gap.is_closed and self._is_live:
            self._is_live = False
            self._on_gap(StreamGap(PRIVATE, is_closed=False, reason=gap.reason))
        elif gap.is_closed and all(feed.phase is SubscriptionPhase.LIVE for feed in self._feeds):
            self._is_live = True
            self._short_lives = 0
            self._on_gap(StreamGap(PRIVATE, is_closed=True, reason=gap.reason))

    def _on_unreadable(self, reason: str) -> None:
        """Report an unreadable message as a closed gap, so that its data is queried."""
        self._on_gap(StreamGap(PRIVATE, is_closed=True, reason=f"unreadable message: {reason}"))

    def _handle(self, feed: SubscriptionState, push: Push, _received_ns: int) -> None:
        update = private_of(push)
        self._on_update(update)
        if isinstance(update, OrderUpdate) and update.status is None and update.raw_status != 0:
            self._inbox.unknown_messages.record(f"order status {update.raw_status} on {feed.topic.channel}")
            self._on_gap(StreamGap(PRIVATE, is_closed=True, reason="an order has an unknown status"))
