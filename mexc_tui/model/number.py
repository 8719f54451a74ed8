"""Grammar of numbers in text, for REST and streams (protocol 4.10)."""

import re
from collections.abc import Sequence

NUMBER = r"(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?"
"""A non-negative number, plain or with an exponent (`1E+3`): ASCII digits, no sign, space or underscore."""

SIGNED = rf"[+-]?{NUMBER}"

is_number = re.compile(NUMBER).fullmatch
is_signed_number = re.compile(SIGNED).fullmatch

MAX_VERSION_DIGITS = 18


def are_plain(texts: Sequence[str]) -> bool:
    """Whether all texts consist of ASCII digits and points, checked in one pass; if not, check each."""
    return not "".join(texts).encode("ascii", "replace").translate(None, b"0123456789.")


def version_number(text: str) -> int | None:
    """Return a version number from ASCII digits, which `int` does not enforce; None: not a version."""
    is_version = 0 < len(text) <= MAX_VERSION_DIGITS and text.isascii() and text.isdecimal()
    return int(text) if is_version else None
