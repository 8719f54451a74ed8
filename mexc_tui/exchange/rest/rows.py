"""Readers of lists that survive a malformed row (protocol 4.10).

The whole list is decoded at once; only if that fails are its rows read one by one.
"""

import logging
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from mexc_tui.exchange.rest.responses import UNREADABLE, problem_of
from mexc_tui.exchange.rest.routes import Route
from mexc_tui.model.rows import Rows, SkippedRow, skipped_words
from mexc_tui.model.text import clean_name

T = TypeVar("T")
log = logging.getLogger(__name__)
MAX_LOGGED = 200
"""Different rows that are named in the log; the others are only counted."""

_LIST = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_NULL, _EMPTY = b"null", b'""'

NAME_FIELDS = ("symbol", "asset", "orderId", "id")
"""What a row is named by unless its reader says otherwise."""


class RowReader(Generic[T]):
    """Reads rows of one kind. `optional`: fields for which null and "" count as left out.

    `named_by`: what a skipped row is named by, the first that it has.
    """

    def __init__(
        self, kind: type[T], optional: frozenset[str] = frozenset(), named_by: Sequence[str] = NAME_FIELDS
    ) -> None:
        self._all = msgspec.json.Decoder(tuple[kind, ...])
        self._row = msgspec.json.Decoder(kind)
        self._optional = optional
        self._named_by = named_by

    def list(self, body: bytes) -> Rows[T]:
        """Read an array. Raises one of `UNREADABLE` if it is none."""
        try:
            return Rows(self._all.decode(body))
        except UNREADABLE:
            return self.each(_LIST.decode(body))

    def one_or_all(self, body: bytes) -> Rows[T]:
        """Read an endpoint that answers an object for one pair and an array for all."""
        if body.lstrip().startswith(b"["):
            return self.list(body)
        return Rows((self.one(body),))

    def one(self, raw: msgspec.Raw | bytes) -> T:
        """Read one row. Raises one of `UNREADABLE`."""
        try:
            return self._row.decode(raw)
        except UNREADABLE:
            without = self._without_empty_fields(raw)
            if without is None:
                raise
            return self._row.decode(without)

    def each(self, raws: Sequence[msgspec.Raw]) -> Rows[T]:
        """Read every row that can be read."""
        rows, skipped = list[T](), list[SkippedRow]()
        for raw in raws:
            try:
                rows.append(self.one(raw))
            except UNREADABLE as error:
                skipped.append(SkippedRow(_name_of(raw, self._named_by), problem_of(error)))
        return Rows(tuple(rows), tuple(skipped))

    def _without_empty_fields(self, raw: msgspec.Raw | bytes) -> bytes | None:
        """Return the row without optional fields that hold nothing; None: it has no such field."""
        try:
            fields = _OBJECT.decode(raw)
        except UNREADABLE:
            return None
        left = {
            name: value
            for name, value in fields.items()
            if not (name in self._optional and bytes(value) in (_NULL, _EMPTY))
        }
        return msgspec.json.encode(left) if len(left) < len(fields) else None


class SkippedRows:
    """Rows of the newest answer of each list that could not be read; logged once per row and problem."""

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}
        self._logged: set[SkippedRow] = set()
        self.total = 0
        """Rows skipped since the start."""

    def record(self, route: Route, skipped: Sequence[SkippedRow], total: int, query: str = "") -> None:
        """Take the skipped rows of an answer of `total` rows; none clears the list's problem.

        `about`: the pair that was asked for, where each pair has a list of its own.
        """
        self.total += len(skipped)
        name = f"{route.path} {query}".rstrip()
        if not skipped:
            self._problems.pop(name, None)
            return
        self._problems[name] = skipped_words(skipped, total)
        for row in skipped:
            if row not in self._logged and len(self._logged) < MAX_LOGGED:
                self._logged.add(row)
                log.warning("%s: skipped %s", route.path, row.words)

    def rows_of(self, route: Route, found: Rows[T]) -> tuple[T, ...]:
        """Return the rows of an answer, after counting those that were skipped."""
        self.record(route, found.skipped, len(found))
        return found.rows

    @property
    def problems(self) -> tuple[str, ...]:
        """Say for each list whose newest answer had malformed rows how many, and why."""
        return tuple(f"{path}: {problem}" for path, problem in sorted(self._problems.items()))


def _name_of(raw: msgspec.Raw, named_by: Sequence[str]) -> str:
    """Return what names a row, cleaned; empty if nothing does."""
    try:
        fields = _OBJECT.decode(raw)
    except UNREADABLE:
        return ""
    for name in named_by:
        try:
            return clean_name(_TEXT.decode(fields[name]))
        except (KeyError, *UNREADABLE):
            continue
    return ""
