"""Write numbers in plain digits, never with an exponent such as 0E-10."""

import re
from decimal import Decimal

_SHORT = r"-?\d(?:\.\d+)?E[+-]\d{1,3}"
"""Scientific notation of Decimal for very small or large numbers, and for zeros with many decimals."""
_TEXT = re.compile(_SHORT)
_IN_JSON = re.compile(f'"({_SHORT})"'.encode())


def plain(text: str) -> str:
    """Return a number in plain digits; any other text unchanged."""
    return _digits(text) if _TEXT.fullmatch(text) else text


def plain_json(encoded: bytes) -> bytes:
    """Return JSON with decimal strings in plain digits; everything else is unchanged."""
    if b"E" not in encoded:
        return encoded
    return _IN_JSON.sub(lambda found: f'"{_digits(found[1].decode())}"'.encode(), encoded)


def _digits(text: str) -> str:
    number = Decimal(text)
    return f"{number:f}" if number else "0"
