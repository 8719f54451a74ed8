"""Command `watch`: show market data of an exchange in plain text, without an engine.

Order books are kept by the engine's own component, `OrderBookSync`, on streams of this process.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from mexc_tui.app.endpoints import MEXC, StartError, SystemClock
from mexc_tui.app.launch_options import LaunchOptions, layers_of, mode_of, open_exchange
from mexc_tui.cli.pages.watch_text import WatchHeader, WatchLine, opening_text, page
from mexc_tui.engine.market.order_book_sync import OrderBookSync
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.origins import OriginRefused
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.exchange.rest.web_calendar import MEXC_WEB, WebSite, WebUnavailable
from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.market_messages import deals_of
from mexc_tui.exchange.streams.public_streams import MarketStreams
from mexc_tui.exchange.streams.shard import StreamGap
from mexc_tui.exchange.streams.socket import StreamConnector, stream_connector
from mexc_tui.exchange.streams.subscription_state import FeedState, SubscriptionPhase
from mexc_tui.exchange.streams.topics import StreamTopic, TopicKind
from mexc_tui.host.standard_streams import OutputLost, check_output
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.mode import Mode
from mexc_tui.model.pair_names import AmbiguousName, new_pair, resolve, typed_name
from mexc_tui.model.stream import StreamDeal
from mexc_tui.proto.stream_pb2 import Push

if TYPE_CHECKING:
    from mexc_tui.model.symbol import Symbol

SHOW_EVERY_S = 1.0
LISTINGS_EVERY_S = 15.0
CLOCK_EVERY_S = 60.0
ACTIVE_PAIRS = 3
LISTINGS = 5
LOOK_BACK_MS = 180_000
LOOK_AHEAD_MS = 900_000


@dataclass(frozen=True, slots=True)
class WatchCommand:
    """One run of `watch`. Raises StartError with a message."""

    launch: LaunchOptions
    symbols: tuple[str, ...]
    seconds: float | None

    async def run(self, environ: Mapping[str, str]) -> None:
        """Watch until cancelled, or for `seconds`.

        Raises UsageProblem, SettingsError, ExchangeError, or OutputLost when the reader has exited.
        """
        mode = mode_of(self.launch, layers_of(self.launch, environ), environ)
        # `watch` queries public data only and needs no key.
        data_mode = Mode.PAPER if mode is Mode.LIVE else mode
        async with (
            open_exchange(self.launch, data_mode) as exchange,
            _connected(exchange.endpoint, mode) as watcher,
        ):
            try:
                await watcher.run(self.symbols, self.seconds)
            except ExceptionGroup as problems:
                if problems.subgroup(OutputLost):
                    raise OutputLost from None
                raise


@asynccontextmanager
async def _connected(endpoint: Endpoint, mode: Mode) -> AsyncGenerator["MarketWatch"]:
    clock = SystemClock()
    origins = MEXC_WEB if endpoint is MEXC else (endpoint.web,)
    with _refused_as_start_error():
        client = MexcClient(endpoint.rest, clock=clock, rng=Random(os.urandom(8)))
    async with client, HttpTransport() as web, stream_connector() as connector:
        with _refused_as_start_error():
            watcher = MarketWatch(
                endpoint,
                mode=mode,
                clock=clock,
                client=client,
                web=WebSite(web, clock, origins),
                connector=connector,
            )
        yield watcher


@contextmanager
def _refused_as_start_error() -> Generator[None]:
    try:
        yield
    except OriginRefused as error:
        raise StartError(str(error)) from None


@dataclass(slots=True)
class _WatchedSymbol:
    """One symbol: its topics, last trade and calendar entry."""

    symbol: str
    topics: tuple[StreamTopic, ...]
    opens_ms: int | None = None
    last: StreamDeal | None = None


class MarketWatch:
    """Client, streams and order books of the watched symbols."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        mode: Mode,
        clock: SystemClock,
        client: MexcClient,
        web: WebSite,
        connector: StreamConnector,
    ) -> None:
        self._endpoint = endpoint
        self._mode = mode
        self._clock = clock
        self._client = client
        self._web = web
        rng = Random(os.urandom(8))
        self._books = OrderBookSync(client.market, clock, rng)
        self._streams = MarketStreams(
            endpoint.ws,
            connector=connector,
            clock=clock,
            rng=rng,
            on_push=self._on_push,
            on_gap=self._on_gap,
            on_refused=client.budget.record_response,
        )
        self._watched: dict[str, _WatchedSymbol] = {}
        self._known: dict[str, Symbol] = {}
        self._problem = ""
        self._height = 0

    async def run(self, symbols: Iterable[str], seconds: float | None) -> None:
        """Watch these symbols, or the most active pairs and next listings, for a time."""
        await self._measure_clock_or_fail()
        await self._load_symbols()
        chosen = [self._pair(symbol) for symbol in symbols]
        for symbol in chosen or await self._most_active():
            self._watch(symbol)
        await self._read_calendar(adopt=not chosen)
        span = asyncio.timeout(seconds)
        try:
            async with span, asyncio.TaskGroup() as group:
                group.create_task(self._streams.run())
                group.create_task(self._books.run())
                group.create_task(self._measure_clock_repeatedly())
                group.create_task(self._follow_listings(adopt=not chosen))
                group.create_task(self._show())
        except TimeoutError:
            if not span.expired():
                raise

    # ---- watched symbols

    def _watch(self, symbol: str, opens_ms: int | None = None) -> None:
        if symbol in self._watched:
            self._watched[symbol].opens_ms = opens_ms
            return
        try:
            wanted = (topics.depth(symbol), topics.deals(symbol), topics.best_quote(symbol))
        except ValueError as error:
            raise StartError(f"{symbol!a} is not a symbol: {error}") from None
        self._watched[symbol] = _WatchedSymbol(symbol, wanted, opens_ms)
        self._books.add(symbol)
        self._streams.subscribe(wanted)

    def _pair(self, symbol: str) -> str:
        """Return the pair of a name: listed, or else scheduled. Raises StartError."""
        name = typed_name(symbol)
        try:
            return resolve(name, self._known.__contains__) or new_pair(name)
        except AmbiguousName as error:
            raise StartError(str(error)) from None

    def _unwatch(self, symbol: str) -> None:
        self._streams.unsubscribe(self._watched.pop(symbol).topics)
        self._books.remove(symbol)

    async def _most_active(self) -> list[str]:
        tickers = await self._client.market.tickers_24h()
        pairs = [ticker for ticker in tickers if ticker.symbol.endswith("USDT") and ticker.quote_volume]
        pairs.sort(key=lambda ticker: ticker.quote_volume or 0, reverse=True)
        return [ticker.symbol for ticker in pairs[:ACTIVE_PAIRS]]

    async def _follow_listings(self, *, adopt: bool) -> None:
        while True:
            await asyncio.sleep(LISTINGS_EVERY_S)
            await self._read_calendar(adopt=adopt)
            if any(symbol not in self._known for symbol in self._watched):
                await self._load_symbols()

    async def _read_calendar(self, *, adopt: bool) -> None:
        """Update opening times; `adopt` adds next listings and drops old ones."""
        try:
            calendar = await self._web.calendar()
        except WebUnavailable as error:
            self._problem = f"calendar: {error}"
            return
        self._problem = ""
        now_ms = self._now_ms()
        opens = {f"{entry.base}USDT": entry.opens_ms for entry in calendar.entries}
        scheduled = {s: ms for s, ms in opens.items() if now_ms - LOOK_BACK_MS < ms < now_ms + LOOK_AHEAD_MS}
        upcoming = sorted(scheduled, key=lambda symbol: scheduled[symbol])[:LISTINGS] if adopt else []
        for symbol in [*upcoming, *(s for s in self._watched if s in scheduled)]:
            self._watch(symbol, scheduled[symbol])
        if adopt:
            listed = [watched.symbol for watched in self._watched.values() if watched.opens_ms is not None]
            for symbol in listed:
                if symbol not in upcoming:
                    self._unwatch(symbol)

    async def _load_symbols(self) -> None:
        """Load the precision of each pair."""
        try:
            info = await self._client.market.exchange_info()
        except ExchangeError as error:
            self._problem = str(error)
            return
        self._known = {symbol.symbol: symbol for symbol in info.symbols}

    # ---- messages

    def _on_push(self, topic: StreamTopic, push: Push, received_ns: int) -> None:
        watched = self._watched.get(topic.symbol)
        if watched is None:
            return
        if topic.kind is TopicKind.DEPTH:
            self._books.apply(topic.symbol, push.aggre_depths, received_ns)
        elif topic.kind is TopicKind.DEALS and (deals := deals_of(push)):
            watched.last = max(deals, key=lambda deal: deal.time_ms)

    def _on_gap(self, hole: StreamGap) -> None:
        topic = topics.parse(hole.channel)
        if topic.kind is TopicKind.DEPTH:
            (self._books.resume if hole.is_closed else self._books.invalidate)(topic.symbol)

    # ---- the clock

    async def _measure_clock_or_fail(self) -> None:
        measurement = await self._client.measure_clock()
        if measurement.best is None:
            raise StartError(
                f"No response from {self._endpoint.rest} ({measurement.first_failure}). "
                "Check the network, or watch the practice exchange: mexc-tui watch"
            )

    async def _measure_clock_repeatedly(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_EVERY_S)
            await self._client.measure_clock()

    def _now_ms(self) -> int:
        return self._client.offset.exchange_now_ms(self._clock.monotonic_ns())

    # ---- output

    async def _show(self) -> None:
        while True:
            text = page(self._header(), self._lines(), shutil.get_terminal_size().columns)
            if sys.stdout.isatty() and self._height:
                sys.stdout.write(f"\x1b[{self._height}A\x1b[J")
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
            check_output()
            self._height = text.count("\n") + 1
            await asyncio.sleep(SHOW_EVERY_S)

    def _header(self) -> WatchHeader:
        streams, budget = self._streams.state(), self._client.budget.state()
        offset = self._client.offset.estimate(self._clock.monotonic_ns())
        warnings = [offset.warning if offset else "", self._problem, *streams.reasons]
        return WatchHeader(
            mode=self._mode.value,
            venue=self._endpoint.exchange_session or self._endpoint.rest,
            offset_ms=offset.offset_ms if offset else None,
            error_ms=offset.error_ms if offset else None,
            messages_per_s=streams.messages_per_s,
            connections=streams.connections,
            ban=f"{budget.ban.kind.value}, {budget.ban.left_s:.0f} s left" if budget.ban else "",
            warnings=tuple(warning for warning in warnings if warning),
        )

    def _lines(self) -> list[WatchLine]:
        feeds = {state.topic.channel: state for state in self._streams.state().feeds}
        ordered = sorted(self._watched.values(), key=lambda watched: watched.opens_ms or 0)
        return [
            self._line(watched, [feeds[topic.channel] for topic in watched.topics]) for watched in ordered
        ]

    def _line(self, watched: _WatchedSymbol, feeds: list[FeedState]) -> WatchLine:
        now_ns = self._clock.monotonic_ns()
        book = self._books.add(watched.symbol)
        top = book.top(now_ns)
        known = self._known.get(watched.symbol)
        last = watched.last
        ages = [feed.age_s for feed in feeds if feed.age_s is not None]
        return WatchLine(
            symbol=watched.symbol,
            state=opening_text(watched.opens_ms, self._now_ms()),
            decimals=known.quote_precision if known else None,
            bid=top.bid[0] if top and top.bid else None,
            ask=top.ask[0] if top and top.ask else None,
            last=float(last.price) if last else None,
            last_side=last.taker_side.value.lower() if last and last.taker_side else "",
            age_s=min(ages, default=None),
            stale=any(feed.is_stale for feed in feeds),
            book=self._books.state(watched.symbol).value,
            refused=all(feed.phase is SubscriptionPhase.REFUSED for feed in feeds),
        )
