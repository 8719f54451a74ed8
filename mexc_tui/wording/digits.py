"""Numbers as people and scripts read them: plain digits, never 0E-10. Pure."""

import re
from decimal import Decimal

_SHORT = r"-?\d(?:\.\d+)?E[+-]\d{1,3}"
"""How Decimal writes what is very small, very large, or a zero of many places."""
_TEXT = re.compile(_SHORT)
_IN_JSON = re.compile(f'"({_SHORT})"'.encode())


def plain(text: str) -> str:
    """Return a number in plain digits; any other text as it is."""
    return _digits(text) if _TEXT.fullmatch(text) else text


def plain_json(encoded: bytes) -> bytes:
    """Return JSON in which money, which is text there, is plain digits; everything else stays as it is."""
    if b"E" not in encoded:
        return encoded
    return _IN_JSON.sub(lambda found: f'"{_digits(found[1].decode())}"'.encode(), encoded)


def _digits(text: str) -> str:
    number = Decimal(text)
    return f"{number:f}" if number else "0"
