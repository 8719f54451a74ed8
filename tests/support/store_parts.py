"""A manual clock, events, a connection without a thread and a blocking query for tests of the store."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from mexc_tui.model.event import Alert, AnyEvent
from mexc_tui.model.severity import Severity
from mexc_tui.store.sqlite.connections import StoreLimits, open_writer
from mexc_tui.store.sqlite.schema import migrate, shipped
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.thread import SqliteThread
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction, UnitOfWork

FILE = "desk.db"


class ManualClock:
    """A clock that advances on request, and by `step_ns` on every reading."""

    def __init__(self, step_ns: int = 0) -> None:
        self.ns = 1_000_000_000
        self.step_ns = step_ns

    def now_ms(self) -> int:
        return 1_764_547_200_000 + self.ns // 1_000_000

    def monotonic_ns(self) -> int:
        self.ns += self.step_ns
        return self.ns

    def pass_s(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


def fact(number: int = 0, about: str = "NEWUSDT") -> AnyEvent:
    """Return an event identified by `number`."""
    return Alert(at_ms=number, about=about, severity=Severity.INFO, rule="test", text=f"fact {number}")


def writer_connection(folder: Path, limits: StoreLimits | None = None) -> sqlite3.Connection:
    """Return a writer's connection for the calling thread."""
    return open_writer(folder / FILE, limits or StoreLimits())


class InlineThread(SqliteThread):
    """Runs each call in the calling thread, so that the virtual loop stays exact.

    It replaces aiosqlite's queue and thread, internals of the pinned minor version.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector)
        self._tx = cast("Any", _InlineQueue())
        self._thread = cast("Any", _NoThread())


class _NoThread:
    def start(self) -> None:
        """Start nothing."""


class _InlineQueue:
    def put_nowait(self, call: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, function = call
        try:
            result = function()
        except BaseException as error:  # passed to the caller's future, as by aiosqlite's thread
            if future is not None:
                future.get_loop().call_soon(_fail, future, error)
        else:
            if future is not None:
                future.get_loop().call_soon(_succeed, future, result)


def _succeed(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def in_memory() -> tuple[sqlite3.Connection, ReadTransaction]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, shipped())
    rows = StoreRows(connection, ManualClock())
    connection.execute("BEGIN")
    rows.start(None)
    return connection, ReadTransaction(rows)


def alert(
    at_ms: int, rule: str = "stale", about: str = "NEWUSDT", severity: Severity = Severity.WARNING
) -> Alert:
    return Alert(at_ms=at_ms, about=about, severity=severity, rule=rule, text=f"at {at_ms}")


def two_facts(number: int) -> Callable[[UnitOfWork], int]:
    """Return a unit that records two facts, to check that it is stored atomically."""

    def work(unit: UnitOfWork) -> int:
        unit.record(fact(number))
        return unit.record(fact(number))

    return work


def alert_times(stored: ReadTransaction) -> list[int]:
    stored.journal.verify()
    return [found.event.at_ms for found in stored.journal.after(0)]


class Blocker:
    """Work that blocks the writer's thread until it is released."""

    def __init__(self) -> None:
        self._started = threading.Event()
        self.resume = threading.Event()

    def __call__(self, _stored: ReadTransaction) -> None:
        self._started.set()
        assert self.resume.wait(20)

    async def reached(self) -> None:
        await asyncio.to_thread(self._started.wait)
