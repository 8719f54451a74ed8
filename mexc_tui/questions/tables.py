"""Aligned tables in plain text, with colour where it is wanted. Text goes out as it is: nothing is markup."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

GAP = "  "


class Tone(Enum):
    """What a cell wants to say by its colour."""

    PLAIN = ""
    HEAD = "1"
    GOOD = "32"
    WARN = "33"
    BAD = "31"
    FAINT = "2"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and its tone; `is_number` puts it to the right."""

    text: str
    tone: Tone = Tone.PLAIN
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes tones as colours, or not at all."""

    has_colour: bool = False

    def write(self, text: str, tone: Tone) -> str:
        """Return the text in its tone."""
        return f"\x1b[{tone.value}m{text}\x1b[0m" if self.has_colour and tone.value else text


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], pen: Pen) -> str:
    """Return rows under their heads; the last column is as long as it likes."""
    lines = [[Cell(head, Tone.HEAD) for head in heads], *rows]
    widths = [max(width(line[place].text) for line in lines) for place in range(len(heads))]
    numbers = [any(line[place].is_number for line in lines[1:]) for place in range(len(heads))]
    return "\n".join(_line(line, widths, numbers, pen) for line in lines)


def _line(cells: Sequence[Cell], widths: Sequence[int], numbers: Sequence[bool], pen: Pen) -> str:
    parts: list[str] = []
    last = len(cells) - 1
    for place, cell in enumerate(cells):
        space = " " * (widths[place] - width(cell.text))
        written = pen.write(cell.text, cell.tone)
        if numbers[place]:
            parts.append(space + written)
        else:
            parts.append(written if place == last else written + space)
    return GAP.join(parts).rstrip()


def width(text: str) -> int:
    """Return how many columns a terminal needs for a text."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
