"""Runs work in a child process that can detach from its terminal; the shell waits for the parent.

The child continues after the terminal is released or lost. The parent forwards signals, and restores the
terminal if the child is killed.
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

TERMINATING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGABRT)
"""Signals that end a process by default."""
INTERRUPTED = 128 + signal.SIGINT
INTERRUPTED_TEXT = "Start-up interrupted."
_FORWARDED = (*TERMINATING, signal.SIGTSTP, signal.SIGCONT)
"""The child may receive one twice, because a terminal signals both processes."""
_KILLED = 128
_RESTORED = b"\xff"
"""Message of a child that has restored the terminal and continues to use it.

After a detach the message is one byte, the exit code, and a text.
"""


class Signals:
    """Ending signals of a process, deferred until a handler is set."""

    def __init__(self) -> None:
        """Defer every signal from now on."""
        self._deferred: list[int] = []
        self._handle: Callable[[int], None] | None = None
        for number in TERMINATING:
            signal.signal(number, self._receive)

    def handle_with(self, handle: Callable[[int], None]) -> None:
        """Call `handle` in the main thread for each deferred signal and for each later one."""
        self._handle = handle
        deferred, self._deferred = self._deferred, []
        for number in deferred:
            handle(number)

    def defer(self) -> None:
        """Defer signals again until a handler is set."""
        self._handle = None

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._handle is None:
            self._deferred.append(number)
        else:
            self._handle(number)


class DetachedTerminal:
    """Terminal of the child. Standard output and error go to the log until `restore`."""

    def __init__(self, pipe: int, log_file: Path) -> None:
        """Redirect standard output and error to the log."""
        self._pipe = pipe
        self.log_file = LogFile(log_file)
        self._parent = os.getppid()
        self.signals = Signals()
        self.is_detached = False
        self.out = os.dup(1)
        _flush()
        self.log_file.follow(1, 2)

    @property
    def is_orphaned(self) -> bool:
        """Whether the parent was killed, so that the shell has the terminal."""
        return not self.is_detached and os.getppid() != self._parent

    def stop_parent(self) -> None:
        """Stop the parent, so that the shell takes the terminal; this process continues."""
        if not self.is_detached and not self.is_orphaned:
            os.kill(self._parent, signal.SIGSTOP)

    def detach(self, text: str, code: int = 0) -> None:
        """Release the terminal for good; the shell prints `text` and continues with exit code `code`."""
        if self.is_detached:
            return
        self.is_detached = True
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, self.out)  # later writes go nowhere
        os.close(nothing)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            os.write(self._pipe, bytes([code]) + text.encode("utf-8", "replace"))
        except BrokenPipeError:
            log.info("the shell no longer waits")
        os.close(self._pipe)

    def restore(self) -> None:
        """Redirect standard output and error to the terminal again, for the last message."""
        if not self.is_detached:
            _flush()
            self.log_file.leave()
            os.dup2(self.out, 1)
            os.dup2(self.out, 2)
            with suppress(BrokenPipeError):
                os.write(self._pipe, _RESTORED)


def run_detachable(
    work: Callable[[DetachedTerminal], int],
    log_file: Path,
    killed_text: Callable[[str], str],
    *,
    restoring: str = "",
) -> int:
    """Run `work` in a child and return its exit code, or the code it reported when it detached.

    Call it before any thread runs. It also returns in the child, after `work`. If the child fails or is
    killed, the terminal is restored: its attributes, then `restoring`, then the text of `killed_text`.
    """
    _flush()
    attributes = _attributes()
    reading, writing = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    child = os.fork()
    if not child:
        os.close(reading)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # until there is a screen
        terminal = DetachedTerminal(writing, log_file)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
        return work(terminal)
    _forward_signals(child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    os.close(writing)
    report = _wait_for_child(reading)
    if report not in (b"", _RESTORED):
        _write(report[1:].decode("utf-8", "replace") + "\n")
        return report[0]
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if not report:
        _restore(attributes, restoring)
        _write(_end_message(code, log_file, killed_text))
    return code if code >= 0 else _KILLED - code


def _forward_signals(child: int) -> None:
    def forward(number: int, _: FrameType | None) -> None:
        with suppress(ProcessLookupError):  # it has ended
            os.kill(child, number)

    for number in _FORWARDED:
        signal.signal(number, forward)


def _attributes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:  # no terminal
        return None


def _restore(attributes: list[Any] | None, text: str) -> None:
    if attributes is not None:
        with suppress(termios.error):  # the terminal is gone too
            termios.tcsetattr(0, termios.TCSANOW, attributes)
    _write(text)


def _end_message(code: int, log_file: Path, killed_text: Callable[[str], str]) -> str:
    if code in (-signal.SIGINT, INTERRUPTED):  # by the user, before an engine ran
        return f"{INTERRUPTED_TEXT}\n"
    return killed_text("was killed" if code < 0 else f"failed, see {log_file}") + "\n"


def _wait_for_child(reading: int) -> bytes:
    """Wait until the child detaches or ends."""
    report = b""
    while part := os.read(reading, 4_096):
        report += part
    return report


def _write(text: str) -> None:
    """Write to the terminal, if it is still there."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        log.info("the terminal is gone: %s", error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a full disk must not stop the process
            stream.flush()
