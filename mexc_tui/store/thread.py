"""aiosqlite's connection and its thread, handed whole functions instead of single statements.

One hop to the thread and back costs as much as half a durable commit, and a transaction that awaits between
its statements is left open by whoever cancels it (reliability D6). So a transaction is one function.
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
"""How long closing a connection may take when nothing is left to do on it."""


class SqliteThread(aiosqlite.Connection):
    """One SQLite connection in its own thread, which never blocks the process exit (reliability D7)."""

    _tx: SimpleQueue[tuple[asyncio.Future[Any] | None, Callable[[], Any]]]

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True
        self._ended: asyncio.Future[Any] | None = None

    @classmethod
    async def opened(cls, connector: Callable[[], sqlite3.Connection]) -> Self:
        """Run `connector` in a new thread; raises what it raises. Cancelled, it closes what it opened."""
        thread = cls(connector)
        opening = asyncio.ensure_future(thread)
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.gather(opening, return_exceptions=True)  # it cannot be stopped, but it is short
            await thread.end(CLOSING_S)
            raise
        except BaseException:
            await thread.end(CLOSING_S)  # else it answers a loop that may be closed by then
            raise
        return thread

    def submit(self, function: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Queue `function` for the thread. It runs to its end whatever happens to the future."""
        if not self._running or self._connection is None:
            raise StorageClosed("The store is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, partial(function, self._connection)))
        return future

    def stop(self) -> asyncio.Future[Any] | None:
        """Close the connection behind what is queued, and end the thread, without waiting for it."""
        if self._running:
            self._ended = cast(
                "asyncio.Future[Any] | None",
                super().stop(),  # pyright: ignore[reportUnknownMemberType]
            )
        return self._ended

    def interrupt_statement(self) -> None:
        """Stop the statement that runs now, if one does: it fails with SQLITE_INTERRUPT."""
        if self._connection is not None:
            self._connection.interrupt()

    async def end(self, timeout_s: float) -> bool:
        """Close the connection after what is queued. False: it did not come back and is left behind."""
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
