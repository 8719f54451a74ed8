"""Results of sales: everything sold, dust, or a quantity that the exchange keeps refusing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.exits.exit_job import ExitJob
from mexc_tui.engine.exits.exit_order_tracker import EVENT_WAIT_S
from mexc_tui.model.intent import ZERO, Intent, OrderRole
from mexc_tui.model.position import Position, PositionState
from mexc_tui.sniping.escalation import Sale

log = logging.getLogger(__name__)

ALARM_EVERY_MS = 60_000
"""Interval between alerts while something cannot be sold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseResult:
    """Result of selling a position, in base units."""

    sold: Decimal
    left: Decimal
    text: str = ""
    """Reason for a remainder."""
    dust: Decimal = ZERO
    """Written off: too small to sell."""


class ExitRecorder:
    """Stores results and obstacles of sales in the background, without waiting for the disk."""

    def __init__(self, ledger: LedgerWriter, now_ms: Callable[[], int]) -> None:
        """`now_ms`: the exchange's time."""
        self._ledger = ledger
        self._now_ms = now_ms
        self._chores: set[asyncio.Future[object]] = set()

    def begin(self, work: Awaitable[object]) -> None:
        """Run a write in the background; a failure is logged."""
        chore = asyncio.ensure_future(work)
        self._chores.add(chore)
        chore.add_done_callback(self._ended)

    def finish(self, sale: ExitJob, position: Position) -> None:
        """Close the intent of a sale that leaves a remainder; a closed position closes it anyway."""
        intent, sale.intent = sale.intent, None
        self.end_intent(intent, sale.text)
        if position.trapped:
            self.begin(self._ledger.save_trapped(position.id, ""))

    def end_intent(self, intent: Intent | None, text: str) -> None:
        """Close the intent of a sale, so that no restart resumes it. A stop's closes with its position."""
        if intent is not None and intent.role is not OrderRole.STOP:
            self.begin(self._ledger.end_intent(intent.id, text))

    async def leave_dust(self, sale: ExitJob, position: Position, text: str) -> bool:
        """Write off an unsellable remainder once its sales are booked; return whether that is pending."""
        sale.status = f"remainder cannot be sold: {text}"
        if self._ledger.is_behind:
            sale.reported.set()
            await sale.pause(EVENT_WAIT_S)
            return True
        is_entering = position.state is PositionState.OPENING
        if not is_entering:
            await self._ledger.write_off(position.id, f"dust: {text}", left=position.remaining)
            if position.id in self._ledger.state.positions:
                await sale.pause(EVENT_WAIT_S)
                return True
            sale.dust = position.remaining
        else:
            self.finish(sale, position)
        return False

    def leave_part(self, sale: ExitJob, position: Position, text: str) -> None:
        """End a sale of a part that is not a valid order; the position stays unchanged."""
        sale.status = f"remainder of the share cannot be sold: {text}"
        self.finish(sale, position)

    def report_blocked(self, sale: ExitJob, position: Position, plan: Sale) -> None:
        """Report why nothing can be sold, and alert repeatedly while that lasts."""
        if plan.trapped:
            sale.status = plan.trapped
            self.begin(self._report_trapped(sale, position, plan.trapped))
        now_ms = self._now_ms()
        if not plan.is_alarm or (sale.alarmed_ms is not None and now_ms - sale.alarmed_ms < ALARM_EVERY_MS):
            return
        sale.alarmed_ms = now_ms
        text = f"cannot be sold: {plan.trapped or sale.status or plan.text}; retrying"
        log.error("%s: %s", sale.symbol, text)
        self.begin(self._ledger.write("alarm", lambda desk: desk.repeat_alert("selling", sale.symbol, text)))

    async def _report_trapped(self, sale: ExitJob, position: Position, text: str) -> None:
        """Return the result to the caller of the sale once the state is stored, or storing failed."""
        try:
            if position.trapped != text:
                await self._ledger.save_trapped(position.id, text)
        finally:
            sale.reported.set()

    def _ended(self, chore: "asyncio.Future[object]") -> None:
        self._chores.discard(chore)
        if not chore.cancelled() and chore.exception() is not None:
            log.warning("storing the state of a sale: %s", chore.exception())
