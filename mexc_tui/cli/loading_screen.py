"""Loading screen: one line on an empty screen while the desk is being imported."""

import os
import signal
from types import FrameType

_BEGIN = "\x1b[?1049h\x1b[2J\x1b[H"
_END = "\x1b[?1049l"
_TERMINATING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGABRT)

_shown: list[str] = []


def show(text: str) -> None:
    """Clear the terminal and write a line; do nothing without a terminal.

    From then on an ending signal restores the terminal before the process exits.
    """
    if not (os.isatty(0) and os.isatty(1)):
        return
    for number in _TERMINATING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    _shown.append(text)
    _write(f"{_BEGIN} mexc-tui   {text}")


def hide() -> None:
    """Restore the terminal, if the loading screen is shown."""
    if _shown:
        _shown.clear()
        _write(_END)


def end(number: int, _: FrameType | None) -> None:
    """Exit at once on a signal while only the loading screen is shown."""
    hide()
    if number == signal.SIGINT:
        os.write(2, b"mexc-tui: Start-up interrupted.\n")
    os._exit(128 + number)


def _write(text: str) -> None:
    os.write(1, text.encode())
