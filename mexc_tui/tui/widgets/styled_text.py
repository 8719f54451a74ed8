"""Styled text for bars and drawn lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from mexc_tui.tui.widgets.cell import Tone, fit

GAP = "   "
_MIN_FOLDED = 16
_WORDS = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a bar. The one with the highest `drop_order` is dropped first; 0 is never dropped."""

    text: str
    tone: Tone = Tone.PLAIN
    drop_order: int = 0
    is_badge: bool = False


def fitting(parts: Sequence[Part], width: int) -> list[Part]:
    """Return the parts that fit a line."""
    shown = [part for part in parts if part.text]
    for part in sorted(shown, key=lambda item: -item.drop_order):
        if width_of(shown) <= width or not part.drop_order:
            break
        shown.remove(part)
    return _cut(shown, width)


def _cut(parts: list[Part], width: int) -> list[Part]:
    """Return the parts with the last ones shortened or dropped.

    A terminal of unknown width (0) is painted without shortening.
    """
    while width > 0 and parts and (over := width_of(parts) - width) > 0:
        last = parts[-1]
        room = cell_len(last.text) - over
        if room > 0:
            return [*parts[:-1], replace(last, text=fit(last.text, room).rstrip())]
        parts = parts[:-1]
    return parts


def width_of(parts: Sequence[Part]) -> int:
    """Return the width of parts."""
    texts = sum(cell_len(part.text) + 2 * part.is_badge for part in parts)
    return 1 + texts + len(GAP) * max(len(parts) - 1, 0)


@dataclass(frozen=True, slots=True)
class StyledSpan:
    """A span of a drawn line, without a gap to the next."""

    text: str
    tone: Tone = Tone.PLAIN


Drawn = tuple[StyledSpan, ...]
"""One drawn line."""


def text_line(text: str, tone: Tone = Tone.PLAIN) -> Drawn:
    """Return a line in one tone."""
    return (StyledSpan(text, tone),)


def wrap_hanging(line: Drawn, width: int) -> list[Drawn]:
    """Wrap a drawn line between words, with an indent.

    After a leading name, continuation lines align with the text behind it.
    """
    if sum(cell_len(span.text) for span in line) <= width or width < _MIN_FOLDED:
        return [line]
    first = line[0].text
    is_named = len(line) > 1 and first.endswith(" ") and cell_len(first) <= width // 2
    hang = cell_len(first) if is_named else min(len(first) - len(first.lstrip()) + 2, width // 2)
    lines: list[list[StyledSpan]] = [[]]
    used = 0
    for span in line:
        for word in _WORDS.findall(span.text):
            if used + cell_len(word.rstrip()) > width and used > hang:
                lines.append([StyledSpan(" " * hang)])
                used, word = hang, word.lstrip()
            lines[-1].append(StyledSpan(word, span.tone))
            used += cell_len(word)
    return [tuple(spans) for spans in lines]


def wrap(text: str, width: int) -> list[str]:
    """Wrap a text to lines of at most `width` columns."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
