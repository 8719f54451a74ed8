"""Choose and place the columns of a table for the available width."""

from collections.abc import Sequence
from dataclasses import dataclass

MARK = 2
"""Terminal columns of the cursor mark in front of a row."""
GAP = 2
MIN_WIDTH = 4


@dataclass(frozen=True, slots=True)
class Column:
    """A table column. The one with the highest `drop_order` is hidden first; 0 is never hidden."""

    head: str
    width: int
    drop_order: int = 0
    is_number: bool = False
    grows: bool = False
    """Takes the remaining width; the only column that is narrowed."""


@dataclass(frozen=True, slots=True)
class ColumnPlace:
    """A visible column: number, offset and width."""

    column: int
    x: int
    width: int


def placed(columns: Sequence[Column], room: int) -> tuple[ColumnPlace, ...]:
    """Return the columns that fit the width, from left to right."""
    shown = list(range(len(columns)))
    for column in sorted(shown, key=lambda index: -columns[index].drop_order):
        if _needs(columns, shown) <= room or not columns[column].drop_order:
            break
        shown.remove(column)
    for column in sorted(set(range(len(columns))) - set(shown), key=lambda index: columns[index].drop_order):
        if _needs(columns, [*shown, column]) <= room:
            shown = sorted([*shown, column])
    spare = room - _needs(columns, shown)
    grower = next((index for index in shown if columns[index].grows), None)
    places: list[ColumnPlace] = []
    x = MARK
    for column in shown:
        width = columns[column].width
        if column == grower:
            width = max(width + spare, MIN_WIDTH)
        places.append(ColumnPlace(column, x, min(width, max(room - x, 0))))
        x += width + GAP
    return tuple(place for place in places if place.width)


def _needs(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return MARK + sum(columns[index].width for index in shown) + GAP * max(len(shown) - 1, 0)
