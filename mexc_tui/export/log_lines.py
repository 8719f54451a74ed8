"""Selects the lines of the log that concern one snipe."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mexc_tui.export.rows import iso_time

MOST_LINES = 20_000
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")
_ALWAYS = re.compile(r"^\S+ (?:ERROR|CRITICAL) ")


def log_parts(log: Path) -> list[Path]:
    """Return the existing parts of a log, oldest first."""
    older = sorted(log.parent.glob(f"{log.name}.*"), key=lambda part: part.name, reverse=True)
    return [part for part in (*older, log) if part.is_file()]


def read_lines(parts: Iterable[Path]) -> Iterator[str]:
    """Yield the lines of the parts."""
    for part in parts:
        with part.open(encoding="utf-8", errors="replace") as opened:
            yield from (line.rstrip("\n") for line in opened)


def lines_about(lines: Iterable[str], names: frozenset[str], from_ms: int, *, to_ms: int) -> list[str]:
    """Return the messages in the period that contain a name, and every error, each with its traceback."""
    first, last, found, is_wanted = iso_time(from_ms), iso_time(to_ms), list[str](), False
    for line in lines:
        if _STAMP.match(line):
            is_in_period = first <= line[:24] <= last
            is_about = _ALWAYS.match(line) is not None or any(name in line for name in names)
            is_wanted = is_in_period and is_about
        if is_wanted:
            found.append(line)
    return found[-MOST_LINES:]
