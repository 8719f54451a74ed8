"""Log file of bounded size, in parts. Writes never raise: lines wait in memory while the disk fails."""

import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from mexc_tui.host.logs.repeats import moment

PRIVATE = 0o600
PARTS = 4
"""The file itself and older parts; engine.log.1 is the newest of those."""
MAX_BYTES = 8 * 1024 * 1024
MAX_WAITING_LINES = 500
MAX_WAITING_CHARACTERS = 128 * 1024
"""Maximum characters that wait in memory while the file cannot be written."""


class LogSink(Protocol):
    """Destination of log lines."""

    def write(self, line: str, at_s: float) -> None:
        """Write a line that ends with a newline, logged at a Unix time. Never raises."""
        ...


class _Waiting:
    """Lines that could not be written, the newest `MAX_WAITING_LINES` of them."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=MAX_WAITING_LINES)
        self._missed = 0
        self._first_s = self._last_s = 0.0
        self._reason = ""

    def add(self, line: str, at_s: float, error: OSError) -> None:
        self._first_s = self._first_s if self._missed else at_s
        self._missed += 1
        self._last_s = at_s
        self._reason = error.strerror or type(error).__name__
        self.lines.append(line)
        while sum(map(len, self.lines)) > MAX_WAITING_CHARACTERS:
            self.lines.popleft()

    def text(self) -> str:
        """Return the waiting lines with a summary; empty: none."""
        if not self._missed:
            return ""
        span = f"from {moment(self._first_s)} to {moment(self._last_s)}"
        lost = self._missed - len(self.lines)
        rest = f", the first {lost} are lost" if lost else ""
        head = f"{moment(self._last_s)} WARNING log: {self._missed} lines could not be written {span} "
        return f"{head}({self._reason}){rest}; they follow\n{''.join(self.lines)}"

    def clear(self) -> None:
        self.lines.clear()
        self._missed = 0


class LogStream:
    """Standard error, or another open descriptor without a size limit here."""

    def __init__(self, descriptor: int) -> None:
        """Write to an open descriptor."""
        self._descriptor = descriptor
        self._waiting = _Waiting()

    def write(self, line: str, at_s: float) -> None:
        """Write the waiting lines, then this one. Never raises."""
        try:
            _write_all(self._descriptor, _encoded(self._waiting.text() + line))
        except OSError as error:
            self._waiting.add(line, at_s, error)
        else:
            self._waiting.clear()


class LogFile:
    """One file and its older parts, together of at most `max_bytes`. Descriptors may follow it."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        """Open nothing yet."""
        self.path = path
        self.max_bytes = max_bytes
        self._descriptor: int | None = None
        self._followers: tuple[int, ...] = ()
        self._waiting = _Waiting()

    def write(self, line: str, at_s: float) -> None:
        """Write the waiting lines, then this one. Never raises."""
        content = _encoded(self._waiting.text() + line)
        try:
            _write_all(self._ready(len(content)), content)
        except OSError as error:
            self._waiting.add(line, at_s, error)
        else:
            self._waiting.clear()

    def follow(self, *descriptors: int) -> None:
        """Let descriptors such as 1 and 2 write into the file, also after it was rotated."""
        self._followers = descriptors
        try:
            descriptor = self._ready(0)
        except OSError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            self._redirect(nothing)
            os.close(nothing)
        else:
            self._redirect(descriptor)

    def leave(self) -> None:
        """Stop redirecting the descriptors."""
        self._followers = ()

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    # ---- the file

    def _ready(self, size: int) -> int:
        """Return the open file with room for this many bytes. Raises OSError."""
        descriptor = self._current()
        part_bytes = self.max_bytes // PARTS
        written = os.fstat(descriptor).st_size
        if written and written + size > part_bytes:
            self._rotate(descriptor, written, part_bytes)
            descriptor = self._current()
        return descriptor

    def _current(self) -> int:
        """Return the file that is at the path now: it may have been moved or deleted."""
        if self._descriptor is not None:
            with suppress(OSError):
                if os.path.samestat(os.fstat(self._descriptor), os.stat(self.path)):
                    return self._descriptor
            self.close()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = descriptor = os.open(self.path, flags, PRIVATE)
        self._redirect(descriptor)
        return descriptor

    def _rotate(self, descriptor: int, written: int, part_bytes: int) -> None:
        """Rotate: move each part to the next number, drop the last one, start a new file."""
        try:
            for number in range(PARTS - 1, 1, -1):
                with suppress(FileNotFoundError):
                    self._part(number - 1).replace(self._part(number))
            self.path.replace(self._part(1))
        except OSError:  # the folder is not writable: the size limit has priority
            os.ftruncate(descriptor, 0)
            return
        if written > 2 * part_bytes:  # written without a size limit before
            _cut_front(self._part(1), written - part_bytes)
        self.close()

    def _part(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _redirect(self, descriptor: int) -> None:
        for follower in self._followers:
            os.dup2(descriptor, follower)


def _cut_front(file: Path, size: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(size)
        kept = opened.read()
        opened.seek(0)
        opened.write(kept)
        opened.truncate()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
