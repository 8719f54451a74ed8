"""Cleaning of external text before display (reliability 4.5)."""

import re
import unicodedata

NAME_LIMIT = 64
TEXT_LIMIT = 500
REPLACEMENT = "\ufffd"
MAX_COMBINING = 2

_TRADABLE = re.compile(r"[A-Z0-9]{1,20}")


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return `text` in NFC, at most `limit` characters, without terminal control characters.

    Characters that are not printable become U+FFFD, and at most two combining marks stay in a row.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    # NFC can grow a text, so the cut comes last; the first cut only bounds the work.
    composed = unicodedata.normalize("NFC", text[: limit * 4])
    kept: list[str] = []
    marks = 0
    for char in composed:
        # Mn, Mc and Me alike: enclosing and spacing marks have no combining class but stack all the same.
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        if marks <= MAX_COMBINING:
            kept.append(char if char.isprintable() else REPLACEMENT)
    return "".join(kept)[:limit]


def are_clean(texts: tuple[str, ...], limit: int = NAME_LIMIT) -> bool:
    """Whether no text needs cleaning, by a fast check: a response holds thousands of texts."""
    joined = "".join(texts)
    if not (joined.isascii() and joined.isprintable()):
        return False
    return len(joined) <= limit or max(map(len, texts)) <= limit


def clean_all(texts: tuple[str, ...], limit: int = NAME_LIMIT) -> tuple[str, ...]:
    """Clean several texts; return the same tuple if nothing needed cleaning (the usual case)."""
    return texts if are_clean(texts, limit) else tuple([clean(text, limit) for text in texts])


def clean_name(text: str) -> str:
    """Clean a ticker, a symbol or another name: at most 64 characters."""
    return clean(text, NAME_LIMIT)


def is_tradable_name(symbol: str) -> bool:
    """Whether the desk may trade a symbol with this name; others are only displayed."""
    return _TRADABLE.fullmatch(symbol) is not None


def many(count: int, name: str) -> str:
    """Return a count with its noun: 1 order, 2 orders."""
    return f"{count} {name}{'' if count == 1 else 's'}"
