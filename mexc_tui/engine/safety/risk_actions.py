"""Actions of the risk monitor: tighten limits, trim, close, halt, emergency stop; each result is recorded."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.safety.emergency_stop import EmergencyStop
from mexc_tui.engine.safety.limit_tightening import LimitTightening
from mexc_tui.engine.safety.trading_state import RISK_MONITOR
from mexc_tui.model.event import Alert, RiskMonitorActed
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import StorageError
from mexc_tui.model.text import many
from mexc_tui.model.trading import Cause, RiskLevel
from mexc_tui.model.trading import Trading as Halt
from mexc_tui.ports.trading_store import TradingTables
from mexc_tui.risk.candidate import RiskLimits
from mexc_tui.risk.grading import RiskAction, RiskGrade

log = logging.getLogger(__name__)


SEVERITIES = {
    RiskLevel.NORMAL: Severity.INFO,
    RiskLevel.MEDIUM: Severity.WARNING,
    RiskLevel.HIGH: Severity.ERROR,
    RiskLevel.CRITICAL: Severity.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class RiskReport:
    """Findings that one action answers: the level, the subject of their alert, and a line for each."""

    level: RiskLevel
    subject: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The findings in one line."""
        return "; ".join(self.lines)


class RiskActions:
    """Carries out what a grade requires. Raises nothing: a result that cannot be stored is logged."""

    def __init__(
        self,
        *,
        ledger: LedgerWriter,
        emergency_stop: EmergencyStop,
        tightening: LimitTightening,
        limits: Callable[[], RiskLimits],
    ) -> None:
        """`limits`: the configured entry limits."""
        self._ledger = ledger
        self._emergency_stop = emergency_stop
        self._tightening = tightening
        self._limits = limits

    async def load_tightening(self) -> None:
        """Load the stored tightening of the entry limits. Raises StorageError."""
        await self._tightening.load()

    async def carry_out(self, grade: RiskGrade | None, report: RiskReport) -> None:
        """Carry out the actions of `grade` and record the result; None: only send the alert."""
        actions = grade.actions if grade is not None else ()
        if RiskAction.TIGHTEN in actions:
            await self._tighten(report)
        if grade is not None and RiskAction.EMERGENCY in actions:
            result = await self._emergency_stop.stop_all(RISK_MONITOR, report.text, grade.halt)
            await self._record(report, "emergency stop", result.text)
        elif grade is not None and RiskAction.HALT in actions:
            await self.halt(grade.halt, report)
        elif RiskAction.CLOSE in actions:
            await self._close(report)
        elif grade is not None and grade.trim_pct:
            await self._trim(grade, report)
        else:
            is_paused = RiskAction.PAUSE in actions
            await self._record(report, "alert", "no entries meanwhile" if is_paused else "reported")

    async def halt(self, cause: Cause, report: RiskReport) -> None:
        """Halt trading and record the result."""
        result = await self._emergency_stop.halt(RISK_MONITOR, report.text, cause)
        await self._record(report, "halt", result.text)

    async def apply_halt_file(self, halt: Halt) -> None:
        """Carry out a halt that another process wrote to the halt file."""
        if halt.cause is Cause.EMERGENCY:
            result = await self._emergency_stop.emergency_stop(halt.by, halt.text, sells=False)
        else:
            result = await self._emergency_stop.halt(halt.by, halt.text, halt.cause)
        report = RiskReport(RiskLevel.CRITICAL, RISK_MONITOR, (f"{halt.text} ({halt.by})",))
        await self._record(report, "halt", result.text)

    async def continue_flattening(self, cause: Cause, text: str) -> None:
        """Continue a flattening that the previous engine did not finish."""
        result = await self._emergency_stop.stop_all(RISK_MONITOR, text, cause)
        report = RiskReport(RiskLevel.CRITICAL, RISK_MONITOR, (text,))
        await self._record(report, "flattening continued after start", result.text)

    async def last_trim_ms(self) -> int | None:
        """Return when the open positions were last trimmed, also by an earlier engine; None: never."""
        open_ids = tuple(self._ledger.state.positions)

        def read(tables: TradingTables) -> int | None:
            intents = (intent for name in open_ids for intent in tables.intents.of_position(name))
            return max(
                (intent.created_ms for intent in intents if intent.close_reason is CloseReason.RISK_MONITOR),
                default=None,
            )

        return await self._ledger.read("the last trim", read)

    async def _tighten(self, report: RiskReport) -> None:
        try:
            result = await self._tightening.lower(report.text, self._limits(), RISK_MONITOR)
        except StorageError as error:
            result = f"entry limits tightened in memory only: {error}"
        await self._record(report, "tighten limits", result)

    async def _close(self, report: RiskReport) -> None:
        cancelled = await self._emergency_stop.cancel_entries()
        closed, left, why = await self._emergency_stop.sell_all(
            OrderRole.CLOSE, CloseReason.RISK_MONITOR, report.text
        )
        entries = f"{cancelled.cancelled} of {cancelled.cancelled + cancelled.remaining} entries cancelled"
        result = f"{entries}; {many(closed, 'position')} closed, {left} left"
        await self._record(report, "close", result + (f"; {why}" if why else ""))

    async def _trim(self, grade: RiskGrade, report: RiskReport) -> None:
        before = self._remaining()
        _, _, why = await self._emergency_stop.sell_all(
            OrderRole.CLOSE, CloseReason.RISK_MONITOR, report.text, share_pct=grade.trim_pct
        )
        after = self._remaining()
        sold = [
            f"{symbol} {quantity} -> {after[symbol]}" if symbol in after else f"{symbol} closed"
            for symbol, quantity in before.items()
        ]
        result = ", ".join(sold) or "no positions"
        await self._record(report, f"trim {grade.trim_pct:f} %", result + (f"; {why}" if why else ""))

    def _remaining(self) -> dict[str, str]:
        return {
            position.symbol: f"{position.remaining:f}" for position in self._ledger.state.positions.values()
        }

    async def _record(self, report: RiskReport, action: str, result: str) -> None:
        """Store findings, action and result, and raise the alert."""
        log.warning("risk monitor (%s): %s: %s: %s", report.level, report.text, action, result)

        def work(desk: LedgerTransaction) -> None:
            at_ms, level = desk.now_ms, report.level
            desk.unit.record(
                RiskMonitorActed(
                    at_ms=at_ms,
                    about=RISK_MONITOR,
                    level=level,
                    finding=report.text,
                    action=action,
                    achieved=result,
                )
            )
            alert = Alert(
                at_ms=at_ms,
                about=report.subject,
                severity=SEVERITIES[level],
                rule=f"guard:{level}",
                text=f"{report.text}: {action}: {result}",
            )
            if desk.unit.alerts.add(alert):
                desk.unit.record(alert)

        try:
            await self._ledger.write("action of the risk monitor", work)
        except StorageError as error:
            log.error("the action of the risk monitor cannot be stored: %s", error)
