"""Database cache level: slowest, survives a restart."""

from mexc_tui.model.storage import Durability
from mexc_tui.ports.clock import Clock
from mexc_tui.store.caches.level import CacheEntry, LevelName
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.tables.cache_rows import StoredCacheRow


class DatabaseLevel:
    """Cache entries in the database. A power failure may lose the newest ones."""

    name = LevelName.DATABASE

    def __init__(self, store: SqliteStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def get(self, key: str) -> CacheEntry | None:
        """Return an entry, even if it has expired."""
        row = await self._store.read("cache get", lambda stored: stored.cache.get(key))
        return None if row is None else CacheEntry(row.body, row.made_ms, row.expires_ms)

    async def put(self, key: str, entry: CacheEntry) -> None:
        """Store an entry, replacing an existing one."""
        row = StoredCacheRow(entry.made_ms, entry.expires_ms, entry.body)
        await self._store.write(
            "cache put", lambda unit: unit.cache.put(key, row), durability=Durability.NORMAL
        )

    async def drop(self, key: str) -> None:
        """Delete an entry."""
        await self._store.write("cache drop", lambda unit: unit.cache.drop(key), durability=Durability.NORMAL)

    async def drop_all(self, prefix: str) -> None:
        """Delete all entries whose key starts with `prefix`."""
        await self._store.write(
            "cache drop all", lambda unit: unit.cache.drop_all(prefix), durability=Durability.NORMAL
        )

    async def forget_expired(self) -> int:
        """Delete expired entries; return how many. Call it periodically."""
        now_ms = self._clock.now_ms()
        return await self._store.write(
            "cache forget", lambda unit: unit.cache.forget_expired(now_ms), durability=Durability.NORMAL
        )
