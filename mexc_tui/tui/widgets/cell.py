"""One table cell: text, tone and sort rank."""

import re
from dataclasses import dataclass, field
from enum import Enum

from rich.cells import cell_len, set_cell_size

from mexc_tui.model.digits import TOO_NARROW, Number
from mexc_tui.model.text import clean


class Tone(Enum):
    """Meaning of a colour; the text or sign carries the same meaning."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    FAINT = "faint"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Cell:
    """Text, tone and sort rank; without a rank it is sorted by text."""

    text: str
    tone: Tone = Tone.PLAIN
    rank: float | None = None
    number: Number | None = field(default=None, compare=False)
    """The exact number; shown with fewer digits where the text does not fit."""


UNKNOWN_CELL = Cell("–", Tone.FAINT)
"""Unknown value; last in every order."""


_FIGURE = re.compile(r"[^\w.]*\.?\d")


def fit_cell(cell: Cell, width: int, *, is_number: bool) -> str:
    """Return the text of a cell in exactly `width` columns. Numbers are rounded, never cut."""
    text = cell.text
    if cell_len(text) > width:
        if cell.number is not None:
            text = cell.number.fit(width)
        elif is_number and _FIGURE.match(text):
            text = TOO_NARROW
    return fit(text, width, to_right=is_number)


_OF_NUMBER = frozenset("0123456789.,:/-–+~%")


def fit(text: str, width: int, *, to_right: bool = False) -> str:
    """Return a cleaned text of exactly `width` columns, with an ellipsis if shortened.

    A number is kept complete or dropped: its first digits alone would be a different number.
    """
    text = clean(text)
    needed = cell_len(text)
    if needed > width:
        cut = _without_half_a_number(text, set_cell_size(text, max(width - 1, 0))).rstrip() + "…"
        if width <= 0:
            return ""
        return set_cell_size(" " * max(width - cell_len(cut), 0) * to_right + cut, width)
    space = " " * (width - needed)
    return space + text if to_right else text + space


def _without_half_a_number(text: str, cut: str) -> str:
    """Return the beginning of a text that does not end in a cut number."""
    cut = cut.rstrip()
    if not (cut[-1:].isdigit() or (cut[-1:] in _OF_NUMBER and text[len(cut) :][:1] in _OF_NUMBER)):
        return cut
    kept = cut.rstrip("".join(_OF_NUMBER))
    return kept if any(char.isdigit() for char in cut[len(kept) :]) else cut
