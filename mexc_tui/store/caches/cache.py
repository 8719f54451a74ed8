"""Multi-level cache with one fetch per key at a time. Ages are never understated."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from mexc_tui.model.storage import StorageError
from mexc_tui.ports.clock import Clock
from mexc_tui.store.caches.level import PROMOTED_MS, Cached, CacheEntry, CacheLevel, LevelName, Space

T = TypeVar("T")

_log = logging.getLogger("mexc_tui.store")
_NEVER_MS = 2**62
_encoder = msgspec.json.Encoder(decimal_format="string")


@dataclass(slots=True)
class _Fetch:
    """A fetch shared by all callers of a key. If stale, its result is not stored."""

    task: asyncio.Task[Cached[Any]] | None = None
    waiting: int = 0
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class _Found(Generic[T]):
    entry: CacheEntry
    cached: Cached[T]


@dataclass(slots=True)
class CacheCounts:
    """Cache statistics, for display."""

    hits: dict[LevelName, int] = field(default_factory=dict[LevelName, int])
    fetched: int = 0
    shared_flights: int = 0
    level_errors: int = 0
    bad_entries: int = 0


class Cache:
    """Returns cached responses with their age. A failing level is skipped.

    Never base trading decisions on it: query balances, limits and orders at their source.
    """

    def __init__(
        self,
        levels: Sequence[CacheLevel],
        clock: Clock,
        promoted_ms: Mapping[LevelName, int] = PROMOTED_MS,
    ) -> None:
        """`levels`: at least one, fastest first. `promoted_ms`: lifetime of copies from a slower level."""
        self._levels = list(levels)
        self._clock = clock
        self._promoted_ms = promoted_ms
        self._fetches: dict[str, _Fetch] = {}
        self.counts = CacheCounts()

    async def get(self, space: Space[T], key: str, fetch: Callable[[], Awaitable[T]]) -> Cached[T]:
        """Return the value of `key` from the fastest level that has it, or fetch it once for all callers.

        Raises the errors of `fetch`; they are not cached.
        """
        full = _full(space, key)
        pending = self._fetches.get(full)
        if pending is None:
            found = await self._read_level(self._levels[0], space, full)
            if found is not None:
                return found.cached
            pending = self._fetches.get(full) or self._start_fetch(space, full, fetch)
        else:
            self.counts.shared_flights += 1
        return await self._await_fetch(full, pending)

    async def refresh(self, space: Space[T], key: str, fetch: Callable[[], Awaitable[T]]) -> Cached[T]:
        """Fetch and replace the cached value. Raises the errors of `fetch`, and keeps the old value then."""
        full = _full(space, key)
        self._make_stale(full)
        return await self._await_fetch(full, self._start_fetch(space, full, fetch, read_levels=False))

    async def drop(self, space: Space[Any], key: str) -> None:
        """Delete a value from every level. A fetch in progress returns to its callers, but is not stored."""
        full = _full(space, key)
        self._make_stale(full)
        for level in self._levels:
            await self._tolerate(level, level.drop(full))

    async def drop_all(self, space: Space[Any]) -> None:
        """Delete all values of a space from every level."""
        prefix = _full(space, "")
        for full in [full for full in self._fetches if full.startswith(prefix)]:
            self._make_stale(full)
        for level in self._levels:
            await self._tolerate(level, level.drop_all(prefix))

    async def close(self) -> None:
        """Cancel all fetches."""
        tasks = [pending.task for pending in self._fetches.values() if pending.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start_fetch(
        self, space: Space[T], full: str, fetch: Callable[[], Awaitable[T]], *, read_levels: bool = True
    ) -> _Fetch:
        pending = _Fetch()
        fetching = self._fetch(
            pending, space, full, fetch=fetch, levels=self._levels[1:] if read_levels else ()
        )
        task = asyncio.create_task(fetching, name=f"cache {space.name}")
        pending.task = task
        self._fetches[full] = pending
        task.add_done_callback(lambda done: self._finish_fetch(full, pending, done))
        return pending

    async def _await_fetch(self, full: str, pending: _Fetch) -> Cached[Any]:
        assert pending.task is not None
        pending.waiting += 1
        try:
            return await asyncio.shield(pending.task)
        finally:
            pending.waiting -= 1
            if not pending.waiting and not pending.task.done():  # the last caller was cancelled
                self._make_stale(full)
                pending.task.cancel()

    def _finish_fetch(self, full: str, pending: _Fetch, done: asyncio.Task[Any]) -> None:
        if self._fetches.get(full) is pending:
            del self._fetches[full]
        if not done.cancelled():
            done.exception()  # retrieved, so that asyncio does not log it; callers received it

    def _make_stale(self, full: str) -> None:
        pending = self._fetches.pop(full, None)
        if pending is not None:
            pending.is_stale = True

    async def _fetch(
        self,
        pending: _Fetch,
        space: Space[T],
        full: str,
        *,
        fetch: Callable[[], Awaitable[T]],
        levels: Sequence[CacheLevel],
    ) -> Cached[T]:
        for depth, level in enumerate(levels, 1):
            found = await self._read_level(level, space, full)
            if found is not None:
                faster = self._levels[:depth]
                await self._save(pending, faster, space, full=full, entry=found.entry, promoted=True)
                return found.cached
        # The age counts from the request, so that it is never understated.
        made_ms = self._clock.now_ms()
        value = await fetch()
        self.counts.fetched += 1
        entry = CacheEntry(_encoder.encode(value), made_ms, _NEVER_MS)
        await self._save(pending, self._levels, space, full=full, entry=entry, promoted=False)
        return Cached(value, made_ms, self._clock.now_ms() - made_ms, None)

    async def _read_level(self, level: CacheLevel, space: Space[T], full: str) -> _Found[T] | None:
        if space.lifetimes.of(level.name) is None:
            return None
        entry = await self._tolerate(level, level.get(full))
        now_ms = self._clock.now_ms()
        if entry is None or not entry.is_fresh(now_ms):
            return None
        try:
            value = msgspec.json.decode(entry.body, type=space.kind)
        except msgspec.DecodeError:
            self.counts.bad_entries += 1
            _log.warning("cache level %s has an invalid value for a key of %s", level.name.value, space.name)
            await self._tolerate(level, level.drop(full))
            return None
        self.counts.hits[level.name] = self.counts.hits.get(level.name, 0) + 1
        return _Found(entry, Cached(value, entry.made_ms, now_ms - entry.made_ms, level.name))

    async def _save(
        self,
        pending: _Fetch,
        levels: Sequence[CacheLevel],
        space: Space[Any],
        *,
        full: str,
        entry: CacheEntry,
        promoted: bool,
    ) -> None:
        """Store an entry in the levels, slowest first, unless the fetch is stale."""
        for level in reversed(levels):
            life_ms = space.lifetimes.of(level.name)
            if life_ms is None or pending.is_stale:
                continue
            if promoted:
                life_ms = min(life_ms, self._promoted_ms[level.name])
            expires_ms = min(entry.expires_ms, self._clock.now_ms() + life_ms)
            await self._tolerate(level, level.put(full, CacheEntry(entry.body, entry.made_ms, expires_ms)))

    async def _tolerate(self, level: CacheLevel, call: Awaitable[T]) -> T | None:
        """Await a level. A failure counts as a miss."""
        try:
            return await call
        except StorageError as error:
            self.counts.level_errors += 1
            _log.warning("skipping cache level %s: %s", level.name.value, error)
            return None


def _full(space: Space[Any], key: str) -> str:
    return f"{space.name}:{key}"
