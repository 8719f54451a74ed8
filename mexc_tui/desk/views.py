"""Engine side of a view: rows ordered by the version of their last change.

The state of a viewer is one number, the last version sent to it. Later changes are at the end of the ordered
rows, so a slow viewer gets the latest state of each row once, however often it changed.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic

import msgspec

from mexc_tui.desk.api_types import Row, ViewKind
from mexc_tui.desk.wire import Changes, encode

PAGE_BYTES = 32 * 1024
"""A page ends after the row that reaches this size."""
ROW_BYTES = 32 * 1024
MAX_REMOVED = 1_024
"""Maximum remembered removals; a viewer that missed more receives the whole view again."""


@dataclass(slots=True)
class _Entry(Generic[Row]):
    key: str
    row: Row | None
    version: int
    body: bytes


@dataclass(slots=True)
class Cursor:
    """Position of one viewer in one view."""

    version: int = 0
    horizon: int = 0
    """Removals up to here are not sent: the viewer started after them."""
    must_reset: bool = True


class View(Generic[Row]):
    """Rows by key; each change increments the version. Use only in the loop of the desk server."""

    def __init__(self, kind: ViewKind[Row]) -> None:
        self.kind = kind
        self.version = 0
        self.listeners: set[Callable[[], None]] = set()
        self._entries: OrderedDict[str, _Entry[Row]] = OrderedDict()
        self._removed = 0
        self._horizon = 0

    @property
    def rows(self) -> Mapping[str, Row]:
        """Return a copy of the current rows."""
        return {entry.key: entry.row for entry in self._entries.values() if entry.row is not None}

    def put(self, key: str, row: Row) -> None:
        """Set a row; an equal row is no change. Raises ValueError if it is too large to send."""
        current = self._entries.get(key)
        if current is not None and current.row == row:
            return
        body = encode(row)
        if len(body) + len(key) > ROW_BYTES:
            raise ValueError(
                f"{self.kind.name} {key[:64]!r}: a row of {len(body):,} bytes, at most {ROW_BYTES:,} allowed"
            )
        self._set(key, row, body)

    def drop(self, key: str) -> None:
        """Remove a row, if it exists."""
        current = self._entries.get(key)
        if current is not None and current.row is not None:
            self._set(key, None, b"")
            self._removed += 1
            self._forget_removed()

    def resume(self, after: int) -> Cursor:
        """Return the cursor of a viewer with version `after` of this view; 0: none."""
        if self._horizon <= after <= self.version and after:
            return Cursor(after, after, must_reset=False)
        return Cursor()

    def has_changes(self, cursor: Cursor) -> bool:
        """Whether there are changes after the cursor."""
        return cursor.must_reset or cursor.version < self.version

    def page(self, cursor: Cursor) -> Changes:
        """Return the next changes of a viewer and advance its cursor."""
        if self._horizon > max(cursor.version, cursor.horizon):
            cursor.must_reset = True
        is_reset = cursor.must_reset
        if is_reset:
            cursor.version, cursor.horizon, cursor.must_reset = 0, self._horizon, False
        after, upto, size = cursor.version, self.version, 0
        rows: dict[str, msgspec.Raw] = {}
        gone: list[str] = []
        changed = self._changed_after(after)
        for entry in changed:
            if entry.row is None:
                gone.append(entry.key)
            else:
                rows[entry.key] = msgspec.Raw(entry.body)
            size += len(entry.key) + len(entry.body) + 8
            if size >= PAGE_BYTES and entry is not changed[-1]:
                upto = entry.version
                break
        cursor.version = upto
        return Changes(
            view=self.kind.name,
            after=after,
            upto=upto,
            reset=is_reset,
            more=upto < self.version,
            rows=rows,
            gone=gone,
        )

    def _changed_after(self, version: int) -> list[_Entry[Row]]:
        """Return the entries changed after a version, oldest first."""
        changed: list[_Entry[Row]] = []
        for entry in reversed(self._entries.values()):
            if entry.version <= version:
                break
            changed.append(entry)
        return changed[::-1]

    def _set(self, key: str, row: Row | None, body: bytes) -> None:
        old = self._entries.pop(key, None)
        if old is not None and old.row is None:
            self._removed -= 1
        self.version += 1
        self._entries[key] = _Entry(key, row, self.version, body)
        for listener in self.listeners:
            listener()

    def _forget_removed(self) -> None:
        if self._removed <= MAX_REMOVED:
            return
        removed = [entry for entry in self._entries.values() if entry.row is None]
        for entry in removed[: MAX_REMOVED // 2]:
            del self._entries[entry.key]
            self._horizon = entry.version
        self._removed -= MAX_REMOVED // 2
