"""Log handler with its own thread, so that a slow disk or a full pipe never delays the engine."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from mexc_tui.host.logs.file import LogFile, LogSink
from mexc_tui.host.logs.journal import stderr_sink
from mexc_tui.host.logs.redaction import Redactor
from mexc_tui.host.logs.repeats import Message, MessageOrigin, Repeats, moment
from mexc_tui.model.credentials import Secret

log = logging.getLogger(__name__)

MAX_WAITING = 5_000
MAX_LINE = 16_384
LONGEST_SECRET = 4_096
FLUSH_S = 2.0
MB = 1024 * 1024

_redactor = Redactor()
"""Removes secrets, and what looks like one, from everything that this process logs."""


class LogWriter:
    """Collapses repeated messages and writes the others to each sink. For use by one thread."""

    def __init__(self, sinks: Sequence[LogSink]) -> None:
        """Write nothing yet."""
        self.sinks = tuple(sinks)
        self._repeats = Repeats()

    def add(self, message: Message, now_s: float) -> None:
        """Write a message or count it, after the summaries that are due."""
        self.tick(now_s)
        if self._repeats.record(message, now_s):
            self._write(message)

    def tick(self, now_s: float) -> None:
        """Write the summaries that are due."""
        for summary in self._repeats.due(now_s):
            self._write(summary)

    def next_s(self) -> float | None:
        """Return the time of the next summary; None: none is pending."""
        return self._repeats.next_s()

    def end(self) -> None:
        """Write a summary of all counted messages."""
        for summary in self._repeats.end():
            self._write(summary)

    def _write(self, message: Message) -> None:
        kind = message.kind
        lines = f"{moment(message.at_s)} {kind.level} {kind.logger}: {message.text}{message.detail}"
        # Cut twice: no secret at the end is cut before it is found, and a huge message costs no time.
        lines = _redactor.clean(lines[: MAX_LINE + LONGEST_SECRET])[:MAX_LINE]
        for sink in self.sinks:
            sink.write(f"{lines}\n", message.at_s)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A marker in the queue that a caller waits for."""

    is_end: bool
    reached: threading.Event = field(default_factory=threading.Event)


class QueuedHandler(logging.Handler):
    """Log handler whose caller never waits. Its thread starts with the first message."""

    def __init__(self, sinks: Sequence[LogSink], monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic`: a clock that never steps, in seconds."""
        super().__init__(logging.WARNING)
        self._writer = LogWriter(sinks)
        self._monotonic = monotonic
        self._waiting: SimpleQueue[Message | _Mark] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._dropped = 0

    @property
    def sinks(self) -> tuple[LogSink, ...]:
        """Return the destinations."""
        return self._writer.sinks

    def add(self, sink: LogSink) -> None:
        """Write to another sink, too."""
        self._writer.sinks = (*self._writer.sinks, sink)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a message for the thread; drop and count it if the queue is full."""
        if self._waiting.qsize() >= MAX_WAITING:
            self._dropped += 1
            return
        try:
            self._waiting.put(message_of(record))
        except Exception as error:  # an error in a log call must not reach its caller
            self._waiting.put(
                Message(_kind(record), record.created, f"{record.msg!r}: {type(error).__name__}")
            )
        self._start()

    def flush(self) -> None:
        """Wait until all messages so far are written, at most two seconds."""
        self._wait_for(_Mark(is_end=False))

    def close(self) -> None:
        """Write all messages, with a summary of the counted ones."""
        self._wait_for(_Mark(is_end=True))
        super().close()

    def _wait_for(self, mark: "_Mark") -> None:
        if self._thread is not None and self._thread.is_alive():
            self._waiting.put(mark)
            mark.reached.wait(FLUSH_S)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            next_s = self._writer.next_s()
            timeout_s = None if next_s is None else max(next_s - self._monotonic(), 0.0)
            try:
                found = self._waiting.get(timeout=timeout_s)
            except Empty:
                self._writer.tick(self._monotonic())
                continue
            self._process(found)

    def _process(self, found: "Message | _Mark") -> None:
        if isinstance(found, Message):
            self._writer.add(found, self._monotonic())
            self._report_dropped(found.at_s)
            return
        self._writer.tick(self._monotonic())
        if found.is_end:
            self._writer.end()
        found.reached.set()

    def _report_dropped(self, at_s: float) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            kind = MessageOrigin("log", "WARNING", "dropped", 0)
            text = f"{dropped} messages dropped: {MAX_WAITING} were waiting to be written"
            self._writer.add(Message(kind, at_s, text), self._monotonic())


def log_to(*sinks: LogSink) -> QueuedHandler:
    """Log warnings and errors to these sinks, including uncaught exceptions of any thread."""
    handler = QueuedHandler(sinks)
    root = logging.getLogger()
    for old in _handlers():
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_thread
    return handler


def log_to_stderr(environ: Mapping[str, str]) -> QueuedHandler:
    """Write the log to standard error, or to systemd's journal if standard error is connected to it."""
    return log_to(stderr_sink(environ))


def hide_in_logs(*secrets: Secret) -> None:
    """Remove these secrets from every later message, in any usual encoding."""
    _redactor.add(secrets)


def add_log_file(path: Path) -> None:
    """Also log to a file; an existing log file stays the only one."""
    for handler in _handlers():
        if not any(isinstance(sink, LogFile) for sink in handler.sinks):
            handler.add(LogFile(path))


def limit_log(max_mb: int) -> None:
    """Limit the log's files to this many megabytes in total."""
    for handler in _handlers():
        for sink in handler.sinks:
            if isinstance(sink, LogFile):
                sink.max_bytes = max_mb * MB


def _handlers() -> list[QueuedHandler]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, QueuedHandler)]


def _log_unraisable(found: "sys.UnraisableHookArgs") -> None:
    error = found.exc_value
    log.error("%s", found.err_msg or "an exception was ignored", exc_info=error)


def _log_thread(found: threading.ExceptHookArgs) -> None:
    name = "a thread" if found.thread is None else found.thread.name
    log.error("%s failed", name, exc_info=found.exc_value)


def message_of(record: logging.LogRecord) -> Message:
    """Return a record as a message, its traceback below it."""
    detail = ""
    if record.exc_info and record.exc_info[0] is not None:
        detail = "\n" + logging.Formatter().formatException(record.exc_info)
    return Message(_kind(record), record.created, record.getMessage(), detail)


def _kind(record: logging.LogRecord) -> MessageOrigin:
    return MessageOrigin(record.name, record.levelname, str(record.msg)[:200], record.lineno)
