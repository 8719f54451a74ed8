"""Short-lived cache of responses to queries of the store, shared by all front ends."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from mexc_tui.desk.engine_requests import Arguments
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.caches.level import Lifetimes, Space

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CachedResponse(Generic[T]):
    """A response and its age."""

    value: T
    age_ms: int


class ResponseCache:
    """Cache of responses in memory; a new event invalidates all of them."""

    def __init__(self, cache: Cache, newest: Callable[[], int], lifetimes: Lifetimes) -> None:
        """`newest` returns the number of the newest event; `lifetimes` limits the time in memory."""
        self._cache = cache
        self._newest = newest
        self._lifetimes = Lifetimes(memory_ms=lifetimes.memory_ms)

    async def get(
        self, name: str, kind: type[T], args: Arguments, *, read: Callable[[], Awaitable[T]]
    ) -> CachedResponse[T]:
        """Return the response to query `name`; concurrent callers share one read."""
        key = f"{self._newest()} {msgspec.json.encode(args).decode()}"
        found = await self._cache.get(Space(name, kind, self._lifetimes), key, read)
        return CachedResponse(found.value, 0 if found.level is None else found.age_ms)
