"""Messages in systemd's journal: complete, with priority and logger; without a journal on standard error."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mexc_tui.host.logs.file import LogStream
from mexc_tui.host.logs.journal import JournalSink, entry, stderr_sink

LINE = "2026-12-01T10:00:00.000Z ERROR mexc_tui.store: it failed: really\nTraceback:\n  PRIORITY=0\n"


class RecordingSink:
    """Records the lines written to it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str, at_s: float) -> None:
        self.lines.append(line)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "journal"))
        server.settimeout(5)
        yield server


def fields(data: bytes) -> dict[str, str]:
    """Read an entry as journald does: a name, the length of its value, the value."""
    found = dict[str, str]()
    while data:
        name, _, rest = data.partition(b"\n")
        size = int.from_bytes(rest[:8], "little")
        assert rest[8 + size : 9 + size] == b"\n"
        found[name.decode()] = rest[8 : 8 + size].decode()
        data = rest[9 + size :]
    return found


def test_a_message_is_one_entry_with_its_traceback(journal: socket.socket, tmp_path: Path) -> None:
    JournalSink(str(tmp_path / "journal")).write(LINE, 1.0)
    assert fields(journal.recv(65_536)) == {
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "mexc-tui",
        "MEXC_TUI_LOGGER": "mexc_tui.store",
        "MESSAGE": "mexc_tui.store: it failed: really\nTraceback:\n  PRIORITY=0",
    }


@pytest.mark.parametrize(
    ("line", "priority", "message"),
    [
        ("t WARNING a.b: slow\n", "4", "a.b: slow"),
        ("t CRITICAL a: \ud800 odd\n", "2", "a: ? odd"),
        ("without a form\n", "4", "log: without a form"),
        ("\n", "4", "log: "),
    ],
)
def test_every_line_has_a_priority(line: str, priority: str, message: str) -> None:
    found = fields(entry(line))
    assert (found["PRIORITY"], found["MESSAGE"]) == (priority, message)


def test_without_a_journal_the_line_goes_to_the_fallback(tmp_path: Path) -> None:
    fallback = RecordingSink()
    JournalSink(str(tmp_path / "none"), fallback).write(LINE, 1.0)
    assert fallback.lines == [LINE]


@pytest.mark.usefixtures("journal")
def test_a_message_that_is_too_large_for_the_journal_is_not_lost(tmp_path: Path) -> None:
    fallback, line = RecordingSink(), "t ERROR a: " + "x" * 8_000_000
    JournalSink(str(tmp_path / "journal"), fallback).write(line, 1.0)
    assert fallback.lines == [line]


def test_the_journal_is_used_only_if_standard_error_is_connected_to_it() -> None:
    found = os.fstat(2)
    connected = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
    assert isinstance(stderr_sink(connected), JournalSink)
    for environ in ({}, {"JOURNAL_STREAM": "1:1"}, {"JOURNAL_STREAM": "nonsense"}):
        assert isinstance(stderr_sink(environ), LogStream)
