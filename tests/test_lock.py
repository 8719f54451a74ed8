"""A lock is held by one engine, given back at its end, and never taken through a link."""

from pathlib import Path

import pytest

from mexc_tui.lock import EngineRuns, engine_lock
from mexc_tui.paths import Paths, PathsError


def paths(root: Path, profile: str) -> Paths:
    made = Paths(profile, root / "state" / profile, root / "config", root / f"{profile}.sock")
    made.state.mkdir(parents=True, exist_ok=True)
    return made


def test_one_account_has_one_engine_whatever_the_profiles(tmp_path: Path) -> None:
    one, two = paths(tmp_path, "one"), paths(tmp_path, "two")
    with engine_lock(one, "key-1"):
        with (
            pytest.raises(EngineRuns, match=r"same account runs .*process \d+"),
            engine_lock(two, "key-1"),
        ):
            pass
        with engine_lock(two, "key-2"):
            pass
    with engine_lock(two, "key-1"):
        pass


def test_without_an_account_only_the_profile_counts(tmp_path: Path) -> None:
    one, two = paths(tmp_path, "one"), paths(tmp_path, "two")
    with (
        engine_lock(one, ""),
        engine_lock(two, ""),
        pytest.raises(EngineRuns, match="of profile one runs already"),
        engine_lock(one, ""),
    ):
        pass


def test_the_key_is_in_no_file_and_no_file_s_name(tmp_path: Path) -> None:
    with engine_lock(paths(tmp_path, "one"), "mx0vCANARY"):
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        assert files
        assert not [file for file in files if "CANARY" in file.name or "CANARY" in file.read_text()]


def test_a_lock_that_is_a_link_or_a_folder_is_refused_in_plain_words(tmp_path: Path) -> None:
    one, two = paths(tmp_path, "one"), paths(tmp_path, "two")
    one.lock.symlink_to(tmp_path / "elsewhere")
    two.lock.mkdir()
    for place in (one, two):
        with pytest.raises(PathsError, match="Cannot open"), engine_lock(place, ""):
            pass
    assert not (tmp_path / "elsewhere").exists()
