"""A lock is held by one engine, released at its end, and never acquired through a link."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mexc_tui.host.lock import EngineRuns, engine_lock
from mexc_tui.host.paths import Paths, PathsError

ONE, TWO = f"key 1 of {os.getpid()}", f"key 2 of {os.getpid()}"


def paths(root: Path, profile: str) -> Paths:
    made = Paths(profile, root / "state" / profile, root / "config", root / f"{profile}.sock")
    made.state.mkdir(parents=True, exist_ok=True)
    return made


def test_an_account_has_one_engine_across_profiles(tmp_path: Path) -> None:
    one, two = paths(tmp_path, "one"), paths(tmp_path, "two")
    with engine_lock(one, ONE):
        with (
            pytest.raises(EngineRuns, match=r"same account is already running .*process \d+"),
            engine_lock(two, ONE),
        ):
            pass
        with engine_lock(two, TWO):
            pass
    with engine_lock(two, ONE):
        pass


def test_without_an_account_only_the_profile_is_locked(tmp_path: Path) -> None:
    one, two = paths(tmp_path, "one"), paths(tmp_path, "two")
    with (
        engine_lock(one, ""),
        engine_lock(two, ""),
        pytest.raises(EngineRuns, match="of profile one is already running"),
        engine_lock(one, ""),
    ):
        pass


def test_no_file_or_file_name_contains_the_key(tmp_path: Path) -> None:
    with engine_lock(paths(tmp_path, "one"), "mx0vCANARY"):
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        assert files
        assert not [file for file in files if "CANARY" in file.name or "CANARY" in file.read_text()]


def test_a_lock_that_is_a_link_or_folder_is_refused(tmp_path: Path) -> None:
    one, two = paths(tmp_path, "one"), paths(tmp_path, "two")
    one.lock.symlink_to(tmp_path / "elsewhere")
    two.lock.mkdir()
    for place in (one, two):
        with pytest.raises(PathsError, match="Cannot open"), engine_lock(place, ""):
            pass
    assert not (tmp_path / "elsewhere").exists()


HOLD = """
import sys
from pathlib import Path
from mexc_tui.host.lock import engine_lock
from mexc_tui.host.paths import Paths
folder = Path(sys.argv[1])
folder.mkdir(parents=True)
with engine_lock(Paths("practice", folder, folder, folder / "s.sock"), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path, key: str) -> subprocess.Popen[str]:
    """Run a process that holds the lock, with its own folders and home."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder / "state"), key],
        env=os.environ | {"HOME": str(folder), "XDG_STATE_HOME": str(folder), "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_h4_a_second_engine_of_an_account_is_refused_for_any_home_and_state_folder(
    tmp_path: Path,
) -> None:
    key = f"key of {tmp_path}"
    first = holder(tmp_path / "one", key)
    try:
        first.send_signal(signal.SIGSTOP)  # a frozen engine holds it as well
        with (
            pytest.raises(EngineRuns, match=rf"same account is already running \(process {first.pid}\)"),
            engine_lock(paths(tmp_path / "two", "practice"), key),
        ):
            pass
    finally:
        first.kill()
        first.communicate(timeout=20)


def test_the_lock_of_a_killed_engine_is_released(tmp_path: Path) -> None:
    key = f"key of {tmp_path}"
    first = holder(tmp_path / "one", key)
    first.kill()
    first.communicate(timeout=20)
    with engine_lock(paths(tmp_path / "two", "practice"), key):
        pass
    assert not list(tmp_path.rglob("*account*"))


def test_a_full_disk_does_not_prevent_the_lock(tmp_path: Path) -> None:
    one = paths(tmp_path, "one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no file may grow: every write fails
    try:
        with (
            engine_lock(one, ONE),
            pytest.raises(EngineRuns, match="of profile one is already running"),
            engine_lock(one, ONE),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
