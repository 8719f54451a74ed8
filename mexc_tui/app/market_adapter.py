"""Implements the engine's market port with REST client, web site and streams."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import aiohttp

from mexc_tui.app.market_rows import budget_row, cache_row, clock_row, streams_row
from mexc_tui.app.practice_status import practice_status
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.limits.clock_offset import ClockOutOfBounds
from mexc_tui.exchange.limits.rate_windows import LaneName
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.exchange.rest.web_calendar import WebSite
from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.market_messages import best_quote_of, deals_of, top_levels_of
from mexc_tui.exchange.streams.public_streams import MarketStreams
from mexc_tui.exchange.streams.shard import ShardState, StreamGap
from mexc_tui.exchange.streams.socket import SocketTimings
from mexc_tui.exchange.streams.topics import StreamTopic, TopicKind
from mexc_tui.market.attention import LISTING_KINDS, StreamKind, WantedStream
from mexc_tui.market.polling import PollAllowance
from mexc_tui.market.versions import VersionOrder
from mexc_tui.model.announcement import Announcement
from mexc_tui.model.calendar import Calendar, WebSymbols
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.market_data import PublicTrade
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.rows import Rows
from mexc_tui.model.stream import BestQuote, TopLevels
from mexc_tui.model.symbol import Symbol
from mexc_tui.model.view import BudgetRow, CacheRow, ClockRow, StreamsRow
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.market import CLOCK_SAMPLES, PairStreams, StreamSink
from mexc_tui.proto.stream_pb2 import Push
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.caches.level import Lifetimes, Space

T = TypeVar("T")

DEEP = 20
"""Maximum levels that the exchange pushes in one message (protocol 7.5)."""

_TOPICS: Mapping[StreamKind, Callable[[str], StreamTopic]] = {
    StreamKind.DEALS: topics.deals,
    StreamKind.BEST_QUOTE: topics.best_quote,
    StreamKind.TOP_LEVELS: topics.top_levels,
    StreamKind.DEEP_LEVELS: lambda symbol: topics.top_levels(symbol, DEEP),
}
_KINDS: Mapping[TopicKind, StreamKind] = {
    TopicKind.DEALS: StreamKind.DEALS,
    TopicKind.BEST_QUOTE: StreamKind.BEST_QUOTE,
    TopicKind.TOP_LEVELS: StreamKind.TOP_LEVELS,
}


@dataclass(frozen=True, slots=True)
class MarketAdapterParts:
    """Open parts of the adapter; the caller closes them."""

    clock: Clock
    client: MexcClient
    web: WebSite
    transport: HttpTransport
    practice: str
    """Origin of the practice exchange; empty for MEXC itself."""
    has_key: bool
    stream_url: str
    connector: aiohttp.BaseConnector
    rng: Random
    timings: SocketTimings
    cache: Cache
    kept: Lifetimes
    """How long responses may be cached."""
    exchange_session: str = ""
    """Cached responses of one practice session are not valid in another."""


class MexcMarket:
    """Implements `ports.market.Market` for MEXC."""

    def __init__(self, parts: MarketAdapterParts) -> None:
        """Open no connection yet. Raises OriginRefused for an invalid URL."""
        self._parts = parts
        self._market = parts.client.market
        self._streams = MarketStreams(
            parts.stream_url,
            connector=parts.connector,
            clock=parts.clock,
            rng=parts.rng,
            on_push=self._on_push,
            on_gap=self._on_gap,
            timings=parts.timings,
        )
        self._versions = VersionOrder()
        """Order of versions per channel; across channels, prices are compared where they are used."""
        self._wanted: dict[WantedStream, StreamTopic] = {}
        self._sink: StreamSink | None = None
        self._is_over = False
        self._ages_ms: dict[ListingSource, int] = {}

    @property
    def has_key(self) -> bool:
        """Whether account queries are possible."""
        return self._parts.has_key

    def now_ms(self) -> int:
        """Return the exchange's time; this machine's before the first measurement."""
        try:
            return self._parts.client.offset.exchange_now_ms(self._parts.clock.monotonic_ns())
        except ClockOutOfBounds:
            return self._parts.clock.now_ms()

    async def measure_clock(self, samples: int = CLOCK_SAMPLES) -> str:
        """Measure the exchange's clock; return the error, empty on success."""
        measurement = await self._parts.client.measure_clock(samples)
        return "" if measurement.best is not None else measurement.first_failure

    def is_clock_doubted(self) -> bool:
        """Whether the exchange refused a request's time since the last measurement."""
        return self._parts.client.clock_suspect.is_set()

    # ---- queries

    async def calendar(self) -> Calendar:
        """Query the listing calendar of the web site."""
        space = Space("calendar", Calendar, self._parts.kept)
        return await self._recent(ListingSource.CALENDAR, space, self._parts.web.calendar)

    async def web_symbols(self) -> WebSymbols:
        """Query the pairs of the web site."""
        return await self._parts.web.symbols()

    async def pairs(self) -> Rows[Symbol]:
        """Return every pair, read in slices, and the rows that were skipped."""
        return await self._market.all_pairs()

    async def default_symbols(self) -> tuple[str, ...]:
        """Query the pairs that ordinary API keys may trade."""
        return await self._market.default_symbols()

    async def self_symbols(self) -> tuple[str, ...]:
        """Query the pairs that this API key may trade."""
        return await self._parts.client.account.self_symbols()

    async def announcements(self) -> tuple[Announcement, ...]:
        """Query the newest announcements."""
        space = Space("announcements", tuple[Announcement, ...], self._parts.kept)
        return await self._recent(ListingSource.ANNOUNCEMENT, space, self._market.announcements)

    def room(self) -> PollAllowance:
        """Return the requests that polls may send now without waiting; none during a ban."""
        budget = self._parts.client.budget
        weight = budget.available_now(LaneName.WEIGHT, Purpose.ORDINARY)
        return PollAllowance(weight, budget.available_now(LaneName.REQUESTS, Purpose.ORDINARY))

    def age_ms(self, source: ListingSource) -> int:
        """Return the age of a source's newest response when it was returned; 0 if it was queried."""
        return self._ages_ms.get(source, 0)

    async def _recent(self, source: ListingSource, space: Space[T], fetch: Callable[[], Awaitable[T]]) -> T:
        """Return a cached response for the first query of a source, and a fresh one later.

        A start does not wait for these pages, and a crash loop does not repeat the requests.
        """
        parts = self._parts
        find = parts.cache.refresh if source in self._ages_ms else parts.cache.get
        found = await find(space, f"{parts.client.origin} {parts.exchange_session}", fetch)
        self._ages_ms[source] = 0 if found.level is None else found.age_ms
        return found.value

    async def trades(self, symbol: str) -> tuple[PublicTrade, ...]:
        """Query the latest trades of a pair."""
        return await self._market.trades(symbol)

    async def is_over(self) -> bool:
        """Whether the practice day has ended; false if the query fails."""
        if self._parts.practice and not self._is_over:
            try:
                self._is_over = (await practice_status(self._parts.transport, self._parts.practice)).over
            except ExchangeError:
                return False
        return self._is_over

    # ---- streams

    def stream(self, wanted: frozenset[WantedStream], hurried: frozenset[str] = frozenset()) -> None:
        """Subscribe these streams and drop all others. Names that no channel supports are skipped."""
        dropped = [stream for stream in self._wanted if stream not in wanted]
        self._streams.unsubscribe([self._wanted.pop(stream) for stream in dropped])
        for stream in wanted - self._wanted.keys():
            try:
                self._wanted[stream] = _TOPICS[stream.kind](stream.symbol)
            except ValueError:
                continue
        self._streams.subscribe(self._wanted.values())
        self._streams.prioritise(topic for stream, topic in self._wanted.items() if stream.symbol in hurried)

    async def run_streams(self, sink: StreamSink) -> None:
        """Serve the streams until cancelled."""
        self._sink = sink
        try:
            await self._streams.run()
        finally:
            self._sink = None

    def _on_push(self, topic: StreamTopic, push: Push, received_ns: int) -> None:
        if self._sink is None:
            return
        match topic.kind:
            case TopicKind.DEALS:
                self._sink.on_deals(deals_of(push))
            case TopicKind.BEST_QUOTE:
                quote = best_quote_of(push)
                if self._is_in_order(topic, quote, received_ns):
                    self._sink.on_quote(quote)
            case TopicKind.TOP_LEVELS:
                levels = top_levels_of(push)
                publish = self._sink.on_deep_levels if _is_deep(topic) else self._sink.on_levels
                if self._is_in_order(topic, levels, received_ns):
                    publish(levels)
            case _:
                return

    def _is_in_order(self, topic: StreamTopic, message: BestQuote | TopLevels, received_ns: int) -> bool:
        return self._versions.accepts(topic.channel, message.version, received_ns)

    def _on_gap(self, hole: StreamGap) -> None:
        self._versions.forget(hole.channel)
        topic = topics.parse(hole.channel)
        kind = StreamKind.DEEP_LEVELS if _is_deep(topic) else _KINDS.get(topic.kind)
        if self._sink is not None and kind is not None:
            self._sink.on_gap(topic.symbol, kind, is_closed=hole.is_closed)

    # ---- state

    def clock_row(self) -> ClockRow:
        """Return offset, error bound and age of the exchange's clock."""
        return clock_row(self._parts.client, self._parts.clock.monotonic_ns())

    def streams_row(self, is_not_trading: Callable[[str], bool] = lambda _: False) -> StreamsRow:
        """Return the state of the streams; pairs for which `is_not_trading` holds are never stale."""
        return streams_row(self._streams.state(), is_not_trading)

    def pair_streams(self, symbol: str) -> PairStreams:
        """Return which streams of a pair are missing, and how long its connections have been silent."""
        topics_of = ((kind, self._wanted.get(WantedStream(symbol, kind))) for kind in LISTING_KINDS)
        silent = {kind: None if topic is None else self._streams.silent_s(topic) for kind, topic in topics_of}
        missing = tuple(kind for kind, silent_s in silent.items() if silent_s is None)
        known = [silent_s for silent_s in silent.values() if silent_s is not None]
        return PairStreams(missing, int(max(known) * 1_000) if known else None)

    def probe_streams(self, symbol: str) -> None:
        """Ping the connections of a pair's streams now."""
        wanted = (self._wanted.get(WantedStream(symbol, kind)) for kind in LISTING_KINDS)
        self._streams.probe([topic for topic in wanted if topic is not None])

    def lines(self) -> list[ShardState]:
        """Return the state of each stream connection."""
        return self._streams.shards()

    def stream_counts(self) -> tuple[int, int]:
        """Return the number of waiting messages, and of dropped or unreadable ones."""
        state = self._streams.state()
        lost = sum(feed.dropped + feed.rejected for feed in state.feeds)
        return state.waiting, lost + state.unroutable + state.unknown_messages

    def cache_row(self) -> CacheRow:
        """Return the hits and misses of the response cache."""
        return cache_row(self._parts.cache)

    def budget_row(self) -> BudgetRow:
        """Return the use of the request budget, and the active ban."""
        return budget_row(self._parts.client)


def _is_deep(topic: StreamTopic) -> bool:
    return topic.kind is TopicKind.TOP_LEVELS and topic.detail == str(DEEP)
