"""Append-only journal of facts, numbered without gaps and hash-chained.

Only the oldest facts are deleted. `journal_start` keeps the number and seal of the last deleted one.
"""

import sqlite3
from collections.abc import Iterator
from hashlib import blake2b

from mexc_tui.model.event import Alert, AnyEvent, BadEvent, Fact, decode, encode
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import StorageDamaged
from mexc_tui.store.sqlite.faults import translate
from mexc_tui.store.sqlite.tables.rows import Row, StoreRows, Value, integer

DIGEST_BYTES = 16
PAGE = 1_000

_FACTS = "SELECT sequence, at_ms, kind, version, about, payload FROM journal "
_SEALED = "SELECT sequence, at_ms, kind, version, about, payload, digest FROM journal "
_INSERT = """
    INSERT INTO journal (sequence, at_ms, kind, version, about, payload, digest) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


class Journal:
    """Reads facts. Units of work append them, together with the state change they describe."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def head(self) -> int:
        """Return the newest number; 0 if the journal is empty."""
        return _last(self._rows)[0]

    def after(self, sequence: int, limit: int = PAGE) -> list[Fact]:
        """Return up to `limit` facts after number `sequence`, oldest first."""
        sql = _FACTS + "WHERE sequence > ? ORDER BY sequence LIMIT ?"
        return [self._fact(row) for row in self._rows.all(sql, sequence, limit)]

    def about(self, about: str, limit: int = PAGE) -> list[Fact]:
        """Return the newest `limit` facts with this subject, oldest first."""
        sql = _FACTS + "WHERE about = ? ORDER BY sequence DESC LIMIT ?"
        return [self._fact(row) for row in reversed(self._rows.all(sql, about, limit))]

    def of_kind(self, kind: str, limit: int = PAGE) -> list[Fact]:
        """Return the newest `limit` facts of one kind, oldest first."""
        sql = _FACTS + "WHERE kind = ? ORDER BY sequence DESC LIMIT ?"
        return [self._fact(row) for row in reversed(self._rows.all(sql, kind, limit))]

    def latest(self, limit: int = PAGE) -> list[Fact]:
        """Return the newest `limit` facts, oldest first."""
        sql = _FACTS + "ORDER BY sequence DESC LIMIT ?"
        return [self._fact(row) for row in reversed(self._rows.all(sql, limit))]

    def page(
        self, before: int = 2**62, limit: int = PAGE, *, about: str = "", kind: str = "", since_ms: int = 0
    ) -> list[Fact]:
        """Return the newest `limit` facts below number `before` that match all filters, newest first."""
        sql, values = "WHERE sequence < ? AND at_ms >= ? ", list[Value]([before, since_ms])
        for column, wanted in (("about", about), ("kind", kind)):
            if wanted:
                sql += f"AND {column} = ? "
                values.append(wanted)
        sql += "ORDER BY sequence DESC LIMIT ?"
        return [self._fact(row) for row in self._rows.all(_FACTS + sql, *values, limit)]

    def verify(self, newest: int | None = None) -> int:
        """Verify numbers and seals of all facts, or of the `newest` ones; return how many were checked.

        Raises StorageDamaged naming the first number that is missing or modified (SQLite itself does not
        detect most single-bit errors in values).
        """
        start, start_seal = self._start()
        before = start if newest is None else max(start, self.head() - newest)
        seal = start_seal if before == start else self._seal(before)
        checked = 0
        for sequence, at_ms, kind, version, about, payload, digest in self._pages(before):
            checked += 1
            if sequence != before + checked:
                raise StorageDamaged(f"The journal lacks event number {before + checked}.")
            seal = _digest(seal, sequence, at_ms, kind, version, about, payload)
            if seal != digest:
                raise StorageDamaged(f"Number {sequence} of the journal is not what was written.")
        return checked

    def _fact(self, row: Row) -> Fact:
        """Return a fact. A damaged one is replaced by an alert, so that the numbers have no gaps."""
        try:
            return Fact(integer(row[0]), decode(_bytes(row[5])))
        except (BadEvent, AssertionError):
            number = integer(row[0])
            text = f"Number {number} of the journal is damaged and cannot be shown."
            self._rows.damage.record(text)
            return Fact(
                number,
                Alert(at_ms=0, about="store", severity=Severity.ERROR, rule="store:damage", text=text),
            )

    def _start(self) -> tuple[int, bytes]:
        """Return the number and seal of the last deleted fact; 0 and an empty seal without one."""
        row = self._rows.one("SELECT sequence, digest FROM journal_start")
        return (0, b"") if row is None else (integer(row[0]), _bytes(row[1]))

    def _seal(self, sequence: int) -> bytes:
        row = self._rows.one("SELECT digest FROM journal WHERE sequence = ?", sequence)
        return b"" if row is None else _bytes(row[0])

    def _pages(self, sequence: int) -> Iterator[Row]:
        sql = _SEALED + "WHERE sequence > ? ORDER BY sequence LIMIT ?"
        while page := self._rows.all(sql, sequence, PAGE):
            yield from page
            sequence = integer(page[-1][0])


class JournalWriter:
    """Appends facts within a transaction and tracks the uncommitted ones."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows
        self._sequence = 0
        self._seal = b""
        self._added: list[Fact] = []
        self._is_damaged = False

    def begin(self) -> None:
        """Continue at the end of the journal. Call inside the transaction, before the first unit."""
        self._added = []
        if self._is_damaged:
            return
        try:
            self._sequence, self._seal = _last(self._rows)
        except sqlite3.DatabaseError as error:
            self._disable(error)

    def mark(self) -> tuple[int, bytes, int]:
        """Return the current position, for `rewind`."""
        return self._sequence, self._seal, len(self._added)

    def rewind(self, mark: tuple[int, bytes, int]) -> None:
        """Discard the facts appended since `mark`, after a rollback of their unit."""
        self._sequence, self._seal, length = mark
        del self._added[length:]

    def append(self, event: AnyEvent) -> int:
        """Store one fact; return its number."""
        payload = encode(event)
        sequence = self._sequence + 1
        values = (sequence, event.at_ms, event.kind, event.version, event.about, payload)
        seal = _digest(self._seal, *values)
        if not self._is_damaged:
            try:
                self._rows.run(_INSERT, *values, seal)
            except sqlite3.DatabaseError as error:
                self._disable(error)
        self._sequence, self._seal = sequence, seal
        self._added.append(Fact(sequence, event))
        return sequence

    def _disable(self, error: sqlite3.DatabaseError) -> None:
        """Stop storing events if the journal is damaged. Other data is still stored."""
        if not isinstance(translate("journal", error), StorageDamaged):
            raise error
        self._is_damaged = True
        self._rows.damage.record("The journal cannot be read: events are published but not stored.")

    def added(self) -> list[Fact]:
        """Return the facts appended since `begin` and not discarded."""
        return self._added


def _last(rows: StoreRows) -> tuple[int, bytes]:
    row = rows.one("SELECT sequence, digest FROM journal ORDER BY sequence DESC LIMIT 1")
    return (0, b"") if row is None else (integer(row[0]), _bytes(row[1]))


def _digest(seal: bytes, *values: object) -> bytes:
    *head, payload = values
    # Lengths keep the fields apart, whatever they hold.
    text = "".join(f"{len(word)}:{word}" for word in map(str, head))
    return blake2b(seal + text.encode() + _bytes(payload), digest_size=DIGEST_BYTES).digest()


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value
