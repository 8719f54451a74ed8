"""Parts of a screen: table panes and drawn panes, side by side or stacked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from mexc_tui.tui.query_cache import QueryResponse
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
"""Draws into a number of columns and lines; further lines are reached by scrolling."""
Details = Callable[[RenderContext, int], Sequence[Drawn]]
"""Draws the details of row `context.key` of table `context.pane` into a number of columns."""

UNSORTED = SortOrder()
LOADING = "Loading…"


@dataclass(frozen=True, slots=True, kw_only=True)
class PanePlace:
    """Place of a pane. `share` is its part of the column's height."""

    share: int = 1
    lines: int = 0
    """Maximum lines without the frame; 0: no maximum."""
    is_beside: bool = False
    """In the right column if there is room (`wide_from`); otherwise below, side by side."""
    least_width: int = 0
    least_height: int = 0
    """Hidden on a smaller terminal."""


MAIN = PanePlace()


@dataclass(frozen=True, slots=True)
class TablePane:
    """Rows of a view. `read` returns the lines of the given keys, or of all; None for a missing row."""

    title: str
    columns: tuple[Column, ...]
    read: Read
    empty: str | Callable[[RenderContext], str]
    """Text of an empty table, or a function that returns it."""
    view: str
    order: SortOrder = UNSORTED
    place: PanePlace = MAIN
    is_over: Callable[[DeskSource, str], bool] | None = None
    """Whether a row is over: the cursor then moves to a new first row."""
    left_ms: Callable[[DeskSource, int], float] | None = None
    """Returns the time until an unchanged row becomes stale; None: never."""


@dataclass(frozen=True, slots=True)
class QueryPane(Generic[Result]):
    """Rows of a query that is repeated while the screen is shown."""

    title: str
    columns: tuple[Column, ...]
    query: Callable[[RenderContext], QueryResponse[Result] | None]
    rows: Callable[[Result, RenderContext], dict[str, Line]]
    empty: str
    order: SortOrder = UNSORTED
    place: PanePlace = MAIN
    follows: bool = False
    """Keep a cursor on the first row there when rows are added."""


@dataclass(frozen=True, slots=True)
class PicturePane:
    """A pane of drawn lines."""

    title: str
    draw: Draw
    place: PanePlace = MAIN


Pane = TablePane | QueryPane[Any] | PicturePane


@dataclass(frozen=True, slots=True)
class ScreenSpec:
    """One screen. The cursor of the first table selects the content of drawn panes."""

    name: str
    title: str
    help: str
    panes: tuple[Pane, ...]
    wide_from: int = 110
    """Terminal columns from which there is a right column."""
    has_halves: bool = False
    """Below 160 columns both columns have the same width."""
    details: Details | None = None
    """Details shown by Enter; None if the panes of the screen show them already."""


def reading(
    view: Callable[[DeskSource], MirrorSource[Row]],
    line: Callable[[Row, int], Line],
    passes: Callable[[Row], bool] = lambda _: True,
) -> Read:
    """Return a reader of the rows of a view that pass a filter."""

    def read(context: RenderContext, keys: Iterable[str] | None) -> Changes:
        rows = view(context.source).rows
        found = {key: rows.get(key) for key in (rows if keys is None else keys)}
        return {
            key: None if row is None or not passes(row) else line(row, context.now_ms)
            for key, row in found.items()
        }

    return read
