"""The screens: a header, tables, a footer; and the page of help."""

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Input, Static

from mexc_tui.desk.client import Link
from mexc_tui.tui import keys
from mexc_tui.tui.bar import Bar
from mexc_tui.tui.boards import LOADING, Board, Pane
from mexc_tui.tui.header import Known, Part, lines
from mexc_tui.tui.rows import Rows
from mexc_tui.tui.source import Source
from mexc_tui.tui.table import Table
from mexc_tui.tui.text import age


class BoardScreen(Screen[None]):
    """One board. It shows what it is told has changed, and all of it when it comes to the front."""

    DEFAULT_CSS = """
    BoardScreen { background: $background; layout: vertical; }
    BoardScreen Table { border: round $muted; border-title-color: $muted; border-subtitle-color: $warning; }
    BoardScreen Table:focus { border: round $primary; border-title-color: $primary; }
    BoardScreen.-short Table { border: none; border-top: solid $muted; }
    BoardScreen.-short Table:focus { border: none; border-top: solid $primary; }
    BoardScreen.-live Bar#header { border-bottom: heavy $error; }
    BoardScreen Input { display: none; height: 1; border: none; padding: 0 1; }
    BoardScreen Input.-shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Scope.FILTER)]

    def __init__(self, board: Board, source: Source) -> None:
        """Show a board of this source."""
        super().__init__(name=board.name)
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]
        self.board = board
        self._source = source
        self._found_in: Table | None = None
        self._tables = {pane.title: _table(pane, number) for number, pane in enumerate(board.panes)}

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Bar(2, "header")
        yield from self._tables.values()
        finder = Input(placeholder="words; !word leaves out", compact=True)
        finder.cursor_blink = False
        yield finder
        yield Bar(1, "footer")

    def show(self, dirty: Mapping[str, frozenset[str]] | None, known: Known) -> None:
        """Bring the rows that changed up to date; None: all of them, as ages and countdowns ask for."""
        self.set_class(known.status is not None and known.status.mode == "live", "-live")
        self.query_one("#header", Bar).show(lines(known, self.size.width))
        foot = keys.footer(self.size.width - 2, may_operate=True)
        self.query_one("#footer", Bar).show([[Part(foot)]])
        is_stale = known.link.link is not Link.CONNECTED
        for pane in self.board.panes:
            self._show(pane, dirty, known, is_stale=is_stale)

    def _show(
        self, pane: Pane, dirty: Mapping[str, frozenset[str]] | None, known: Known, *, is_stale: bool
    ) -> None:
        table = self._tables[pane.title]
        view = self._source.views()[pane.view]
        if dirty is None or pane.view in dirty:
            wanted = None if dirty is None else dirty[pane.view]
            changes = pane.read(self._source, wanted, known.now_ms)
            gone = dict.fromkeys(table.rows.keys - view.rows.keys()) if dirty is None else {}
            table.apply({**changes, **gone})
        table.set_empty(pane.empty if view.is_complete else LOADING)
        table.set_stale(is_stale)
        table.set_titles(_counted(pane.title, table.rows), f"OLD: {age(known.heard_ms)}" if is_stale else "")

    @property
    def table(self) -> Table | None:
        """Return the table that keys act on."""
        focused = self.focused
        return focused if isinstance(focused, Table) else next(iter(self._tables.values()), None)

    def action_filter(self) -> None:
        """Ask for words that rows must have."""
        table = self.table
        if table is None:
            return
        finder = self.query_one(Input)
        self._found_in = table
        finder.add_class("-shown")
        finder.value = table.rows.filter
        finder.focus()

    def action_clear_filter(self) -> None:
        """Show all rows of all tables."""
        finder = self.query_one(Input)
        finder.value = ""
        finder.remove_class("-shown")
        for table in self._tables.values():
            table.keep("")
        self._back_to_rows()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while words are typed."""
        if event.input.has_focus and self._found_in is not None:
            self._found_in.keep(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go back to the rows."""
        event.input.set_class(bool(event.value), "-shown")
        self._back_to_rows()

    def _back_to_rows(self) -> None:
        if self._found_in is not None:
            self._found_in.focus()
            self._found_in = None


class HelpScreen(Screen[None]):
    """What a screen shows, and every key."""

    DEFAULT_CSS = """
    HelpScreen { background: $background; }
    HelpScreen VerticalScroll { border: round $primary; padding: 0 1; background: $surface; }
    HelpScreen Static { color: $foreground; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "app.pop_screen", "Back", show=False)
    ]

    def __init__(self, board: Board) -> None:
        """Explain a board."""
        super().__init__()
        self._board = board

    def compose(self) -> ComposeResult:
        """Lay it out."""
        words = f"{self._board.help}\n\n{keys.help_text(may_operate=True)}\n\nesc: back"
        with VerticalScroll() as page:
            page.border_title = Text(self._board.title)
            yield Static(Text(words), markup=False)


def _counted(title: str, rows: Rows) -> str:
    if not rows.total:
        return title
    hidden = f" of {rows.total}" if len(rows.shown) < rows.total else ""
    return f"{title} {len(rows.shown)}{hidden}"


def _table(pane: Pane, number: int) -> Table:
    table = Table(pane.columns, empty=LOADING, order=pane.order, name=f"pane{number}")
    table.styles.height = f"{pane.share}fr"
    return table
