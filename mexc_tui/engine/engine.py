"""The engine: composition of its workers, start, stop and alert conditions."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable

from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.detection.detection_worker import DetectionWorker
from mexc_tui.engine.detection.outcome_worker import OutcomeWorker
from mexc_tui.engine.health import AlertCondition, AlertWorker, ClockWorker, SettingsWorker
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.poll_worker import PollWorker
from mexc_tui.engine.market.stream_worker import StreamWorker
from mexc_tui.engine.market.watched_symbols import WatchedSymbols
from mexc_tui.engine.parts import EngineContext, EngineParts
from mexc_tui.engine.runtime.retention import RetentionWorker
from mexc_tui.engine.runtime.start_retry import PROCEED_AFTER_S
from mexc_tui.engine.runtime.store_monitor import StoreMonitor
from mexc_tui.engine.runtime.supervisor import Supervisor, Worker, WorkerState, WorkerStatus
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.market.polling import PollPace, current_pace
from mexc_tui.model.event import EngineStarted, EngineStopped
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import Durability, StorageDamaged, StoredAlert
from mexc_tui.model.trading import Cause
from mexc_tui.model.view import TradingState
from mexc_tui.ports.store import UnitOfWork
from mexc_tui.sniping.request import WorkerFact

log = logging.getLogger(__name__)

DAY_OVER_CHECK_S = 0.5
FINAL_UPDATE_S = 10.0
REQUIRED_FOR_FIRING = (
    "clock",
    "suspend detector",
    "user stream",
    "reconciler",
    "ledger",
    "order resolution",
    "exit monitor",
    "streams",
)
SOURCE_FAILURES = 3
"""Consecutive failures of a source that raise an alert."""


class Engine:
    """Trading engine: runs until `request_stop`, or until the practice day is over."""

    def __init__(self, parts: EngineParts) -> None:
        """Build the workers; nothing runs yet."""
        self.parts = parts
        self.started_ms = 0
        self.stop_reason = ""
        self.is_done = False
        """Whether the engine stops because the practice day is over."""
        self.closing_problem = ""
        """Incomplete part of the final update; empty: none."""
        self.unexplained = tuple[str, ...]()
        """Unexplained differences between the ledger and the exchange at the end of a day."""
        self.stop_message = ""
        """Treatment of the open positions at the stop, as text."""
        self._stopped = asyncio.Event()
        market, clock, parameters = parts.market, parts.clock, parts.parameters
        self.knowledge_store = KnowledgeStore(
            parts.store, self.detection_settings, parts.identity.session_start_ms
        )
        self.clock_worker = ClockWorker(
            market=market,
            knowledge_store=self.knowledge_store,
            clock=clock,
            intervals_s=parameters.clock_resync_s,
            has_exposure=lambda: parts.has_exposure,
        )
        self.store_monitor = self._build_store_monitor()
        self.retention = self._build_retention()
        self.trading_components = self._build_trading()
        """None: this engine does not trade."""
        self.watched = WatchedSymbols(market.now_ms)
        """Pairs displayed by front ends."""
        self.polls = PollWorker(
            market=market,
            knowledge_store=self.knowledge_store,
            parameters=parameters.polls,
            is_opening=self._is_opening,
        )
        self.streams = StreamWorker(
            market=market,
            knowledge_store=self.knowledge_store,
            within_ms=parameters.near_before_ms,
            maturity_ms=lambda: self.detection_settings().maturity_ms,
            watched=self.watched.symbols,
            held=self._held_symbols,
            prices=None if self.trading_components is None else self.trading_components.prices,
        )
        self.detection = DetectionWorker(
            market=market,
            knowledge_store=self.knowledge_store,
            clock=clock,
            settings=self.detection_settings,
            every_s=parameters.detection_pass_s,
            read_ms=self.polls.read_ms,
            is_opening=self._is_opening,
        )
        self.outcomes = OutcomeWorker(market, self.knowledge_store, self.detection_settings)
        self.settings_worker = SettingsWorker(parts.settings, parts.store, clock)
        self.alerts = AlertWorker(
            store=parts.store,
            clock=clock,
            conditions=self.alert_conditions,
            interval_s=parameters.alert_evaluate_s,
            is_over=self._is_alert_over,
        )
        self._supervisor = Supervisor(clock, parts.rng, report=self._log_worker, limits=parameters.supervisor)

    # ---- builders

    def _build_store_monitor(self) -> StoreMonitor | None:
        storage = self.parts.storage
        return None if storage is None else StoreMonitor(storage, self._on_lost, self._is_opening)

    def _build_retention(self) -> RetentionWorker | None:
        storage = self.parts.storage
        if storage is None:
            return None
        return RetentionWorker(
            storage=storage,
            keep=self.parts.parameters.keep,
            now_ms=self.clock_worker.known_ms,
            is_busy=self._must_defer_deletions,
        )

    def _build_trading(self) -> TradingComponents | None:
        parts = self.parts
        if parts.trading is None:
            return None
        return TradingComponents(
            setup=parts.trading,
            store=parts.store,
            clock=parts.clock,
            parameters=parts.parameters.trading,
            context=self._trading_context(),
        )

    # ---- life cycle

    def detection_settings(self) -> DetectionSettings:
        """Return the current detection settings."""
        return self.parts.parameters.detection()

    async def start(self) -> None:
        """Start the workers in order; return when the engine is ready. Raises StartFailed, StorageError.

        With exposure it is ready as soon as exits can run; entries wait for the exchange.
        """
        await self.knowledge_store.load()
        if self.trading_components is not None:
            await self.trading_components.ledger.load()
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
        """Wait for a stop request (`until_done`: or the end of the practice day); return the reason."""
        if not until_done:
            await self._stopped.wait()
            return self.stop_reason
        while not self._stopped.is_set():
            if await self.parts.market.is_over():
                await self._update_finally()
                self.is_done = True
                self.request_stop("the practice day is over")
                break
            try:
                async with asyncio.timeout(DAY_OVER_CHECK_S):
                    await self._stopped.wait()
            except TimeoutError:
                continue
        return self.stop_reason

    def request_stop(self, reason: str) -> None:
        """Make `wait` return; the first reason is kept."""
        if not self._stopped.is_set():
            self.stop_reason = reason
            self._stopped.set()

    async def stop(self) -> None:
        """Stop in order: trading, workers in reverse, then record the stop in the journal."""
        if self.trading_components is not None:
            self.stop_message = await self.trading_components.stop()
        await self._supervisor.stop()
        if self.store_monitor is not None:
            self.stop_message = " ".join(filter(None, (self.stop_message, await self.store_monitor.finish())))
        event = EngineStopped(
            at_ms=self.parts.clock.now_ms(), about=self.parts.identity.profile, reason=self.stop_reason
        )
        await self._record(lambda unit: unit.record(event))

    async def _update_finally(self) -> None:
        """Reconcile, label outcomes and run a last detection pass before the day report."""
        if self.trading_components is not None:
            self.unexplained = await self.trading_components.safety.close_day(self._stopped)
        try:
            async with asyncio.timeout(FINAL_UPDATE_S):
                await self.outcomes.label()
                await self.detection.run_pass()
        except TimeoutError:
            self.closing_problem = (
                f"The final update took longer than {FINAL_UPDATE_S:g} s: "
                "the report may miss the last seconds of the day."
            )

    def _workers(self) -> tuple[Worker, ...]:
        has_exposure = self.parts.has_exposure
        proceed_after_s = PROCEED_AFTER_S if has_exposure else None
        return (
            Worker(
                name="clock",
                run=self.clock_worker.run,
                start_deadline_s=None if has_exposure else 20.0,
                proceed_after_s=proceed_after_s,
            ),
            Worker(
                name="polls",
                run=self.polls.run,
                start_deadline_s=60.0,
                is_optional=True,
                proceed_after_s=proceed_after_s,
            ),
            *(
                self.trading_components.workers(has_exposure=has_exposure)
                if self.trading_components is not None
                else ()
            ),
            Worker(name="streams", run=self.streams.run),
            Worker(name="detection", run=self.detection.run, is_optional=True),
            Worker(name="outcomes", run=self.outcomes.run, is_optional=True),
            Worker(name="settings", run=self.settings_worker.run, is_optional=True),
            Worker(name="alerts", run=self.alerts.run, is_optional=True),
            *self._store_workers(),
        )

    def _store_workers(self) -> tuple[Worker, ...]:
        monitor = self.store_monitor
        if monitor is None:
            return ()
        return (
            Worker(name="database", run=monitor.check_file),
            Worker(name="reserve", run=monitor.maintain_reserve, is_optional=True),
            Worker(name="backups", run=monitor.maintain_backups, is_optional=True),
            *(
                ()
                if self.retention is None
                else (Worker(name="retention", run=self.retention.run, is_optional=True),)
            ),
        )

    def _must_defer_deletions(self) -> bool:
        """Return whether deletions must wait: around an opening, or while the store has a problem."""
        now_ms = self.parts.market.now_ms()
        is_near = current_pace(self.knowledge_store.live(now_ms), now_ms) is PollPace.NOW
        return is_near or self._is_opening() or bool(self._store_problem())

    def _on_lost(self, about: str, reason: str) -> None:
        """Halt because the database was deleted, replaced or emptied."""
        if self.trading_components is not None:
            self.trading_components.safety.risk_monitor.incident(Cause.STORAGE, about, reason)

    def _is_opening(self) -> bool:
        """Return whether a snipe is firing now."""
        return self.trading_components is not None and self.trading_components.sniper.is_opening()

    def _held_symbols(self) -> Collection[str]:
        return () if self.trading_components is None else self.trading_components.ledger.state.symbols()

    def _store_problem(self) -> str:
        return "" if self.store_monitor is None else self.store_monitor.problem

    def _trading_context(self) -> EngineContext:
        return EngineContext(
            knowledge_store=self.knowledge_store,
            workers=self._worker_facts,
            stream_age_ms=self._stream_age_ms,
            streams=self.parts.market,
            sync_clock=self.clock_worker.request_sync,
            profile=self.parts.identity.profile,
            worker_statuses=self.workers,
            clock_problem=self._clock_problem,
            rng=self.parts.rng,
            store_problem=self._store_problem,
        )

    def _worker_facts(self) -> tuple[WorkerFact, ...]:
        return tuple(
            WorkerFact(worker.name, worker.state is WorkerState.RUNNING, worker.last_error)
            for worker in self.workers()
            if worker.name in REQUIRED_FOR_FIRING
        )

    def _is_alert_over(self, alert: StoredAlert) -> bool:
        return self.trading_components is not None and self.trading_components.safety.is_over(alert)

    def _stream_age_ms(self) -> int | None:
        """Return 0 while the market streams are connected: single pairs are silent before they open."""
        row = self.parts.market.streams_row()
        return 0 if row.connections and not row.reasons else None

    async def _record(self, work: Callable[[UnitOfWork], int]) -> None:
        try:
            await self.parts.store.write("engine", work, durability=Durability.FULL)
        except StorageDamaged as error:  # exits continue without it
            log.error("the event could not be journalled: %s", error)

    def _log_worker(self, status: WorkerStatus) -> None:
        log.info("worker %s is %s", status.name, status.state)

    # ---- state

    @property
    def waits_for(self) -> str:
        """Return which exchange responses entries wait for; empty: none."""
        refusal = "" if self.trading_components is None else self.trading_components.reconciler.refusal
        return "; ".join(filter(None, (self._clock_problem(), refusal)))

    def workers(self) -> tuple[WorkerStatus, ...]:
        """Return the status of each worker, in start order."""
        return self._supervisor.statuses()

    def trading_state(self) -> tuple[TradingState, str]:
        """Return the trading state and its cause."""
        if self.trading_components is not None and self.started_ms:
            current = self.trading_components.ledger.state.trading
            return current.state, current.text
        degraded = [worker.name for worker in self.workers() if worker.is_degraded]
        if degraded:
            return TradingState.REDUCE_ONLY, f"worker {', '.join(degraded)} keeps failing"
        problem = self._clock_problem()
        return (TradingState.REDUCE_ONLY, problem) if problem else (TradingState.ACTIVE, "")

    def _clock_problem(self) -> str:
        """Return why the exchange time is uncertain; empty: it is not."""
        if self.clock_worker.problem:
            return f"exchange clock: {self.clock_worker.problem}"
        return self.parts.market.clock_row().warning

    def alert_conditions(self) -> Iterable[AlertCondition]:
        """Yield the active alert conditions of the engine."""
        for worker in self.workers():
            if worker.is_degraded:
                yield AlertCondition(
                    rule="engine:worker", about=worker.name, severity=Severity.ERROR, text=worker.last_error
                )
        for source in self.polls.rows():
            if source.failures >= SOURCE_FAILURES:
                yield AlertCondition(
                    rule="engine:source", about=source.source, severity=Severity.WARNING, text=source.problem
                )
        yield from self._trading_conditions()
        yield from self._store_conditions()
        state, cause = self.trading_state()
        if state is not TradingState.ACTIVE:
            yield AlertCondition(
                rule="engine:trading", about=state.value, severity=Severity.WARNING, text=cause
            )
        if self.settings_worker.problem:
            yield AlertCondition(
                rule="engine:settings",
                about="settings",
                severity=Severity.WARNING,
                text=self.settings_worker.problem,
            )
        ban = self.parts.market.budget_row().ban
        if ban:
            yield AlertCondition(
                rule="engine:ban", about=ban, severity=Severity.ERROR, text=f"banned by the exchange: {ban}"
            )

    def _trading_conditions(self) -> Iterable[AlertCondition]:
        components = self.trading_components
        if components is None:
            return
        expiry = components.key_rights.expiry_warning(components.port.now_ms())
        for rule, about, severity, text in (
            ("engine:books", "books", Severity.CRITICAL, components.reconciler.damage),
            ("engine:loop", "event loop", Severity.WARNING, components.suspend_detector.warning),
            ("engine:key", "API key", Severity.WARNING, expiry),
        ):
            if text:
                yield AlertCondition(rule=rule, about=about, severity=severity, text=text)

    def _store_conditions(self) -> Iterable[AlertCondition]:
        monitor = self.store_monitor
        if monitor is None:
            return
        if monitor.problem:
            yield AlertCondition(
                rule="engine:store", about="database", severity=Severity.CRITICAL, text=monitor.problem
            )
        if monitor.backup_problem:
            yield AlertCondition(
                rule="engine:backup", about="database", severity=Severity.WARNING, text=monitor.backup_problem
            )
