"""Memory cache level: fastest, bounded in bytes."""

from cachetools import TLRUCache

from mexc_tui.ports.clock import Clock
from mexc_tui.store.caches.level import CacheEntry, LevelName

SIZE_BYTES = 16 * 1024 * 1024


class MemoryLevel:
    """Cache entries in memory. Evicts expired entries, and the least recently used ones when full."""

    name = LevelName.MEMORY

    def __init__(self, clock: Clock, size_bytes: int = SIZE_BYTES) -> None:
        self._size_bytes = size_bytes
        self._entries: TLRUCache[str, CacheEntry, int] = TLRUCache(
            size_bytes, lambda _key, entry, _now: entry.expires_ms, timer=clock.now_ms, getsizeof=_size
        )

    async def get(self, key: str) -> CacheEntry | None:
        """Return an unexpired entry; None without one."""
        return self._entries.get(key)

    async def put(self, key: str, entry: CacheEntry) -> None:
        """Store an entry, unless it is larger than this level."""
        self._entries.pop(key, None)
        if _size(entry) <= self._size_bytes:
            self._entries[key] = entry

    async def drop(self, key: str) -> None:
        """Delete an entry."""
        self._entries.pop(key, None)

    async def drop_all(self, prefix: str) -> None:
        """Delete all entries whose key starts with `prefix`."""
        for key in [key for key in self._entries if key.startswith(prefix)]:
            self._entries.pop(key, None)


def _size(entry: CacheEntry) -> int:
    return len(entry.body) + 1
