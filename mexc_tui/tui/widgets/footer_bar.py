"""Footer: keys and screen numbers; a click presses the key."""

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len
from textual import events

from mexc_tui.tui.keys import BETWEEN, FooterKey
from mexc_tui.tui.widgets.styled_text import Part
from mexc_tui.tui.widgets.text_bar import TextBar

_EDGE = 1
"""Columns before the first text."""


class FooterBar(TextBar):
    """Footer with clickable keys."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(1, "footer")
        self._spots: list[tuple[int, int, str]] = []
        """Start, end and key of each text."""

    def show_keys(self, keys: Sequence[FooterKey], screens: Sequence[FooterKey] = ()) -> None:
        """Show keys on the left, screens on the right."""
        line, spots = "", list[tuple[int, int, str]]()
        for spot in keys:
            line += BETWEEN if line else ""
            line = _put(line, spot, spots)
        room = self.size.width - 2 * _EDGE - sum(1 + len(spot.text) for spot in screens)
        if screens and room >= cell_len(line):
            line = line.ljust(room)
            for spot in screens:  # the space before a number is part of it: one column is hard to hit
                line = _put(line, replace(spot, text=f" {spot.text}"), spots)
        self._spots = spots
        self.show([[Part(line)]])

    def on_click(self, event: events.Click) -> None:
        """Press the clicked key."""
        for begin, end, key in self._spots:
            if begin <= event.x - _EDGE < end:
                self.app.simulate_key(key)  # pyright: ignore[reportUnknownMemberType] Textual says App


def _put(line: str, spot: FooterKey, spots: list[tuple[int, int, str]]) -> str:
    begin = cell_len(line)
    line += spot.text
    spots.append((begin, cell_len(line), spot.key))
    return line
