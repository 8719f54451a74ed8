"""Statement execution for table classes, within a deadline."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from mexc_tui.model.storage import StorageDeadline, StorageFailed
from mexc_tui.ports.clock import Clock
from mexc_tui.store.sqlite.damage import Damage

Value: TypeAlias = str | int | float | bytes | None
Row: TypeAlias = tuple[Value, ...]

STEPS_BETWEEN_CHECKS = 20_000
"""SQLite virtual-machine steps between deadline checks: about a millisecond."""

_FORBIDDEN = ("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "ATTACH", "VACUUM")


class StoreRows:
    """Executes statements for a unit of work or a read, only while it is active.

    The deadline is checked before and during each statement. Raises StorageDeadline, and sqlite3 errors,
    which are translated at the boundary of the package.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock, damage: Damage | None = None) -> None:
        """`damage` records unreadable rows."""
        self.damage = damage or Damage()
        self._connection = connection
        self._clock = clock
        self._deadline_ns = 0
        self._open = False
        connection.set_progress_handler(self._is_late, STEPS_BETWEEN_CHECKS)

    def start(self, deadline_ns: int | None) -> None:
        """Accept statements until `deadline_ns` (monotonic); None: without a deadline."""
        self._deadline_ns = deadline_ns or 0
        self._open = True

    def stop(self) -> None:
        """Reject further statements, also from leaked references."""
        self._deadline_ns = 0
        self._open = False

    def all(self, sql: str, *values: Value) -> list[Row]:
        """Return every row."""
        return self._cursor(sql, values).fetchall()

    def each(self, sql: str, *values: Value) -> Iterator[Row]:
        """Yield the rows lazily."""
        return self._cursor(sql, values)

    def one(self, sql: str, *values: Value) -> Row | None:
        """Return the first row; None without one."""
        row: Row | None = self._cursor(sql, values).fetchone()
        return row

    def run(self, sql: str, *values: Value) -> int:
        """Execute a change; return the number of rows changed."""
        return self._cursor(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> int:
        """Execute a change for each row of values; return the number of rows changed."""
        self._admit(sql)
        return self._connection.executemany(sql, rows).rowcount

    def _cursor(self, sql: str, values: Sequence[Value]) -> sqlite3.Cursor:
        self._admit(sql)
        return self._connection.execute(sql, values)

    def _admit(self, sql: str) -> None:
        if not self._open:
            raise StorageFailed("A unit of work was used after it had ended.")
        if not self._connection.in_transaction:
            # Some errors end the transaction: code that swallowed one must not continue writing.
            raise StorageFailed("An error before this statement ended the unit of work.")
        if self._is_late():
            raise StorageDeadline("Stopped at its deadline.")
        if sql.lstrip()[:9].upper().startswith(_FORBIDDEN):
            raise StorageFailed("A unit of work must not control its own transaction.")

    def _is_late(self) -> bool:
        return self._deadline_ns > 0 and self._clock.monotonic_ns() > self._deadline_ns


def integer(value: Value) -> int:
    """Return the value of an integer column as int."""
    assert isinstance(value, int)
    return value
