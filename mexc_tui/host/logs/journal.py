"""Log sink of systemd's journal: one entry per message, with priority and logger (systemd-journald(8))."""

import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress

from mexc_tui.host.logs.file import LogSink, LogStream

ADDRESS = "/run/systemd/journal/socket"
IDENTIFIER = "mexc-tui"
PRIORITIES = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "INFO": 6, "DEBUG": 7}
"""Of syslog."""
_LINE = re.compile(r"\S+ ([A-Z]+) (\S+?): (.*)", re.DOTALL)


class JournalSink:
    """Sends messages to the journal; a message that cannot be sent goes to standard error."""

    def __init__(self, address: str = ADDRESS, fallback: LogSink | None = None) -> None:
        """`address`: datagram socket of the journal. `fallback`: None: standard error."""
        self._address = address
        self._fallback = fallback or LogStream(2)

    def write(self, line: str, at_s: float) -> None:
        """Send one message with the lines below it. Never raises."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
                connection.sendto(entry(line), self._address)
        except OSError:
            self._fallback.write(line, at_s)


def entry(line: str) -> bytes:
    """Return a line of the log in the journal's format. The journal adds the time itself."""
    found = _LINE.fullmatch(line.rstrip("\n"))
    level, logger, text = ("WARNING", "log", line.rstrip("\n")) if found is None else found.groups()
    fields = {
        "PRIORITY": str(PRIORITIES.get(level, PRIORITIES["WARNING"])),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "MEXC_TUI_LOGGER": logger,
        "MESSAGE": f"{logger}: {text}",
    }
    return b"".join(_field(name, value.encode("utf-8", "replace")) for name, value in fields.items())


def _field(name: str, value: bytes) -> bytes:
    """Return a field with its length before it, so that it may hold line ends."""
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


def stderr_sink(environ: Mapping[str, str]) -> LogSink:
    """Return the sink for messages on standard error: the journal if it is connected to it."""
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    with suppress(OSError):
        found = os.fstat(2)
        if (device, inode) == (str(found.st_dev), str(found.st_ino)):
            return JournalSink()
    return LogStream(2)
