"""Text bars across the screen: header and footer."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from mexc_tui.model.text import clean
from mexc_tui.tui.widgets.cell import Tone, fit
from mexc_tui.tui.widgets.styled_text import GAP, Part, width_of


class TextBar(Widget):
    """Parts side by side on each line; repaints up to the last changed part."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"bar--{tone.value}" for tone in Tone}
    DEFAULT_CSS = """
    TextBar { background: $panel; }
    TextBar > .bar--plain { color: $foreground; background: $panel; }
    TextBar > .bar--good { color: $success; background: $panel; }
    TextBar > .bar--warn { color: $warning; background: $panel; }
    TextBar > .bar--bad { color: $error; background: $panel; text-style: bold; }
    TextBar > .bar--faint { color: $muted; background: $panel; }
    TextBar > .bar--strong { color: $foreground; background: $panel; text-style: bold; }
    """

    def __init__(self, height: int, name: str) -> None:
        """Start empty; `name` is its id."""
        super().__init__(id=name)
        self.styles.height = height
        self._shown: list[Sequence[Part]] = [()] * height

    def show(self, lines: Sequence[Sequence[Part]]) -> None:
        """Show parts, one list per line."""
        for y, parts in enumerate(lines):
            before, self._shown[y] = self._shown[y], parts
            width = _changed(before, parts)
            if width:
                self.refresh(Region(0, y, min(width, self.size.width), 1))

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        plain = self._tone(Tone.PLAIN)
        segments = [Segment(" ", plain)]
        for number, part in enumerate(self._shown[y]):
            segments.append(Segment(GAP if number else "", plain))
            style = self._tone(part.tone)
            if part.is_badge:
                segments.append(Segment(f" {clean(part.text)} ", style + Style(reverse=True, bold=True)))
            else:
                segments.append(Segment(clean(part.text), style))
        return Strip(segments).adjust_cell_length(self.size.width, plain).simplify()

    @property
    def text(self) -> list[str]:
        """Return the lines as plain text."""
        return [fit(self.render_line(y).text, self.size.width) for y in range(len(self._shown))]

    def _tone(self, tone: Tone) -> Style:
        return self.get_component_rich_style(f"bar--{tone.value}")


def _changed(before: Sequence[Part], after: Sequence[Part]) -> int:
    """Return the width of the changed part of a line; 0: unchanged."""
    if list(before) == list(after):
        return 0
    is_in_place = [width_of([part]) for part in before] == [width_of([part]) for part in after]
    if not is_in_place:
        return max(width_of(before), width_of(after))
    last = max(number for number, part in enumerate(after) if part != before[number])
    return width_of(after[: last + 1])
