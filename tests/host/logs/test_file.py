"""The log file is bounded and survives a full disk."""

import os
import subprocess
import sys
from pathlib import Path

from mexc_tui.host.logs.file import MAX_WAITING_LINES, PARTS, LogFile, LogStream

FULL = Path("/dev/full")


def everything(log: Path) -> str:
    parts = [log.with_name(f"{log.name}.{number}") for number in range(PARTS, 0, -1)]
    return "".join(part.read_text() for part in (*parts, log) if part.exists())


def test_all_parts_stay_below_the_size_limit_and_contain_the_newest_lines(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    file = LogFile(log, max_bytes=40_000)
    for number in range(5_000):
        file.write(f"line {number:05d} {'x' * 60}\n", number)
    sizes = [one.stat().st_size for one in tmp_path.iterdir()]
    assert len(sizes) == PARTS
    assert 25_000 < sum(sizes) <= 40_000
    lines = everything(log).splitlines()
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == list(range(5_000 - len(lines), 5_000))
    assert {one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {0o600}


def test_an_oversized_log_of_an_older_version_is_cut_to_its_newest_part(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text("".join(f"old {number:06d}\n" for number in range(100_000)))
    LogFile(log, max_bytes=40_000).write("new\n", 1)
    assert log.read_text() == "new\n"
    assert (tmp_path / "engine.log.1").read_text().endswith("old 099999\n")
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) <= 40_000


def test_a_full_disk_loses_no_line_that_fits_in_memory(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.symlink_to(FULL)
    file = LogFile(log)
    for number in range(MAX_WAITING_LINES + 20):
        file.write(f"line {number}\n", number)
    log.unlink()  # the disk accepts writes again
    file.write("after\n", 999)
    head, *lines = log.read_text().splitlines()
    assert "520 lines could not be written from 1970-01-01T00:00:00.000Z to 1970-01-01T00:08:39.000Z" in head
    assert "(No space left on device), the first 20 are lost" in head
    assert lines == [f"line {number}" for number in range(20, MAX_WAITING_LINES + 20)] + ["after"]


def test_a_missing_or_read_only_folder_raises_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    file = LogFile(folder / "engine.log", max_bytes=4_000)
    file.write("early\n", 1)
    folder.mkdir()
    file.write("late\n", 2)
    assert (folder / "engine.log").read_text().endswith("they follow\nearly\nlate\n")


def test_a_moved_or_deleted_log_is_created_again(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    file = LogFile(log)
    file.write("one\n", 1)
    log.rename(tmp_path / "engine.log.old")
    file.write("two\n", 2)
    log.unlink()
    file.write("three\n", 3)
    assert log.read_text() == "three\n"
    assert (tmp_path / "engine.log.old").read_text() == "one\n"


def test_standard_error_follows_the_file_through_rotations(tmp_path: Path) -> None:
    """Check in a separate process whose descriptors 1 and 2 follow the log."""
    log = tmp_path / "engine.log"
    program = f"""
import os
from pathlib import Path
from mexc_tui.host.logs.file import LogFile
file = LogFile(Path({str(log)!r}), max_bytes=40_000)
file.follow(1, 2)
for number in range(1_000):
    file.write("x" * 80 + "\\n", number)
os.write(2, b"written to standard error\\n")
os.write(1, b"written to standard output\\n")
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ}, timeout=60)
    assert log.read_text().endswith("written to standard error\nwritten to standard output\n")
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) <= 41_000


def test_a_full_standard_error_raises_nothing(tmp_path: Path) -> None:
    descriptor = os.open(FULL, os.O_WRONLY)
    stream = LogStream(descriptor)
    for number in range(2 * MAX_WAITING_LINES):
        stream.write(f"line {number}\n", number)
    target = tmp_path / "taken"
    opened = os.open(target, os.O_WRONLY | os.O_CREAT)
    os.dup2(opened, descriptor)
    stream.write("after\n", 2_000)
    os.close(descriptor)
    os.close(opened)
    assert len(target.read_text().splitlines()) == MAX_WAITING_LINES + 2


def test_waiting_long_lines_are_bounded_too(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "missing" / "engine.log", max_bytes=1024 * 1024)
    for number in range(300):
        file.write("x" * 16_000 + "\n", number)
    (tmp_path / "missing").mkdir()
    file.write("after\n", 999)
    assert (tmp_path / "missing" / "engine.log").stat().st_size < 256 * 1024
