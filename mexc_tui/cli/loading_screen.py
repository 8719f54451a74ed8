"""The first thing a person sees: a line on an empty screen, at once, while the rest is still being loaded."""

import os
import signal
from types import FrameType

_BEGIN = "\x1b[?1049h\x1b[2J\x1b[H"
_END = "\x1b[?1049l"
_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGABRT)

_shown: list[str] = []


def show(words: str) -> None:
    """Take the whole terminal and write a line; nothing is written where there is none.

    From here on a signal that ends this process gives the terminal back first.
    """
    if not (os.isatty(0) and os.isatty(1)):
        return
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    _shown.append(words)
    _write(f"{_BEGIN} mexc-tui   {words}")


def hide() -> None:
    """Give the terminal back as it was, if it was taken."""
    if _shown:
        _shown.clear()
        _write(_END)


def end(number: int, _: FrameType | None) -> None:
    """End at once after a signal, as long as nothing but this line was begun."""
    hide()
    if number == signal.SIGINT:
        os.write(2, b"mexc-tui: Opening was interrupted.\n")
    os._exit(128 + number)


def _write(text: str) -> None:
    os.write(1, text.encode())
