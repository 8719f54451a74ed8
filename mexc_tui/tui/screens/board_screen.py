"""Widget of a screen: header, table and drawn panes, confirmation lines, footer."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widgets import Input

from mexc_tui.tui import keys
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens import command_lines
from mexc_tui.tui.screens.input_line import InputLineScreen
from mexc_tui.tui.screens.pane_widgets import counted, fill_query_pane, fill_table, picture_of, table_of
from mexc_tui.tui.screens.panes import Pane, PicturePane, QueryPane, ScreenSpec, TablePane
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.terminal.repaint_scheduler import Dirty
from mexc_tui.tui.widgets.canvas import Canvas
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.footer_bar import FooterBar
from mexc_tui.tui.widgets.header_bar import HeaderBar
from mexc_tui.tui.widgets.header_text import HeaderData
from mexc_tui.tui.widgets.layout import (
    BELOW,
    DETAILS_BESIDE,
    MEDIUM,
    MIN_HEIGHT,
    MIN_WIDTH,
    STYLE,
    TALL,
    WITH_SCREENS,
)
from mexc_tui.tui.widgets.staleness import OLD_VIEWS_MS, StaleMark
from mexc_tui.tui.widgets.styled_text import Part
from mexc_tui.tui.widgets.table import Table
from mexc_tui.tui.widgets.text_bar import TextBar

DETAILS = "Details"
CURSOR = "cursor"
"""Name of the cursor among the changed views."""


class BoardScreen(InputLineScreen):
    """One screen. Updates changed rows, and everything when it comes to the front."""

    DEFAULT_CSS = STYLE
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Scope.FILTER)]

    @dataclass
    class Arranged(Message):
        """Other panes became visible and must be drawn."""

    def __init__(self, board: ScreenSpec, source: DeskSource, on_shown: Callable[[], None]) -> None:
        """Show a screen of a source; call `on_shown` when it comes to the front, before the paint."""
        super().__init__(board.name)
        self._on_shown = on_shown
        self.marks: dict[str, StaleMark] = {}
        """Staleness marks by pane title."""
        self.mark_left_ms = float("inf")
        """Time for which the shown marks stay valid without new data."""
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]
        medium = [(MEDIUM, "-medium")] if board.wide_from > MEDIUM else []
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), *medium, (board.wide_from, "-wide")]
        self.board = board
        self._source = source
        self._takes_text = False
        """Whether the open question expects a typed word."""
        self._zoomed: str | None = None
        """The zoomed pane."""
        self._user_zoomed = False
        """Whether the user zoomed; otherwise there is no room for all panes."""
        self._details_of: str | None = None
        """Table of the row whose details are shown."""
        self._header = HeaderBar()
        self._body, self._small = Container(id="body"), TextBar(1, "small")
        self._small.show([[Part("terminal too small: 80×24 or more", Tone.WARN)]])
        self._footer = FooterBar()
        self._details = Canvas("details")
        self._tables = {
            pane.title: table_of(pane, number)
            for number, pane in enumerate(board.panes)
            if not isinstance(pane, PicturePane)
        }
        self._pictures = {
            pane.title: picture_of(pane, number)
            for number, pane in enumerate(board.panes)
            if isinstance(pane, PicturePane)
        }

    def compose(self) -> ComposeResult:
        """Compose the widgets."""
        yield from (self._header, self._small)
        with self._body:
            yield Vertical(*self._column(is_beside=False), id="main")
            if beside := self._column(is_beside=True):
                yield Vertical(*beside, id="beside")
            yield self._details
        yield from (self._hint, self._finder, self._footer, self._confirm)

    def _column(self, *, is_beside: bool) -> list[Table | Canvas]:
        panes = [pane for pane in self.board.panes if pane.place.is_beside is is_beside]
        return [self._widget(pane) for pane in panes]

    def _widget(self, pane: Pane) -> Table | Canvas:
        return (self._pictures if isinstance(pane, PicturePane) else self._tables)[pane.title]

    def on_screen_resume(self) -> None:
        """Update before the paint, so that old content is not shown."""
        self._on_shown()
        for table in self._tables.values():
            table.start_at_first_row()

    def on_resize(self) -> None:
        """Adapt the layout to the new size."""
        self._arrange()

    def _arrange(self) -> None:
        """Show the panes that fit, or one pane, or one with the details of its row."""
        width, height = self.size
        self._small.display = width < MIN_WIDTH or height < MIN_HEIGHT
        self._body.display = not self._small.display
        has_details = self._details_of is not None
        is_wide, is_beside = width >= self.board.wide_from, width >= DETAILS_BESIDE
        for pane in self.board.panes:
            place = pane.place
            is_visible = self._has_room(pane)
            if self._zoomed is not None:
                is_visible = pane.title == self._zoomed
            elif has_details and not is_beside:
                is_visible = is_visible and not place.is_beside if is_wide else pane.title == self._details_of
            widget = self._widget(pane)
            widget.display = is_visible
            is_abreast = place.is_beside and MEDIUM <= width < self.board.wide_from
            widget.styles.height = "1fr" if is_abreast else f"{place.share}fr"
            if place.lines:
                most = place.lines + (1 if height < TALL else 2)
                widget.styles.max_height = None if self._zoomed == pane.title else most
        for column in self.query("#main, #beside"):
            column.display = any(child.display for child in column.children)
        self.set_class(has_details, "-details")
        self.set_class(self.board.has_halves and width < DETAILS_BESIDE, "-halves")
        self._details.display = has_details and self._zoomed is None
        self.post_message(self.Arranged())

    def _has_room(self, pane: Pane) -> bool:
        """Whether a pane is visible at this size."""
        return self.size.width >= pane.place.least_width and self.size.height >= pane.place.least_height

    @property
    def hidden(self) -> int:
        """Return the number of hidden panes."""
        return sum(not self._has_room(pane) for pane in self.board.panes)

    def go_to_pane(self, by: int) -> None:
        """Focus the next or previous pane; a hidden one is zoomed."""
        panes = {self._widget(pane): pane for pane in self.board.panes}
        widgets: list[Table | Canvas] = list(panes)
        if self._details.display:
            widgets = [*(widget for widget in widgets if widget.display), self._details]
        focused = self.focused
        now = next(
            (number for number, widget in enumerate(widgets) if widget is focused), -1 if by > 0 else 0
        )
        widget = widgets[(now + by) % len(widgets)]
        if (pane := panes.get(widget)) is not None:
            zoomed = pane.title if self._user_zoomed or not self._has_room(pane) else None
            if zoomed != self._zoomed:
                self._zoomed = zoomed
                self._arrange()
        widget.focus()

    def _titled(self, pane: Pane, title: str) -> str:
        """Return the title of a pane; if zoomed, with its number and the key to return."""
        if self._zoomed != pane.title:
            return title
        number = self.board.panes.index(pane) + 1
        return f"{title}, pane {number} of {len(self.board.panes)}: tab next, esc all"

    def show(self, dirty: Dirty | None, known: HeaderData) -> None:
        """Update changed rows; None: all rows, for ages and countdowns."""
        self.show_frame(known)
        self.mark_left_ms = OLD_VIEWS_MS - (known.age_ms or 0.0)
        for pane in self.board.panes:
            if self._widget(pane).display:
                self._show_pane(pane, dirty, self.render_context(known), mark=known.mark)
        self._show_details(known)

    def _show_pane(self, pane: Pane, dirty: Dirty | None, context: RenderContext, *, mark: StaleMark) -> None:
        """Update one pane, and mark it if its data is stale."""
        problem, widget, first = "", self._widget(pane), next(iter(self._tables.values()), None)
        match pane:
            case TablePane():
                table = self._tables[pane.title]
                follows = dirty is not None and CURSOR in dirty and table is not first
                fill_table(pane, table, None if follows else dirty, context=context)
                if pane.left_ms is not None:
                    self.mark_left_ms = min(self.mark_left_ms, pane.left_ms(self._source, context.now_ms))
            case QueryPane():
                problem = fill_query_pane(pane, self._tables[pane.title], context)
            case PicturePane():
                canvas = self._pictures[pane.title]
                width, height = canvas.room
                canvas.show(pane.draw(context, width, height) if width else ())
        mark = self.marks[pane.title] = self._marked(context, mark)
        widget.set_stale(mark.is_dim)
        title = pane.title if isinstance(widget, Canvas) else counted(pane.title, widget.rows)
        title = self._titled(pane, title)
        widget.set_titles(f"{title}  {mark.text}".rstrip(), problem)

    def _marked(self, context: RenderContext, mark: StaleMark) -> StaleMark:
        """Return the mark of the drawn data: of stale views, else of query results."""
        self.mark_left_ms = min(self.mark_left_ms, context.answered.left_ms())
        return mark if mark.is_dim else context.answered.mark()

    @property
    def is_ready(self) -> bool:
        """Whether the screen is mounted and not yet removed."""
        return self.is_mounted and bool(self.children)

    def show_frame(self, known: HeaderData) -> None:
        """Update header and footer."""
        self._header.update_data(known, self.size.width)
        self._show_footer()

    def on_descendant_focus(self) -> None:
        """Update the keys of the footer when the focus changes."""
        self._show_footer()

    def _show_footer(self) -> None:
        if self._takes_text or isinstance(self.focused, Input):
            self._footer.show_keys(keys.typing_footer(needs_enter=not self._takes_text))
            return
        width, may_operate, board = self.size.width, self._source.may_operate, self.board.name
        screens = keys.screens(board) if width >= WITH_SCREENS else []
        room = width - 2 - sum(1 + len(spot.text) for spot in screens)
        shown = keys.footer(
            room,
            may_operate=may_operate,
            board=board,
            has_table=isinstance(self.focused, Table),
            hidden=self.hidden,
        )
        self._footer.show_keys(shown, screens)

    def show_command(self, drawn: command_lines.Lines | None) -> None:
        """Show a question or result above the footer; None hides it."""
        self._confirm.styles.offset = (0, 0) if drawn is not None else BELOW
        if drawn is not None:
            self._confirm.styles.height = len(drawn)
            self._confirm.show(drawn)

    def hold_rows(self, is_held: bool, *, takes_text: bool) -> None:
        """Hold the row order during a confirmation; show the keys of a typed word."""
        if takes_text is not self._takes_text:
            self._takes_text = takes_text
            self._show_footer()
        for table in self._tables.values():
            if table.rows.is_held is not is_held:
                table.hold_rows(is_held)

    def _show_details(self, known: HeaderData) -> None:
        """Draw the details of the row under the cursor."""
        if self._details_of is None or self.board.details is None:
            return
        table = self._tables[self._details_of]
        context = replace(self.render_context(known), key=table.cursor, pane=self._details_of)
        self._details.show(self.board.details(context, self._details.room[0]))
        mark = self._marked(context, known.mark)
        self._details.set_stale(mark.is_dim)
        title = f"{DETAILS}: {self._details_of}  {mark.text}".rstrip()
        self._details.set_titles(title, "esc close")

    def render_context(self, known: HeaderData) -> RenderContext:
        """Return the current render context."""
        first = next(iter(self._tables.values()), None)
        now_s = asyncio.get_running_loop().time()
        key, text = (None, "") if first is None else (first.cursor, first.rows.filter)
        return RenderContext(self._source, known.now_ms, now_s, known.zone, key, text)

    @property
    def tables(self) -> Sequence[Table]:
        """Return all tables."""
        return tuple(self._tables.values())

    @property
    def table(self) -> Table | None:
        """Return the focused table."""
        focused = self.focused
        return focused if isinstance(focused, Table) else next(iter(self._tables.values()), None)

    @property
    def chosen(self) -> tuple[TablePane | QueryPane[Any], Table] | None:
        """Return the focused table with its pane."""
        table = self.table
        for pane in self.board.panes:
            if not isinstance(pane, PicturePane) and self._tables[pane.title] is table:
                return pane, self._tables[pane.title]
        return None

    @property
    def symbol(self) -> str:
        """Return the symbol of the row under the cursor; empty if there is none."""
        chosen = self.chosen
        if chosen is None or not isinstance(chosen[0], TablePane):
            return ""
        row = self._source.views()[chosen[0].view].rows.get(chosen[1].cursor or "")
        symbol: object = getattr(row, "symbol", "")
        return symbol if isinstance(symbol, str) else ""

    def flash(self, for_s: float) -> None:
        """Flash the header."""
        self.add_class("-flash")
        self.set_timer(for_s, lambda: self.remove_class("-flash"))

    def action_zoom(self) -> None:
        """Zoom the focused pane, or show all panes."""
        has_focus = (pane.title for pane in self.board.panes if self._widget(pane).has_focus)
        self._zoomed = None if self._zoomed is not None else next(has_focus, self.board.panes[0].title)
        self._user_zoomed = self._zoomed is not None
        self._arrange()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Show or hide the details of a row."""
        if self.board.details is None:
            return
        title = next(title for title, table in self._tables.items() if table is event.table)
        self._zoomed, self._user_zoomed = None, False
        self._details_of = None if self._details_of == title else title
        self._arrange()

    def action_clear_filter(self) -> None:
        """Close details, else show all panes, else clear all filters."""
        if self._zoomed is not None and self._filtered_table is None:
            self._zoomed, self._user_zoomed = None, False
            self._arrange()
            return
        if self._details_of is not None and self._filtered_table is None:
            self._details_of = None
            self._arrange()
            return
        super().action_clear_filter()
