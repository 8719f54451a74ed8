"""Leftover files of ended engines are deleted; files in use stay."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mexc_tui.host.leftovers import OLD_MS, delete_leftovers, delete_unused_lock
from mexc_tui.host.lock import EngineRuns, locked_file
from mexc_tui.host.paths import Paths

NOW_MS = time.time_ns() // 1_000_000
OLD_S = (NOW_MS - 2 * OLD_MS) / 1_000


def paths(root: Path) -> Paths:
    made = Paths("mine", root / "state" / "mine", root / "config", root / "run" / "mine.sock")
    made.state.mkdir(parents=True)
    made.socket.parent.mkdir()
    return made


def socket_at(path: Path, *, is_old: bool) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    if is_old:
        os.utime(path, (OLD_S, OLD_S))
    return made


def test_unused_account_locks_are_deleted_and_held_ones_kept(tmp_path: Path) -> None:
    mine = paths(tmp_path)
    locks = [mine.state.parent / f"account-{number:016x}.lock" for number in range(54)]
    for lock in locks:
        lock.write_text("1234\n")
    other = mine.state.parent / "account-of-mine.lock"
    other.touch()
    with locked_file(locks[7], "held", "stop it"):
        assert delete_leftovers(mine, NOW_MS) == 53
        assert locks[7].exists()
    assert other.exists()
    assert delete_leftovers(mine, NOW_MS) == 1


def test_a_process_waiting_for_a_deleted_lock_file_creates_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "account.lock"
    file.touch()
    stale = os.open(file, os.O_RDWR)
    assert delete_unused_lock(file)
    with locked_file(
        file, "held", "stop it"
    ):  # a process that opened the deleted file does not hold the lock
        assert os.stat(file).st_ino != os.fstat(stale).st_ino
        with pytest.raises(EngineRuns), locked_file(file, "held", "stop it"):
            pass
        assert not delete_unused_lock(file)
    os.close(stale)


def test_concurrent_locking_and_deletion_never_admits_two_holders(tmp_path: Path) -> None:
    """Processes that take, hold and delete one lock; each records the current holder."""
    program = f"""
import os, sys
from pathlib import Path
from mexc_tui.host.leftovers import delete_unused_lock
from mexc_tui.host.lock import EngineRuns, locked_file
file, inside = Path({str(tmp_path / "account.lock")!r}), Path({str(tmp_path / "inside")!r})
entered = 0
while entered < 150:
    delete_unused_lock(file)
    try:
        with locked_file(file, "held", "stop it"):
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            entered += 1
            inside.unlink()
            if entered % 2:
                file.unlink()
    except EngineRuns:
        pass
"""
    running = [
        subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for one in running:
        _, complained = one.communicate(timeout=100)
        assert one.returncode == 0, complained


def test_unserved_sockets_are_deleted_after_a_day(tmp_path: Path) -> None:
    mine = paths(tmp_path)
    folder = mine.socket.parent
    stale, young, served = (folder / f"{name}.sock" for name in ("stale", "young", "served"))
    socket_at(stale, is_old=True).close()
    socket_at(young, is_old=False).close()
    (folder / "file.sock").touch()
    os.utime(folder / "file.sock", (OLD_S, OLD_S))
    with socket_at(served, is_old=True) as listening, socket_at(mine.socket, is_old=True):
        listening.listen()
        assert delete_leftovers(mine, NOW_MS) == 1
    assert sorted(one.name for one in folder.iterdir()) == [
        "file.sock",
        "mine.sock",
        "served.sock",
        "young.sock",
    ]


def test_partial_files_are_deleted_after_a_day(tmp_path: Path) -> None:
    mine = paths(tmp_path)
    names = ["halt.123", "ban.77", "listen-keys.5", "practice_day.9", "halt.json", "instance", "desk.sqlite3"]
    for name in [*names, "halt.124"]:
        (mine.state / name).touch()
    for name in names:
        os.utime(mine.state / name, (OLD_S, OLD_S))
    assert delete_leftovers(mine, NOW_MS) == 4
    assert {one.name for one in mine.state.iterdir()} == {"halt.json", "instance", "desk.sqlite3", "halt.124"}


def test_missing_folders_are_no_error(tmp_path: Path) -> None:
    gone = Paths("mine", tmp_path / "no" / "mine", tmp_path / "c", tmp_path / "none" / "mine.sock")
    assert delete_leftovers(gone, NOW_MS) == 0
