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


def fit(text: str, width: int, *, to_right: bool = False) -> str:
    """Return a text of exactly so many columns, cleaned, with an ellipsis where something is missing."""
    text = clean(text)
    needed = cell_len(text)
    if needed > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width) if width > 0 else ""
    space = " " * (width - needed)
    return space + text if to_right else text + space
