"""Tables of lowered entry limits and risk checks."""

from mexc_tui.model.trading import RiskCheck, Tightening
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.sealed import SealedTable

TIGHTENINGS = SealedTable("tightenings", "scope", Tightening, what="lowered limits", key="scope")
CHECKS = SealedTable("risk_checks", "scope at_ms", RiskCheck, what="risk check")


class TighteningRows:
    """Lowered entry limits of a scope."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def get(self) -> Tightening:
        """Return the lowered limits; the default (not lowered) if none are stored."""
        return TIGHTENINGS.one(self._rows, "WHERE scope = ?", self._scope) or Tightening()

    def save(self, tightening: Tightening) -> None:
        """Store the lowered limits, replacing the stored ones."""
        TIGHTENINGS.save(self._rows, tightening, self._scope)


class RiskCheckRows:
    """Checks of the risk monitor by time."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def add(self, check: RiskCheck) -> None:
        """Append a check."""
        CHECKS.save(self._rows, check, self._scope, check.at_ms)

    def latest(self, limit: int = 100) -> list[RiskCheck]:
        """Return the newest checks, newest first."""
        sql = "WHERE scope = ? ORDER BY at_ms DESC, number DESC LIMIT ?"
        return CHECKS.many(self._rows, sql, self._scope, limit)
