"""The door of this room: write a unit of work, read, back up, close."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from mexc_tui.engine.ports import Clock
from mexc_tui.model.event import Fact
from mexc_tui.model.storage import Durability
from mexc_tui.store.backup import back_up
from mexc_tui.store.faults import translate
from mexc_tui.store.group import GroupRunner, Job
from mexc_tui.store.opening import Limits, open_reader, open_writer
from mexc_tui.store.readers import Readers
from mexc_tui.store.reserve import Reserve
from mexc_tui.store.slow import SlowLog
from mexc_tui.store.thread import CLOSING_S, SqliteThread
from mexc_tui.store.unit_of_work import Reading, UnitOfWork
from mexc_tui.store.writer import Publish, Writer

JOURNAL_TAIL = 1_000
"""Facts whose seals are checked at every start; `Journal.verify` checks them all."""

T = TypeVar("T")

_log = logging.getLogger("mexc_tui.store")


@dataclass(frozen=True, slots=True)
class StoreState:
    """How the store is doing, for display."""

    waiting: int
    units: int
    commits: int
    last_commit_ms: float
    slow: int
    too_slow: int
    slowest: tuple[str, int]
    failed_publications: int
    has_reserve: bool


def _tell_nobody(_facts: Sequence[Fact]) -> None:
    """Publish to no one."""


class Store:
    """One writer and a few readers on one database. Open it with `Store.open`, end it with `close`."""

    def __init__(
        self,
        path: Path,
        thread: SqliteThread,
        runner: GroupRunner,
        clock: Clock,
        publish: Publish,
        limits: Limits,
        reserve: Reserve,
    ) -> None:
        self.path = path
        self._reserve = reserve
        self._thread = thread
        self._clock = clock
        self._limits = limits
        self._slow = SlowLog(limits.slow_ms, limits.too_slow_ms)
        self._writer = Writer(thread, runner, publish, self._slow)
        self._readers = Readers(
            partial(open_reader, path, limits), limits.readers, type(thread), clock, self._slow
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: Clock,
        *,
        publish: Publish = _tell_nobody,
        limits: Limits | None = None,
        thread: type[SqliteThread] = SqliteThread,
    ) -> Self:
        """Open the database at `path`; it and its folder are made if missing.

        `publish` gets the facts of each commit in the order of their numbers, after the commit and before
        whoever wrote them goes on. Raises StorageRefused (modes, owner, newer schema) or StorageDamaged.
        """
        limits = limits or Limits()
        reserve = Reserve(path)
        opened = await thread.opened(partial(open_writer, path, limits))
        try:
            runner = await opened.submit(lambda connection: _start_runner(connection, clock, limits))
            await opened.submit(lambda _: reserve.hold())
        except BaseException:
            await opened.end(CLOSING_S)
            raise
        return cls(path, opened, runner, clock, publish, limits, reserve)

    async def write(
        self,
        name: str,
        work: Callable[[UnitOfWork], T],
        *,
        durability: Durability = Durability.FULL,
        deadline_s: float | None = None,
    ) -> T:
        """Run `work` in a transaction and return its result once that is committed.

        `work` runs in another thread, perhaps twice, and touches nothing but its unit. What it raises undoes
        it and comes back here. Cancelling a caller leaves either all of it or nothing. Raises StorageError.
        """
        job = Job(name, work, durability, self._deadline_ns(deadline_s))
        result: T = await self._writer.write(job)
        return result

    async def read(self, name: str, work: Callable[[Reading], T], *, deadline_s: float | None = None) -> T:
        """Run `work` on what is committed now, beside the writer. Raises StorageError."""
        result: T = await self._readers.read(name, work, deadline_s or self._limits.deadline_s)
        return result

    async def back_up(self, target: Path) -> None:
        """Write a checked copy to `target` while the store goes on. Raises StorageError."""
        thread = await type(self._thread).opened(partial(open_reader, self.path, self._limits))
        try:
            await thread.submit(lambda connection: back_up(connection, target))
        except sqlite3.Error as error:
            raise translate("backup", error) from error
        finally:
            thread.cut_short()
            await thread.end(CLOSING_S)

    def publish_to(self, publish: Publish) -> None:
        """Hand the facts of later commits to `publish`: for a bus that must know the journal's head first."""
        self._writer.publish = publish

    def release_reserve(self) -> bool:
        """Give 1 MiB back to a full disk, so that exits can still be stored; False: it was given already.

        Call it once entries are halted. The next start sets the room aside again.
        """
        return self._reserve.release()

    async def close(self, timeout_s: float = 5.0) -> None:
        """Commit what waits, then close every connection. Never waits much longer than `timeout_s`."""
        drained = await self._writer.drain(timeout_s)
        if not drained:
            self._thread.cut_short()
        ended = await self._readers.close(CLOSING_S)
        ended = await self._thread.end(CLOSING_S) and ended
        if not (drained and ended):
            _log.error("the store did not close in time; what was acknowledged is on disk")

    def state(self) -> StoreState:
        """Return how the store is doing."""
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

    def _deadline_ns(self, deadline_s: float | None) -> int:
        return self._clock.monotonic_ns() + int((deadline_s or self._limits.deadline_s) * 1e9)


def _start_runner(connection: sqlite3.Connection, clock: Clock, limits: Limits) -> GroupRunner:
    runner = GroupRunner(connection, clock)
    deadline_ns = clock.monotonic_ns() + int(limits.deadline_s * 1e9)
    check = Job("journal tail", _verify_tail, Durability.NORMAL, deadline_ns)
    error = runner.run([check]).outcomes[0].error
    if error is not None:
        raise error
    return runner


def _verify_tail(unit: UnitOfWork) -> None:
    unit.journal.verify(JOURNAL_TAIL)
