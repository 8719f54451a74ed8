"""Aligned tables in plain text, with optional colour. Text is never interpreted as markup."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from mexc_tui.model.digits import TOO_NARROW, Number

GAP = "  "
_FIGURE = re.compile(r"[^\w.]*\.?\d")
_COLOUR = re.compile(r"\x1b\[\d+m")
NONE = "–"
COMPACT = 9
"""Width that fits any number with three significant digits."""
LAST = 20
"""Smallest width of a last text column before another column is dropped."""


class TextTone(Enum):
    """Meaning of a cell's colour."""

    PLAIN = ""
    HEAD = "1"
    GOOD = "32"
    WARN = "33"
    BAD = "31"
    FAINT = "2"


@dataclass(frozen=True, slots=True)
class TextCell:
    """A text and its tone; `is_number` aligns it right."""

    text: str
    tone: TextTone = TextTone.PLAIN
    is_number: bool = False
    number: Number | None = None
    """The exact number: shown with fewer digits where the text does not fit."""

    def fit(self, most: int) -> str:
        """Return the text in this many columns; a number is rounded, never cut."""
        if width(self.text) <= most:
            return self.text
        if self.number is not None:
            return self.number.fit(most)
        return TOO_NARROW if self.is_number and _FIGURE.match(self.text) else cut(self.text, most)


def figure(number: Number | None, tone: TextTone = TextTone.PLAIN) -> TextCell:
    """Return the cell of a number; None: unknown."""
    return (
        TextCell(NONE, tone, is_number=True) if number is None else TextCell(str(number), tone, True, number)
    )


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column. A narrow terminal drops the highest `drop_rank` first; 0: never dropped."""

    head: str
    drop_rank: int = 0


@dataclass(frozen=True, slots=True)
class Pen:
    """Writer of text tones, as colours or plain text."""

    has_colour: bool = False
    columns: int | None = None
    """Width of a line; None: unlimited."""

    def write(self, text: str, tone: TextTone) -> str:
        """Return the text in its tone."""
        return f"\x1b[{tone.value}m{text}\x1b[0m" if self.has_colour and tone.value else text


def table(heads: Sequence[str | TextColumn], rows: Iterable[Sequence[TextCell]], pen: Pen) -> str:
    """Return rows under their headings, within the pen's width if it has one.

    Columns that do not fit are dropped, then texts are cut; JSON output is complete.
    """
    columns = [TextColumn(head) if isinstance(head, str) else head for head in heads]
    lines = [[TextCell(column.head, TextTone.HEAD) for column in columns], *rows]
    widths = [max(width(line[place].text) for line in lines) for place in range(len(columns))]
    numbers = [any(line[place].is_number for line in lines[1:]) for place in range(len(columns))]
    shown = list(range(len(columns)))
    if pen.columns is not None:
        least = [
            min(wide, COMPACT) if any(line[place].number for line in lines) else wide
            for place, wide in enumerate(widths)
        ]
        shown = _visible_columns(columns, least, pen.columns)
        _narrow(shown, widths, least, most=pen.columns)
    return "\n".join(_line(line, shown, widths, numbers=numbers, pen=pen) for line in lines)


def _visible_columns(columns: Sequence[TextColumn], widths: Sequence[int], most: int) -> list[int]:
    """Return the visible columns; the last one may be cut."""
    shown = list(range(len(columns)))
    for place in sorted(shown, key=lambda place: -columns[place].drop_rank):
        needed = (
            sum(widths[index] for index in shown[:-1])
            + min(widths[shown[-1]], LAST)
            + len(GAP) * (len(shown) - 1)
        )
        if needed <= most or not columns[place].drop_rank:
            break
        shown.remove(place)
    return shown


def _narrow(shown: Sequence[int], widths: list[int], least: Sequence[int], *, most: int) -> None:
    """Cut the last column, then round numbers, then cut the widest columns, until a line fits."""
    room = max(most - len(GAP) * (len(shown) - 1), len(shown))
    last = shown[-1]
    over = sum(widths[index] for index in shown) - room
    if over > 0:
        shrink = min(over, max(widths[last] - LAST, 0))
        widths[last] -= shrink
        over -= shrink
    while over > 0 and (long := [index for index in shown if widths[index] > least[index]]):
        widths[max(long, key=lambda column: widths[column])] -= 1
        over -= 1
    while over > 0:
        widest = max(shown, key=lambda index: widths[index])
        widths[widest] -= 1
        over -= 1


def _line(
    cells: Sequence[TextCell],
    shown: Sequence[int],
    widths: Sequence[int],
    *,
    numbers: Sequence[bool],
    pen: Pen,
) -> str:
    parts: list[str] = []
    for place in shown:
        text = cells[place].fit(widths[place])
        space = " " * (widths[place] - width(text))
        written = pen.write(text, cells[place].tone)
        if numbers[place]:
            parts.append(space + written)
        else:
            parts.append(written if place == shown[-1] else written + space)
    return GAP.join(parts).rstrip()


def cut(text: str, most: int) -> str:
    """Return a text in this many columns, with an ellipsis where it is cut."""
    if width(text) <= most:
        return text
    kept: list[str] = []
    room = most - 1
    for char in text:
        room -= _columns(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def fold(text: str, indent: str, pen: Pen) -> list[str]:
    """Wrap a text at the pen's width; continuation lines are indented."""
    if pen.columns is None or _visible_width(text) <= pen.columns:
        return [text]
    lines: list[str] = []
    line, *words = text.split(" ")
    for word in words:
        longer = f"{line} {word}"
        if line.strip() and _visible_width(longer) > pen.columns:
            lines.append(line)
            longer = indent + word
        line = longer
    return [*lines, line]


def _visible_width(text: str) -> int:
    return width(_COLOUR.sub("", text))


def width(text: str) -> int:
    """Return the width of a text in terminal columns."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
