"""Ledger tables with a checksum per row, verified on every read.

SQLite itself does not detect most single-bit errors in values (reliability D5).
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Generic, TypeVar

from mexc_tui.model.storage import StorageDamaged
from mexc_tui.store.sqlite.tables.bodies import Body
from mexc_tui.store.sqlite.tables.rows import Row, StoreRows, Value, integer

T = TypeVar("T")

DIGEST_BYTES = 16
PAGE = 1_000


def digest_of(table: str, values: Sequence[Value]) -> bytes:
    """Return the checksum of a row."""
    # repr distinguishes None from 'None' and 1 from '1'; lengths separate the columns unambiguously.
    text = "".join(f"{len(word)}:{word}" for word in (table, *map(repr, values)))
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


class SealedTable(Generic[T]):
    """Table with lookup columns (`scope` first), a JSON body and a digest.

    `key` names the columns that identify a row; without it rows are only appended.
    """

    def __init__(self, table: str, columns: str, kind: type[T], *, what: str, key: str = "") -> None:
        self.table = table
        self._body = Body(kind, what)
        names = [*columns.split(), "body", "digest"]
        listed, marks = ", ".join(names), ", ".join("?" * len(names))
        # All names in these statements are constants of this package.
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
        """Return the first matching value, or None. Like all reads, raises StorageDamaged."""
        row = rows.one(self._select + where, *values)
        return None if row is None else self._read(row)

    def many(self, rows: StoreRows, where: str, *values: Value) -> list[T]:
        """Return all matching values."""
        return [self._read(row) for row in rows.all(self._select + where, *values)]

    def numbered(self, rows: StoreRows, where: str, *values: Value) -> list[tuple[int, T]]:
        """Return all matching values, each with its row number."""
        return [(integer(row[0]), self._read(row)) for row in rows.all(self._select + where, *values)]

    def walk(self, rows: StoreRows) -> Iterator[tuple[Row, T]]:
        """Verify and yield every row of all scopes, with its value, by row number."""
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
    """Return the text, or None (NULL) if it is empty."""
    return text or None
