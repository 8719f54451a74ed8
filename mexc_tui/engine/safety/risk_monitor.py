"""Checks losses, drawdown, exposure, invariants and workers once a second, and acts on new findings."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass

from mexc_tui.engine.accounting.equity_monitor import EquityMonitor
from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.runtime.supervisor import Started, WorkerStatus
from mexc_tui.engine.safety.entry_pauses import EntryPauses, Pause
from mexc_tui.engine.safety.invariants import Invariants
from mexc_tui.engine.safety.risk_actions import RiskActions, RiskReport
from mexc_tui.engine.safety.risk_findings import RecentFindings, RiskChecks
from mexc_tui.engine.safety.trading_state import RISK_MONITOR, TradingStateOwner
from mexc_tui.ledger.ids import unrecorded_order_text
from mexc_tui.ledger.orders import AnomalyKind
from mexc_tui.model.outcome import ACCOUNT_CODES, KEY_CODES
from mexc_tui.model.trading import Cause, RiskLevel, TradingState
from mexc_tui.risk.grading import (
    RiskAction,
    RiskFinding,
    RiskGrade,
    RiskReadings,
    RiskRules,
    findings,
    grade,
    risk_check,
)

log = logging.getLogger(__name__)

CHECK_EVERY_S = 1.0
REPEAT_MS = 3_600_000
"""A finding that disappeared and returns is acted on again after this time."""
RESOLVED_MS = 60_000
"""A finding absent for this long is resolved: its alert is closed."""
ORDER_WORKERS = ("ledger", "order resolution", "sniper", "exit monitor")
"""Trading halts when one of these workers keeps failing (reliability H6)."""

FindingKey = tuple[RiskLevel, Cause, bool, bool]


@dataclass(frozen=True, slots=True)
class RiskMonitorParameters:
    """Settings of the risk monitor. `reconcile_ms`: interval of reconciliations."""

    rules: RiskRules
    reconcile_ms: int


class RiskMonitor:
    """Worker that grades the risk of the desk, pauses entries, and starts the required actions."""

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        ledger: LedgerWriter,
        reconciler: Reconciler,
        equity: EquityMonitor,
        invariants: Invariants,
        trading_state: TradingStateOwner,
        actions: RiskActions,
        pauses: EntryPauses,
        workers: Callable[[], tuple[WorkerStatus, ...]],
        rules: Callable[[], RiskRules],
    ) -> None:
        """`now_ms`: exchange time."""
        self._now_ms = now_ms
        self._ledger = ledger
        self._reconciler = reconciler
        self._equity = equity
        self._invariants = invariants
        self._trading_state = trading_state
        self._actions = actions
        self._pauses = pauses
        self._workers = workers
        self._rules = rules
        self._checks = RiskChecks(ledger)
        self._recent = RecentFindings()
        self._unconfirmed = RiskGrade(level=RiskLevel.NORMAL, findings=(), actions=())
        """Grade of the newest check alone."""
        self._acted_ms = dict[FindingKey, int]()
        """When each finding was last present, once it has been acted on."""
        self._trimmed_ms: int | None = None
        """When an earlier engine last trimmed the open positions; None: never."""
        self._incidents = set[str]()
        """Subjects of incidents since trading was last active: each halts once."""
        self._alerted = dict[str, tuple[FindingKey, ...]]()
        """Findings behind each alert of this engine, by the subject of the alert."""
        self._tasks = set[asyncio.Task[None]]()
        self.grade = RiskGrade(level=RiskLevel.NORMAL, findings=(), actions=())
        self.stopping_reason = ""
        """Why this engine makes no more entries: it is shutting down. Empty: it is not."""
        ledger.on_change(self._check_changes)

    @property
    def text(self) -> str:
        """The confirmed findings in one line; empty: none."""
        return "; ".join(finding.text for finding in self.grade.findings)

    async def run(self, started: Started) -> None:
        """Restore the trading state, continue an unfinished flattening, then check once a second."""
        await self._trading_state.load()
        await self._restore_actions()
        self._apply_halt_file()
        self.check()
        started()
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            self._apply_halt_file()
            self._trading_state.retry()
            self.check()

    def check(self) -> None:
        """Grade the risk once; actions run in background tasks."""
        rules = self._rules()
        readings = self._readings(rules)
        found = findings(readings, rules)
        self.grade = grade(readings, rules, self._recent.confirmed(found))
        self._unconfirmed = grade(readings, rules, found)
        check = risk_check(readings, self.grade, self._now_ms())
        if self._checks.is_due(check):
            self._begin(self._checks.store(check))
        self._trading_state.pause(*next(self._pause_reasons(), (Cause.NONE, "")))
        self._act_on(self.grade)
        for worker in self._workers():
            if worker.is_degraded and worker.name in ORDER_WORKERS:
                text = f"worker {worker.name} keeps failing: {worker.last_error}"
                self.incident(Cause.ORDER_WORKER, worker.name, text)
        if self._reconciler.refused_code in KEY_CODES:
            self.incident(Cause.KEY, "key", f"API key rejected by the exchange: {self._reconciler.problem}")
        if self._trading_state.kept.state is TradingState.ACTIVE:
            self._incidents.clear()

    def on_unrecorded_order(self, client_order_id: str) -> None:
        """Halt: an order with the desk's prefix is missing from the ledger."""
        text = unrecorded_order_text(client_order_id, self._ledger.desk_id)
        self.incident(Cause.UNRECORDED_ORDER, client_order_id, text)

    def is_alert_active(self, subject: str) -> bool:
        """Return whether the findings behind an alert persist.

        An alert of an earlier engine or of an incident remains active until trading is resumed.
        """
        keys = self._alerted.get(subject)
        if keys is None:
            is_resumed = self._trading_state.kept.state is TradingState.ACTIVE
            return not is_resumed or self.grade.level is not RiskLevel.NORMAL
        since_ms = self._now_ms() - RESOLVED_MS
        return any(self._acted_ms.get(key, 0) > since_ms for key in keys)

    def incident(self, cause: Cause, subject: str, text: str) -> None:
        """Halt at once for a reason outside the graded limits; repeated calls for a subject do nothing."""
        if subject in self._incidents:
            return
        self._incidents.add(subject)
        log.error("halt: %s", text)
        self._trading_state.restrict(TradingState.HALTED, cause, text, by=RISK_MONITOR)
        self._begin(self._actions.halt(cause, RiskReport(RiskLevel.CRITICAL, subject, (text,))))

    # ---- measuring

    async def _restore_actions(self) -> None:
        await self._actions.load_tightening()
        self._trimmed_ms = await self._actions.last_trim_ms()
        kept = self._trading_state.kept
        if kept.state is TradingState.FLATTENING:
            self._begin(self._actions.continue_flattening(kept.cause, kept.text))

    def _apply_halt_file(self) -> None:
        """Carry out a halt that another process wrote to the halt file; it already applies in memory."""
        halt = self._trading_state.halt_from_file()
        if halt is not None:
            log.error("halt file: %s (%s)", halt.text, halt.by)
            self._begin(self._actions.apply_halt_file(halt))

    def _readings(self, rules: RiskRules) -> RiskReadings:
        losses = self._equity.losses()
        unprotected = self._invariants.unprotected()
        return RiskReadings(
            daily_loss_pct=losses.day_pct,
            drawdown_pct=losses.drawdown_pct,
            losses_in_a_row=losses.in_a_row,
            exposure_pct=losses.exposure_pct,
            breaches=self._invariants.breaches(rules.exposure_pct),
            unprotected=unprotected,
        )

    def _pause_reasons(self) -> Iterator[Pause]:
        """Yield each reason to pause entries, most severe first."""
        if self.stopping_reason:
            yield Cause.MANUAL, self.stopping_reason
        yield from self._pauses.reasons()
        if self.grade.state is TradingState.REDUCE_ONLY:
            yield Cause.WARNING, f"warning: {self.text}"
        elif self._unconfirmed.state is not TradingState.ACTIVE:
            text = "; ".join(finding.text for finding in self._unconfirmed.findings)
            yield Cause.WARNING, f"being confirmed: {text}"

    def _check_changes(self, changes: LedgerChanges) -> None:
        """Halt when the exchange rejects the key or the account, or reports more fills than were ordered."""
        for order in changes.orders:
            if order.code in KEY_CODES:
                self.incident(Cause.KEY, "key", f"API key rejected by the exchange: {order.reason}")
            elif order.code in ACCOUNT_CODES:
                self.incident(Cause.ACCOUNT, "account", f"account restricted by the exchange: {order.reason}")
        for step in changes.advanced:
            for anomaly in step.anomalies:
                if anomaly.kind is AnomalyKind.OVERFILL:
                    text = f"{anomaly.kind.value}, not booked: {anomaly.text}"
                    self.incident(Cause.INVARIANT, step.order.client_order_id, text)

    # ---- acting

    def _act_on(self, found: RiskGrade) -> None:
        """Start the actions of new findings; a known finding acts again only after `REPEAT_MS` of absence."""
        now_ms = self._now_ms()
        keys = {_key(finding, found): finding for finding in found.findings}
        new = self._new_findings(keys, now_ms)
        recent = {key: at_ms for key, at_ms in self._acted_ms.items() if now_ms - at_ms < REPEAT_MS}
        self._acted_ms = recent | dict.fromkeys(keys, now_ms)
        if not new:
            return
        subject = _subject(new)
        # One alert for each level and subject: it closes when no finding of that subject remains.
        before = self._alerted.get(subject, ())
        self._alerted[subject] = tuple({*before, *(_key(finding, found) for finding in new)})
        level = max((finding.level for finding in new), key=tuple(RiskLevel).index)
        report = RiskReport(level, subject, tuple(finding.text for finding in new))
        self._begin(self._actions.carry_out(found if level is found.level else None, report))

    def _new_findings(self, keys: dict[FindingKey, RiskFinding], now_ms: int) -> list[RiskFinding]:
        is_resumed = self._trading_state.kept.state is TradingState.ACTIVE
        new = [
            finding
            for key, finding in keys.items()
            if key not in self._acted_ms or (is_resumed and finding.level is RiskLevel.CRITICAL)
        ]
        if self._trimmed_ms is not None and now_ms - self._trimmed_ms < REPEAT_MS:
            new = [finding for finding in new if not (finding.level is RiskLevel.MEDIUM and finding.trims)]
        return new

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("an action of the risk monitor failed", exc_info=task.exception())


def _subject(found: Sequence[RiskFinding]) -> str:
    """Return the subject of an alert: the causes of its findings."""
    return ", ".join(dict.fromkeys(map(_cause_name, found))).replace("_", " ")


def _cause_name(finding: RiskFinding) -> str:
    if finding.cause is not Cause.NONE:
        return finding.cause.value
    return "risk limits" if finding.trims else "protection"


def _key(finding: RiskFinding, found: RiskGrade) -> FindingKey:
    """Return the identity under which a finding acts once; escalation to an emergency stop is a new one."""
    is_emergency = finding.level is RiskLevel.CRITICAL and RiskAction.EMERGENCY in found.actions
    return finding.level, finding.cause, finding.trims, is_emergency
