"""Tables of money: each row carries a hash of all that it holds, checked whenever it is read.

SQLite itself overlooks most single flipped bits in a row's values (reliability D5).
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Generic, TypeVar

from mexc_tui.model.storage import StorageDamaged
from mexc_tui.store.bodies import Body
from mexc_tui.store.rows import Row, StoreRows, Value, integer

T = TypeVar("T")

DIGEST_BYTES = 16
PAGE = 1_000


def digest_of(table: str, values: Sequence[Value]) -> bytes:
    """Return the hash of a row."""
    # repr tells None from 'None' and 1 from '1'; lengths keep the columns apart, whatever they hold.
    text = "".join(f"{len(word)}:{word}" for word in (table, *map(repr, values)))
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


class SealedTable(Generic[T]):
    """The statements of one table: columns to find a row by (`scope` is the first), its body and digest.

    `key` names the columns that a row is one by; without it rows are only added.
    """

    def __init__(self, table: str, columns: str, kind: type[T], what: str, key: str = "") -> None:
        self.table = table
        self._body = Body(kind, what)
        names = [*columns.split(), "body", "digest"]
        listed, marks = ", ".join(names), ", ".join("?" * len(names))
        # Every name in these statements is a constant of this package.
        self._select = f"SELECT number, {listed} FROM {table} "  # noqa: S608
        self._save = f"INSERT INTO {table} ({listed}) VALUES ({marks}) "  # noqa: S608
        if key:
            same = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key.split())
            self._save += f"ON CONFLICT ({', '.join(key.split())}) DO UPDATE SET {same}"

    def save(self, rows: StoreRows, value: T, *columns: Value) -> None:
        """Store a value under its columns."""
        values = (*columns, self._body.write(value))
        rows.run(self._save, *values, digest_of(self.table, values))

    def one(self, rows: StoreRows, where: str, *values: Value) -> T | None:
        """Return the first value that fits, or None. Raises StorageDamaged, as all that read."""
        row = rows.one(self._select + where, *values)
        return None if row is None else self._read(row)

    def many(self, rows: StoreRows, where: str, *values: Value) -> list[T]:
        """Return the values that fit."""
        return [self._read(row) for row in rows.all(self._select + where, *values)]

    def numbered(self, rows: StoreRows, where: str, *values: Value) -> list[tuple[int, T]]:
        """Return the values that fit, each with its number."""
        return [(integer(row[0]), self._read(row)) for row in rows.all(self._select + where, *values)]

    def walk(self, rows: StoreRows) -> Iterator[tuple[Row, T]]:
        """Check every row of every scope in the order of their numbers; return each with its value."""
        number = -1
        while page := rows.all(self._select + "WHERE number > ? ORDER BY number LIMIT ?", number, PAGE):
            for row in page:
                yield row, self._read(row)
            number = integer(page[-1][0])

    def _read(self, row: Row) -> T:
        *values, digest = row[1:]
        if digest_of(self.table, values) != digest:
            raise StorageDamaged(f"Row {row[0]} of {self.table} has a wrong checksum. Restore a backup.")
        return self._body.read(values[-1])


def or_null(text: str) -> str | None:
    """Return what a column that refers to something holds: NULL instead of nothing."""
    return text or None
