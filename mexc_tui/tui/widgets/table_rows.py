"""Rows of a table, sorted and filtered; computes the repaint of each change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from mexc_tui.tui.widgets.cell import UNKNOWN_CELL, Cell

Line = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class SortOrder:
    """Sort column and direction. None: unsorted."""

    column: int | None = None
    is_reverse: bool = False


@dataclass(frozen=True, slots=True)
class Dirty:
    """Columns to repaint by changed line; None for all columns."""

    lines: Mapping[int, frozenset[int] | None]
    gone: frozenset[str] = frozenset()
    has_other_length: bool = False


class NewRow(Enum):
    """A new row: every cell changed."""

    EVERY_CELL = "row"


class TableRows:
    """Rows by key, sorted stably and filtered."""

    def __init__(self, order: SortOrder | None = None) -> None:
        self._lines: dict[str, Line] = {}
        self._gone: set[str] = set()
        """Rows to remove when the hold ends."""
        self.order = order or SortOrder()
        self.filter = ""
        self.is_held = False
        """While held, no row moves, appears or disappears: an action is being confirmed."""
        self.shown: list[str] = []

    def __getitem__(self, key: str) -> Line:
        return self._lines[key]

    def __contains__(self, key: str) -> bool:
        return key in self._lines

    @property
    def keys(self) -> frozenset[str]:
        """Return the keys of all rows, including filtered ones."""
        return frozenset(self._lines)

    @property
    def total(self) -> int:
        """Return the number of rows, including filtered ones."""
        return len(self._lines)

    @property
    def first(self) -> str | None:
        """Return the key of the first visible row."""
        return self.shown[0] if self.shown else None

    def apply(self, changes: Mapping[str, Line | None]) -> Dirty:
        """Update rows; None removes one."""
        cells: dict[str, frozenset[int] | NewRow] = {}
        for key, line in changes.items():
            before = self._lines.get(key)
            if line is None:
                self._gone.add(key)
                continue
            self._gone.discard(key)
            if line != before:
                self._lines[key] = line
                cells[key] = NewRow.EVERY_CELL if before is None else _differ(before, line)
        return self._update(cells)

    def replace(self, lines: Mapping[str, Line]) -> Dirty:
        """Replace all rows; unsorted tables keep this order."""
        before = self._lines
        self._gone = before.keys() - lines.keys()
        self._lines = {**lines, **{key: before[key] for key in self._gone}}
        cells: dict[str, frozenset[int] | NewRow] = {
            key: NewRow.EVERY_CELL if key not in before else _differ(before[key], line)
            for key, line in lines.items()
            if line != before.get(key)
        }
        return self._update(cells)

    def sort(self, order: SortOrder) -> Dirty:
        """Sort the rows."""
        self.order = order
        return self._update({})

    def set_filter(self, text: str) -> Dirty:
        """Show rows that contain every word; `!word` excludes."""
        self.filter = text
        return self._update({})

    def hold_rows(self, is_held: bool) -> Dirty:
        """Hold the row order, or release it."""
        self.is_held = is_held
        return self._update({})

    def _update(self, cells: Mapping[str, frozenset[int] | NewRow]) -> Dirty:
        before, gone = self.shown, frozenset[str]()
        if not self.is_held:
            gone, self._gone = frozenset(self._gone), set()
            for key in gone:
                self._lines.pop(key, None)
            self.shown = self._ordered()
        dirty: dict[int, frozenset[int] | None] = {}
        for index, key in enumerate(self.shown):
            if index >= len(before) or before[index] != key:
                dirty[index] = None
            elif key in cells:
                changed = cells[key]
                dirty[index] = None if isinstance(changed, NewRow) else changed
        for index in range(len(self.shown), len(before)):
            dirty[index] = None
        return Dirty(dirty, gone, len(self.shown) != len(before))

    def _ordered(self) -> list[str]:
        keys = [key for key, line in self._lines.items() if _passes_filter(line, self.filter)]
        column = self.order.column
        if column is None:
            return keys[::-1] if self.order.is_reverse else keys
        known = [key for key in keys if self._lines[key][column] != UNKNOWN_CELL]
        known.sort(key=lambda key: _rank(self._lines[key][column]), reverse=self.order.is_reverse)
        return known + [key for key in keys if self._lines[key][column] == UNKNOWN_CELL]


def _differ(before: Line, after: Line) -> frozenset[int]:
    return frozenset(number for number, cell in enumerate(after) if cell != before[number])


def _rank(cell: Cell) -> tuple[bool, float, str]:
    return cell.rank is None, cell.rank or 0.0, "" if cell.rank is not None else cell.text


def _passes_filter(line: Sequence[Cell], words: str) -> bool:
    if not words:
        return True
    text = " ".join(cell.text for cell in line).casefold()
    return all(_matches(text, word) for word in words.casefold().split())


def _matches(text: str, word: str) -> bool:
    if word[0] == "!":
        return len(word) == 1 or word[1:] not in text
    return word in text
