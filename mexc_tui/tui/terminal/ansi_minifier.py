"""Shorten terminal output: send changes of a style only, and the last of several cursor moves.

Textual sends each text as style, text, reset. On a page of a table two thirds of the bytes are such
styles, and most of them repeat the background, or all, of the previous one.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

RESET = "\x1b[0m"
OWN, UNKNOWN = "0", "?"
"""The terminal's default style, and an unknown style."""
_MOVE = re.compile(r"(?:\x1b\[\d+;\d+H|\r\n)*")
_MOVES_AWAY = re.compile(r"\x1b\[\d+;\d+H(?:\r\n)*(?=\x1b\[\d+;\d+H)")
_STYLE_SEQUENCE = re.compile(r"\x1b\[[\d;]*m")
_PIECE = re.compile(r"\x1b\[([\d;]+)m([^\x1b]*)\x1b\[0m")
_STYLE = re.compile(
    r"((?:[1-9](?:;|\Z))*)"
    r"(?:(38;2;\d+;\d+;\d+|38;5;\d+|3[0-79]|9[0-7])(?:;|\Z))?"
    r"(48;2;\d+;\d+;\d+|48;5;\d+|4[0-79]|10[0-7])?\Z"
)
"""Attributes, foreground and background in Rich's order."""


@dataclass(frozen=True, slots=True)
class Style:
    """Style state of a terminal, as SGR parameters."""

    attributes: frozenset[str]
    foreground: str
    background: str


def minified(frame: str) -> str:
    """Return a shorter frame with the same result. Both start and end in the default style."""
    frame = _MOVES_AWAY.sub("", frame)
    parts: list[str] = []
    now, at = OWN, 0
    for piece in _PIECE.finditer(frame):
        if piece.start() > at:
            now = _emit_unstyled(frame[at : piece.start()], now, parts)
        codes, text = piece.groups()
        parts.append(_step(now, codes))
        parts.append(text)
        now, at = codes, piece.end()
    if now != OWN:
        parts.append(RESET)
    parts.append(frame[at:])
    return "".join(parts)


def _emit_unstyled(raw: str, now: str, parts: list[str]) -> str:
    """Emit unstyled output and return the style after it: moves keep it, the rest needs a reset."""
    if _MOVE.fullmatch(raw):
        parts.append(raw)
        return now
    parts.extend((raw,) if now == OWN else (RESET, raw))
    styles = _STYLE_SEQUENCE.findall(raw)
    return OWN if not styles or styles[-1] == RESET else UNKNOWN


@lru_cache(maxsize=1_024)
def _step(now: str, wanted: str) -> str:
    """Return the sequence from one style to another."""
    if now == OWN:
        return f"\x1b[{wanted}m"
    before, after = _read(now), _read(wanted)
    if before is None or after is None or _removes_style(before, after):
        return f"\x1b[0;{wanted}m"
    more = sorted(after.attributes - before.attributes)
    more += [after.foreground] if after.foreground != before.foreground else []
    more += [after.background] if after.background != before.background else []
    return f"\x1b[{';'.join(more)}m" if more else ""


def _removes_style(before: Style, after: Style) -> bool:
    """Whether an attribute or colour must end; only a reset does that in every terminal."""
    is_less = (before.foreground and not after.foreground) or (before.background and not after.background)
    return bool(is_less or before.attributes - after.attributes)


def _read(codes: str) -> Style | None:
    """Parse a style; None if it has other parameters."""
    found = _STYLE.match(codes)
    if found is None:
        return None
    attributes, foreground, background = found.groups("")
    return Style(frozenset(attributes.replace(";", "")), foreground, background)
