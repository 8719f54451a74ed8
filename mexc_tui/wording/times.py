"""Parse and format times and durations. The current time is an argument."""

import re
from datetime import UTC, datetime

NONE = "–"
_SPAN = re.compile(r"(?:\+|in )\s*(\d{1,7})\s*(ms|s|min|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_MS = re.compile(r"\d{12,14}")
_DATED = re.compile(r"\d{4}-")


def moment_ms(text: str, now_ms: int) -> int:
    """Parse a time to Unix milliseconds: 2026-01-31T14:00Z, +15m, "in 15m", or milliseconds.

    A date without a zone is UTC. Raises ValueError with the allowed formats.
    """
    text = text.strip()
    span = _SPAN.fullmatch(text)
    if span is not None:
        return now_ms + int(span[1]) * _UNIT_MS[span[2]]
    if _MS.fullmatch(text):
        return int(text)
    try:
        if not _DATED.match(text):
            raise ValueError(text)
        found = datetime.fromisoformat(text)
        return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:40]!r} is not a time: use 2026-01-31T14:00Z (UTC without a zone), +15m, or milliseconds"
        ) from None


def when(at_ms: int | None) -> str:
    """Format a time in UTC to the second."""
    if at_ms is None:
        return NONE
    try:
        return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(at_ms)


def time_of_day(at_ms: int | None, day_of_ms: int) -> str:
    """Format a time in UTC to the second, without the date if it is the date of `day_of_ms`."""
    text, day = when(at_ms), when(day_of_ms)
    return text[11:] if text[:11] == day[:11] else text


def relative_time(at_ms: int | None, now_ms: int) -> str:
    """Format the time until `at_ms`, or since it."""
    if at_ms is None:
        return NONE
    return f"in {duration(at_ms - now_ms)}" if at_ms >= now_ms else f"{duration(now_ms - at_ms)} ago"


def source_text(source: str) -> str:
    """Format the source of a value; "manually" for an entry of the user."""
    return "manually" if source == "manual" else f"by {source or NONE}"


def duration(span_ms: float) -> str:
    """Format a duration in the largest suitable unit."""
    seconds = abs(span_ms) / 1_000
    for limit_s, divisor, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit_s:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
