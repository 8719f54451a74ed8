"""Pages for leaving (detach or stop the engine) and for the welcome text."""

from enum import StrEnum
from textwrap import fill
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from mexc_tui.tui.actions.effects import Target, open_positions, profile_option, stop_engine_effect
from mexc_tui.tui.keys import BY_ID
from mexc_tui.tui.screens.registry import NAMES
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.header_bar import HeaderBar

CLOSE_BEFORE_MS = 15_000
"""Time before an opening at which the welcome page closes."""


class Ending(StrEnum):
    """How a screen ended."""

    LEFT = "left"
    """The user detached; the engine keeps running."""
    ENGINE_ENDED = "engine ended"
    HUNG_UP = "hung up"
    """The terminal is gone; the engine keeps running."""
    INTERRUPTED = "interrupted"
    """Ctrl-C before the engine responded."""
    BROKE = "broke"
    """The screen failed; the engine keeps running."""


def opens_soon(source: DeskSource) -> bool:
    """Whether a listing opens within seconds."""
    now_ms = source.now_ms()
    opens = (row.opens_ms for row in source.listings.rows.values() if row.opens_ms is not None)
    return any(0 <= at_ms - now_ms <= CLOSE_BEFORE_MS for at_ms in opens)


def leave_text(source: DeskSource) -> str:
    """Describe the effect of detaching and stopping, with numbers."""
    open_count = len(open_positions(source))
    status = source.status_row
    process = "" if status is None else f" (process {status.pid})"
    are = "position is" if open_count == 1 else "positions are"
    protected = (
        f"{open_count} {are} open; the engine manages the stops." if open_count else "No open position."
    )
    return (
        f"{protected}\n\n"
        f"  d  Detach: the engine{process} keeps running without a screen.\n"
        f"     Reconnect with mexc-tui attach{profile_option(source)}\n\n"
        f"{_indented(f'  s  Stop the engine. {stop_engine_effect(source, Target())}')}\n\n"
        "  esc  Cancel.    h  Halt entries now.\n\n"
        "Enter detaches."
    )


def _indented(text: str) -> str:
    return fill(text, 72, subsequent_indent=" " * 5, break_on_hyphens=False)


class Page(Screen[str]):
    """A page of text over everything; it returns the key that closed it."""

    DEFAULT_CSS = """
    Page { background: $background; align: center middle; }
    Page VerticalScroll { border: round $primary; padding: 1 2; background: $surface; }
    Page VerticalScroll { width: 78; max-width: 100%; height: auto; max-height: 100%; }
    Page Static { color: $foreground; background: $surface; }
    """

    def __init__(self, title: str, text: str) -> None:
        """Show a text under a title."""
        super().__init__()
        self._title_words, self._words = title, text

    def compose(self) -> ComposeResult:
        """Compose the page."""
        yield HeaderBar()
        with VerticalScroll() as page:
            page.border_title = Text(self._title_words)
            yield Static(Text(self._words), markup=False)

    def action_close(self, answer: str) -> None:
        """Return the key and close."""
        self.dismiss(answer)


class LeavePage(Page):
    """Asks whether to detach or to stop the engine."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d,enter", "close('detach')", "Detach", show=False),
        Binding("s", "close('stop')", "Stop", show=False),
        Binding("escape,q", "close('')", "Stay", show=False),
    ]


class WelcomePage(Page):
    """Welcome page. Every key it names works on it and closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,escape,space", "close('')", "Go on", show=False),
        Binding("question_mark,f1", "close('help')", "Help", show=False),
        Binding("q,ctrl+q", "close('leave')", "Leave", show=False),
        *(Binding(BY_ID[name].keys, f"close('{name}')", name, show=False) for name in NAMES),
    ]
