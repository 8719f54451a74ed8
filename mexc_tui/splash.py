"""The first thing a person sees: a line on an empty screen, at once, while the rest is still being loaded."""

import os
import sys

_BEGIN = "\x1b[?1049h\x1b[2J\x1b[H"
_END = "\x1b[?1049l"

_shown: list[str] = []


def show(words: str) -> None:
    """Take the whole terminal and write a line; nothing is written where there is none."""
    _shown.append(words)
    _write(f"{_BEGIN} mexc-tui   {words}")


def hide() -> None:
    """Give the terminal back as it was, if it was taken."""
    if _shown:
        _shown.clear()
        _write(_END)


def _write(text: str) -> None:
    if os.isatty(0) and os.isatty(1):
        sys.stdout.write(text)
        sys.stdout.flush()
