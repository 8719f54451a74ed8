"""A connection as repositories see it: statements in, rows out, within one deadline."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from mexc_tui.model.storage import StorageDeadline, StorageFailed
from mexc_tui.ports.clock import Clock
from mexc_tui.store.damage import Damage

Value: TypeAlias = str | int | float | bytes | None
Row: TypeAlias = tuple[Value, ...]

STEPS_BETWEEN_CHECKS = 20_000
"""Steps of SQLite's machine between two looks at the clock: about a millisecond."""

_FORBIDDEN = ("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "ATTACH", "VACUUM")


class StoreRows:
    """What a unit of work or a reader may do with its connection, and only while it lasts.

    Every statement looks at the deadline first, and SQLite asks again while it runs. Raises StorageDeadline,
    and sqlite3's own errors, which the room translates where they leave it.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock, damage: Damage | None = None) -> None:
        """`damage`: where rows that cannot be read are noted."""
        self.damage = damage or Damage()
        self._connection = connection
        self._clock = clock
        self._deadline_ns = 0
        self._open = False
        connection.set_progress_handler(self._is_late, STEPS_BETWEEN_CHECKS)

    def start(self, deadline_ns: int | None) -> None:
        """Let statements in until `deadline_ns` of the clock; None: no deadline."""
        self._deadline_ns = deadline_ns or 0
        self._open = True

    def stop(self) -> None:
        """Let no statement in any more: what kept a reference can do no harm with it."""
        self._deadline_ns = 0
        self._open = False

    def all(self, sql: str, *values: Value) -> list[Row]:
        """Return every row."""
        return self._cursor(sql, values).fetchall()

    def each(self, sql: str, *values: Value) -> Iterator[Row]:
        """Return the rows one after the other, as they are found."""
        return self._cursor(sql, values)

    def one(self, sql: str, *values: Value) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._cursor(sql, values).fetchone()
        return row

    def run(self, sql: str, *values: Value) -> int:
        """Change rows; return how many."""
        return self._cursor(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> int:
        """Do the same for each row of values; return how many rows changed."""
        self._admit(sql)
        return self._connection.executemany(sql, rows).rowcount

    def _cursor(self, sql: str, values: Sequence[Value]) -> sqlite3.Cursor:
        self._admit(sql)
        return self._connection.execute(sql, values)

    def _admit(self, sql: str) -> None:
        if not self._open:
            raise StorageFailed("A unit of work was used after it had ended.")
        if not self._connection.in_transaction:
            # SQLite ends a transaction on some errors: code that swallowed one must not continue writing.
            raise StorageFailed("An error before this statement ended the unit of work.")
        if self._is_late():
            raise StorageDeadline("Stopped at its deadline.")
        if sql.lstrip()[:9].upper().startswith(_FORBIDDEN):
            raise StorageFailed("A unit of work must not control its own transaction.")

    def _is_late(self) -> bool:
        return self._deadline_ns > 0 and self._clock.monotonic_ns() > self._deadline_ns


def integer(value: Value) -> int:
    """Return a column that holds whole numbers as one."""
    assert isinstance(value, int)
    return value
