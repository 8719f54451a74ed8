"""Bounded set of the most recently added keys."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class RecentKeys(Generic[K]):
    """Set of the `capacity` newest keys, in insertion order."""

    def __init__(self, capacity: int) -> None:
        """Start empty."""
        self._capacity = capacity
        self._keys: dict[K, None] = {}

    def __contains__(self, key: K) -> bool:
        """Return whether the key is among the newest."""
        return key in self._keys

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._keys)

    def add(self, *keys: K) -> None:
        """Add keys and evict the oldest beyond the capacity."""
        for key in keys:
            self._keys[key] = None
        while len(self._keys) > self._capacity:
            del self._keys[next(iter(self._keys))]

    def update(self, keys: Iterable[K]) -> None:
        """Add all keys of an iterable, as `add` does."""
        self.add(*keys)

    def discard(self, key: K) -> None:
        """Remove a key if present."""
        self._keys.pop(key, None)
