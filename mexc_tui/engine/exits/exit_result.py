"""How a sale ends: with nothing left, with dust, or with coins that the exchange keeps refusing."""

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
"""A person is called again after so long, as long as something cannot be sold."""


@dataclass(frozen=True, slots=True)
class CloseResult:
    """What came of selling a position, in base units."""

    sold: Decimal
    left: Decimal
    words: str = ""
    """Why something is left."""
    dust: Decimal = ZERO
    """Written off: too small to be sold."""


class ExitRecorder:
    """Writes down what a sale came to, and beside it what holds it up: the disk is not waited for."""

    def __init__(self, ledger: LedgerWriter, now_ms: Callable[[], int]) -> None:
        """`now_ms`: the exchange's time."""
        self._ledger = ledger
        self._now_ms = now_ms
        self._chores: set[asyncio.Future[object]] = set()

    def begin(self, work: Awaitable[object]) -> None:
        """Write something down beside a sale; a failure is logged."""
        chore = asyncio.ensure_future(work)
        self._chores.add(chore)
        chore.add_done_callback(self._ended)

    def finish(self, sale: ExitJob, position: Position) -> None:
        """End the intent of a sale that leaves something; with the position it ends by itself."""
        intent, sale.intent = sale.intent, None
        self.end_intent(intent, sale.words)
        if position.trapped:
            self.begin(self._ledger.save_trapped(position.id, ""))

    def end_intent(self, intent: Intent | None, words: str) -> None:
        """End the intent of a sale: no start goes on with it. A stop's stays as long as its position."""
        if intent is not None and intent.role is not OrderRole.STOP:
            self.begin(self._ledger.end_intent(intent.id, words))

    async def leave_dust(self, sale: ExitJob, position: Position, words: str) -> bool:
        """Write off what cannot be sold, once the books have what was; return whether that is waited for."""
        sale.status = f"remainder cannot be sold: {words}"
        if self._ledger.is_behind:
            sale.reported.set()
            await sale.pause(EVENT_WAIT_S)
            return True
        is_entering = position.state is PositionState.OPENING
        if not is_entering:
            await self._ledger.write_off(position.id, f"dust: {words}", left=position.remaining)
            if position.id in self._ledger.state.positions:
                await sale.pause(EVENT_WAIT_S)
                return True
            sale.dust = position.remaining
        else:
            self.finish(sale, position)
        return False

    def leave_part(self, sale: ExitJob, position: Position, words: str) -> None:
        """End a sale of a part that is no order; the position stays as it is."""
        sale.status = f"remainder of the share cannot be sold: {words}"
        self.finish(sale, position)

    def report_blocked(self, sale: ExitJob, position: Position, plan: Sale) -> None:
        """Say why nothing can be sold, and call a person, again and again while that lasts."""
        if plan.trapped:
            sale.status = plan.trapped
            self.begin(self._report_trapped(sale, position, plan.trapped))
        now_ms = self._now_ms()
        if not plan.is_alarm or (sale.alarmed_ms is not None and now_ms - sale.alarmed_ms < ALARM_EVERY_MS):
            return
        sale.alarmed_ms = now_ms
        words = f"cannot be sold: {plan.trapped or sale.status or plan.words}; retrying"
        log.error("%s: %s", sale.symbol, words)
        self.begin(self._ledger.write("alarm", lambda desk: desk.repeat_alert("selling", sale.symbol, words)))

    async def _report_trapped(self, sale: ExitJob, position: Position, words: str) -> None:
        """Tell whoever asked for the sale once it is written down, or cannot be."""
        try:
            if position.trapped != words:
                await self._ledger.save_trapped(position.id, words)
        finally:
            sale.reported.set()

    def _ended(self, chore: "asyncio.Future[object]") -> None:
        self._chores.discard(chore)
        if not chore.cancelled() and chore.exception() is not None:
            log.warning("beside a sale: %s", chore.exception())
