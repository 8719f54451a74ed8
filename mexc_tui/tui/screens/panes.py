"""What a board is made of: tables and pictures, beside or under one another."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from mexc_tui.tui.query_cache import QueryAnswer
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.source import DeskSource, MirrorSource
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.styled_text import Drawn
from mexc_tui.tui.widgets.table_rows import Line, SortOrder

Row = TypeVar("Row", bound=msgspec.Struct)
Result = TypeVar("Result")
Changes = dict[str, Line | None]
Read = Callable[[RenderContext, Iterable[str] | None], Changes]
Draw = Callable[[RenderContext, int, int], Sequence[Drawn]]
"""Draws into so many columns and lines; more lines are reached by scrolling."""
Details = Callable[[RenderContext, int], Sequence[Drawn]]
"""Draws all there is to say of the row `look.key` of the table `look.pane`, into so many columns."""

AS_THEY_CAME = SortOrder()
LOADING = "Waiting for the engine's first answer."


@dataclass(frozen=True, slots=True, kw_only=True)
class PanePlace:
    """Where a pane stands. `share` is its part of the height of its column."""

    share: int = 1
    lines: int = 0
    """It is never higher than so many lines and its frame; 0: it may be."""
    is_beside: bool = False
    """In the column on the right where there is room (`Board.wide_from`); otherwise below, side by side."""
    least_width: int = 0
    least_height: int = 0
    """On a smaller terminal it is not shown."""


MAIN = PanePlace()


@dataclass(frozen=True, slots=True)
class TablePane:
    """Rows of a view. `read` gives the lines of these keys, or of all; None: no such row."""

    title: str
    columns: tuple[Column, ...]
    read: Read
    empty: str | Callable[[RenderContext], str]
    """What is said without a row: as things stand, where that depends on them."""
    view: str
    order: SortOrder = AS_THEY_CAME
    place: PanePlace = MAIN
    is_over: Callable[[DeskSource, str], bool] | None = None
    """Whether nothing can be done with a row any more: the cursor leaves it when another one comes first."""
    left_ms: Callable[[DeskSource, int], float] | None = None
    """How long, from a moment on, no row has to be marked as old though it stays the same; None: for ever."""


@dataclass(frozen=True, slots=True)
class AnswerPane(Generic[Result]):
    """Rows of what is asked while the board is looked at; None: there is nothing to ask yet."""

    title: str
    columns: tuple[Column, ...]
    asks: Callable[[RenderContext], QueryAnswer[Result] | None]
    rows: Callable[[Result, RenderContext], dict[str, Line]]
    empty: str
    order: SortOrder = AS_THEY_CAME
    place: PanePlace = MAIN
    follows: bool = False
    """A cursor on the first row stays on the first row, whatever comes."""


@dataclass(frozen=True, slots=True)
class PicturePane:
    """Drawn lines."""

    title: str
    draw: Draw
    place: PanePlace = MAIN


Pane = TablePane | AnswerPane[Any] | PicturePane


@dataclass(frozen=True, slots=True)
class ScreenSpec:
    """One screen. The first table's cursor chooses what pictures show."""

    name: str
    title: str
    help: str
    panes: tuple[Pane, ...]
    wide_from: int = 110
    """From so many columns on there is a column on the right."""
    has_halves: bool = False
    """Below 160 columns the column on the right is as wide as the one on the left."""
    details: Details | None = None
    """What Enter shows of a row; None: the board's own pictures show it already."""


def reading(
    view: Callable[[DeskSource], MirrorSource[Row]],
    line: Callable[[Row, int], Line],
    keeps: Callable[[Row], bool] = lambda _: True,
) -> Read:
    """Return what reads a view's rows, of which only some are kept."""

    def read(look: RenderContext, keys: Iterable[str] | None) -> Changes:
        rows = view(look.source).rows
        found = {key: rows.get(key) for key in (rows if keys is None else keys)}
        return {
            key: None if row is None or not keeps(row) else line(row, look.now_ms)
            for key, row in found.items()
        }

    return read
