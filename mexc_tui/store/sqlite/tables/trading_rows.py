"""Ledger tables of one scope (account and exchange session)."""

from typing import Any

from mexc_tui.model.storage import StorageDamaged
from mexc_tui.store.sqlite.tables.day_rows import CLOSES, DAYS, POINTS, DayRows, EquityRows
from mexc_tui.store.sqlite.tables.entry_rows import EntryRows, verify_ledger
from mexc_tui.store.sqlite.tables.limit_rows import LimitRows
from mexc_tui.store.sqlite.tables.order_rows import ORDERS, OrderRows
from mexc_tui.store.sqlite.tables.position_rows import LOTS, POSITIONS, LotRows, PositionRows
from mexc_tui.store.sqlite.tables.risk_rows import CHECKS, TIGHTENINGS, RiskCheckRows, TighteningRows
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.sealed import SealedTable
from mexc_tui.store.sqlite.tables.snipe_rows import (
    ATTEMPTS,
    INTENTS,
    SNIPES,
    AttemptRows,
    IntentRows,
    SnipeRows,
)
from mexc_tui.store.sqlite.tables.state_rows import RUNS, STATES, ReconciliationRows, StateRows

_PLAIN: tuple[SealedTable[Any], ...] = (
    SNIPES,
    ATTEMPTS,
    ORDERS,
    LOTS,
    POSITIONS,
    DAYS,
    POINTS,
    CLOSES,
    STATES,
    RUNS,
    TIGHTENINGS,
    CHECKS,
)


class TradingRows:
    """Tables of one scope."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self.snipes = SnipeRows(rows, scope)
        self.attempts = AttemptRows(rows, scope)
        self.intents = IntentRows(rows, scope)
        self.orders = OrderRows(rows, scope)
        self.lots = LotRows(rows, scope)
        self.positions = PositionRows(rows, scope)
        self.entries = EntryRows(rows, scope)
        self.days = DayRows(rows, scope)
        self.equity = EquityRows(rows, scope)
        self.state = StateRows(rows, scope)
        self.tightening = TighteningRows(rows, scope)
        self.risk_checks = RiskCheckRows(rows, scope)
        self.reconciliations = ReconciliationRows(rows, scope)
        self.limits = LimitRows(rows, scope)

    def verify(self) -> int:
        """Verify row checksums, the chain of entries, and balances against entries, in all scopes.

        A damaged row may have lost its scope. Returns the number of rows checked. Raises StorageDamaged
        naming the first modified row.
        """
        checked = sum(1 for table in _PLAIN for _ in table.walk(self._rows))
        return checked + self._verify_intents() + verify_ledger(self._rows)

    def _verify_intents(self) -> int:
        checked = 0
        sql = "SELECT client_order_id FROM intent_client_ids WHERE scope = ? AND intent_id = ?"
        for (_, scope, *_), intent in INTENTS.walk(self._rows):
            checked += 1
            known = {row[0] for row in self._rows.all(sql, scope, intent.id)}
            if not known.issuperset(intent.client_ids):
                raise StorageDamaged(f"Client ids of intent {intent.id!r} are missing. Restore a backup.")
        return checked
