"""Tables of positions and lots."""

from mexc_tui.model.position import Lot, Position
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.sealed import SealedTable, or_null

LOTS = SealedTable("lots", "scope id position_id asset opened_ms is_open", Lot, what="lot", key="scope id")
POSITIONS = SealedTable(
    "positions",
    "scope id symbol state snipe_id opened_ms closed_ms result",
    Position,
    what="position",
    key="scope id",
)


class LotRows:
    """Lots of bought coins, first in, first out."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def save(self, lot: Lot) -> None:
        """Store a lot, replacing the stored one."""
        found_by = (lot.position_id, lot.asset, lot.opened_ms, int(lot.remaining != 0))
        LOTS.save(self._rows, lot, self._scope, lot.id, *found_by)

    def open(self, asset: str = "") -> list[Lot]:
        """Return lots with a remaining quantity, of one asset or of all, oldest first."""
        if asset:
            sql = "WHERE scope = ? AND asset = ? AND is_open = 1 ORDER BY opened_ms, number"
            return LOTS.many(self._rows, sql, self._scope, asset)
        sql = "WHERE scope = ? AND is_open = 1 ORDER BY opened_ms, number"
        return LOTS.many(self._rows, sql, self._scope)

    def of_position(self, position_id: str) -> list[Lot]:
        """Return the lots of a position, oldest first."""
        sql = "WHERE scope = ? AND position_id = ? ORDER BY opened_ms, number"
        return LOTS.many(self._rows, sql, self._scope, position_id)


class PositionRows:
    """Positions. At most one is open per pair and snipe."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def save(self, position: Position) -> None:
        """Store a position, replacing the stored one."""
        POSITIONS.save(
            self._rows,
            position,
            self._scope,
            position.id,
            position.symbol,
            position.state.value,
            or_null(position.snipe_id),
            position.opened_ms,
            position.closed_ms,
            None if position.is_open else _result(position),
        )

    def get(self, position_id: str) -> Position | None:
        """Return one position."""
        return POSITIONS.one(self._rows, "WHERE scope = ? AND id = ?", self._scope, position_id)

    def open(self) -> list[Position]:
        """Return open positions, oldest first."""
        # Without a hint SQLite scans all positions by time instead of sorting the few open ones.
        sql = "INDEXED BY positions_open WHERE scope = ? AND state <> 'closed' ORDER BY opened_ms, number"
        return POSITIONS.many(self._rows, sql, self._scope)

    def of_snipe(self, snipe_id: str) -> Position | None:
        """Return the newest position of a snipe."""
        sql = "WHERE scope = ? AND snipe_id = ? ORDER BY opened_ms DESC LIMIT 1"
        return POSITIONS.one(self._rows, sql, self._scope, snipe_id)

    def of_symbol(self, symbol: str, limit: int = 100) -> list[Position]:
        """Return the positions of a pair, newest first."""
        sql = "WHERE scope = ? AND symbol = ? ORDER BY opened_ms DESC LIMIT ?"
        return POSITIONS.many(self._rows, sql, self._scope, symbol, limit)

    def page(self, before_ms: int = 2**62, before_id: str = "", limit: int = 100) -> list[Position]:
        """Return the positions before the one with this opening time and id, newest first."""
        sql = "WHERE scope = ? AND (opened_ms, id) < (?, ?) ORDER BY opened_ms DESC, id DESC LIMIT ?"
        return POSITIONS.many(self._rows, sql, self._scope, before_ms, before_id, limit)

    def closed(self, since_ms: int = 0, limit: int = 1_000) -> list[Position]:
        """Return positions closed since `since_ms`, latest first."""
        sql = "WHERE scope = ? AND closed_ms >= ? ORDER BY closed_ms DESC LIMIT ?"
        return POSITIONS.many(self._rows, sql, self._scope, since_ms, limit)


def _result(position: Position) -> int:
    return (position.realised > 0) - (position.realised < 0)
