"""Figures for limit checks: a few cheap queries over open rows."""

from mexc_tui.model.storage import CommittedFunds, LossRun
from mexc_tui.store.sqlite.exact_sums import total
from mexc_tui.store.sqlite.tables.position_rows import PositionRows
from mexc_tui.store.sqlite.tables.rows import Row, StoreRows, integer
from mexc_tui.store.sqlite.tables.snipe_rows import INTENTS

_ENTERING = "WHERE scope = ? AND role = 'entry' AND ended_ms IS NULL"
_PENDING = """
    SELECT count(*) FROM intents INDEXED BY intents_entering
    WHERE scope = ? AND role = 'entry' AND ended_ms IS NULL AND NOT EXISTS (
        SELECT 1 FROM positions
        WHERE positions.scope = intents.scope AND positions.snipe_id = intents.snipe_id
    ) AND NOT EXISTS (
        SELECT 1 FROM positions WHERE positions.scope = intents.scope AND positions.id = intents.position_id
    )
"""
_ENTRIES_MS = """
    SELECT opened_ms FROM positions
    WHERE scope = ?1 AND opened_ms >= ?2 AND id NOT IN (
        SELECT coalesce(position_id, '') FROM intents INDEXED BY intents_entering
        WHERE scope = ?1 AND role = 'entry' AND ended_ms IS NULL
    ) ORDER BY opened_ms, number
"""
_LOSSES = """
    SELECT count(*), max(closed_ms) FROM positions
    WHERE scope = ?1 AND result = -1 AND closed_ms > max(?2 - 1, coalesce(
        (SELECT max(closed_ms) FROM positions WHERE scope = ?1 AND result = 1), -1))
"""
_LAST_EXIT = "SELECT max(closed_ms) FROM positions WHERE scope = ? AND symbol = ?"


class LimitRows:
    """Figures for limit checks, as of this transaction."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def committed(self, quote_asset: str) -> CommittedFunds:
        """Return funds reserved by open entries, cost of open positions, and their numbers."""
        entering = INTENTS.many(self._rows, _ENTERING, self._scope)
        held = PositionRows(self._rows, self._scope).open()
        return CommittedFunds(
            reserved=total(intent.reserved for intent in entering if intent.quote_asset == quote_asset),
            cost=total(position.remaining_cost for position in held if position.quote_asset == quote_asset),
            positions=len(held),
            pending=self._pending(),
        )

    def entries_ms(self, since_ms: int) -> tuple[int, ...]:
        """Return the opening times of positions since `since_ms`, except those whose entry is still open."""
        return tuple(integer(row[0]) for row in self._rows.all(_ENTRIES_MS, self._scope, since_ms))

    def losses_in_a_row(self, since_ms: int = 0) -> LossRun:
        """Return the consecutive losses since the last gain, of positions closed since `since_ms`.

        A result of exactly 0 neither counts nor ends a run.
        """
        return _run(self._rows.one(_LOSSES, self._scope, since_ms))

    def last_exit_ms(self, symbol: str) -> int | None:
        """Return the closing time of the last position of a pair; None without one."""
        row = self._rows.one(_LAST_EXIT, self._scope, symbol)
        return None if row is None or row[0] is None else integer(row[0])

    def _pending(self) -> int:
        return _count(self._rows.one(_PENDING, self._scope))


def _count(row: Row | None) -> int:
    return 0 if row is None else integer(row[0])


def _run(row: Row | None) -> LossRun:
    last_ms = None if row is None or row[1] is None else integer(row[1])
    return LossRun(_count(row), last_ms)
