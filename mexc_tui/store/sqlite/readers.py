"""Reader connections: each read sees a consistent snapshot and does not block the writer."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

from mexc_tui.model.storage import StorageClosed, StorageDeadline
from mexc_tui.ports.clock import Clock
from mexc_tui.store.sqlite.damage import Damage
from mexc_tui.store.sqlite.faults import translate
from mexc_tui.store.sqlite.group import GroupOutcome
from mexc_tui.store.sqlite.slow_queries import SlowLog
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.thread import CLOSING_S, SqliteThread
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction


class _Reader:
    """A read-only connection. Its `StoreRows` is created in its own thread on first use."""

    def __init__(self, thread: SqliteThread, clock: Clock, damage: Damage) -> None:
        self.thread = thread
        self._damage = damage
        self._clock = clock
        self._rows: StoreRows | None = None

    def run(
        self,
        connection: sqlite3.Connection,
        name: str,
        work: Callable[[ReadTransaction], Any],
        *,
        deadline_ns: int,
    ) -> GroupOutcome:
        """Run `work` in one read transaction, in the thread of the connection."""
        rows = self._rows = self._rows or StoreRows(connection, self._clock, self._damage)
        began_ns = self._clock.monotonic_ns()
        outcome = GroupOutcome()
        try:
            connection.execute("BEGIN")
            rows.start(deadline_ns)
            outcome.value = work(ReadTransaction(rows))
        except sqlite3.Error as error:
            outcome.error = self._damage.record_error(translate(name, error))
        except Exception as error:  # raised to the caller unchanged
            outcome.error = error
        finally:
            rows.stop()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        outcome.took_ns = self._clock.monotonic_ns() - began_ns
        return outcome


class Readers:
    """Pool of readers, opened on demand."""

    def __init__(
        self,
        connector: Callable[[], sqlite3.Connection],
        *,
        count: int,
        thread: type[SqliteThread],
        clock: Clock,
        slow: SlowLog,
        damage: Damage,
    ) -> None:
        self._damage = damage
        self._connector = connector
        self._thread = thread
        self._clock = clock
        self._slow = slow
        self._free = asyncio.Semaphore(count)
        self._idle: list[_Reader] = []
        self._all: list[_Reader] = []
        self._is_closing = False

    async def read(self, name: str, work: Callable[[ReadTransaction], Any], deadline_s: float) -> Any:
        """Return the result of `work`. Raises its errors, or StorageDeadline."""
        if self._is_closing:
            raise StorageClosed("The store is closing.")
        deadline_ns = self._clock.monotonic_ns() + int(deadline_s * 1e9)
        reader = await self._acquire(name, deadline_s)
        run = reader.thread.submit(
            lambda connection: reader.run(connection, name, work, deadline_ns=deadline_ns)
        )
        run.add_done_callback(lambda _: self._release(reader))
        try:
            outcome = await asyncio.shield(run)
        except asyncio.CancelledError:
            reader.thread.interrupt_statement()
            raise
        self._slow.record(name, outcome.took_ns)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    async def close(self, timeout_s: float) -> bool:
        """Interrupt and close every reader. False: one did not end in time."""
        self._is_closing = True
        ended = True
        for reader in self._all:
            reader.thread.interrupt_statement()
        for reader in self._all:
            ended = await reader.thread.end(timeout_s) and ended
        return ended

    async def _acquire(self, name: str, deadline_s: float) -> _Reader:
        try:
            async with asyncio.timeout(deadline_s):
                await self._free.acquire()
        except TimeoutError:
            raise StorageDeadline(f"{name}: no reader was free before its deadline.") from None
        if self._idle:
            return self._idle.pop()
        try:
            thread = await self._thread.opened(self._connector)
        except BaseException:
            self._free.release()
            raise
        if self._is_closing:
            await thread.end(CLOSING_S)
            raise StorageClosed("The store is closing.")
        reader = _Reader(thread, self._clock, self._damage)
        self._all.append(reader)
        return reader

    def _release(self, reader: _Reader) -> None:
        self._idle.append(reader)
        self._free.release()
