"""A profile's files follow the XDG specification, in folders of the user."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.host.folders import make_folders
from mexc_tui.host.paths import Paths, PathsError, check_profile, check_socket, paths_of

HOME = {"HOME": "/home/ada"}


def test_named_folders_are_used() -> None:
    environ = {"XDG_STATE_HOME": "/s", "XDG_CONFIG_HOME": "/c", "XDG_RUNTIME_DIR": "/run/user/1"}
    paths = paths_of("live", environ)
    assert paths == Paths(
        "live", Path("/s/mexc-tui/live"), Path("/c/mexc-tui"), Path("/run/user/1/mexc-tui/live.sock")
    )
    assert paths.settings == Path("/c/mexc-tui/settings.toml")
    assert paths.themes == Path("/c/mexc-tui/themes")
    assert {paths.store.parent, paths.lock.parent, paths.log.parent} == {paths.state}


def test_without_xdg_folders_home_is_used_and_the_socket_is_in_the_state_folder() -> None:
    paths = paths_of("practice", HOME)
    assert paths.state == Path("/home/ada/.local/state/mexc-tui/practice")
    assert paths.config == Path("/home/ada/.config/mexc-tui")
    assert paths.socket == paths.state / "practice.sock"


def test_relative_folders_are_ignored() -> None:
    assert paths_of("live", HOME | {"XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": ""}) == paths_of(
        "live", HOME
    )


def test_two_profiles_share_only_settings() -> None:
    one, two = paths_of("practice", HOME), paths_of("live", HOME)
    assert one.settings == two.settings
    assert {one.store, one.lock, one.socket, one.log}.isdisjoint({two.store, two.lock, two.socket, two.log})


def test_without_a_home_the_refusal_names_the_variables_to_set() -> None:
    with pytest.raises(PathsError, match="XDG_STATE_HOME nor HOME"):
        paths_of("live", {})


def test_a_socket_path_that_is_too_long_is_refused_before_it_is_bound() -> None:
    place = paths_of("live", HOME | {"XDG_RUNTIME_DIR": "/" + "r" * 90})
    with pytest.raises(PathsError, match="at most 103"):
        check_socket(place)


@pytest.mark.parametrize("name", ["practice", "live-2", "0", "a" * 32, "my_own"])
def test_plain_profile_names_are_accepted(name: str) -> None:
    assert check_profile(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "A", "-x", "a" * 33, "a b", "a\n", "é", "a.sock", "\x1b[2J"]
)
def test_profile_names_that_could_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(PathsError, match="is not a profile name"):
        check_profile(name)


@given(st.text())
def test_no_profile_name_leaves_the_folder_of_the_application(name: str) -> None:
    try:
        state = paths_of(name, HOME).state
    except PathsError:
        return
    assert state.parent == Path("/home/ada/.local/state/mexc-tui")


def private_paths(root: Path) -> Paths:
    return Paths("live", root / "state/live", root / "config", root / "run/live.sock")


def test_folders_are_created_for_this_user_only(tmp_path: Path) -> None:
    paths = private_paths(tmp_path)
    make_folders(paths)
    make_folders(paths)
    modes = [folder.stat().st_mode & 0o777 for folder in (paths.state, paths.socket.parent)]
    assert modes == [0o700, 0o700]
    assert paths.config.is_dir()


def test_a_state_folder_that_others_can_read_is_refused_with_the_fix(tmp_path: Path) -> None:
    paths = private_paths(tmp_path)
    paths.state.mkdir(parents=True)
    paths.state.chmod(0o750)
    with pytest.raises(PathsError, match="chmod 700"):
        make_folders(paths)


def test_a_state_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    paths = private_paths(tmp_path)
    paths.state.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o700)
    paths.state.symlink_to(elsewhere)
    with pytest.raises(PathsError, match="not a regular folder"):
        make_folders(paths)


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    paths = private_paths(tmp_path)
    (tmp_path / "state").write_text("")
    with pytest.raises(PathsError, match=str(paths.state)):
        make_folders(paths)
