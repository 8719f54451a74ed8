"""Reasons to pause entries that lift themselves: storage, reconciliation, clock, workers, streams, bans."""

from collections.abc import Callable, Iterator

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.runtime.supervisor import WorkerStatus
from mexc_tui.model.outcome import TIME_CODES
from mexc_tui.model.trading import Cause
from mexc_tui.ports.trading import TradingPort

REFUSED_TIME_MS = 60_000
"""Two orders refused for their timestamp within this window: re-measuring did not help (reliability R17)."""
RETRY_MS = 2_000
"""While the newest refusal is younger than this, its sender is still re-measuring and retrying."""
STALE_RUNS = 3
"""Reconciliation intervals without a completed run before reconciliation is overdue."""

Pause = tuple[Cause, str]


class EntryPauses:
    """Conditions of the desk and its connections under which entries pause."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        reconciler: Reconciler,
        workers: Callable[[], tuple[WorkerStatus, ...]],
        clock_problem: Callable[[], str],
        store_problem: Callable[[], str],
        standstill: Callable[[], str],
        reconcile_ms: Callable[[], int],
    ) -> None:
        """Each `..._problem` returns the reason as text, "" for none.

        `standstill`: what remains unchecked after the event loop was blocked.
        """
        self._trading = trading
        self._ledger = ledger
        self._reconciler = reconciler
        self._workers = workers
        self._clock_problem = clock_problem
        self._store_problem = store_problem
        self._standstill = standstill
        self._reconcile_ms = reconcile_ms
        self._refused_ms = dict[str, int]()
        """Orders whose timestamp was refused: client order id to time of the refusal."""
        ledger.on_change(self._record_refused_times)

    def reasons(self) -> Iterator[Pause]:
        """Yield each reason to pause entries, most severe first."""
        storage = self._storage_problem()
        if storage:
            yield Cause.STORAGE, storage
        ledger = self._ledger_problem()
        if ledger:
            yield Cause.BOOKS, ledger
        clock = self._clock_problem() or self._refused_times()
        if clock:
            yield Cause.CLOCK, clock
        degraded = [worker.name for worker in self._workers() if worker.is_degraded]
        if degraded:
            yield Cause.WORKER, f"worker {', '.join(degraded)} keeps failing"
        private = self._trading.private_state()
        if not private.is_live:
            yield Cause.STREAM, f"user stream down: {private.reason or 'not connected yet'}"
        ban = self._trading.ban()
        if ban:
            yield Cause.BAN, f"banned by the exchange: {ban}"

    def _storage_problem(self) -> str:
        problem = self._ledger.problem
        return f"the ledger cannot be written: {problem}" if problem else self._store_problem()

    def _ledger_problem(self) -> str:
        """Return the first reason why the ledger may differ from the account."""
        refusal = self._reconciler.refusal
        if self._reconciler.is_done and self._is_overdue():
            why = self._reconciler.problem or "no response"
            refusal = f"reconciliation overdue: {why}"
        return refusal or self._standstill()

    def _is_overdue(self) -> bool:
        run = self._ledger.state.reconciled
        return run is None or self._trading.now_ms() - run.at_ms > STALE_RUNS * self._reconcile_ms()

    def _refused_times(self) -> str:
        now_ms = self._trading.now_ms()
        recent = {name: at for name, at in self._refused_ms.items() if at > now_ms - REFUSED_TIME_MS}
        self._refused_ms = recent
        if max(recent.values(), default=0) > now_ms - RETRY_MS or len(recent) < 2:
            return ""
        return f"the exchange rejected the timestamp of {len(recent)} orders within a minute"

    def _record_refused_times(self, changes: LedgerChanges) -> None:
        for order in changes.orders:
            if order.code in TIME_CODES:
                self._refused_ms.setdefault(order.client_order_id, order.updated_ms)
            elif order.order_id and order.created_ms >= max(self._refused_ms.values(), default=0):
                self._refused_ms.clear()  # the exchange accepts our timestamps again
