"""The SQLite store: writes, reads, backups and retention."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from mexc_tui.model.event import Fact
from mexc_tui.model.storage import (
    Durability,
    RetentionPeriods,
    StorageDamaged,
    StorageError,
    StorageFailed,
    StorageFull,
)
from mexc_tui.ports.clock import Clock
from mexc_tui.store.sqlite.backups import Backups
from mexc_tui.store.sqlite.connections import Findings, StoreLimits, back_up, open_reader, open_writer
from mexc_tui.store.sqlite.damage import Damage
from mexc_tui.store.sqlite.faults import translate
from mexc_tui.store.sqlite.file_identity import FileWatch, signs_of_use
from mexc_tui.store.sqlite.group import GroupRunner, Job
from mexc_tui.store.sqlite.readers import Readers
from mexc_tui.store.sqlite.reserve import Reserve
from mexc_tui.store.sqlite.retention import Pruning, PruningProgress, release_free_pages
from mexc_tui.store.sqlite.slow_queries import SlowLog
from mexc_tui.store.sqlite.thread import CLOSING_S, SqliteThread
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction, UnitOfWork
from mexc_tui.store.sqlite.writer import Publish, Writer

DAY_MS = 86_400_000
JOURNAL_TAIL = 1_000
"""Number of facts whose seals are verified at start. `Journal.verify` can verify all."""

T = TypeVar("T")

_log = logging.getLogger("mexc_tui.store")


@dataclass(frozen=True, slots=True)
class StoreState:
    """State of the store, for display."""

    waiting: int
    units: int
    commits: int
    last_commit_ms: float
    slow: int
    too_slow: int
    slowest: tuple[str, int]
    failed_publications: int
    has_reserve: bool


def _discard(_facts: Sequence[Fact]) -> None:
    """Discard the facts."""


class SqliteStore:
    """One writer and several readers on one database. Use `open` and `close`."""

    def __init__(
        self,
        path: Path,
        *,
        thread: SqliteThread,
        runner: GroupRunner,
        clock: Clock,
        publish: Publish,
        limits: StoreLimits,
        reserve: Reserve,
        damage: Damage,
    ) -> None:
        self.path = path
        self.damage = damage
        self.signs_of_use = tuple[str, ...]()
        """Files showing that a store was in use here, if the database is empty."""
        self.backups = Backups(path)
        self._file_watch = FileWatch(path)
        self._pruning: PruningProgress | None = PruningProgress()
        self._reserve = reserve
        self._thread = thread
        self._clock = clock
        self._limits = limits
        self._slow = SlowLog(limits.slow_ms, limits.too_slow_ms)
        self._writer = Writer(thread, runner=runner, publish=publish, slow=self._slow)
        self._readers = Readers(
            self._open_reader,
            count=limits.readers,
            thread=type(thread),
            clock=clock,
            slow=self._slow,
            damage=damage,
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: Clock,
        *,
        publish: Publish = _discard,
        limits: StoreLimits | None = None,
        thread: type[SqliteThread] = SqliteThread,
        used_names: tuple[str, ...] = (),
    ) -> Self:
        """Open the database at `path`, creating it and its folder if missing.

        `publish` receives the facts of each commit in order, after the commit and before `write` returns.
        `used_names`: files in its folder that only a used profile has. Raises StorageRefused (modes, owner,
        newer schema) or StorageDamaged, which names the newest backup.
        """
        limits = limits or StoreLimits()
        reserve, damage, findings = Reserve(path), Damage(), Findings(clock.now_ms())
        signs = signs_of_use(path, used_names)
        try:
            opened = await thread.opened(partial(_open_writer, path, limits, findings, reserve))
        except StorageDamaged as error:
            raise StorageDamaged(f"{error} {Backups(path).advice()}") from error
        if findings.damage:
            damage.record(findings.damage)
        try:
            runner = await opened.submit(
                lambda connection: _start_runner(connection, clock, limits, damage=damage)
            )
            await opened.submit(lambda _: reserve.acquire())
        except BaseException:
            await opened.end(CLOSING_S)
            raise
        store = cls(
            path,
            thread=opened,
            runner=runner,
            clock=clock,
            publish=publish,
            limits=limits,
            reserve=reserve,
            damage=damage,
        )
        store.signs_of_use = signs if findings.is_new else ()
        return store

    async def write(
        self,
        name: str,
        work: Callable[[UnitOfWork], T],
        *,
        durability: Durability = Durability.FULL,
        deadline_s: float | None = None,
    ) -> T:
        """Run `work` in a transaction and return its result after the commit.

        `work` runs in another thread, possibly twice, and must access nothing but its unit. Its errors roll
        it back and are raised here. Cancellation leaves either all of it or nothing. Raises StorageError.
        """
        job = Job(name, work, durability, self._deadline_ns(deadline_s))
        result: T = await self._writer.write(job)
        return result

    async def read(
        self, name: str, work: Callable[[ReadTransaction], T], *, deadline_s: float | None = None
    ) -> T:
        """Run `work` on a snapshot of the committed data. Raises StorageError."""
        result: T = await self._readers.read(name, work, deadline_s or self._limits.deadline_s)
        return result

    async def journal_head(self) -> int:
        """Return the newest fact number; 0 if the journal is damaged, which is recorded."""
        try:
            return await self.read("journal's head", lambda stored: stored.journal.head())
        except StorageDamaged:
            return 0

    async def back_up(self, target: Path) -> None:
        """Write a checked copy to `target` while the store is in use. Raises StorageError."""
        thread = await type(self._thread).opened(self._open_reader)
        try:
            await thread.submit(lambda connection: back_up(connection, target))
        except sqlite3.Error as error:
            raise translate("backup", error) from error
        finally:
            thread.interrupt_statement()
            await thread.end(CLOSING_S)

    def damaged(self) -> str:
        """Return a warning about damage outside the ledger, with the newest backup; empty if none."""
        words = self.damage.text
        return f"part of the database is damaged: {words} {self.backups.advice()}" if words else ""

    def emptied(self) -> str:
        """Return a warning if the store is empty although the profile was in use; empty otherwise."""
        if not self.signs_of_use:
            return ""
        return (
            f"the database {self.path} is empty, but {', '.join(self.signs_of_use)} beside it show that this "
            f"profile was in use: it was deleted or lost its content. {self.backups.advice()}"
        )

    def is_backup_due(self) -> bool:
        """Return whether there is no backup of the last 24 hours."""
        newest_ms = self.backups.newest_ms()
        return newest_ms is None or not 0 <= self._clock.now_ms() - newest_ms < DAY_MS

    async def back_up_daily(self) -> Path:
        """Write a backup and delete those beyond the retention limits. Raises StorageError."""
        if not self.backups.has_room():
            raise StorageFull(f"No disk space for a backup in {self.backups.folder}. Free some space.")
        target = self.backups.target(self._clock.now_ms())
        await self.back_up(target)
        self.backups.delete_old()
        return target

    async def prune(self, keep: RetentionPeriods, now_ms: int) -> bool:
        """Delete one batch of expired rows, or release free pages to the disk.

        `now_ms` is exchange time, as in facts. False: a round is complete. Raises StorageError.
        """
        progress = self._pruning
        if progress is not None:
            self._pruning = await self.write(
                "retention",
                lambda unit: Pruning(unit.rows).step(keep, now_ms, progress),
                durability=Durability.NORMAL,
            )
            return True
        try:
            is_more = await self._thread.submit(release_free_pages)
        except sqlite3.Error as error:
            raise translate("retention", error) from error
        if not is_more:
            self._pruning = PruningProgress()
        return is_more

    def delete_old_copies(self, keep: RetentionPeriods, now_ms: int) -> int:
        """Delete old backups, replaced databases and unfinished copies; return how many. Blocks."""
        return self.backups.delete_old() + self.backups.delete_replaced_copies(now_ms - keep.copies_ms)

    async def rescue(self) -> Path:
        """Write the contents of the store to a new backup, even if its file was deleted or moved.

        Raises StorageError.
        """
        target = self.backups.target(self._clock.now_ms(), "rescued")
        try:
            await self._thread.submit(lambda connection: back_up(connection, target))
        except (sqlite3.Error, OSError) as error:
            words = translate("rescue", error) if isinstance(error, sqlite3.Error) else str(error)
            raise StorageFailed(str(words)) from error
        return target

    def lost(self) -> str:
        """Return why commits are being lost (file deleted or replaced); empty if they are safe."""
        return self._file_watch.problem()

    def set_publisher(self, publish: Publish) -> None:
        """Publish the facts of later commits: for a feed that starts at the head of the journal."""
        self._writer.publish = publish

    def release_reserve(self) -> bool:
        """Release 1 MiB on a full disk, so that exits can still be stored. False: already released.

        Entries are refused until `regain_reserve` succeeds.
        """
        return self._reserve.release()

    def regain_reserve(self) -> bool:
        """Reserve the space again once the disk has enough; return whether it is reserved. Blocks."""
        return self._reserve.reacquire()

    def full(self) -> str:
        """Return a warning if the reserved space is in use; empty otherwise."""
        if not self._reserve.is_released:
            return ""
        return "the disk is full, and the space reserved for exits is in use: free some space"

    async def close(self, timeout_s: float = 5.0) -> None:
        """Commit waiting units, then close every connection. Takes little longer than `timeout_s`."""
        drained = await self._writer.drain(timeout_s)
        if not drained:
            self._thread.interrupt_statement()
        ended = await self._readers.close(CLOSING_S)
        ended = await self._thread.end(CLOSING_S) and ended
        if not (drained and ended):
            _log.error("the store did not close in time; acknowledged data is on disk")

    def state(self) -> StoreState:
        """Return the state for display."""
        writer, slow = self._writer, self._slow
        return StoreState(
            waiting=writer.waiting,
            units=writer.units,
            commits=writer.commits,
            last_commit_ms=writer.last_commit_ns / 1e6,
            slow=slow.slow,
            too_slow=slow.too_slow,
            slowest=slow.slowest,
            failed_publications=writer.failed_publications,
            has_reserve=self._reserve.is_held,
        )

    def _open_reader(self) -> sqlite3.Connection:
        """Open a reader. Raises StorageError if the path no longer leads to the open database."""
        lost = self._file_watch.problem()
        if lost:
            raise StorageFailed(f"{lost}.")
        return open_reader(self.path, self._limits)

    def _deadline_ns(self, deadline_s: float | None) -> int:
        return self._clock.monotonic_ns() + int((deadline_s or self._limits.deadline_s) * 1e9)


def _open_writer(path: Path, limits: StoreLimits, findings: Findings, reserve: Reserve) -> sqlite3.Connection:
    """Open the database; on a full disk retry once with the reserved space."""
    try:
        return open_writer(path, limits, findings)
    except StorageError:
        if not reserve.release_previous():
            raise
    return open_writer(path, limits, findings)


def _start_runner(
    connection: sqlite3.Connection, clock: Clock, limits: StoreLimits, *, damage: Damage
) -> GroupRunner:
    runner = GroupRunner(connection, clock, damage)
    deadline_ns = clock.monotonic_ns() + int(limits.deadline_s * 1e9)
    check = Job("journal tail", _verify_tail, Durability.NORMAL, deadline_ns)
    error = runner.run([check]).outcomes[0].error
    if isinstance(error, StorageDamaged):
        damage.record(str(error))
    elif error is not None:
        raise error
    return runner


def _verify_tail(unit: UnitOfWork) -> None:
    unit.journal.verify(JOURNAL_TAIL)
