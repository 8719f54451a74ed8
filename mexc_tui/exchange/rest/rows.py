"""List readers that skip malformed rows (protocol 4.10).

A list is decoded as a whole; if that fails, row by row.
"""

import logging
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from mexc_tui.exchange.rest.responses import UNREADABLE, problem_of
from mexc_tui.exchange.rest.routes import Route
from mexc_tui.model.rows import Rows, SkippedRow, skipped_text
from mexc_tui.model.text import clean_name

T = TypeVar("T")
log = logging.getLogger(__name__)
MAX_LOGGED = 200
"""Distinct rows that are logged; further ones are only counted."""

_LIST = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_NULL, _EMPTY = b"null", b'""'

NAME_FIELDS = ("symbol", "asset", "orderId", "id")
"""Default fields that identify a row in messages."""


class RowReader(Generic[T]):
    """Reads rows of one type. `optional`: fields for which null and "" count as absent.

    `named_by`: fields that identify a skipped row; the first one present is used.
    """

    def __init__(
        self, kind: type[T], optional: frozenset[str] = frozenset(), named_by: Sequence[str] = NAME_FIELDS
    ) -> None:
        self._all = msgspec.json.Decoder(tuple[kind, ...])
        self._row = msgspec.json.Decoder(kind)
        self._optional = optional
        self._named_by = named_by

    def list(self, body: bytes) -> Rows[T]:
        """Read an array. Raises one of `UNREADABLE` for anything else."""
        try:
            return Rows(self._all.decode(body))
        except UNREADABLE:
            return self.each(_LIST.decode(body))

    def one_or_all(self, body: bytes) -> Rows[T]:
        """Read a response that is an object for one pair and an array for all."""
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
        """Read all rows, skipping malformed ones."""
        rows, skipped = list[T](), list[SkippedRow]()
        for raw in raws:
            try:
                rows.append(self.one(raw))
            except UNREADABLE as error:
                skipped.append(SkippedRow(_name_of(raw, self._named_by), problem_of(error)))
        return Rows(tuple(rows), tuple(skipped))

    def _without_empty_fields(self, raw: msgspec.Raw | bytes) -> bytes | None:
        """Return the row without empty optional fields; None if there are none."""
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
    """Malformed rows in the latest response of each list, logged once per row and problem."""

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}
        self._logged: set[SkippedRow] = set()
        self.total = 0
        """Rows skipped since the start."""

    def record(self, route: Route, skipped: Sequence[SkippedRow], total: int, *, query: str = "") -> None:
        """Record the skipped rows of a response with `total` rows; without any, clear the problem.

        `query`: the requested pair, for endpoints with one list per pair.
        """
        self.total += len(skipped)
        name = f"{route.path} {query}".rstrip()
        if not skipped:
            self._problems.pop(name, None)
            return
        self._problems[name] = skipped_text(skipped, total)
        for row in skipped:
            if row not in self._logged and len(self._logged) < MAX_LOGGED:
                self._logged.add(row)
                log.warning("%s: skipped %s", route.path, row.text)

    def rows_of(self, route: Route, found: Rows[T]) -> tuple[T, ...]:
        """Record the skipped rows of a response and return the readable ones."""
        self.record(route, found.skipped, len(found))
        return found.rows

    @property
    def problems(self) -> tuple[str, ...]:
        """One line per list with malformed rows in its latest response: count and reason."""
        return tuple(f"{path}: {problem}" for path, problem in sorted(self._problems.items()))


def _name_of(raw: msgspec.Raw, named_by: Sequence[str]) -> str:
    """Return the identifying field of a row, cleaned; empty if it has none."""
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
