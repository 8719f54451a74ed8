"""What a level of the cache is, and how long each may keep what."""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class LevelName(Enum):
    """The levels, fastest first."""

    MEMORY = "memory"
    SHARED = "shared"
    """Between processes or machines."""
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A value as bytes. `made_ms`: when it was fetched, whatever level it went through since (Unix ms)."""

    body: bytes
    made_ms: int
    expires_ms: int

    def is_fresh(self, now_ms: int) -> bool:
        """Say whether it may be used. Made in the future means that the clock was set back: it may not."""
        return self.made_ms <= now_ms < self.expires_ms


class CacheLevel(Protocol):
    """One place that keeps entries. It may forget any of them at any time.

    Raises StorageError when it cannot do something; the cache then goes on without it.
    """

    @property
    def name(self) -> LevelName:
        """Return which level it is."""
        ...

    async def get(self, key: str) -> CacheEntry | None:
        """Return the entry, fresh or not, if it has one."""
        ...

    async def put(self, key: str, entry: CacheEntry) -> None:
        """Keep an entry in place of what is there."""
        ...

    async def drop(self, key: str) -> None:
        """Forget an entry."""
        ...

    async def drop_all(self, prefix: str) -> None:
        """Forget the entries whose key begins with `prefix`."""
        ...


BOUNDS_MS = {
    LevelName.MEMORY: (1_000, 5_000),
    LevelName.SHARED: (30_000, 300_000),
    LevelName.DATABASE: (300_000, 30 * 86_400_000),
}
"""Shortest and longest life in each level."""

PROMOTED_MS = {LevelName.MEMORY: 5_000, LevelName.SHARED: 60_000}
"""Longest life, by default, of what a slower level had: it was not fetched just now."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a fetched value lives in each level; None: that level does not keep it."""

    memory_ms: int | None = 5_000
    shared_ms: int | None = None
    database_ms: int | None = None

    def __post_init__(self) -> None:
        """Refuse a life outside its level's bounds."""
        for level, (shortest, longest) in BOUNDS_MS.items():
            life = self.of(level)
            if life is not None and not shortest <= life <= longest:
                raise ValueError(f"{level.value}: {life} ms is not within {shortest}–{longest} ms")

    def of(self, level: LevelName) -> int | None:
        """Return the life in one level."""
        lives = {
            LevelName.MEMORY: self.memory_ms,
            LevelName.SHARED: self.shared_ms,
            LevelName.DATABASE: self.database_ms,
        }
        return lives[level]


@dataclass(frozen=True, slots=True)
class Space(Generic[T]):
    """Values of one kind: their type, what their keys begin with, how long they live."""

    name: str
    kind: type[T]
    lifetimes: Lifetimes


@dataclass(frozen=True, slots=True)
class Cached(Generic[T]):
    """A value, its age and its cache level (None: fetched for this query)."""

    value: T
    made_ms: int
    age_ms: int
    level: LevelName | None
