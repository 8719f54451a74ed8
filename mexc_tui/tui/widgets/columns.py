"""Which columns of a table are shown in the room there is, and where. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

MARK = 2
"""Columns of the terminal in front of a row: what says that it is under the cursor."""
GAP = 2
LEAST = 4


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Where room is short the one with the highest `goes` is left out first; 0 stays."""

    head: str
    width: int
    goes: int = 0
    is_number: bool = False
    grows: bool = False
    """Takes the room that is left; the only one that is made narrower."""


@dataclass(frozen=True, slots=True)
class ColumnPlace:
    """A column that is shown: its number, where it begins, and how wide it is."""

    column: int
    x: int
    width: int


def placed(columns: Sequence[Column], room: int) -> tuple[ColumnPlace, ...]:
    """Return the columns that fit into so many terminal columns, from left to right."""
    shown = list(range(len(columns)))
    for column in sorted(shown, key=lambda one: -columns[one].goes):
        if _needs(columns, shown) <= room or not columns[column].goes:
            break
        shown.remove(column)
    for column in sorted(set(range(len(columns))) - set(shown), key=lambda one: columns[one].goes):
        if _needs(columns, [*shown, column]) <= room:
            shown = sorted([*shown, column])
    spare = room - _needs(columns, shown)
    grower = next((one for one in shown if columns[one].grows), None)
    places: list[ColumnPlace] = []
    x = MARK
    for column in shown:
        width = columns[column].width
        if column == grower:
            width = max(width + spare, LEAST)
        places.append(ColumnPlace(column, x, min(width, max(room - x, 0))))
        x += width + GAP
    return tuple(place for place in places if place.width)


def _needs(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return MARK + sum(columns[one].width for one in shown) + GAP * max(len(shown) - 1, 0)
