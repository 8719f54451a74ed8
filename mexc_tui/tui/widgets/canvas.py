"""Widget of drawn lines: charts, ladders, bars, details. Repaints changed lines only."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mexc_tui.model.text import clean
from mexc_tui.tui.keys import scrolling
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.styled_text import Drawn, wrap_hanging

MARGIN = 1


class Canvas(ScrollView, can_focus=True):
    """Drawn lines with scrolling."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"canvas--{tone.value}" for tone in Tone}
    DEFAULT_CSS = """
    Canvas { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; background: $surface; }
    Canvas > .canvas--plain { color: $foreground; background: $surface; }
    Canvas > .canvas--good { color: $success; background: $surface; }
    Canvas > .canvas--warn { color: $warning; background: $surface; }
    Canvas > .canvas--bad { color: $error; background: $surface; }
    Canvas > .canvas--faint { color: $muted; background: $surface; }
    Canvas > .canvas--strong { color: $foreground; background: $surface; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*scrolling()]

    def __init__(self, name: str) -> None:
        """Start empty; `name` is its id."""
        super().__init__(id=name, classes="pane")
        self._lines: tuple[Drawn, ...] = ()
        self._drawn: tuple[Drawn, ...] = ()
        """The lines, wrapped to the available width."""
        self._titles = "", ""
        self._is_stale = False

    @property
    def room(self) -> tuple[int, int]:
        """Return the available columns and lines."""
        region = self.scrollable_content_region
        return max(region.width - MARGIN, 0), region.height

    @property
    def text(self) -> list[str]:
        """Return the lines as plain text."""
        return ["".join(span.text for span in line) for line in self._drawn]

    def show(self, lines: Sequence[Drawn]) -> None:
        """Show lines; long ones are wrapped."""
        self._lines = tuple(lines)
        self._fold()

    def watch_show_vertical_scrollbar(self) -> None:
        """Wrap the lines again after a scrollbar appeared or disappeared."""
        self.call_after_refresh(self._fold)

    def _fold(self) -> None:
        """Wrap the lines and repaint the changed ones."""
        room = self.room[0]
        folded = (
            (wrapped for line in self._lines for wrapped in wrap_hanging(line, room)) if room else self._lines
        )
        before, self._drawn = self._drawn, tuple(folded)
        if len(before) != len(self._drawn):
            self.virtual_size = Size(self.scrollable_content_region.width, len(self._drawn))
        top, width = self.scroll_offset.y, self.scrollable_content_region.width
        for y, (old, new) in enumerate(zip_longest(before, self._drawn)):
            if old != new and 0 <= y - top < self.size.height:
                self.refresh(Region(0, y - top, width, 1))

    def set_stale(self, is_stale: bool) -> None:
        """Dim everything as stale, or restore it."""
        if is_stale != self._is_stale:
            self._is_stale = is_stale
            self.refresh()

    def set_titles(self, above: str, below: str) -> None:
        """Set the frame's title."""
        if (above, below) != self._titles:
            self._titles = above, below
            self.border_title, self.border_subtitle = Text(above), Text(below)

    def render_line(self, y: int) -> Strip:
        """Return one visible line."""
        plain = self._tone(Tone.PLAIN)
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        spans = self._drawn[index] if index < len(self._drawn) else ()
        margin = [Segment(" " * MARGIN, plain)]
        strip = Strip(margin + [Segment(clean(span.text), self._tone(span.tone)) for span in spans])
        if strip.cell_length > width > 0:
            strip = Strip([*strip.crop(0, width - 1), Segment("…", plain)])
        return strip.adjust_cell_length(width, plain).simplify()

    def on_resize(self) -> None:
        """Repaint after a resize; the screen draws the new content."""
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._drawn))
        self.refresh()

    def action_move(self, by: int) -> None:
        """Scroll by lines."""
        self.scroll_to(y=max(self.scroll_offset.y + by, 0), animate=False)

    def action_page(self, by: int) -> None:
        """Scroll by pages."""
        self.action_move(by * max(self.size.height - 1, 1))

    def _tone(self, tone: Tone) -> Style:
        shown = Tone.FAINT if self._is_stale else tone
        return self.get_component_rich_style(f"canvas--{shown.value}")
