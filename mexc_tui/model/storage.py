"""The words of the desk about what is stored: how durable, what comes back, what can go wrong."""

from dataclasses import dataclass
from enum import Enum

from mexc_tui.model.event import Alert
from mexc_tui.model.signal import DetectorName


class Durability(Enum):
    """What a commit survives once its caller goes on."""

    FULL = "full"
    """A power cut. For money: intents, fills, halts."""

    NORMAL = "normal"
    """A crash of this process; a power cut may take the last moments. For market data."""


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert in its newest words, and how often it was raised since when."""

    alert: Alert
    first_ms: int
    last_ms: int
    times: int
    closed_ms: int | None


@dataclass(frozen=True, slots=True)
class CaseTally:
    """Of `n` listings of a case, the detector's claim came true for `hits`."""

    detector: DetectorName
    version: int
    stratum: str
    n: int
    hits: int


class StorageError(Exception):
    """Something about the store; the text says what in plain words and never holds a stored value."""


class StorageRefused(StorageError):
    """The store will not be opened as it is. The text holds the fix."""


class StorageFull(StorageError):
    """No room left. Nothing of the unit of work was written."""


class StorageLocked(StorageError):
    """Another process held the database for longer than the busy timeout. Nothing was written."""


class StorageConflict(StorageError):
    """A rule of the tables (unique, foreign key, check, append-only) said no. Nothing was written."""


class StorageDeadline(StorageError):
    """It took longer than it may. Nothing was written."""


class StorageOverloaded(StorageError):
    """Too many units of work wait already. Nothing was written."""


class StorageClosed(StorageError):
    """The store is closing or closed. Nothing was written."""


class StorageDamaged(StorageError):
    """The file is not what was written to it."""


class StorageFailed(StorageError):
    """SQLite could not do it, for a reason that the text names. Nothing was written."""
