"""Tables of the trading state and of reconciliation runs."""

from mexc_tui.model.reconciliation import Reconciliation
from mexc_tui.model.trading import Trading
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.sealed import SealedTable

STATES = SealedTable("trading_states", "scope state generation", Trading, what="trading state", key="scope")
RUNS = SealedTable("reconciliations", "scope at_ms is_clean", Reconciliation, what="reconciliation")


class StateRows:
    """Trading state of a scope."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def get(self) -> Trading:
        """Return the trading state; active if none is stored."""
        return STATES.one(self._rows, "WHERE scope = ?", self._scope) or Trading()

    def save(self, trading: Trading) -> None:
        """Store the trading state. A generation lower than the stored one is refused."""
        STATES.save(self._rows, trading, self._scope, trading.state.value, trading.generation)


class ReconciliationRows:
    """Reconciliation runs in the order of storage."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def add(self, run: Reconciliation) -> None:
        """Append a run."""
        is_clean = not (run.explained or run.unexplained or run.problem)
        RUNS.save(self._rows, run, self._scope, run.at_ms, int(is_clean))

    def latest(self) -> Reconciliation | None:
        """Return the newest run."""
        return next((run for _, run in self.page(limit=1)), None)

    def page(self, before: int = 2**62, limit: int = 100) -> list[tuple[int, Reconciliation]]:
        """Return runs below number `before`, newest first, each with its number."""
        sql = (
            "INDEXED BY reconciliations_by_scope WHERE scope = ? AND number < ? ORDER BY number DESC LIMIT ?"
        )
        return RUNS.numbered(self._rows, sql, self._scope, before, limit)
