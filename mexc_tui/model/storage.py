"""The words of the desk about what is stored: how durable, what comes back, what can go wrong."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from mexc_tui.model.errors import DeskError
from mexc_tui.model.event import Alert
from mexc_tui.model.position import LedgerAccount
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


@dataclass(frozen=True, slots=True)
class StoredBalance:
    """What stands on one account of the books in one asset."""

    account: LedgerAccount
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CommittedFunds:
    """What is spoken for in one quote asset, as limits count it; the numbers of things are of all assets."""

    reserved: Decimal
    """Held back by open entries."""
    cost: Decimal
    """Of what open positions still hold, fees included."""
    positions: int
    """Open ones."""
    pending: int
    """Open entries that have no position yet, and may open one."""

    @property
    def total(self) -> Decimal:
        """Return the exposure at cost, in quote units."""
        return self.reserved + self.cost


@dataclass(frozen=True, slots=True)
class LossRun:
    """Losses in a row."""

    count: int
    last_ms: int | None
    """When the last of them was closed."""


@dataclass(frozen=True, slots=True)
class RetentionPeriods:
    """How long the store keeps what nothing needs any more, in milliseconds."""

    journal_ms: int
    """Facts, and alerts that are closed."""
    metrics_ms: int
    """Passes of detection, risk checks, clean reconciliations, points of equity."""
    executions_ms: int
    """Attempts of past snipes, reconciliations that found something."""
    copies_ms: int
    """Copies of the database that a restore, a rescue or a migration left."""


class StorageError(DeskError):
    """The store could not do its work; the text never holds a stored value.

    Raised by every call of the store. Nothing of the unit of work was written unless a subclass differs.
    """


class StorageRefused(StorageError):
    """The store does not open a database as it is.

    Raised by opening, copying and restoring. Show the text, which names the fix.
    """


class StorageFull(StorageError):
    """No room is left on the disk. Nothing was written.

    Raised by writes. Buy nothing more; release the reserve, so that exits can be written.
    """


class StorageLocked(StorageError):
    """Another process held the database for longer than the busy timeout. Nothing was written.

    Raised by reads and writes. Try again.
    """


class StorageConflict(StorageError):
    """A rule of the tables (unique, foreign key, check, append-only) refused a write. Nothing was written.

    Raised by writes. Do not retry the same rows.
    """


class StorageDeadline(StorageError):
    """A unit of work took longer than its deadline. Nothing was written.

    Raised by reads and writes. Try again later.
    """


class StorageOverloaded(StorageError):
    """Too many units of work wait already. Nothing was written.

    Raised by writes. Try again later.
    """


class StorageClosed(StorageError):
    """The store is closing or closed. Nothing was written.

    Raised by reads and writes. Do not retry.
    """


class StorageDamaged(StorageError):
    """The database file is damaged, or not the one that was opened.

    Raised by opening, reads and writes. Keep exits running from memory; restore a backup.
    """


class StorageFailed(StorageError):
    """SQLite failed for the reason that the text names. Nothing was written.

    Raised by reads and writes. Show the text; try again only if the reason may pass.
    """
