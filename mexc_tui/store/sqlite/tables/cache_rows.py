"""Table of cache entries that survive a restart."""

from dataclasses import dataclass

from mexc_tui.store.sqlite.tables.rows import Row, StoreRows, integer

_UPSERT = """
    INSERT INTO cache_entries (key, made_ms, expires_ms, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE
    SET made_ms = excluded.made_ms, expires_ms = excluded.expires_ms, body = excluded.body
"""


@dataclass(frozen=True, slots=True)
class StoredCacheRow:
    """A stored cache entry. Times are Unix ms."""

    made_ms: int
    expires_ms: int
    body: bytes


class CacheRows:
    """Cache entries by key. Callers check `expires_ms`."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def get(self, key: str) -> StoredCacheRow | None:
        """Return an entry, even if it has expired."""
        row = self._rows.one("SELECT made_ms, expires_ms, body FROM cache_entries WHERE key = ?", key)
        if row is None:
            return None
        return next(self._rows.damage.readable("cache entry", (row,), _entry), None)

    def put(self, key: str, entry: StoredCacheRow) -> None:
        """Store an entry, replacing an existing one."""
        self._rows.run(_UPSERT, key, entry.made_ms, entry.expires_ms, entry.body)

    def drop(self, key: str) -> None:
        """Delete an entry."""
        self._rows.run("DELETE FROM cache_entries WHERE key = ?", key)

    def drop_all(self, prefix: str) -> None:
        """Delete all entries whose key starts with `prefix`."""
        self._rows.run("DELETE FROM cache_entries WHERE key >= ? AND key < ?", prefix, prefix + "\U0010ffff")

    def forget_expired(self, now_ms: int) -> int:
        """Delete entries expired at `now_ms`; return how many."""
        return self._rows.run("DELETE FROM cache_entries WHERE expires_ms <= ?", now_ms)


def _entry(row: Row) -> StoredCacheRow:
    body = row[2]
    assert isinstance(body, bytes)
    return StoredCacheRow(integer(row[0]), integer(row[1]), body)
