"""A set that holds the newest keys alone: what is looked up soon after it was added."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class RecentKeys(Generic[K]):
    """The newest `most` keys, in the order in which they were added."""

    def __init__(self, most: int) -> None:
        """Start empty."""
        self._most = most
        self._keys: dict[K, None] = {}

    def __contains__(self, key: K) -> bool:
        """Whether a key is among the newest."""
        return key in self._keys

    def __len__(self) -> int:
        """Count them."""
        return len(self._keys)

    def add(self, *keys: K) -> None:
        """Add keys; the oldest go."""
        for key in keys:
            self._keys[key] = None
        while len(self._keys) > self._most:
            del self._keys[next(iter(self._keys))]

    def update(self, keys: Iterable[K]) -> None:
        """Add keys; the oldest go."""
        self.add(*keys)

    def discard(self, key: K) -> None:
        """Remove a key, if it is there."""
        self._keys.pop(key, None)
