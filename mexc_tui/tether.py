"""A process that may leave its terminal: the shell waits for a parent, the work is done in its child.

The child goes on when the terminal is given back or lost; nothing of it hangs on the terminal any more then.
"""

import logging
import os
import signal
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from mexc_tui.logs.file import LogFile

log = logging.getLogger(__name__)

_LOST = 128
_BACK = b"\xff"
"""What a child says through the pipe that has given the terminal back, and goes on at it.

One that has cut itself off says a byte, the exit code, and words.
"""


class Tether:
    """The child's side. Standard output and error are the log while it is held; `out` is the terminal."""

    def __init__(self, pipe: int, log_file: Path) -> None:
        """Write into the log from here on, not onto the terminal."""
        self._pipe = pipe
        self.log_file = LogFile(log_file)
        self.is_cut = False
        self.out = os.dup(1)
        _flush()
        self.log_file.follow(1, 2)

    def cut(self, words: str, code: int = 0) -> None:
        """Leave the terminal for good: the shell goes on, after these words and with this exit code."""
        if self.is_cut:
            return
        self.is_cut = True
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, self.out)  # whoever still writes to it writes nowhere
        os.close(nothing)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            os.write(self._pipe, bytes([code]) + words.encode("utf-8", "replace"))
        except BrokenPipeError:
            log.info("nobody waits at the shell any more")
        os.close(self._pipe)

    def back(self) -> None:
        """Let standard output and error be the terminal again, for last words."""
        if not self.is_cut:
            _flush()
            self.log_file.leave()
            os.dup2(self.out, 1)
            os.dup2(self.out, 2)
            with suppress(BrokenPipeError):
                os.write(self._pipe, _BACK)


def tethered(work: Callable[[Tether], int], log_file: Path, restoring: str = "") -> int:
    """Do `work` in a child and return its exit code, or the one it said as soon as it has cut itself off.

    To be called before any thread runs. In the child this returns, too, when the work is done. After
    a child that broke or was killed the terminal's attributes are set back, and `restoring` is written to it.
    """
    _flush()
    attributes = _attributes()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        return work(Tether(writing, log_file))
    os.close(writing)
    words = _heard(child, reading)
    if words not in (b"", _BACK):
        sys.stdout.write(words[1:].decode("utf-8", "replace") + "\n")
        return words[0]
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if not words:
        _restore(attributes, restoring)
        sys.stdout.write(_why_ended(code, log_file))
    return code if code >= 0 else _LOST - code


def _attributes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:  # no terminal
        return None


def _restore(attributes: list[Any] | None, words: str) -> None:
    if attributes is not None:
        with suppress(termios.error):  # the terminal is gone, too
            termios.tcsetattr(0, termios.TCSANOW, attributes)
    sys.stdout.write(words)


def _why_ended(code: int, log_file: Path) -> str:
    if code in (-signal.SIGINT, _LOST + signal.SIGINT):  # it was wished for, before there was an engine
        return ""
    how = "was killed" if code < 0 else f"broke, see {log_file}"
    return f"The engine {how}: nobody watches what it holds. mexc-tui, started again, takes it up.\n"


def _heard(child: int, reading: int) -> bytes:
    """Wait until the child says that it goes on alone, or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def tell(number: int, _: FrameType | None) -> None:
        os.kill(child, number)

    signal.signal(signal.SIGTERM, tell)
    words = b""
    while part := os.read(reading, 4_096):
        words += part
    return words


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a full disk takes nothing, and stops nothing
            stream.flush()
