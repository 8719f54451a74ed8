"""SQLite connection in its own thread (aiosqlite), which runs whole functions, not single statements.

A round trip to the thread takes half as long as a durable commit, and a transaction that awaits between
statements stays open if its task is cancelled (reliability D6). So a transaction is one function.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, Self, TypeVar, cast

import aiosqlite

from mexc_tui.model.storage import StorageClosed

T = TypeVar("T")

CLOSING_S = 1.0
"""Timeout of closing an idle connection."""


class SqliteThread(aiosqlite.Connection):
    """SQLite connection in a daemon thread, which never blocks process exit (reliability D7)."""

    _tx: SimpleQueue[tuple[asyncio.Future[Any] | None, Callable[[], Any]]]

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True
        self._ended: asyncio.Future[Any] | None = None

    @classmethod
    async def opened(cls, connector: Callable[[], sqlite3.Connection]) -> Self:
        """Open a connection with `connector` in a new thread. Raises its errors. Closes it if cancelled."""
        thread = cls(connector)
        opening = asyncio.ensure_future(thread)
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.gather(opening, return_exceptions=True)  # cannot be interrupted, but is short
            await thread.end(CLOSING_S)
            raise
        except BaseException:
            await thread.end(CLOSING_S)  # otherwise the thread would call a loop that may be closed by then
            raise
        return thread

    def submit(self, function: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Queue `function` for the thread. It runs to completion even if the future is cancelled."""
        if not self._running or self._connection is None:
            raise StorageClosed("The store is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, partial(function, self._connection)))
        return future

    def stop(self) -> asyncio.Future[Any] | None:
        """Close the connection after the queued functions and end the thread, without waiting."""
        if self._running:
            self._ended = cast(
                "asyncio.Future[Any] | None",
                super().stop(),  # pyright: ignore[reportUnknownMemberType]
            )
        return self._ended

    def interrupt_statement(self) -> None:
        """Interrupt the running statement, if any: it fails with SQLITE_INTERRUPT."""
        if self._connection is not None:
            self._connection.interrupt()

    async def end(self, timeout_s: float) -> bool:
        """Close the connection after the queued functions. False: it did not end in time."""
        ended = self.stop()
        if ended is None:
            return False
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.shield(ended)
        except TimeoutError:
            self.interrupt_statement()
            return False
        return True
