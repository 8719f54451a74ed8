"""Words with a tone, side by side on a line."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from mexc_tui.tui.cell import Tone

GAP = "   "


@dataclass(frozen=True, slots=True)
class Part:
    """A few words of a bar. Where room is short the one with the highest `goes` is left out; 0 stays."""

    text: str
    tone: Tone = Tone.PLAIN
    goes: int = 0
    is_badge: bool = False


def fitting(parts: Sequence[Part], width: int) -> list[Part]:
    """Return the parts that fit into a line."""
    shown = [part for part in parts if part.text]
    for part in sorted(shown, key=lambda one: -one.goes):
        if width_of(shown) <= width or not part.goes:
            break
        shown.remove(part)
    return shown


def width_of(parts: Sequence[Part]) -> int:
    """Return how many columns these parts take."""
    texts = sum(cell_len(part.text) + 2 * part.is_badge for part in parts)
    return 1 + texts + len(GAP) * max(len(parts) - 1, 0)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a drawn line; the next one follows without a gap."""

    text: str
    tone: Tone = Tone.PLAIN


Drawn = tuple[Span, ...]
"""One line of a picture."""


def words(text: str, tone: Tone = Tone.PLAIN) -> Drawn:
    """Return a line in one tone."""
    return (Span(text, tone),)


def folded(text: str, width: int) -> list[str]:
    """Return a text in lines of at most so many columns, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
