"""One cell of a table: what it says, how, and where it stands in an order."""

import re
from dataclasses import dataclass, field
from enum import Enum

from rich.cells import cell_len, set_cell_size

from mexc_tui.model.digits import TOO_NARROW, Number
from mexc_tui.model.text import clean


class Tone(Enum):
    """What a text wants to say by its colour; its words or its sign say it too."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    FAINT = "faint"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, its tone and its place in an order; without a place its text decides."""

    text: str
    tone: Tone = Tone.PLAIN
    rank: float | None = None
    number: Number | None = field(default=None, compare=False)
    """What its text is in full: where that does not fit, fewer digits are shown."""


NOTHING = Cell("–", Tone.FAINT)
"""What is not known; last in every order."""


_FIGURE = re.compile(r"[^\w.]*\.?\d")


def fit_cell(cell: Cell, width: int, *, is_number: bool) -> str:
    """Return a cell's text in exactly so many columns. Of a number no digit is cut off: it is rounded."""
    text = cell.text
    if cell_len(text) > width:
        if cell.number is not None:
            text = cell.number.fit(width)
        elif is_number and _FIGURE.match(text):
            text = TOO_NARROW
    return fit(text, width, to_right=is_number)


_OF_NUMBER = frozenset("0123456789.,:/-–+~%")


def fit(text: str, width: int, *, to_right: bool = False) -> str:
    """Return a text of exactly so many columns, cleaned, with an ellipsis where something is missing.

    A number is there as a whole or not at all: its first digits alone would be another number.
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
    """Return the beginning of a text, not ending in a number: nobody could tell whether that is all of it."""
    cut = cut.rstrip()
    if not (cut[-1:].isdigit() or (cut[-1:] in _OF_NUMBER and text[len(cut) :][:1] in _OF_NUMBER)):
        return cut
    kept = cut.rstrip("".join(_OF_NUMBER))
    return kept if any(one.isdigit() for one in cut[len(kept) :]) else cut
