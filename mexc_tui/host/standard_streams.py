"""Standard streams of this process that work when closed, full or without a reader.

A command completes whether its output can be written or not: lost output is recorded and reported at the end.
Commands that only print stop as soon as `check_output` raises.
"""

import errno
import io
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from mexc_tui.model.errors import DeskError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

INPUT, OUTPUT, ERROR = 0, 1, 2


class OutputLost(DeskError):
    """Standard output can no longer be written.

    Raised by commands that write. End the command: its output has no reader.
    """


class _Output(io.RawIOBase):
    """File descriptor whose writes never fail; the first error is recorded."""

    def __init__(self, descriptor: int, problem: OSError | None = None) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.problem = problem
        self.was_written = False

    def write(self, data: "ReadableBuffer", /) -> int | None:
        self.was_written = True
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return None
        except OSError as error:
            self.problem = self.problem or error
            return memoryview(data).nbytes

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


_installed: dict[int, _Output] = {}


def prepare() -> None:
    """Make every standard stream usable; a closed one is replaced, so that no later file takes its number.

    Streams replaced by a caller, as in tests, stay unchanged.
    """
    closed = [number for number in (INPUT, OUTPUT, ERROR) if _is_closed(number)]
    for number in closed:
        nothing = os.open(os.devnull, os.O_RDWR)
        if nothing != number:
            os.dup2(nothing, number)
            os.close(nothing)
    if INPUT in closed:
        sys.stdin = _text(io.BufferedReader(io.FileIO(INPUT, closefd=False)))
    else:
        _tolerate(sys.stdin)
    sys.stdout = _safe(sys.stdout, OUTPUT, is_closed=OUTPUT in closed)
    sys.stderr = _safe(sys.stderr, ERROR, is_closed=ERROR in closed)


def check_output() -> None:
    """Raise OutputLost if standard output can no longer be written."""
    output = _installed.get(OUTPUT)
    if output is not None and output.problem is not None:
        raise OutputLost


def os_error_text(error: Exception) -> str:
    """Return an operating system error as text, with its file."""
    if isinstance(error, UnicodeError):
        return "A name or path is not valid UTF-8."
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.strerror}: {error.filename}." if error.filename else f"{error.strerror}."


def is_output_complete() -> bool:
    """Whether all output so far was written."""
    sys.stdout.flush()
    output = _installed.get(OUTPUT)
    return output is None or output.problem is None


def output_problem() -> str:
    """Flush the output; return the problem, empty if all was written or there is no reader."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    output = _installed.get(OUTPUT)
    if output is None or output.problem is None or not output.was_written:
        return ""
    return "" if output.problem.errno == errno.EPIPE else output.problem.strerror or str(output.problem)


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _safe(stream: TextIO | None, number: int, *, is_closed: bool) -> TextIO:
    """Return a stream whose writes never fail."""
    if is_closed or stream is None:
        problem = OSError(errno.EBADF, "it is closed")
        encoding, line_buffering = "utf-8", False
    elif number in _installed or _fileno(stream) != number:
        _tolerate(stream)
        return stream
    else:
        problem = None
        encoding, line_buffering = stream.encoding, bool(stream.line_buffering)
        stream.flush()
    output = _installed[number] = _Output(number, problem)
    return _text(io.BufferedWriter(output), encoding, line_buffering or number == ERROR)


def _text(
    stream: "io.BufferedReader | io.BufferedWriter", encoding: str = "utf-8", line_buffering: bool = False
) -> TextIO:
    """Return a text stream; characters that cannot be encoded become question marks."""
    return TextIOWrapper(stream, encoding, errors="replace", line_buffering=line_buffering)


def _tolerate(stream: TextIO) -> None:
    """Make a stream replace characters that it cannot decode or encode."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")


def _fileno(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except OSError:
        return None
