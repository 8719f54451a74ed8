"""One cell of a table: what it says, how, and where it stands in an order."""

from dataclasses import dataclass
from enum import Enum

from rich.cells import cell_len, set_cell_size

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


NOTHING = Cell("–", Tone.FAINT)
"""What is not known; last in every order."""


def fit(text: str, width: int, *, to_right: bool = False) -> str:
    """Return a text of exactly so many columns, cleaned, with an ellipsis where something is missing."""
    text = clean(text)
    needed = cell_len(text)
    if needed > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width) if width > 0 else ""
    space = " " * (width - needed)
    return space + text if to_right else text + space
