"""Looks each second at losses, books and workers, and acts: alert, tighten, trim, close, halt, flatten."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass

from mexc_tui.engine.accounting.equity_monitor import EquityMonitor
from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges, LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.runtime.supervisor import Started, WorkerStatus
from mexc_tui.engine.safety.emergency_stop import EmergencyStop
from mexc_tui.engine.safety.invariants import Invariants
from mexc_tui.engine.safety.limit_tightening import LimitTightening
from mexc_tui.engine.safety.risk_checks import RecentFindings, RiskChecks
from mexc_tui.engine.safety.trading_state import TradingStateOwner
from mexc_tui.ledger.ids import unknown_order_text
from mexc_tui.ledger.orders import AnomalyKind
from mexc_tui.model.event import Alert, RiskMonitorActed
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.outcome import KEY_CODES, TIME_CODES
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import StorageError
from mexc_tui.model.text import many
from mexc_tui.model.trading import Cause, RiskLevel, TradingState
from mexc_tui.model.trading import Trading as Halt
from mexc_tui.ports.trading import TradingPort
from mexc_tui.ports.trading_store import TradingTables
from mexc_tui.risk.candidate import RiskLimits
from mexc_tui.risk.guard import (
    Grade,
    GuardAction,
    GuardRules,
    Readings,
    RiskFinding,
    findings,
    grade,
    risk_check,
)

log = logging.getLogger(__name__)

STEP_S = 1.0
AGAIN_MS = 3_600_000
WRITE_OFF_MS = 60_000
"""A cause that was not found for so long is gone: its alert is closed."""
"""A level that was left acts again when it is reached again so much later."""
ORDER_WORKERS = ("books", "settling", "sniper", "guardian")
"""One of them that keeps failing halts (reliability H6)."""
TIME_DOUBT_MS = 60_000
"""Two orders refused for their time within so long: measuring anew did not help (reliability R17)."""
TIME_PATIENCE_MS = 2_000
"""As long as the last of them is newer, its sender still measures and tries again."""
ME = "guard"
STALE_RUNS = 3

SEVERITIES = {
    RiskLevel.NORMAL: Severity.INFO,
    RiskLevel.MEDIUM: Severity.WARNING,
    RiskLevel.HIGH: Severity.ERROR,
    RiskLevel.CRITICAL: Severity.CRITICAL,
}

Key = tuple[RiskLevel, Cause, bool, bool]
Doubt = tuple[Cause, str]


@dataclass(frozen=True, slots=True)
class RiskMonitorParameters:
    """Numbers of the settings."""

    rules: GuardRules
    reconcile_ms: int


@dataclass(frozen=True, slots=True)
class _Told:
    """What was found, in words, and what that is about in a word or two."""

    subject: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        """Return all of it in one line."""
        return "; ".join(self.words)


class RiskMonitor:
    """One worker."""

    def __init__(
        self,
        trading: TradingPort,
        keeper: LedgerWriter,
        reconciler: Reconciler,
        equity: EquityMonitor,
        invariants: Invariants,
        switch: TradingStateOwner,
        stopping: EmergencyStop,
        tightening: LimitTightening,
        workers: Callable[[], tuple[WorkerStatus, ...]],
        clock_problem: Callable[[], str],
        store_problem: Callable[[], str],
        standstill: Callable[[], str],
        numbers: Callable[[], RiskMonitorParameters],
        limits: Callable[[], RiskLimits],
    ) -> None:
        """`clock_problem`: why the exchange's time is in doubt; empty: it is not.

        `standstill`: what a long standstill of the event loop left unchecked. `limits`: as configured.
        """
        self._trading = trading
        self._keeper = keeper
        self._reconciler = reconciler
        self._equity = equity
        self._invariants = invariants
        self._switch = switch
        self._stopping = stopping
        self._tightening = tightening
        self._limits = limits
        self._checks = RiskChecks(keeper)
        self._looks = RecentFindings()
        self._unconfirmed = Grade(RiskLevel.NORMAL, (), ())
        """Of the newest look alone."""
        self._workers = workers
        self._clock_problem = clock_problem
        self._store_problem = store_problem
        self._standstill = standstill
        self._numbers = numbers
        self._acted = dict[Key, int]()
        self._trimmed_ms: int | None = None
        """When an engine before this one last trimmed what is held now; None: it did not."""
        self._told = set[str]()
        self._alerted = dict[str, tuple[Key, ...]]()
        """What each alert of this engine is about, by its subject."""
        self._tasks = set[asyncio.Task[None]]()
        self._untimely = dict[str, int]()
        """Orders whose time was refused, and when."""
        self.grade = Grade(RiskLevel.NORMAL, (), ())
        self.stops = ""
        """Why this engine buys nothing more: it ends. Empty: it goes on."""
        keeper.on_change(self._note)

    @property
    def words(self) -> str:
        """What was found, for people; empty: nothing."""
        return "; ".join(finding.words for finding in self.grade.findings)

    async def run(self, started: Started) -> None:
        """Take up a halt, then look each second. A flattening that was cut short goes on."""
        await self._switch.load()
        await self._tightening.load()
        self._trimmed_ms = await self._last_trim_ms()
        kept = self._switch.kept
        if kept.state is TradingState.FLATTENING:
            self._begin(self._go_on_flattening(kept.cause, kept.words))
        self._obey_file()
        self.look()
        started()
        while True:
            await asyncio.sleep(STEP_S)
            self._obey_file()
            self._switch.retry()
            self.look()

    def look(self) -> None:
        """Look once; what follows is carried out beside."""
        rules = self._numbers().rules
        readings = self._readings(rules)
        found = findings(readings, rules)
        self.grade = grade(readings, rules, self._looks.confirmed(found))
        self._unconfirmed = grade(readings, rules, found)
        check = risk_check(readings, self.grade, self._trading.now_ms())
        if self._checks.is_due(check):
            self._begin(self._checks.store(check))
        self._switch.doubt(*next(iter(self._doubts()), (Cause.NONE, "")))
        self._act_on(self.grade)
        for worker in self._workers():
            if worker.is_degraded and worker.name in ORDER_WORKERS:
                words = f"worker {worker.name} keeps failing: {worker.last_error}"
                self.incident(Cause.ORDER_WORKER, worker.name, words)
        if self._reconciler.refused_code in KEY_CODES:
            self.incident(Cause.KEY, "key", f"API key rejected by the exchange: {self._reconciler.problem}")
        if self._switch.kept.state is TradingState.ACTIVE:
            self._told.clear()

    def on_stranger(self, client_order_id: str) -> None:
        """Halt: an order with our prefix is not in the ledger: another engine's, or the ledger is old."""
        words = unknown_order_text(client_order_id, self._keeper.desk_id)
        self.incident(Cause.UNKNOWN_ORDER, client_order_id, words)

    def stands(self, about: str) -> bool:
        """Whether what an alert is about is so still; without numbers, as long as trading is not resumed."""
        keys = self._alerted.get(about)
        if keys is None:
            is_resumed = self._switch.kept.state is TradingState.ACTIVE
            return not is_resumed or self.grade.level is not RiskLevel.NORMAL
        since_ms = self._trading.now_ms() - WRITE_OFF_MS
        return any(self._acted.get(key, 0) > since_ms for key in keys)

    def incident(self, cause: Cause, about: str, words: str) -> None:
        """Halt at once because of something that no number tells; said once while the halt stands."""
        if about in self._told:
            return
        self._told.add(about)
        log.error("halt: %s", words)
        self._switch.restrict(TradingState.HALTED, cause, words, ME)
        self._begin(self._halt(cause, _Told(about, (words,)), RiskLevel.CRITICAL))

    # ---- looking

    def _obey_file(self) -> None:
        """Carry out a halt that another process put into the halt file; memory has it already."""
        told = self._switch.told_by_file()
        if told is not None:
            log.error("halt file: %s (%s)", told.words, told.by)
            self._begin(self._carry_out_file(told))

    def _readings(self, rules: GuardRules) -> Readings:
        losses = self._equity.losses()
        unprotected = self._invariants.unprotected()
        return Readings(
            daily_loss_pct=losses.day_pct,
            drawdown_pct=losses.drawdown_pct,
            losses_in_a_row=losses.in_a_row,
            exposure_pct=losses.exposure_pct,
            breaches=self._invariants.breaches(rules.exposure_pct),
            unprotected=unprotected,
        )

    def _doubts(self) -> Iterable[Doubt]:
        """Yield what lets nothing be bought and lifts itself, gravest first."""
        if self.stops:
            yield Cause.MANUAL, self.stops
        storage = self._storage_problem()
        if storage:
            yield Cause.STORAGE, storage
        yield from self._doubts_of_books()
        clock = self._clock_problem() or self._refused_time()
        if clock:
            yield Cause.CLOCK, clock
        degraded = [one.name for one in self._workers() if one.is_degraded]
        if degraded:
            yield Cause.WORKER, f"worker {', '.join(degraded)} keeps failing"
        private = self._trading.private_state()
        if not private.is_live:
            yield Cause.STREAM, f"user stream down: {private.reason or 'not connected yet'}"
        ban = self._trading.ban()
        if ban:
            yield Cause.BAN, f"banned by the exchange: {ban}"
        yield from self._warnings()

    def _warnings(self) -> Iterable[Doubt]:
        if self.grade.state is TradingState.REDUCE_ONLY:
            yield Cause.WARNING, f"warning: {self.words}"
        elif self._unconfirmed.state is not TradingState.ACTIVE:
            words = "; ".join(finding.words for finding in self._unconfirmed.findings)
            yield Cause.WARNING, f"being confirmed: {words}"

    def _storage_problem(self) -> str:
        problem = self._keeper.problem
        return f"the ledger cannot be written: {problem}" if problem else self._store_problem()

    def _doubts_of_books(self) -> Iterable[Doubt]:
        """Yield the first reason why the books are not known to agree with the account."""
        refusal = self._reconciler.refusal
        if self._reconciler.is_done and self._is_stale():
            why = self._reconciler.problem or "no response"
            refusal = f"reconciliation overdue: {why}"
        refusal = refusal or self._standstill()
        if refusal:
            yield Cause.BOOKS, refusal

    def _is_stale(self) -> bool:
        run = self._keeper.state.reconciled
        longest_ms = STALE_RUNS * self._numbers().reconcile_ms
        return run is None or self._trading.now_ms() - run.at_ms > longest_ms

    def _refused_time(self) -> str:
        since_ms = self._trading.now_ms() - TIME_DOUBT_MS
        self._untimely = {name: at_ms for name, at_ms in self._untimely.items() if at_ms > since_ms}
        count, newest_ms = len(self._untimely), max(self._untimely.values(), default=0)
        if newest_ms > self._trading.now_ms() - TIME_PATIENCE_MS:
            return ""
        return f"the exchange refused the time of {count} orders within a minute" if count > 1 else ""

    def _note(self, written: LedgerChanges) -> None:
        """Hear of answers that refuse the key or a request's time, and of reports beyond what was ordered."""
        for order in written.orders:
            if order.code in KEY_CODES:
                self.incident(Cause.KEY, "key", f"API key rejected by the exchange: {order.reason}")
            if order.code in TIME_CODES:
                self._untimely.setdefault(order.client_order_id, order.updated_ms)
            elif order.order_id and order.created_ms >= max(self._untimely.values(), default=0):
                self._untimely.clear()  # the exchange takes our time again
        for step in written.advanced:
            for anomaly in step.anomalies:
                if anomaly.kind is AnomalyKind.OVERFILL:
                    words = f"{anomaly.kind.value}, which was not booked: {anomaly.text}"
                    self.incident(Cause.INVARIANT, step.order.client_order_id, words)

    # ---- acting

    def _act_on(self, found: Grade) -> None:
        """Act on what is new at its level; what was acted on waits until it was gone for long."""
        now_ms = self._trading.now_ms()
        is_resumed = self._switch.kept.state is TradingState.ACTIVE
        keys = {_key(finding, found): finding for finding in found.findings}
        new = [
            finding
            for key, finding in keys.items()
            if key not in self._acted or (is_resumed and finding.level is RiskLevel.CRITICAL)
        ]
        if self._trimmed_ms is not None and now_ms - self._trimmed_ms < AGAIN_MS:
            new = [one for one in new if not (one.level is RiskLevel.MEDIUM and one.trims)]
        kept = {key: at_ms for key, at_ms in self._acted.items() if now_ms - at_ms < AGAIN_MS}
        self._acted = kept | dict.fromkeys(keys, now_ms)
        if new:
            subject = _subject(new)
            # One alert of a level and a subject: it is over when nothing of that subject is found any more.
            before = self._alerted.get(subject, ())
            self._alerted[subject] = tuple({*before, *(_key(finding, found) for finding in new)})
            is_graver = any(finding.level is found.level for finding in new)
            self._begin(self._carry_out(found if is_graver else None, tuple(new)))

    async def _carry_out(self, found: Grade | None, new: tuple[RiskFinding, ...]) -> None:
        """Do what a grade asks for, and write down what it achieved; None: only say it."""
        told = _Told(_subject(new), tuple(finding.words for finding in new))
        level = max((finding.level for finding in new), key=tuple(RiskLevel).index)
        actions = found.actions if found is not None else ()
        if GuardAction.TIGHTEN in actions:
            await self._tighten(told, level)
        if found is not None and GuardAction.EMERGENCY in actions:
            acted = await self._stopping.stop_all(ME, str(told), found.halt)
            await self._tell(level, told, "emergency stop", acted.words)
        elif found is not None and GuardAction.HALT in actions:
            await self._halt(found.halt, told, level)
        elif GuardAction.CLOSE in actions:
            await self._close(told, level)
        elif found is not None and found.trim_pct:
            await self._trim(found, told, level)
        else:
            paused = GuardAction.PAUSE in actions
            await self._tell(level, told, "alert", "no entries meanwhile" if paused else "reported")

    async def _tighten(self, told: _Told, level: RiskLevel) -> None:
        try:
            achieved = await self._tightening.lower(str(told), self._limits(), ME)
        except StorageError as error:
            achieved = f"entry limits tightened in memory only: {error}"
        await self._tell(level, told, "tighten limits", achieved)

    async def _last_trim_ms(self) -> int | None:
        """Return when the guard last began to sell of what is held; a sale that was cut short goes on."""
        held = tuple(self._keeper.state.positions)

        def read(tables: TradingTables) -> int | None:
            intents = (one for name in held for one in tables.intents.of_position(name))
            return max(
                (one.created_ms for one in intents if one.close_reason is CloseReason.GUARD), default=None
            )

        return await self._keeper.read("the last trim", read)

    async def _halt(self, cause: Cause, told: _Told, level: RiskLevel) -> None:
        acted = await self._stopping.halt(ME, str(told), cause)
        await self._tell(level, told, "halt", acted.words)

    async def _carry_out_file(self, told: Halt) -> None:
        if told.cause is Cause.EMERGENCY:
            acted = await self._stopping.emergency_stop(told.by, told.words, sells=False)
        else:
            acted = await self._stopping.halt(told.by, told.words, told.cause)
        by = _Told(ME, (f"{told.words} ({told.by})",))
        await self._tell(RiskLevel.CRITICAL, by, "halt", acted.words)

    async def _close(self, told: _Told, level: RiskLevel) -> None:
        cancelled = await self._stopping.cancel_entries()
        closed, left, why = await self._stopping.sell_all(OrderRole.CLOSE, CloseReason.GUARD, str(told))
        entries = f"{cancelled.cancelled} of {cancelled.cancelled + cancelled.remaining} entries cancelled"
        achieved = f"{entries}; {many(closed, 'position')} closed, {left} left"
        await self._tell(level, told, "close", achieved + (f"; {why}" if why else ""))

    async def _trim(self, found: Grade, told: _Told, level: RiskLevel) -> None:
        held = {one.symbol: one.remaining for one in self._keeper.state.positions.values()}
        _, _, why = await self._stopping.sell_all(
            OrderRole.CLOSE, CloseReason.GUARD, str(told), found.trim_pct
        )
        left = {one.symbol: one.remaining for one in self._keeper.state.positions.values()}
        sold = [
            f"{symbol} {before:f} -> {left[symbol]:f}" if symbol in left else f"{symbol} closed"
            for symbol, before in held.items()
        ]
        achieved = ", ".join(sold) or "no positions"
        await self._tell(level, told, f"trim {found.trim_pct:f} %", achieved + (f"; {why}" if why else ""))

    async def _go_on_flattening(self, cause: Cause, words: str) -> None:
        acted = await self._stopping.stop_all(ME, words, cause)
        told, action = _Told(ME, (words,)), "flattening continued after start"
        await self._tell(RiskLevel.CRITICAL, told, action, acted.words)

    async def _tell(self, level: RiskLevel, told: _Told, action: str, achieved: str) -> None:
        """Keep what was found, done and seen of it; loudly, as an alert."""
        finding, about = str(told), told.subject
        log.warning("guard (%s): %s: %s: %s", level, finding, action, achieved)

        def work(desk: LedgerTransaction) -> None:
            at_ms = desk.now_ms
            desk.unit.record(
                RiskMonitorActed(
                    at_ms=at_ms, about=ME, level=level, finding=finding, action=action, achieved=achieved
                )
            )
            text = f"{finding}: {action}: {achieved}"
            alert = Alert(
                at_ms=at_ms, about=about, severity=SEVERITIES[level], rule=f"guard:{level}", text=text
            )
            if desk.unit.alerts.add(alert):
                desk.unit.record(alert)

        try:
            await self._keeper.write("what the guard did", work)
        except StorageError as error:
            log.error("what the guard did cannot be stored: %s", error)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("an action of the guard failed", exc_info=task.exception())


def _subject(found: Sequence[RiskFinding]) -> str:
    """Return in a few words what findings are about: their causes."""
    return ", ".join(dict.fromkeys(map(_about, found))).replace("_", " ")


def _about(finding: RiskFinding) -> str:
    if finding.cause is not Cause.NONE:
        return finding.cause.value
    return "risk limits" if finding.trims else "protection"


def _key(finding: RiskFinding, found: Grade) -> Key:
    """Return what is acted on once; a halt that becomes an emergency is something new."""
    is_emergency = finding.level is RiskLevel.CRITICAL and GuardAction.EMERGENCY in found.actions
    return finding.level, finding.cause, finding.trims, is_emergency
