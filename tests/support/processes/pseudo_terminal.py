"""A pseudo-terminal that runs a program, records its output and sends it keys."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

RUN = [sys.executable, "-m", "mexc_tui"]
SOON_S = 30.0
_HOLDS = 4_000
"""Bytes that a terminal has for its reader at most, or nearly so."""
_NOT_OURS = ("NO_COLOR", "TMUX", "SSH_CONNECTION")
_CODES = re.compile(rb"\x1b(\[[0-9;?<>=$]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78cDEHM])")


def _as_a_login_shell() -> None:
    """Take the terminal and the usual signals: what started the tests may ignore some (`&`, `nohup`)."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """One terminal with a program in a session of its own, as a login shell would give it."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *words: str,
        size: tuple[int, int] = (120, 40),
        run: Sequence[str] = RUN,
    ) -> None:
        self.master, slave = pty.openpty()
        self.resize(*size)
        self.said = b""
        """All bytes that the program wrote."""
        kept = {
            name: text for name, text in environ.items() if name not in ("NO_COLOR", "TMUX", "SSH_CONNECTION")
        }
        self.process = subprocess.Popen(
            [*run, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
            preexec_fn=_as_a_login_shell,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SOON_S)

    def resize(self, columns: int, lines: int) -> None:
        """Be another size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def hang_up(self) -> None:
        """Be gone, as a closed window or a dead line."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def until(self, words: str, *, since: int = 0) -> int:
        """Read until these words are drawn behind byte `since`; return how many bytes there are then."""
        give_up_s = time.monotonic() + SOON_S
        while words not in self.text(since):
            left_s = give_up_s - time.monotonic()
            if left_s <= 0 or not self.read(left_s):
                raise AssertionError(f"{words!r} did not come: {self.text(since)[-3_000:]!r}")
        return len(self.said)

    @property
    def is_full(self) -> bool:
        """Whether it takes nothing more: nobody reads what was written."""
        waiting = fcntl.ioctl(self.master, termios.FIONREAD, bytes(4))
        return int.from_bytes(waiting, sys.byteorder) >= _HOLDS

    def read(self, wait_s: float) -> bool:
        """Take what comes within a time; False: nothing came, or the program has closed the terminal."""
        if not select.select([self.master], [], [], wait_s)[0]:
            return False
        try:
            part = os.read(self.master, 65_536)
        except OSError:
            return False
        self.said += part
        return bool(part)

    def text(self, since: int = 0) -> str:
        """Return what was drawn, without colours and movements."""
        return _CODES.sub(b"", self.said[since:]).decode("utf-8", "replace")

    def ended(self) -> int:
        """Wait until the program that the shell waits for has ended; return its exit code."""
        give_up_s = time.monotonic() + SOON_S
        while self.process.poll() is None:
            assert time.monotonic() < give_up_s, self.text()[-3_000:]
            self.read(0.05)
        while self.read(0.05):
            pass
        return self.process.returncode
