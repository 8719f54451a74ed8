"""Tables of trading days, equity points and daily equity closes."""

from datetime import UTC, datetime

from mexc_tui.model.position import EquityPoint, TradingDay
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.sealed import SealedTable

DAYS = SealedTable("trading_days", "scope day", TradingDay, what="day", key="scope day")
POINTS = SealedTable("equity_points", "scope at_ms", EquityPoint, what="equity point")
CLOSES = SealedTable("equity_closes", "scope day", EquityPoint, what="daily close", key="scope day")


class DayRows:
    """Trading days by UTC date (2026-11-22)."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def save(self, day: TradingDay) -> None:
        """Store a day, replacing the stored one."""
        DAYS.save(self._rows, day, self._scope, day.day)

    def get(self, day: str) -> TradingDay:
        """Return a day; an empty one if none is stored."""
        return DAYS.one(self._rows, "WHERE scope = ? AND day = ?", self._scope, day) or TradingDay(day=day)

    def latest(self, limit: int = 30) -> list[TradingDay]:
        """Return the newest stored days, newest first."""
        return DAYS.many(self._rows, "WHERE scope = ? ORDER BY day DESC LIMIT ?", self._scope, limit)


class EquityRows:
    """Equity points. The last complete one of a day is its close."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def add(self, point: EquityPoint) -> None:
        """Append a point and update the daily close."""
        POINTS.save(self._rows, point, self._scope, point.at_ms)
        if point.is_complete:
            day = datetime.fromtimestamp(point.at_ms / 1_000, UTC).date().isoformat()
            CLOSES.save(self._rows, point, self._scope, day)

    def latest(self) -> EquityPoint | None:
        """Return the newest point; it contains the current `peak`."""
        sql = "WHERE scope = ? ORDER BY at_ms DESC, number DESC LIMIT 1"
        return POINTS.one(self._rows, sql, self._scope)

    def between(self, from_ms: int, to_ms: int, limit: int = 10_000) -> list[EquityPoint]:
        """Return the points from `from_ms` (inclusive) to `to_ms` (exclusive), oldest first."""
        sql = "WHERE scope = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms, number LIMIT ?"
        return POINTS.many(self._rows, sql, self._scope, from_ms, to_ms, limit)

    def daily_closes(self, limit: int = 400) -> list[EquityPoint]:
        """Return the last complete point of each of the newest UTC days, oldest first."""
        sql = "WHERE scope = ? ORDER BY day DESC LIMIT ?"
        return CLOSES.many(self._rows, sql, self._scope, limit)[::-1]
