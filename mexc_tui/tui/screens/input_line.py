"""Input line of a screen: the filter of a table, or the arguments of a command, with a hint above it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from textual.screen import Screen
from textual.widgets import Input

from mexc_tui.tui.screens import command_lines
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.styled_text import Part, width_of, wrap
from mexc_tui.tui.widgets.table import Table
from mexc_tui.tui.widgets.text_bar import TextBar

FILTER_HINT = "words; !word excludes"
MAX_HINT = 3
"""Maximum lines of the hint above an input line."""
MAX_LINE = 200
MAX_TYPED = 80
"""Maximum characters of a filter; longer pasted text is ignored."""


class InputLineScreen(Screen[None]):
    """Screen with an input line between its panes and the footer."""

    def __init__(self, name: str) -> None:
        """Start with the line closed."""
        super().__init__(name=name)
        self._filtered_table: Table | None = None
        """Table that gets the focus when the line is closed."""
        self._on_line: Callable[[str], Awaitable[bool]] | None = None
        """Receives the typed line; None: the line is a filter."""
        self._hint = TextBar(MAX_HINT, "hint")
        self._confirm = TextBar(command_lines.MAX_LINES, "confirm")
        self._finder = Input(
            placeholder=FILTER_HINT, compact=True, max_length=MAX_TYPED, select_on_focus=False
        )
        self._finder.cursor_blink = False

    @property
    def table(self) -> Table | None:
        """Return the table to filter."""
        raise NotImplementedError

    @property
    def tables(self) -> Sequence[Table]:
        """Return all tables."""
        raise NotImplementedError

    def action_clear_filter(self) -> None:
        """Close the line; a filter line also clears all filters."""
        is_line, self._on_line = self._on_line is not None, None
        self._finder.value = ""
        self._show_line((), is_typed=False)
        for table in () if is_line else self.tables:
            table.set_filter("")
        self._focus_rows()

    def open_line(self, hint: str, begin: str, on_line: Callable[[str], Awaitable[bool]]) -> None:
        """Open an input line; `on_line` receives it and returns whether it is valid."""
        finder = self._finder
        self._filtered_table, self._on_line = self.table, on_line
        finder.placeholder, finder.max_length = "", MAX_LINE
        self._show_line(self._hinted(hint), is_typed=True)
        finder.value, finder.cursor_position = begin, len(begin)
        finder.focus()

    def show_line_error(self, text: str) -> None:
        """Show why the line is invalid; it stays open for correction."""
        lines = wrap(text, max(self.size.width - 2, 20))[:MAX_HINT]
        self._show_line([[Part(line, Tone.WARN)] for line in lines], is_typed=True)

    @property
    def line(self) -> str | None:
        """Return the open input line; None if there is none."""
        return None if self._on_line is None else self._finder.value

    def action_filter(self) -> None:
        """Open the filter line."""
        table = self.table
        if table is None:
            return
        finder = self._finder
        self._filtered_table, self._on_line = table, None
        finder.placeholder, finder.max_length = FILTER_HINT, MAX_TYPED
        self._show_line((), is_typed=True)
        finder.value = table.rows.filter
        finder.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        if event.input.has_focus and self._filtered_table is not None and self._on_line is None:
            self._filtered_table.set_filter(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Apply the filter or the line, and return to the table."""
        if self._on_line is None:
            self._show_line((), is_typed=bool(event.value))
            self._focus_rows()
        else:
            self.run_worker(partial(self._submit_line, self._on_line, event.value), exclusive=True)

    async def _submit_line(self, on_line: Callable[[str], Awaitable[bool]], line: str) -> None:
        if await on_line(line) and self._on_line is on_line:
            self.action_clear_filter()

    def _show_line(self, hint: command_lines.Lines, *, is_typed: bool) -> None:
        """Show the input line with its hint; the current action stays above."""
        self._hint.display = bool(hint)
        if hint:
            self._hint.styles.height = len(hint)
            self._hint.show(hint)
        self._finder.set_class(is_typed, "-shown")
        self._confirm.styles.margin = (0, 0, len(hint) + is_typed + 1, 0)

    def _hinted(self, hint: str) -> command_lines.Lines:
        """Return the hint of an input line, wrapped."""
        ends = Part("enter apply, esc cancel", Tone.FAINT)
        whole = [Part(hint, Tone.STRONG), ends]
        if width_of(whole) <= self.size.width:
            return [whole]
        lines = wrap(hint, max(self.size.width - 2, 20))[: MAX_HINT - 1]
        return [*([Part(line, Tone.STRONG)] for line in lines), [ends]]

    def _focus_rows(self) -> None:
        if self._filtered_table is not None:
            self._filtered_table.focus()
            self._filtered_table = None
