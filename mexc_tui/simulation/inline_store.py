"""A store without a thread, so that virtual time does not advance during a query."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Self, TypeVar

from mexc_tui.model.storage import StorageClosed
from mexc_tui.store.sqlite.thread import SqliteThread

T = TypeVar("T")


class InlineThread(SqliteThread):
    """Runs every query in the calling thread."""

    @classmethod
    async def opened(cls, connector: Callable[[], sqlite3.Connection]) -> Self:
        inline = cls(connector)
        inline._connection = connector()
        return inline

    def submit(self, function: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        if self._connection is None:
            raise StorageClosed("The store is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(function(self._connection))
        except Exception as error:
            future.set_exception(error)
        return future

    def abandon(self) -> None:
        """Close the connection as the end of a process does: an open transaction is rolled back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def end(self, timeout_s: float) -> bool:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return True
