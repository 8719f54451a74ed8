"""Cache levels, lifetimes and cached values."""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class LevelName(Enum):
    """The levels, fastest first."""

    MEMORY = "memory"
    SHARED = "shared"
    """Shared between processes or machines."""
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """An encoded value. `made_ms`: Unix ms of the original fetch, whatever levels it passed through."""

    body: bytes
    made_ms: int
    expires_ms: int

    def is_fresh(self, now_ms: int) -> bool:
        """Return whether the entry may be used. One from the future is not: the clock was set back."""
        return self.made_ms <= now_ms < self.expires_ms


class CacheLevel(Protocol):
    """A cache level. It may evict entries at any time.

    Raises StorageError on failure; the cache then continues without it.
    """

    @property
    def name(self) -> LevelName:
        """Name of the level."""
        ...

    async def get(self, key: str) -> CacheEntry | None:
        """Return an entry, fresh or expired; None without one."""
        ...

    async def put(self, key: str, entry: CacheEntry) -> None:
        """Store an entry, replacing an existing one."""
        ...

    async def drop(self, key: str) -> None:
        """Delete an entry."""
        ...

    async def drop_all(self, prefix: str) -> None:
        """Delete all entries whose key starts with `prefix`."""
        ...


BOUNDS_MS = {
    LevelName.MEMORY: (1_000, 5_000),
    LevelName.SHARED: (30_000, 300_000),
    LevelName.DATABASE: (300_000, 30 * 86_400_000),
}
"""Shortest and longest lifetime per level."""

PROMOTED_MS = {LevelName.MEMORY: 5_000, LevelName.SHARED: 60_000}
"""Default lifetime of entries copied from a slower level."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Lifetime of a fetched value per level; None: not stored in that level."""

    memory_ms: int | None = 5_000
    shared_ms: int | None = None
    database_ms: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a lifetime outside its bounds."""
        for level, (shortest, longest) in BOUNDS_MS.items():
            life = self.of(level)
            if life is not None and not shortest <= life <= longest:
                raise ValueError(f"{level.value}: {life} ms is not within {shortest}–{longest} ms")

    def of(self, level: LevelName) -> int | None:
        """Return the lifetime in one level."""
        lives = {
            LevelName.MEMORY: self.memory_ms,
            LevelName.SHARED: self.shared_ms,
            LevelName.DATABASE: self.database_ms,
        }
        return lives[level]


@dataclass(frozen=True, slots=True)
class Space(Generic[T]):
    """Key space for values of one type: key prefix, type and lifetimes."""

    name: str
    kind: type[T]
    lifetimes: Lifetimes


@dataclass(frozen=True, slots=True)
class Cached(Generic[T]):
    """A value with its age and cache level (None: just fetched)."""

    value: T
    made_ms: int
    age_ms: int
    level: LevelName | None
