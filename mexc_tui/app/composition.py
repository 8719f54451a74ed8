"""Joins real parts to an engine on one endpoint: transports, client, store, bus, settings."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from urllib.parse import urlsplit

import aiohttp

from mexc_tui.app.ban_file import BanFile
from mexc_tui.app.endpoints import LoadedKey
from mexc_tui.app.engine_parameters import engine_parameters
from mexc_tui.app.market_adapter import MarketAdapterParts, MexcMarket, PracticeStatus
from mexc_tui.app.paper import SCOPE, PaperMarket, Serve, paper_balances, paper_exchange
from mexc_tui.app.process_metrics import ProcessMetrics, ProcessMetricsParts
from mexc_tui.app.settings_mapping import (
    cache_lifetimes,
    cache_of,
    client_limits,
    socket_timings,
    store_limits,
)
from mexc_tui.app.settings_store import SettingsStore
from mexc_tui.app.startup import PracticeDayFile, first_answer, holds_something, keep_ban
from mexc_tui.app.trading_adapter import MexcTrading, TradingAdapterParts
from mexc_tui.desk.answer_cache import AnswerCache
from mexc_tui.desk.service import DeskService, DeskServiceParts
from mexc_tui.engine.engine import Engine, EngineIdentity, EngineParts
from mexc_tui.engine.health import FIRST_SAMPLES, ClockUnknown
from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.start_patience import GO_ON_S
from mexc_tui.engine.runtime.subscriber import Notice, Resume, SubscriberPolicy
from mexc_tui.engine.runtime.supervisor import StartFailed
from mexc_tui.engine.trading import TradingSetup
from mexc_tui.engine.views.engine_queries import EngineQueries
from mexc_tui.engine.views.screen_queries import ScreenQueries
from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.origins import OriginRefused, is_this_machine
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.exchange.rest.web_calendar import MEXC_WEB, WebSite
from mexc_tui.host.desk_id import NAME as INSTANCE
from mexc_tui.host.desk_id import instance_of
from mexc_tui.host.folders import make_folders
from mexc_tui.host.halt_file import NAME as HALT
from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.host.leftovers import delete_leftovers
from mexc_tui.host.listen_key_file import ListenKeyFile
from mexc_tui.host.lock import engine_lock, scope_of
from mexc_tui.host.paths import Paths
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.event import Fact
from mexc_tui.model.mode import Mode
from mexc_tui.model.storage import StorageDamaged
from mexc_tui.ports.clock import Clock
from mexc_tui.practice.server import served
from mexc_tui.settings.file import read_file
from mexc_tui.settings.layers import scenario_layer
from mexc_tui.settings.load import Layers, Loaded, load
from mexc_tui.settings.table import Settings
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.store import SqliteStore
from mexc_tui.store.thread import SqliteThread

log = logging.getLogger(__name__)


def real_sockets() -> None:
    """Return no connector of one's own: connections go through the system's sockets."""


@dataclass(frozen=True, slots=True)
class EngineEnvironment:
    """Network and servers of an engine; a simulation provides its own."""

    clock: Clock
    rng: Random
    connector: Callable[[], aiohttp.BaseConnector | None] = real_sockets
    """Makes a connector for each transport; None: real sockets."""
    thread: type[SqliteThread] = SqliteThread
    serve: Serve = served
    """Serves the paper exchange."""

    @property
    def network(self) -> str:
        """Return a name for a simulated network; empty: the real one."""
        return "" if self.connector is real_sockets else f"-simulated-{os.getpid()}"


@dataclass(frozen=True, slots=True)
class EngineLocation:
    """Exchange, paths and settings of an engine. `layers` are the settings without file and scenario."""

    endpoint: Endpoint
    is_practice: bool
    paths: Paths
    layers: Layers = field(default_factory=Layers)
    key: LoadedKey | None = None
    """None: what the endpoint itself holds, of a practice exchange."""


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """A started engine with the parts that the desk uses."""

    engine: Engine
    face: EngineQueries
    store: SqliteStore
    loaded: Loaded
    """Settings as they were at the start."""
    day: PracticeStatus
    """Facts of the practice exchange at the start; empty for the real one."""


@asynccontextmanager
async def joined(place: EngineLocation, outside: EngineEnvironment) -> AsyncGenerator[RunningEngine]:
    """Run an engine for as long as the block runs: up in order, down in the reverse order.

    Raises PathsError, EngineRuns, SettingsError, StorageRefused, StorageDamaged, OriginRefused, ExchangeError
    or StartFailed, each in plain words; nothing of it is left running then.
    """
    async with AsyncExitStack() as stack:
        _check_practice(place)
        make_folders(place.paths)
        stack.enter_context(engine_lock(place.paths, place.endpoint.api_key, network=outside.network))
        await asyncio.to_thread(delete_leftovers, place.paths, outside.clock.now_ms())
        transport = await stack.enter_async_context(HttpTransport(outside.connector()))
        scope = scope_of(place.endpoint) if place.endpoint.api_key else SCOPE
        holds = await asyncio.to_thread(holds_something, place.paths.store, outside.clock, scope)
        ban_file = BanFile(place.paths.state, place.endpoint.rest)
        day = PracticeStatus()
        if place.is_practice:
            noted = PracticeDayFile(place.paths.state, place.endpoint.world)
            day = await first_answer(
                transport, place.endpoint.web, noted, ban_file, outside.clock, holds=holds
            )
        layers, loaded = await _settings(place, day)
        settings = loaded.settings
        live = SettingsStore(place.paths.settings, layers, loaded)
        store = await SqliteStore.open(
            place.paths.store,
            outside.clock,
            limits=store_limits(settings),
            thread=outside.thread,
            used_names=(INSTANCE, HALT),
        )
        stack.push_async_callback(store.close)
        head = await store.journal_head()
        bus = EventFeed((), outside.clock, last_sequence=head)
        stack.push_async_callback(bus.close)
        store.publish_to(bus.accept)
        cache = await cache_of(settings, store, outside.clock)
        stack.push_async_callback(cache.close)
        client = await _client(place, outside, settings, stack)
        keep_ban(client.budget, ban_file, outside.clock)
        market = await _market(place, outside, transport, client, loaded, cache, stack)
        engine = Engine(
            EngineParts(
                clock=outside.clock,
                rng=outside.rng,
                books=store,
                bus=bus,
                market=market,
                settings=live,
                numbers=engine_parameters(live.current),
                identity=EngineIdentity(
                    os.getpid(),
                    place.paths.profile,
                    settings.mode.value,
                    place.endpoint.world,
                    day.start_ms,
                ),
                trading=await _trading(place, outside, client, market, store, settings, stack, holds=holds),
                storage=store,
                holds=holds,
            )
        )
        await _start(engine, store)
        stack.push_async_callback(engine.stop)
        face = EngineQueries(engine)
        answers = AnswerCache(cache, lambda: bus.state().last_sequence, cache_lifetimes(settings))
        machine = _machine(outside, client, market, engine, store, bus)
        stack.push_async_callback(machine.close)
        await _open_door(place, outside, engine, face, store, bus, answers, machine, stack)
        yield RunningEngine(engine, face, store, loaded, day)


async def _start(engine: Engine, store: SqliteStore) -> None:
    """Start an engine; where damage keeps it from that, say which backup to restore."""
    try:
        await engine.start()
    except (StartFailed, StorageDamaged) as error:
        is_damage = isinstance(error, StorageDamaged) or isinstance(error.cause, StorageDamaged)
        if not is_damage:
            raise
        raise StorageDamaged(f"{error} {store.backups.advice()}") from error


def _check_practice(place: EngineLocation) -> None:
    """Refuse a practice exchange that is not on this machine: practice never reaches a real one."""
    endpoint = place.endpoint
    for url in (endpoint.rest, endpoint.ws, endpoint.web):
        if place.is_practice and not is_this_machine(urlsplit(url).hostname or ""):
            raise OriginRefused(f"A practice exchange must run on this machine; {url} does not.")


async def _open_door(
    place: EngineLocation,
    outside: EngineEnvironment,
    engine: Engine,
    face: EngineQueries,
    store: SqliteStore,
    bus: EventFeed,
    answers: AnswerCache,
    machine: ProcessMetrics,
    stack: AsyncExitStack,
) -> None:
    """Serve front ends: events as they are committed, missed ones from the journal."""
    money = await trading_queries(engine)
    door = DeskService(
        DeskServiceParts(
            queries=face,
            books=store,
            clock=outside.clock,
            detection=engine.detection_settings,
            engine=f"{os.getpid()}-{engine.started_ms}",
            head=bus.state().last_sequence,
            answers=answers,
            trading=money,
            screens=ScreenQueries(engine, tuple if money is None else money.positions),
            machine=machine,
        )
    )

    async def tell(notice: Notice) -> None:
        match notice:
            case Fact():
                door.tell(notice)
            case Resume(from_sequence=first, through_sequence=last):
                for fact in await store.read(
                    "facts for the desk", lambda s: s.journal.after(first - 1, last)
                ):
                    door.tell(fact)
            case _:
                return

    observer = bus.observe("desk", tell, SubscriberPolicy(repaints=0))
    stack.push_async_callback(bus.leave, observer, 1.0)
    await door.open(place.paths.socket)
    stack.push_async_callback(door.close)


def _machine(
    outside: EngineEnvironment,
    client: MexcClient,
    market: MexcMarket,
    engine: Engine,
    store: SqliteStore,
    bus: EventFeed,
) -> ProcessMetrics:
    """Return what measures this process and these parts."""
    port = None if engine.rooms is None else engine.rooms.port
    return ProcessMetrics(
        ProcessMetricsParts(
            clock=outside.clock,
            database=store.path,
            store=store.state,
            bus=bus.state,
            budget=client.budget.state,
            breakers=lambda: client.breakers,
            lines=market.lines,
            counts=market.stream_counts,
            private=port.private_line if isinstance(port, MexcTrading) else lambda: None,
        )
    )


async def _settings(place: EngineLocation, day: PracticeStatus) -> tuple[Layers, Loaded]:
    """Load the settings, with the overrides of a practice exchange."""
    layers = replace(place.layers, scenario=scenario_layer(day.settings, "of the practice exchange"))
    file = await asyncio.to_thread(read_file, place.paths.settings)
    return layers, load(replace(layers, file=file))


async def _client(
    place: EngineLocation, outside: EngineEnvironment, settings: Settings, stack: AsyncExitStack
) -> MexcClient:
    endpoint = place.endpoint
    made_up = Credentials(endpoint.api_key, Secret(endpoint.api_secret)) if endpoint.api_key else None
    return await stack.enter_async_context(
        MexcClient(
            endpoint.rest,
            clock=outside.clock,
            rng=outside.rng,
            credentials=made_up if place.key is None else place.key.credentials,
            connector=outside.connector(),
            limits=client_limits(settings),
        )
    )


async def _trading(
    place: EngineLocation,
    outside: EngineEnvironment,
    client: MexcClient,
    market: MexcMarket,
    store: SqliteStore,
    settings: Settings,
    stack: AsyncExitStack,
    *,
    holds: bool,
) -> TradingSetup | None:
    """Return the account's side; None without a key."""
    if isinstance(market, PaperMarket):
        endpoint = await _paper(market, outside.serve, store, settings, stack, holds=holds)
        client = await _client(replace(place, endpoint=endpoint), outside, settings, stack)
        await client.measure_clock(FIRST_SAMPLES)
        market.measure_also(client)
        scope = SCOPE
    else:
        endpoint = place.endpoint
        scope = scope_of(endpoint)
    if not endpoint.api_key:
        return None
    connector = await stack.enter_async_context(outside.connector() or aiohttp.TCPConnector())
    port = MexcTrading(
        TradingAdapterParts(
            clock=outside.clock,
            client=client,
            stream_url=endpoint.ws,
            connector=connector,
            rng=outside.rng,
            timings=socket_timings(settings),
            keys=ListenKeyFile(place.paths.state),
        )
    )
    instance = instance_of(place.paths.state / INSTANCE, outside.rng)
    words = "" if place.key is None else place.key.words
    return TradingSetup(port, scope, instance, HaltFileOnDisk(place.paths.state, scope), words)


async def _paper(
    market: PaperMarket,
    serve: Serve,
    store: SqliteStore,
    settings: Settings,
    stack: AsyncExitStack,
    *,
    holds: bool,
) -> Endpoint:
    """Serve a paper exchange on the market's books, with the balances of the last session.

    Its clock is the market's. With something held it begins with this machine's if that is not answered soon.
    """
    problem = ""
    try:
        async with asyncio.timeout(GO_ON_S if holds else None):
            problem = await market.measure_clock(FIRST_SAMPLES)
    except TimeoutError:
        log.warning("the paper exchange starts with this machine's clock: the market's time is unknown")
    if problem and not holds:
        raise StartFailed("clock", str(ClockUnknown(problem)))
    balances = await store.read("paper balances", paper_balances)
    if not balances:
        balances = {QUOTE: settings.paper_balance_quote}
    exchange = paper_exchange(market, balances, market.now_ms(), serve, settings.paper_delay_ms)
    return await stack.enter_async_context(exchange)


async def _market(
    place: EngineLocation,
    outside: EngineEnvironment,
    transport: HttpTransport,
    client: MexcClient,
    loaded: Loaded,
    cache: Cache,
    stack: AsyncExitStack,
) -> MexcMarket:
    endpoint, settings = place.endpoint, loaded.settings
    connector = await stack.enter_async_context(outside.connector() or aiohttp.TCPConnector())
    origins = MEXC_WEB if endpoint.web in MEXC_WEB else (endpoint.web,)
    kind = PaperMarket if settings.mode is Mode.PAPER else MexcMarket
    return kind(
        MarketAdapterParts(
            clock=outside.clock,
            client=client,
            web=WebSite(transport, outside.clock, origins),
            transport=transport,
            practice=endpoint.web if place.is_practice else "",
            has_key=bool(endpoint.api_key),
            stream_url=endpoint.ws,
            connector=connector,
            rng=outside.rng,
            timings=socket_timings(settings),
            cache=cache,
            kept=cache_lifetimes(settings),
            world=endpoint.world,
        )
    )
