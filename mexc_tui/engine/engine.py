"""One engine: its workers, joined; one way up for a first start and after a crash, one way down."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.detection.detection_worker import DetectionWorker
from mexc_tui.engine.detection.outcome_worker import OutcomeWorker
from mexc_tui.engine.health import AlertCondition, AlertWorker, ClockWorker, SettingsWorker
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.poll_worker import PollParameters, PollWorker
from mexc_tui.engine.market.stream_worker import StreamWorker
from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.retention import RetentionWorker
from mexc_tui.engine.runtime.start_patience import GO_ON_S
from mexc_tui.engine.runtime.store_monitor import Storage, StoreMonitor
from mexc_tui.engine.runtime.supervisor import Supervisor, SupervisorLimits, Worker, WorkerState, WorkerStatus
from mexc_tui.engine.trading import EngineContext, TradingComponents, TradingParameters, TradingSetup
from mexc_tui.market.polling import PollPace, current_pace
from mexc_tui.model.event import EngineStarted, EngineStopped
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import Durability, RetentionPeriods, StorageDamaged, StoredAlert
from mexc_tui.model.trading import Cause
from mexc_tui.model.view import TradingState
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.market import Market
from mexc_tui.ports.settings import SettingsPort
from mexc_tui.ports.store import Store, UnitOfWork
from mexc_tui.sniping.request import WorkerFact

log = logging.getLogger(__name__)

OVER_EVERY_S = 0.5
LAST_LOOK_S = 10.0
FIRING_RESTS_ON = (
    "clock",
    "awake",
    "private stream",
    "reconciler",
    "books",
    "settling",
    "guardian",
    "streams",
)
SOURCE_FAILURES = 3
"""So many failures in a row of a source are worth an alert."""


@dataclass(frozen=True, slots=True)
class EngineParameters:
    """Parameters of the components, from the settings; call them each time, since those may be reloaded."""

    detection: Callable[[], DetectionSettings]
    polls: Callable[[], PollParameters]
    supervisor: SupervisorLimits
    trading: TradingParameters
    keep: Callable[[], RetentionPeriods]
    near_before_ms: Callable[[], int]
    """How long before its opening a pair is streamed."""
    detection_pass_s: Callable[[], float]
    clock_resync_s: Callable[[], tuple[float, float]]
    """Usually, and around an opening."""
    alert_evaluate_s: Callable[[], float]


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """Which engine this is."""

    pid: int
    profile: str
    mode: str
    exchange_session: str
    session_start_ms: int = 0
    """Start of that practice session; stored data from before does not belong to it."""


@dataclass(frozen=True, slots=True)
class EngineParts:
    """Everything that can be swapped."""

    clock: Clock
    rng: Random
    books: Store
    feed: EventFeed
    market: Market
    settings: SettingsPort
    numbers: EngineParameters
    identity: EngineIdentity
    trading: TradingSetup | None = None
    """None: this engine only looks."""
    storage: Storage | None = None
    """The store, asked about itself."""
    holds: bool = False
    """Whether the stored books hold something, or do not say: then no start ends for want of an answer."""


class Engine:
    """Runs until it is asked to stop, or (if told so) until the practice day is over."""

    def __init__(self, parts: EngineParts) -> None:
        """Join the workers; nothing runs yet."""
        self.parts = parts
        self.started_ms = 0
        self.stop_reason = ""
        self.is_done = False
        """Whether it stops because the practice day is over."""
        self.problem = ""
        """What the closing look could not do; empty if it saw everything."""
        self.unexplained = tuple[str, ...]()
        """Differences between our books and the exchange's that nothing explains, at the end of a day."""
        self.farewell = ""
        """What becomes of open positions, once it stops."""
        self._stopped = asyncio.Event()
        market, clock, numbers = parts.market, parts.clock, parts.numbers
        self.known = KnowledgeStore(parts.books, self.detection_settings, parts.identity.session_start_ms)
        self.polls = PollWorker(market, self.known, numbers.polls)
        self.streams = StreamWorker(
            market,
            self.known,
            numbers.near_before_ms,
            lambda: self.detection_settings().maturity_ms,
        )
        self.detection = DetectionWorker(
            market,
            self.known,
            clock,
            self.detection_settings,
            numbers.detection_pass_s,
            self.polls.read_ms,
        )
        self.outcomes = OutcomeWorker(market, self.known, self.detection_settings)
        self.clock_keeper = ClockWorker(
            market,
            self.known,
            clock,
            numbers.clock_resync_s,
            lambda: parts.holds,
        )
        self.store_watch = (
            None
            if parts.storage is None
            else StoreMonitor(parts.storage, self._on_lost, lambda: self.detection.is_opening())
        )
        self.retention = (
            None
            if parts.storage is None
            else RetentionWorker(
                parts.storage,
                numbers.keep,
                self.clock_keeper.known_ms,
                self._must_not_wait,
            )
        )
        self.rooms = (
            None
            if parts.trading is None
            else TradingComponents(parts.trading, parts.books, clock, numbers.trading, self._surroundings())
        )
        """Of trading; None: this engine only looks."""
        if self.rooms is not None:
            rooms = self.rooms
            self.streams.prices = (rooms.prices,)
            self.streams.held = lambda: rooms.keeper.state.symbols()
            self.polls.is_opening = self.detection.is_opening = rooms.sniper.is_opening
        self.reload = SettingsWorker(parts.settings, parts.books, clock)
        self.alerts = AlertWorker(
            parts.books, clock, self.troubles, numbers.alert_evaluate_s, self._is_alert_over
        )
        self._supervisor = Supervisor(clock, parts.rng, self._note_worker, numbers.supervisor)

    def detection_settings(self) -> DetectionSettings:
        """Return the detectors' thresholds in force now."""
        return self.parts.numbers.detection()

    async def start(self) -> None:
        """Come up in order; returns when the engine is ready. Raises StartFailed, StorageError.

        With something held it is ready as soon as exits can run: entries wait for the exchange's answers.
        """
        await self.known.load()
        if self.rooms is not None:
            await self.rooms.keeper.load()
        await self._supervisor.start(self._workers())
        self.started_ms = self.parts.clock.now_ms()
        identity = self.parts.identity
        event = EngineStarted(
            at_ms=self.started_ms,
            about=identity.profile,
            mode=identity.mode,
            exchange_session=identity.exchange_session,
            config_hash=self.parts.settings.config_hash(),
        )
        await self._record(lambda unit: unit.record(event))

    async def wait(self, *, until_done: bool = False) -> str:
        """Return why the engine is to stop, once it is."""
        if not until_done:
            await self._stopped.wait()
            return self.stop_reason
        while not self._stopped.is_set():
            if await self.parts.market.is_over():
                await self._look_last()
                self.is_done = True
                self.ask_to_stop("the practice day is over")
                break
            try:
                async with asyncio.timeout(OVER_EVERY_S):
                    await self._stopped.wait()
            except TimeoutError:
                continue
        return self.stop_reason

    def ask_to_stop(self, reason: str) -> None:
        """Let `wait` return; the first reason counts."""
        if not self._stopped.is_set():
            self.stop_reason = reason
            self._stopped.set()

    async def stop(self) -> None:
        """Go down in order: what is on its way, workers in reverse, then the last word in the journal."""
        if self.rooms is not None:
            self.farewell = await self.rooms.stop()
        await self._supervisor.stop()
        if self.store_watch is not None:
            self.farewell = " ".join(filter(None, (self.farewell, await self.store_watch.end())))
        event = EngineStopped(
            at_ms=self.parts.clock.now_ms(), about=self.parts.identity.profile, reason=self.stop_reason
        )
        await self._record(lambda unit: unit.record(event))

    async def _look_last(self) -> None:
        """Take in what the last seconds brought, before the report is made."""
        if self.rooms is not None:
            self.unexplained = await self.rooms.safety.day_over(self._stopped)
        try:
            async with asyncio.timeout(LAST_LOOK_S):
                await self.outcomes.label()
                await self.detection.look()
        except TimeoutError:
            self.problem = (
                f"The closing look took longer than {LAST_LOOK_S:g} s: "
                "the report may lack the day's last seconds."
            )

    def _workers(self) -> tuple[Worker, ...]:
        holds = self.parts.holds
        go_on_s = GO_ON_S if holds else None
        return (
            Worker("clock", self.clock_keeper.run, None if holds else 20.0, go_on_s=go_on_s),
            Worker("polls", self.polls.run, start_deadline_s=60.0, is_optional=True, go_on_s=go_on_s),
            *(self.rooms.workers(holds=holds) if self.rooms is not None else ()),
            Worker("streams", self.streams.run),
            Worker("detection", self.detection.run, is_optional=True),
            Worker("outcomes", self.outcomes.run, is_optional=True),
            Worker("settings", self.reload.run, is_optional=True),
            Worker("alerts", self.alerts.run, is_optional=True),
            *self._store_workers(),
        )

    def _store_workers(self) -> tuple[Worker, ...]:
        watch = self.store_watch
        if watch is None:
            return ()
        return (
            Worker("database", watch.watch),
            Worker("reserve", watch.keep_reserve, is_optional=True),
            Worker("backups", watch.keep_backups, is_optional=True),
            *(() if self.retention is None else (Worker("retention", self.retention.run, is_optional=True),)),
        )

    def _must_not_wait(self) -> bool:
        """Whether a pair is about to open or opens, or the store needs its room for exits."""
        now_ms = self.parts.market.now_ms()
        is_near = current_pace(self.known.live(now_ms), now_ms) is PollPace.NOW
        return is_near or self.detection.is_opening() or bool(self._store_problem())

    def _on_lost(self, about: str, words: str) -> None:
        """Halt: the database was deleted, replaced or emptied."""
        if self.rooms is not None:
            self.rooms.safety.guard.incident(Cause.STORAGE, about, words)

    def _store_problem(self) -> str:
        return "" if self.store_watch is None else self.store_watch.problem

    def _surroundings(self) -> EngineContext:
        return EngineContext(
            known=self.known,
            workers=self._worker_facts,
            stream_age_ms=self._stream_age_ms,
            streams=self.parts.market,
            resync=self.clock_keeper.hurry,
            profile=self.parts.identity.profile,
            statuses=self.workers,
            clock_problem=self._clock_problem,
            rng=self.parts.rng,
            store_problem=self._store_problem,
        )

    def _worker_facts(self) -> tuple[WorkerFact, ...]:
        return tuple(
            WorkerFact(one.name, one.state is WorkerState.RUNNING, one.last_error)
            for one in self.workers()
            if one.name in FIRING_RESTS_ON
        )

    def _is_alert_over(self, alert: StoredAlert) -> bool:
        return self.rooms is not None and self.rooms.safety.is_over(alert)

    def _stream_age_ms(self) -> int | None:
        """Return 0 while the market's streams are heard: single pairs are quiet before they open."""
        row = self.parts.market.streams_row()
        return 0 if row.connections and not row.reasons else None

    async def _record(self, work: Callable[[UnitOfWork], int]) -> None:
        try:
            await self.parts.books.write("engine", work, durability=Durability.FULL)
        except StorageDamaged as error:  # exits go on without it
            log.error("the journal does not take it: %s", error)

    def _note_worker(self, status: WorkerStatus) -> None:
        log.info("worker %s is %s", status.name, status.state)

    # ---- how it is

    @property
    def waits_for(self) -> str:
        """Say which answers of the exchange entries wait for; empty: for none."""
        refusal = "" if self.rooms is None else self.rooms.reconciler.refusal
        return "; ".join(filter(None, (self._clock_problem(), refusal)))

    def workers(self) -> tuple[WorkerStatus, ...]:
        """Return the workers in the order of their start."""
        return self._supervisor.statuses()

    def trading(self) -> tuple[TradingState, str]:
        """Return what the desk may do now, and why not everything."""
        if self.rooms is not None and self.started_ms:
            shown = self.rooms.keeper.state.trading
            return shown.state, shown.words
        degraded = [one.name for one in self.workers() if one.is_degraded]
        if degraded:
            return TradingState.REDUCE_ONLY, f"worker {', '.join(degraded)} keeps failing"
        problem = self._clock_problem()
        return (TradingState.REDUCE_ONLY, problem) if problem else (TradingState.ACTIVE, "")

    def _clock_problem(self) -> str:
        """Say why the exchange's time is in doubt; empty: it is not."""
        if self.clock_keeper.problem:
            return f"exchange clock: {self.clock_keeper.problem}"
        return self.parts.market.clock_row().warning

    def troubles(self) -> Iterable[AlertCondition]:
        """Yield what is wrong with the engine now."""
        for worker in self.workers():
            if worker.is_degraded:
                yield AlertCondition("engine:worker", worker.name, Severity.ERROR, worker.last_error)
        for source in self.polls.rows():
            if source.failures >= SOURCE_FAILURES:
                yield AlertCondition("engine:source", source.source, Severity.WARNING, source.problem)
        if self.rooms is not None and self.rooms.reconciler.damage:
            yield AlertCondition("engine:books", "books", Severity.CRITICAL, self.rooms.reconciler.damage)
        yield from self._store_troubles()
        state, cause = self.trading()
        if state is not TradingState.ACTIVE:
            yield AlertCondition("engine:trading", state.value, Severity.WARNING, cause)
        if self.rooms is not None and self.rooms.awake.warning:
            yield AlertCondition("engine:loop", "event loop", Severity.WARNING, self.rooms.awake.warning)
        if self.reload.problem:
            yield AlertCondition("engine:settings", "settings", Severity.WARNING, self.reload.problem)
        ban = self.parts.market.budget_row().ban
        if ban:
            yield AlertCondition("engine:ban", ban, Severity.ERROR, f"banned by the exchange: {ban}")

    def _store_troubles(self) -> Iterable[AlertCondition]:
        watch = self.store_watch
        if watch is None:
            return
        if watch.problem:
            yield AlertCondition("engine:store", "database", Severity.CRITICAL, watch.problem)
        if watch.backup_problem:
            yield AlertCondition("engine:backup", "database", Severity.WARNING, watch.backup_problem)
