"""Table widget that repaints changed lines only, from its own cache (painting 1)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mexc_tui.tui.keys import Scope, bindings
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.styled_text import wrap
from mexc_tui.tui.widgets.table_drawing import INDENT, Drawing
from mexc_tui.tui.widgets.table_rows import Dirty, Line, SortOrder, TableRows

HEAD = 1
"""Fixed lines above the rows."""


MAX_EMPTY_LINES = 4
"""Maximum lines of the text of an empty table."""


class Table(ScrollView, can_focus=True):
    """Rows with a cursor that follows its row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"table--{tone.value}" for tone in Tone} | {
        "table--head",
        "table--cursor",
        "table--cursor-away",
    }
    DEFAULT_CSS = """
    Table { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; background: $surface; }
    Table > .table--plain { color: $foreground; background: $surface; }
    Table > .table--good { color: $success; background: $surface; }
    Table > .table--warn { color: $warning; background: $surface; }
    Table > .table--bad { color: $error; background: $surface; }
    Table > .table--faint { color: $muted; background: $surface; }
    Table > .table--strong { color: $foreground; background: $surface; text-style: bold; }
    Table > .table--head { color: $primary; background: $panel; text-style: bold; }
    Table > .table--cursor { color: $background; background: $primary; text-style: bold; }
    Table > .table--cursor-away { color: $foreground; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.TABLE)]

    @dataclass
    class Moved(Message):
        """The cursor moved to another row, or to none."""

        table: "Table"
        key: str | None

    @dataclass
    class Chosen(Message):
        """Details of a row were requested."""

        table: "Table"
        key: str

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str,
        order: SortOrder | None = None,
        name: str | None = None,
    ) -> None:
        """Start without rows; `empty` is the text of the empty table; `name` is its id."""
        super().__init__(id=name, classes="pane")
        self.columns = tuple(columns)
        self.rows = TableRows(order)
        self.empty = empty
        self.cursor: str | None = None
        self.follows = False
        """Keep a cursor on the first row there when rows are added."""
        self._is_chosen = False
        """Whether the user moved the cursor."""
        self._first: str | None = None
        self._titles = "", ""
        self._drawing = Drawing(self.columns, lambda name: self.get_component_rich_style(f"table--{name}"))

    # Content

    def apply(self, changes: Mapping[str, Line | None]) -> None:
        """Update rows; None removes one. Repaints changed rows only."""
        self._make_room(line for line in changes.values() if line is not None)
        cursor_at = self._index(self.cursor)
        self._paint(self.rows.apply(changes), cursor_at)

    def replace(self, lines: Mapping[str, Line]) -> None:
        """Replace all rows (`TableRows.replace`). Repaints changed rows only."""
        self._make_room(lines.values())
        cursor_at = self._index(self.cursor)
        self._paint(self.rows.replace(lines), cursor_at)

    def _make_room(self, lines: Iterable[Line]) -> None:
        """Widen columns for their numbers; repaint all if one became wider."""
        widened = [self._drawing.make_room(line) for line in lines]  # every line, also after a wide one
        if any(widened):
            self.refresh()

    def set_filter(self, text: str) -> None:
        """Filter the rows (`TableRows.set_filter`)."""
        self._paint(self.rows.set_filter(text), self._index(self.cursor))
        self._first = self.rows.first

    def sort(self, order: SortOrder) -> None:
        """Sort the rows."""
        self._paint(self.rows.sort(order), self._index(self.cursor))
        self._first = self.rows.first
        self._paint_line(0)

    def hold_rows(self, is_held: bool) -> None:
        """Hold the row order while an action is confirmed."""
        self._paint(self.rows.hold_rows(is_held), self._index(self.cursor))

    def leave_finished(self, is_over: Callable[[str], bool]) -> None:
        """Move from a finished row to a new first row."""
        is_other, self._first = self.rows.first != self._first, self.rows.first
        if is_other and self.cursor is not None and is_over(self.cursor):
            self._put_cursor(0)

    def start_at_first_row(self) -> None:
        """Start at the first row, unless the user moved the cursor."""
        if not self._is_chosen and not self.rows.is_held:
            self._put_cursor(0)

    def set_stale(self, is_stale: bool) -> None:
        """Dim all rows as stale, or restore them."""
        if is_stale != self._drawing.is_stale:
            self._drawing.is_stale = is_stale
            self._paint_all()

    def set_titles(self, above: str, below: str) -> None:
        """Set the frame's title; a change repaints the whole table."""
        if (above, below) != self._titles:
            self._titles = above, below
            self.border_title, self.border_subtitle = Text(above), Text(below)

    def set_empty(self, text: str) -> None:
        """Set the text of the empty table."""
        if text != self.empty:
            self.empty = text
            self._paint_empty()

    def _paint(self, dirty: Dirty, cursor_at: int) -> None:
        for index, columns in dirty.lines.items():
            if index < len(self.rows.shown):
                self._drawing.forget(self.rows.shown[index], columns)
            self._paint_row(index, columns)
        for key in dirty.gone:
            self._drawing.forget(key)
        self._keep_cursor(cursor_at)
        if dirty.has_other_length:
            self._measure()
            if not self.rows.shown:
                self._paint_empty()

    def _keep_cursor(self, before: int) -> None:
        """Keep the cursor on its row, on the one in its place, or on the last."""
        shown = self.rows.shown
        if self.follows and before == 0:
            self._put_cursor(0)
            return
        if self.cursor in shown:
            now = shown.index(self.cursor)
            if now != before:
                self._follow(now)
            return
        self._put_cursor(min(max(before, 0), len(shown) - 1))

    def _put_cursor(self, index: int) -> None:
        shown = self.rows.shown
        before, self.cursor = self.cursor, shown[index] if 0 <= index < len(shown) else None
        if self.cursor == before:
            return
        self._paint_row(self._index(before))
        self._paint_row(index)
        self._follow(index)
        self.post_message(self.Moved(self, self.cursor))

    def _follow(self, index: int) -> None:
        room = self.size.height - HEAD
        top = self.scroll_offset.y
        if index < top:
            self.scroll_to(y=max(index, 0), animate=False)
        elif index >= top + room > top:
            self.scroll_to(y=index - room + 1, animate=False)

    def _index(self, key: str | None) -> int:
        return self.rows.shown.index(key) if key in self.rows.shown else -1

    # Painting

    def render_line(self, y: int) -> Strip:
        """Return one visible line; y counts from the top."""
        self._drawing.resize(self.scrollable_content_region.width)
        if y < HEAD:
            return self._drawing.head(self.rows.order)
        index, shown = y - HEAD + self.scroll_offset.y, self.rows.shown
        if index >= len(shown):
            lines = self._empty_lines() if not shown else []
            return self._drawing.text_strip(INDENT + "".join(lines[y - HEAD : y - HEAD + 1]), "faint")
        key = shown[index]
        if key == self.cursor:
            return self._drawing.row_under_cursor(self.rows[key], has_focus=self.has_focus)
        return self._drawing.row(key, self.rows[key])

    def _empty_lines(self) -> list[str]:
        text = (
            f"None of {self.rows.total} rows matches {self.rows.filter!r}." if self.rows.total else self.empty
        )
        return wrap(text, max(self.scrollable_content_region.width - len(INDENT), 8))

    def _paint_empty(self) -> None:
        for number in range(MAX_EMPTY_LINES):
            self._paint_line(HEAD + number)

    def _paint_line(self, y: int, columns: frozenset[int] | None = None) -> None:
        """Repaint one line, from the first changed column to the last."""
        begin, end = self._drawing.span(columns)
        if 0 <= y < self.size.height and end > begin:
            self.refresh(Region(begin, y, end - begin, 1))

    def _paint_row(self, index: int, columns: frozenset[int] | None = None) -> None:
        y = index + HEAD - self.scroll_offset.y
        if index >= 0 and y >= HEAD:
            self._paint_line(y, columns)

    def _paint_all(self) -> None:
        self._drawing.forget_all()
        self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.rows.shown) + HEAD)

    # Events

    def on_resize(self) -> None:
        """Place the columns after a resize."""
        self._measure()
        self.refresh()

    def notify_style_update(self) -> None:
        """Redraw in the colours of a new theme."""
        super().notify_style_update()
        self._paint_all()

    def on_focus(self) -> None:
        """Show the cursor as focused."""
        self._paint_row(self._index(self.cursor))

    def on_blur(self) -> None:
        """Show the cursor as unfocused."""
        self._paint_row(self._index(self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Sort by a clicked head, select a clicked row; twice: details."""
        at = event.get_content_offset(self)
        if at is None:  # the frame
            return
        if at.y < HEAD:
            column = self._drawing.column_at(at.x)
            if column is not None:
                is_same = column == self.rows.order.column
                self.sort(SortOrder(column, is_same and not self.rows.order.is_reverse))
            return
        index = at.y - HEAD + self.scroll_offset.y
        if index < len(self.rows.shown):
            self._is_chosen = True
            self._put_cursor(index)
            if event.chain == 2:
                self.action_choose()

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        last = len(self.rows.shown) - 1
        self._is_chosen = True
        self._put_cursor(min(max(self._index(self.cursor) + by, 0), last))

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.action_move(by * max(self.size.height - HEAD - 1, 1))

    def action_choose(self) -> None:
        """Request details of the row under the cursor."""
        if self.cursor is not None:
            self._is_chosen = True
            self.post_message(self.Chosen(self, self.cursor))

    def action_sort(self) -> None:
        """Sort by the next visible column; after the last, unsorted."""
        columns = [place.column for place in self._drawing.places]
        now = self.rows.order.column
        behind = columns[columns.index(now) + 1 :] if now in columns else columns
        self.sort(SortOrder(behind[0] if behind else None))

    def action_turn(self) -> None:
        """Reverse the sort order."""
        order = self.rows.order
        self.sort(SortOrder(order.column, not order.is_reverse))
