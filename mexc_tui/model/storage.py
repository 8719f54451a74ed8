"""Types of the store: durability, query results, errors."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from mexc_tui.model.errors import DeskError
from mexc_tui.model.event import Alert
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.signal import DetectorName


class Durability(Enum):
    """Durability of a commit."""

    FULL = "full"
    """Survives a power cut. For money: intents, fills, halts."""

    NORMAL = "normal"
    """Survives a crash of the process; a power cut may lose recent commits. For market data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """An alert with its latest text, its number of repeats and their period."""

    alert: Alert
    first_ms: int
    last_ms: int
    times: int
    closed_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTally:
    """Case tally: the detector's claim was correct for `hits` of `n` listings."""

    detector: DetectorName
    version: int
    stratum: str
    n: int
    hits: int


@dataclass(frozen=True, slots=True)
class StoredBalance:
    """Balance of one ledger account in one asset."""

    account: LedgerAccount
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedFunds:
    """Committed funds of one quote asset; the numbers of positions and entries cover all assets."""

    reserved: Decimal
    """Reserved by open entries."""
    cost: Decimal
    """Cost of open positions, fees included."""
    positions: int
    """Open positions."""
    pending: int
    """Open entries without a position yet."""

    @property
    def total(self) -> Decimal:
        """Return the exposure at cost, in quote units."""
        return self.reserved + self.cost


@dataclass(frozen=True, slots=True)
class LossRun:
    """Losses in a row."""

    count: int
    last_ms: int | None
    """Closing time of the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPeriods:
    """Retention periods of the store, in milliseconds."""

    journal_ms: int
    """Facts, and closed alerts."""
    metrics_ms: int
    """Detection passes, risk checks, clean reconciliations, equity points."""
    executions_ms: int
    """Attempts of past snipes, reconciliations with differences."""
    copies_ms: int
    """Database copies left by a restore, a rescue or a migration."""


class StorageError(DeskError):
    """The store failed; the text never contains a stored value.

    Raised by every call of the store. Nothing of the unit of work was written unless a subclass differs.
    """


class StorageRefused(StorageError):
    """The store rejects a database in its present state.

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
