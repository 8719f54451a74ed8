"""Tables of snipes, attempts and intents."""

from mexc_tui.model.intent import Intent
from mexc_tui.model.snipe import Attempt, Snipe, SnipeKey
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.sealed import SealedTable, or_null

SNIPES = SealedTable(
    "snipes", "scope id symbol signal_id state is_over armed_ms", Snipe, what="snipe", key="scope id"
)
ATTEMPTS = SealedTable(
    "attempts", "scope snipe_id place client_order_id", Attempt, what="attempt", key="scope snipe_id place"
)
INTENTS = SealedTable(
    "intents",
    "scope id role symbol snipe_id position_id created_ms ended_ms",
    Intent,
    what="intent",
    key="scope id",
)


class SnipeRows:
    """Snipes. A key never has a second one."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def save(self, snipe: Snipe) -> None:
        """Store a snipe, replacing the stored one. A second snipe with the same key is refused."""
        SNIPES.save(
            self._rows,
            snipe,
            self._scope,
            snipe.id,
            snipe.key.symbol,
            snipe.key.signal_id,
            snipe.state.value,
            int(snipe.state.is_over),
            snipe.armed_ms,
        )

    def get(self, snipe_id: str) -> Snipe | None:
        """Return one snipe."""
        return SNIPES.one(self._rows, "WHERE scope = ? AND id = ?", self._scope, snipe_id)

    def by_key(self, key: SnipeKey) -> Snipe | None:
        """Return the snipe armed by a signal."""
        sql = "WHERE scope = ? AND symbol = ? AND signal_id = ?"
        return SNIPES.one(self._rows, sql, self._scope, key.symbol, key.signal_id)

    def open(self) -> list[Snipe]:
        """Return open snipes, oldest first."""
        return SNIPES.many(self._rows, "WHERE scope = ? AND is_over = 0 ORDER BY armed_ms", self._scope)

    def of_symbol(self, symbol: str, limit: int = 100) -> list[Snipe]:
        """Return the snipes of a pair, newest first."""
        sql = "WHERE scope = ? AND symbol = ? ORDER BY armed_ms DESC LIMIT ?"
        return SNIPES.many(self._rows, sql, self._scope, symbol, limit)

    def page(self, before_ms: int = 2**62, before_id: str = "", limit: int = 100) -> list[Snipe]:
        """Return the snipes before the one with this arming time and id, newest first."""
        sql = "WHERE scope = ? AND (armed_ms, id) < (?, ?) ORDER BY armed_ms DESC, id DESC LIMIT ?"
        return SNIPES.many(self._rows, sql, self._scope, before_ms, before_id, limit)


class AttemptRows:
    """Attempts of snipes."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def save(self, attempt: Attempt) -> None:
        """Store an attempt, replacing the one with its number."""
        key = (self._scope, attempt.snipe_id, attempt.number)
        ATTEMPTS.save(self._rows, attempt, *key, attempt.client_order_id)

    def of_snipe(self, snipe_id: str) -> list[Attempt]:
        """Return the attempts of a snipe in order."""
        sql = "WHERE scope = ? AND snipe_id = ? ORDER BY place"
        return ATTEMPTS.many(self._rows, sql, self._scope, snipe_id)


class IntentRows:
    """Durable order intents. A snipe has at most one open entry; a client order id belongs to one intent."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def save(self, intent: Intent) -> None:
        """Store an intent, replacing the stored one. Its earlier client order ids stay reserved."""
        INTENTS.save(
            self._rows,
            intent,
            self._scope,
            intent.id,
            intent.role.value,
            intent.symbol,
            or_null(intent.snipe_id),
            or_null(intent.position_id),
            intent.created_ms,
            intent.ended_ms,
        )
        self._save_client_ids(intent)

    def get(self, intent_id: str) -> Intent | None:
        """Return one intent."""
        return INTENTS.one(self._rows, "WHERE scope = ? AND id = ?", self._scope, intent_id)

    def by_client_id(self, client_order_id: str) -> Intent | None:
        """Return the intent that a client order id is or was reserved for."""
        sql = "SELECT intent_id FROM intent_client_ids WHERE scope = ? AND client_order_id = ?"
        row = self._rows.one(sql, self._scope, client_order_id)
        return None if row is None else self.get(str(row[0]))

    def open(self) -> list[Intent]:
        """Return open intents, oldest first."""
        sql = "WHERE scope = ? AND ended_ms IS NULL ORDER BY created_ms, number"
        return INTENTS.many(self._rows, sql, self._scope)

    def of_snipe(self, snipe_id: str) -> list[Intent]:
        """Return the intents of a snipe, oldest first."""
        sql = "WHERE scope = ? AND snipe_id = ? ORDER BY created_ms, number"
        return INTENTS.many(self._rows, sql, self._scope, snipe_id)

    def of_position(self, position_id: str) -> list[Intent]:
        """Return the intents of a position, oldest first."""
        sql = "WHERE scope = ? AND position_id = ? ORDER BY created_ms, number"
        return INTENTS.many(self._rows, sql, self._scope, position_id)

    def _save_client_ids(self, intent: Intent) -> None:
        sql = "SELECT client_order_id FROM intent_client_ids WHERE scope = ? AND intent_id = ?"
        known = {row[0] for row in self._rows.all(sql, self._scope, intent.id)}
        new = [(self._scope, name, intent.id) for name in intent.client_ids if name not in known]
        if new:  # an id of another intent violates the primary key
            self._rows.run_many(
                "INSERT INTO intent_client_ids (scope, client_order_id, intent_id) VALUES (?, ?, ?)", new
            )
