"""Composition root: builds an engine for one endpoint, starts it and stops it in the reverse order."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from mexc_tui.app.ban_file import BanFile
from mexc_tui.app.desk_composition import DeskBuilder
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.app.engine_parameters import engine_parameters
from mexc_tui.app.exchange_composition import ExchangeBuilder, check_practice
from mexc_tui.app.notify_composition import NotifyBuilder
from mexc_tui.app.paper import SCOPE
from mexc_tui.app.practice_status import PracticeStatus
from mexc_tui.app.settings_mapping import cache_lifetimes, cache_of, store_limits
from mexc_tui.app.settings_store import SettingsStore
from mexc_tui.app.startup import PracticeStatusFile, has_exposure, persist_bans, practice_status_at_start
from mexc_tui.desk.answer_cache import ResponseCache
from mexc_tui.engine.engine import Engine
from mexc_tui.engine.parts import EngineIdentity, EngineParts
from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.supervisor import StartFailed
from mexc_tui.engine.views.engine_queries import EngineQueries
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.host.desk_id import NAME as DESK_ID_FILE
from mexc_tui.host.folders import make_folders
from mexc_tui.host.halt_file import NAME as HALT_FILE
from mexc_tui.host.leftovers import delete_leftovers
from mexc_tui.host.lock import engine_lock, scope_of
from mexc_tui.model.storage import StorageDamaged
from mexc_tui.settings.file import read_file
from mexc_tui.settings.layers import scenario_layer
from mexc_tui.settings.load import Layers, Loaded, load
from mexc_tui.store.sqlite.store import SqliteStore


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """A started engine with the parts that the desk uses."""

    engine: Engine
    queries: EngineQueries
    store: SqliteStore
    loaded: Loaded
    """Settings as they were at the start."""
    day: PracticeStatus
    """Facts of the practice exchange at the start; empty for the real one."""


@asynccontextmanager
async def running_engine(
    location: EngineLocation, environment: EngineEnvironment
) -> AsyncGenerator[RunningEngine]:
    """Run an engine during the block. Parts start in order and stop in the reverse order.

    Raises PathsError, EngineRuns, SettingsError, StorageRefused, StorageDamaged, OriginRefused, ExchangeError
    or StartFailed; everything that was started is stopped first.
    """
    paths, endpoint, clock = location.paths, location.endpoint, environment.clock
    async with AsyncExitStack() as stack:
        check_practice(location)
        make_folders(paths)
        stack.enter_context(engine_lock(paths, endpoint.api_key, network=environment.network))
        await asyncio.to_thread(delete_leftovers, paths, clock.now_ms())
        transport = await stack.enter_async_context(HttpTransport(environment.connector()))
        scope = scope_of(endpoint) if endpoint.api_key else SCOPE
        holds = await asyncio.to_thread(has_exposure, paths.store, clock, scope)
        ban_file = BanFile(paths.state, endpoint.rest)
        day = PracticeStatus()
        if location.is_practice:
            stored = PracticeStatusFile(paths.state, endpoint.exchange_session)
            day = await practice_status_at_start(
                transport, endpoint.web, stored, ban_file=ban_file, clock=clock, holds=holds
            )
        layers, loaded = await _settings(location, day)
        settings = loaded.settings
        live = SettingsStore(paths.settings, layers, loaded)
        store = await SqliteStore.open(
            paths.store,
            clock,
            limits=store_limits(settings),
            thread=environment.thread,
            used_names=(DESK_ID_FILE, HALT_FILE),
        )
        stack.push_async_callback(store.close)
        feed = EventFeed(clock, last_sequence=await store.journal_head())
        stack.push_async_callback(feed.close)
        store.set_publisher(feed.publish)
        notifications = NotifyBuilder(
            profile=paths.profile,
            settings=settings,
            store=store,
            feed=feed,
            clock=clock,
            secret_of=environment.channel_secret,
            connector=environment.connector,
            stack=stack,
        )
        await notifications.open()
        cache = await cache_of(settings, store, clock)
        stack.push_async_callback(cache.close)
        builder = ExchangeBuilder(location, environment, settings, stack)
        client = await builder.client(endpoint)
        persist_bans(client.budget, ban_file, clock)
        market = await builder.market(transport, client, cache)
        engine = Engine(
            EngineParts(
                clock=clock,
                rng=environment.rng,
                store=store,
                feed=feed,
                market=market,
                settings=live,
                parameters=engine_parameters(live.current),
                identity=EngineIdentity(
                    pid=os.getpid(),
                    profile=paths.profile,
                    mode=settings.mode.value,
                    exchange_session=endpoint.exchange_session,
                    session_start_ms=day.start_ms,
                ),
                trading=await builder.trading(client, market, store, has_exposure=holds),
                storage=store,
                has_exposure=holds,
            )
        )
        await _start(engine, store)
        stack.push_async_callback(engine.stop)
        await notifications.open_dead_man(engine)
        queries = EngineQueries(engine)
        if not environment.has_desk:
            yield RunningEngine(engine, queries, store, loaded, day)
            return
        answers = ResponseCache(cache, lambda: feed.last_sequence, cache_lifetimes(settings))
        desk = DeskBuilder(
            location=location,
            clock=clock,
            engine=engine,
            store=store,
            feed=feed,
            settings=settings,
            stack=stack,
        )
        await desk.open_service(queries, answers, desk.metrics(client, market))
        yield RunningEngine(engine, queries, store, loaded, day)


async def _start(engine: Engine, store: SqliteStore) -> None:
    """Start an engine; if the database is damaged, name the backup to restore in the error."""
    try:
        await engine.start()
    except (StartFailed, StorageDamaged) as error:
        is_damage = isinstance(error, StorageDamaged) or isinstance(error.cause, StorageDamaged)
        if not is_damage:
            raise
        raise StorageDamaged(f"{error} {store.backups.advice()}") from error


async def _settings(location: EngineLocation, day: PracticeStatus) -> tuple[Layers, Loaded]:
    """Load the settings, with the overrides of a practice exchange."""
    layers = replace(location.layers, scenario=scenario_layer(day.settings, "of the practice exchange"))
    file = await asyncio.to_thread(read_file, location.paths.settings)
    return layers, load(replace(layers, file=file))
