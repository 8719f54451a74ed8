"""The log lines of a bundle: those of its period that name the snipe, and errors with their tracebacks."""

from pathlib import Path

from mexc_tui.export.log_lines import lines_about, log_parts, read_lines

LOG = """\
2026-12-01T10:00:00.000Z WARNING a: NEWUSDT too early
2026-12-01T11:00:00.000Z WARNING a: NEWUSDT armed
2026-12-01T11:00:01.000Z WARNING a: OTHERUSDT armed
2026-12-01T11:00:02.000Z ERROR b: it failed
Traceback (most recent call last):
  boom
2026-12-01T11:00:03.000Z WARNING a: OTHERUSDT again
2026-12-01T12:00:00.000Z WARNING a: NEWUSDT too late"""
FROM_MS, TO_MS = 1_796_121_000_000, 1_796_124_600_000
"""10:30 and 11:30."""


def test_lines_of_the_period_that_name_the_snipe_and_errors_are_kept() -> None:
    found = lines_about(LOG.splitlines(), frozenset({"NEWUSDT"}), FROM_MS, to_ms=TO_MS)
    assert [line.partition(": ")[2] or line for line in found] == [
        "NEWUSDT armed",
        "it failed",
        "Traceback (most recent call last):",
        "  boom",
    ]


def test_the_parts_of_a_log_are_read_oldest_first(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    for number, name in enumerate(("engine.log.2", "engine.log.1", "engine.log")):
        (tmp_path / name).write_bytes(b"line %d \xff\n" % number)
    assert [line[:6] for line in read_lines(log_parts(log))] == ["line 0", "line 1", "line 2"]
    assert log_parts(tmp_path / "none.log") == []
