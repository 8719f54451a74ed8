"""Emergency commands work without settings, without a runtime folder and with an unresponsive engine."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mexc_tui.cli.engine_access import EngineAccess
from mexc_tui.cli.profile_access import ProfileAccess
from mexc_tui.desk import engine_requests
from mexc_tui.desk.api_types import EngineSilent
from mexc_tui.host.folders import make_folders
from mexc_tui.host.lock import engine_lock
from mexc_tui.host.paths import PathsError, paths_of
from mexc_tui.settings.load import SettingsError
from tests.support.processes.engine_and_exchange import DeskProcesses, desk, environment, stop_engine

pytestmark = pytest.mark.timeout(180)  # runs processes

__all__ = ["desk"]


def environ(folder: Path, runtime: str = "r") -> dict[str, str]:
    return {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / runtime)}


def break_settings(folder: Path) -> None:
    file = paths_of("any", environ(folder)).settings
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("no_such_setting = 1\nmode = \n")


def test_unreadable_settings_are_ignored_in_an_emergency_only(tmp_path: Path) -> None:
    break_settings(tmp_path)
    with pytest.raises(SettingsError):
        ProfileAccess(None, None, environ(tmp_path))
    profile = ProfileAccess(None, None, environ(tmp_path), is_emergency=True)
    assert profile.paths.profile == "practice"
    assert profile.ignored_error


def test_without_settings_the_profile_of_the_running_engine_is_used(tmp_path: Path) -> None:
    break_settings(tmp_path)
    place = paths_of("mine", environ(tmp_path))
    place.state.mkdir(parents=True)
    with engine_lock(place, ""):
        assert ProfileAccess(None, None, environ(tmp_path), is_emergency=True).paths.profile == "mine"
        assert (
            ProfileAccess("practice", None, environ(tmp_path), is_emergency=True).paths.profile == "practice"
        )


def test_an_engine_is_found_by_its_lock_with_another_runtime_folder(tmp_path: Path) -> None:
    place = paths_of("practice", environ(tmp_path))
    place.state.mkdir(parents=True)
    with engine_lock(place, ""):
        assert EngineAccess(ProfileAccess(None, None, environ(tmp_path, "q"))).socket == place.socket


def test_without_a_runtime_folder_and_with_a_long_state_path_the_engine_is_found_by_its_lock(
    tmp_path: Path,
) -> None:
    home = tmp_path / ("long" * 30)
    place = paths_of("practice", environ(home) | {"XDG_RUNTIME_DIR": str(tmp_path / "r")})
    place.state.mkdir(parents=True)
    cron = {"HOME": str(home)}
    with engine_lock(place, ""):
        assert EngineAccess(ProfileAccess(None, None, cron, is_emergency=True)).socket == place.socket
        assert EngineAccess(ProfileAccess("practice", None, cron)).socket == place.socket
    with pytest.raises(PathsError, match="bytes long"):
        make_folders(paths_of("practice", cron))


@pytest.mark.timeout(240)
def test_scheduled_commands_reach_a_running_engine(desk: DeskProcesses) -> None:
    cron = {name: value for name, value in environment(desk.folder).items() if name != "XDG_RUNTIME_DIR"}

    def told(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mexc_tui", *arguments]
        return subprocess.run(
            command,
            env=cron,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    engine = desk.engine()
    following = subprocess.Popen(
        [sys.executable, "-m", "mexc_tui", "journal", "--follow", "--kind", "trading_changed"],
        env=cron,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        halted = told("halt", "at night")
        assert halted.returncode == 0, halted.stderr
        assert following.stdout is not None
        assert any("at night" in line for line in following.stdout)
        status = told("status", "--json")
        assert json.loads(status.stdout)["trading_state"] == "halted", status.stderr
        stopped = told("stop")
        assert stopped.returncode == 0, stopped.stderr
        engine.communicate(timeout=20)
        assert engine.returncode == 0
    finally:
        following.kill()
        following.communicate()
        if engine.poll() is None:
            stop_engine(engine)


def test_a_missing_database_with_a_backup_names_the_command_that_restores_it(tmp_path: Path) -> None:
    profile = ProfileAccess(None, None, environ(tmp_path))
    assert "has run yet" in profile.missing_store_message
    folder = profile.paths.store.parent / "backups"
    folder.mkdir(parents=True)
    (folder / "desk-20261130T154854Z-rescued.sqlite3").touch()
    assert "mexc-tui restore --profile practice" in profile.missing_store_message


def test_a_frozen_engine_is_reported_with_the_command_that_stops_without_it(desk: DeskProcesses) -> None:
    engine = desk.engine()
    try:
        os.kill(engine.pid, signal.SIGSTOP)
        access = EngineAccess(ProfileAccess(None, None, environ(desk.folder), is_emergency=True))
        with pytest.raises(
            EngineSilent, match=rf"[Pp]rocess {engine.pid} .*kill --direct --profile practice"
        ):
            access.send(engine_requests.STOP, engine_requests.NoArguments(), 200)
    finally:
        os.kill(engine.pid, signal.SIGCONT)
        stop_engine(engine)
