"""A process that may leave its terminal: the shell waits for a parent, the work is done in its child.

The child goes on when the terminal is given back or lost; nothing of it hangs on the terminal any more then.
The parent passes signals on, and restores the terminal if the child is killed.
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

from mexc_tui.host.logs.file import LogFile

log = logging.getLogger(__name__)

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGABRT)
"""Signals that end a process unless it does something else."""
INTERRUPTED = 128 + signal.SIGINT
INTERRUPTED_WORDS = "Start-up interrupted."
_PASSED_ON = (*ENDING, signal.SIGTSTP, signal.SIGCONT)
"""A child may receive one twice: a terminal sends signals to both."""
_KILLED = 128
_BACK = b"\xff"
"""Message of a child that has restored the terminal and continues to use it.

One that has cut itself off says a byte, the exit code, and words.
"""


class Signals:
    """Ending signals of a process, kept until a handler is set."""

    def __init__(self) -> None:
        """Keep every signal from here on."""
        self._kept: list[int] = []
        self._handle: Callable[[int], None] | None = None
        for number in ENDING:
            signal.signal(number, self._receive)

    def handle_with(self, handle: Callable[[int], None]) -> None:
        """Call this, in the main thread, for each signal that was kept and for each that comes."""
        self._handle = handle
        kept, self._kept = self._kept, []
        for number in kept:
            handle(number)

    def keep(self) -> None:
        """Keep signals again until a handler is set."""
        self._handle = None

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._handle is None:
            self._kept.append(number)
        else:
            self._handle(number)


class DetachedTerminal:
    """The child's side. Standard output and error are the log while it is held; `out` is the terminal."""

    def __init__(self, pipe: int, log_file: Path) -> None:
        """Write into the log from here on, not onto the terminal."""
        self._pipe = pipe
        self.log_file = LogFile(log_file)
        self._parent = os.getppid()
        self.signals = Signals()
        self.is_cut = False
        self.out = os.dup(1)
        _flush()
        self.log_file.follow(1, 2)

    @property
    def is_orphaned(self) -> bool:
        """Whether the parent was killed: the shell has the terminal back by now."""
        return not self.is_cut and os.getppid() != self._parent

    def stop_parent(self) -> None:
        """Stop the parent, so that the shell takes the terminal; this process continues."""
        if not self.is_cut and not self.is_orphaned:
            os.kill(self._parent, signal.SIGSTOP)

    def cut(self, words: str, code: int = 0) -> None:
        """Leave the terminal for good: the shell continues after this message with this exit code."""
        if self.is_cut:
            return
        self.is_cut = True
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, self.out)  # later writes go nowhere
        os.close(nothing)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            os.write(self._pipe, bytes([code]) + words.encode("utf-8", "replace"))
        except BrokenPipeError:
            log.info("the shell no longer waits")
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


def tethered(
    work: Callable[[DetachedTerminal], int],
    log_file: Path,
    killed_words: Callable[[str], str],
    restoring: str = "",
) -> int:
    """Do `work` in a child and return its exit code, or the code it reported when it detached.

    To be called before any thread runs. In the child this returns, too, when the work is done. After
    a child that broke or was killed the terminal's attributes are set back, `restoring` is written to it,
    and what `killed_words` says of that.
    """
    _flush()
    attributes = _attributes()
    reading, writing = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    child = os.fork()
    if not child:
        os.close(reading)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # until there is a screen
        tether = DetachedTerminal(writing, log_file)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
        return work(tether)
    _pass_signals_on(child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    os.close(writing)
    words = _received(reading)
    if words not in (b"", _BACK):
        _say(words[1:].decode("utf-8", "replace") + "\n")
        return words[0]
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if not words:
        _restore(attributes, restoring)
        _say(_why_ended(code, log_file, killed_words))
    return code if code >= 0 else _KILLED - code


def _pass_signals_on(child: int) -> None:
    def pass_on(number: int, _: FrameType | None) -> None:
        with suppress(ProcessLookupError):  # it has ended
            os.kill(child, number)

    for number in _PASSED_ON:
        signal.signal(number, pass_on)


def _attributes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:  # no terminal
        return None


def _restore(attributes: list[Any] | None, words: str) -> None:
    if attributes is not None:
        with suppress(termios.error):  # the terminal is gone, too
            termios.tcsetattr(0, termios.TCSANOW, attributes)
    _say(words)


def _why_ended(code: int, log_file: Path, killed_words: Callable[[str], str]) -> str:
    if code in (-signal.SIGINT, INTERRUPTED):  # it was wished for, before there was an engine
        return f"{INTERRUPTED_WORDS}\n"
    return killed_words("was killed" if code < 0 else f"failed, see {log_file}") + "\n"


def _received(reading: int) -> bytes:
    """Wait until the child detaches or ends."""
    words = b""
    while part := os.read(reading, 4_096):
        words += part
    return words


def _say(words: str) -> None:
    """Write to the terminal, if it is still there."""
    try:
        sys.stdout.write(words)
        sys.stdout.flush()
    except OSError as error:
        log.info("the terminal is gone: %s", error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a full disk takes nothing, and stops nothing
            stream.flush()
