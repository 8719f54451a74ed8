"""Pages over a screen: help, activity log and command palette. Esc closes them."""

import logging
from datetime import tzinfo
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from mexc_tui.tui import keys
from mexc_tui.tui.activity_log import ActivityEntry, ActivityLog
from mexc_tui.tui.screens.panes import ScreenSpec
from mexc_tui.tui.widgets.canvas import Canvas
from mexc_tui.tui.widgets.cell import Cell, Tone
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.header_bar import HeaderBar
from mexc_tui.tui.widgets.styled_text import StyledSpan, text_line, wrap
from mexc_tui.tui.widgets.table import Table
from mexc_tui.tui.widgets.table_rows import Line, SortOrder
from mexc_tui.tui.widgets.text import local_and_utc, utc

log = logging.getLogger(__name__)

ACTIVITY = (
    Column("TIME", 9),
    Column("BY", 12, drop_order=1),
    Column("ACTION", 26),
    Column("RESULT", 20, grows=True),
)
READ_ONLY = "READ-ONLY: only actions that reduce risk are available."
_NOTHING = "No actions or alerts yet."


class HelpScreen(Screen[None]):
    """Help of a screen, with every key."""

    DEFAULT_CSS = """
    HelpScreen { background: $background; }
    HelpScreen VerticalScroll { border: round $primary; padding: 0 1; background: $surface; }
    HelpScreen Static { color: $foreground; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "app.pop_screen", "Back", show=False)
    ]

    def __init__(self, board: ScreenSpec, *, may_operate: bool) -> None:
        """Show the help of a screen, for an operator or a read-only user."""
        super().__init__()
        self._board, self._may_operate = board, may_operate

    def compose(self) -> ComposeResult:
        """Compose the page."""
        yield HeaderBar()
        head = self._board.help if self._may_operate else f"{READ_ONLY}\n\n{self._board.help}"
        text = f"{head}\n\n{keys.help_text(may_operate=self._may_operate)}"
        with VerticalScroll() as page:
            page.border_title = Text(self._board.title)
            page.border_subtitle = Text("esc: back   h: halt")
            yield Static(Text(text), markup=False)


class ActivityScreen(Screen[None]):
    """Activity log: actions with results, and alerts; the selected entry in full."""

    DEFAULT_CSS = """
    ActivityScreen { background: $background; layout: vertical; }
    ActivityScreen .pane { border: round $muted; border-title-color: $muted; height: 2fr; }
    ActivityScreen .pane:focus { border: round $primary; border-title-color: $primary; }
    ActivityScreen Canvas.pane { height: 9; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,m,q", "app.pop_screen", "Back", show=False)]

    def __init__(self, activity: ActivityLog, zone: tzinfo) -> None:
        """Show the entries; times are in `zone` and UTC."""
        super().__init__()
        self._activity, self._zone = activity, zone
        self._table = Table(ACTIVITY, empty=_NOTHING, order=SortOrder(0), name="happened")
        self._entry_text = Canvas("whole")

    def compose(self) -> ComposeResult:
        """Compose the page."""
        yield HeaderBar()
        yield self._table
        yield self._entry_text

    def on_mount(self) -> None:
        """Show all entries."""
        self._table.set_titles("Activity, newest first", "esc: back   h: halt")
        self.update_entries()

    def on_resize(self) -> None:
        """Wrap the text to the available width."""
        self.call_after_refresh(self.on_table_moved)

    def update_entries(self) -> None:
        """Show new entries."""
        self._table.apply({str(number): _line(entry) for number, entry in self._activity})
        self.on_table_moved()

    def on_table_moved(self) -> None:
        """Show the selected entry in full."""
        chosen = next((entry for number, entry in self._activity if str(number) == self._table.cursor), None)
        if chosen is None:
            self._entry_text.show([])
            return
        width, _ = self._entry_text.room
        when = f"{chosen.author}, {local_and_utc(chosen.at_ms, self._zone)}"
        texts = [text_line(line, chosen.tone) for line in wrap(chosen.result, max(width, 20))]
        self._entry_text.show(
            [(StyledSpan(chosen.action, Tone.STRONG),), text_line(when, Tone.FAINT), *texts]
        )


class Commands(CommandPalette):
    """Every action by name."""

    DEFAULT_CSS = """
    Commands { background: $background; }
    Commands SearchIcon { display: none; }
    """
    """Hides the screen behind, which is not updated. Terminals disagree on the width of the icon."""

    def compose(self) -> ComposeResult:
        """Compose it with its own header, as the one behind is not updated."""
        yield HeaderBar()
        yield from super().compose()

    def run_worker(self, *args: Any, **more: Any) -> Worker[Any]:
        """Search in the background; a failure after the palette closed does not end the app."""
        return super().run_worker(*args, **{**more, "exit_on_error": False})

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Log a failed search."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error  # pyright: ignore[reportUnknownMemberType] Textual says Worker
            log.warning("command search failed", exc_info=error)

    def on_mount(self) -> None:
        """Show the keys that work while text is typed."""
        self.query_one("#--input").border_title = Text("^x: halt   esc: back")


def _line(entry: ActivityEntry) -> Line:
    return (
        Cell(utc(entry.at_ms), rank=-entry.at_ms),
        Cell(entry.author, Tone.FAINT),
        Cell(entry.action, Tone.STRONG),
        Cell(entry.result, entry.tone),
    )
