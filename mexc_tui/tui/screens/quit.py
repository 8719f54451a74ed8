"""Leaving the desk: detach and let the engine go on, or stop it; and what a person is told at first."""

from enum import StrEnum
from textwrap import fill
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from mexc_tui.tui.actions.consequences import Target, of_profile, open_positions, stopping_engine
from mexc_tui.tui.keys import BY_ID
from mexc_tui.tui.screens.registry import NAMES
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.header_bar import Head

GIVES_WAY_MS = 15_000
"""So long before an opening the welcome goes."""


class Ending(StrEnum):
    """How a screen ended."""

    LEFT = "left"
    """Somebody gave the terminal back; the engine goes on."""
    ENGINE_ENDED = "engine ended"
    HUNG_UP = "hung up"
    """The terminal is gone; the engine goes on."""
    INTERRUPTED = "interrupted"
    """Somebody pressed Ctrl-C before an engine had answered."""
    BROKE = "broke"
    """The screen failed; the engine goes on."""


def opens_soon(source: DeskSource) -> bool:
    """Return whether something opens within seconds."""
    now_ms = source.now_ms()
    opens = (row.opens_ms for row in source.listings.rows.values() if row.opens_ms is not None)
    return any(0 <= at_ms - now_ms <= GIVES_WAY_MS for at_ms in opens)


def leaving_words(source: DeskSource) -> str:
    """Return what leaving and stopping would do, in numbers."""
    held = len(open_positions(source))
    status = source.status_row
    process = "" if status is None else f" (process {status.pid})"
    are = "position is" if held == 1 else "positions are"
    protected = f"{held} {are} open; stops live in the engine." if held else "No position is open."
    return (
        f"{protected}\n\n"
        f"  d  Detach: the engine{process} goes on without a screen.\n"
        f"     Come back with mexc-tui attach{of_profile(source)}\n\n"
        f"{_indented(f'  s  Stop the engine. {stopping_engine(source, Target())}')}\n\n"
        "  esc  Stay.      h  Stop all buying, at once.\n\n"
        "Enter detaches."
    )


def _indented(words: str) -> str:
    return fill(words, 72, subsequent_indent=" " * 5, break_on_hyphens=False)


class Page(Screen[str]):
    """A page of words in front of everything; it answers with the key that closed it."""

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
        """Lay it out."""
        yield Head()
        with VerticalScroll() as page:
            page.border_title = Text(self._title_words)
            yield Static(Text(self._words), markup=False)

    def action_close(self, answer: str) -> None:
        """Answer, and go away."""
        self.dismiss(answer)


class LeavePage(Page):
    """Asks whether the engine goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d,enter", "close('detach')", "Detach", show=False),
        Binding("s", "close('stop')", "Stop", show=False),
        Binding("escape,q", "close('')", "Stay", show=False),
    ]


class WelcomePage(Page):
    """Greets. Every key that it names works in front of it, and closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,escape,space", "close('')", "Go on", show=False),
        Binding("question_mark,f1", "close('help')", "Help", show=False),
        Binding("q,ctrl+q", "close('leave')", "Leave", show=False),
        *(Binding(BY_ID[name].keys, f"close('{name}')", name, show=False) for name in NAMES),
    ]
