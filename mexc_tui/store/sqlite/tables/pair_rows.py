"""Table of the last known pairs, so that a restart can detect new ones."""

from collections.abc import Iterable

from mexc_tui.model.symbol import Symbol
from mexc_tui.store.sqlite.tables.bodies import Body
from mexc_tui.store.sqlite.tables.rows import StoreRows

_pair = Body(Symbol, "pair")

_UPSERT = """
    INSERT INTO pairs (symbol, seen_ms, body) VALUES (?, ?, ?)
    ON CONFLICT (symbol) DO UPDATE SET seen_ms = excluded.seen_ms, body = excluded.body
"""


class PairRows:
    """Latest state of every pair in exchangeInfo."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def save(self, changed: Iterable[Symbol], gone: Iterable[str], at_ms: int) -> None:
        """Store new and changed pairs, and delete removed ones."""
        self._rows.run_many("DELETE FROM pairs WHERE symbol = ?", ((symbol,) for symbol in gone))
        # Row by row, here and below: SQLite releases the GIL between rows, so the event loop keeps running.
        self._rows.run_many(_UPSERT, ((pair.symbol, at_ms, _pair.write(pair)) for pair in changed))

    def all(self, since_ms: int = 0) -> list[Symbol]:
        """Return every pair first seen or changed since `since_ms`, by name; may read the whole table."""
        sql = "SELECT body FROM pairs WHERE seen_ms >= ? ORDER BY symbol"
        rows = self._rows.each(sql, since_ms)
        return list(self._rows.damage.readable("pair", rows, lambda row: _pair.read(row[0])))
