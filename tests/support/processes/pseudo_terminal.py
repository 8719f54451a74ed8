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
"""Approximate capacity in bytes of the terminal's output buffer."""
_NOT_OURS = ("NO_COLOR", "TMUX", "SSH_CONNECTION")
_CODES = re.compile(rb"\x1b(\[[0-9;?<>=$]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78cDEHM])")


def _as_a_login_shell() -> None:
    """Take the terminal and reset the usual signals, which `&` or `nohup` around the test run may ignore."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """A terminal with a program in its own session, as a login shell starts it."""

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
        """All bytes written by the program."""
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
        """Resize the terminal."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Type keys."""
        os.write(self.master, keys.encode())

    def hang_up(self) -> None:
        """Close the terminal, like a closed window or a lost connection."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def until(self, words: str, *, since: int = 0) -> int:
        """Read until these words appear after byte `since`; return the number of bytes read so far."""
        give_up_s = time.monotonic() + SOON_S
        while words not in self.text(since):
            left_s = give_up_s - time.monotonic()
            if left_s <= 0 or not self.read(left_s):
                raise AssertionError(f"{words!r} did not appear: {self.text(since)[-3_000:]!r}")
        return len(self.said)

    @property
    def is_full(self) -> bool:
        """Return whether the terminal accepts no more output because nothing is read."""
        waiting = fcntl.ioctl(self.master, termios.FIONREAD, bytes(4))
        return int.from_bytes(waiting, sys.byteorder) >= _HOLDS

    def read(self, wait_s: float) -> bool:
        """Read the output of this period; False: nothing arrived, or the program closed the terminal."""
        if not select.select([self.master], [], [], wait_s)[0]:
            return False
        try:
            part = os.read(self.master, 65_536)
        except OSError:
            return False
        self.said += part
        return bool(part)

    def text(self, since: int = 0) -> str:
        """Return the drawn text without colours and cursor movements."""
        return _CODES.sub(b"", self.said[since:]).decode("utf-8", "replace")

    def ended(self) -> int:
        """Wait until the program has ended; return its exit code."""
        give_up_s = time.monotonic() + SOON_S
        while self.process.poll() is None:
            assert time.monotonic() < give_up_s, self.text()[-3_000:]
            self.read(0.05)
        while self.read(0.05):
            pass
        return self.process.returncode
