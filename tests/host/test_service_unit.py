"""The unit that `service install` writes, checked by systemd itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.host.service_unit import ServiceUnit, quoted

COMMAND = (sys.executable, "-m", "mexc_tui", "--headless", "--profile", "live")
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def unit(**changed: object) -> ServiceUnit:
    fields: dict[str, object] = {"profile": "live", "command": COMMAND, "systemd_version": 252}
    return ServiceUnit(**fields | changed)  # pyright: ignore[reportArgumentType]


def verified(written: ServiceUnit, folder: Path, *, is_user: bool) -> str:
    """Return what systemd reports about a unit: nothing, if it understands every line."""
    file = folder / "mexc-tui-live.service"
    file.write_text(written.text())
    command = [
        "systemd-analyze",
        *(["--user"] if is_user else []),
        "--recursive-errors=no",
        "verify",
        str(file),
    ]
    environ = os.environ | {"XDG_RUNTIME_DIR": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environ)
    assert "Failed to initialize" not in done.stderr
    return "\n".join(line for line in done.stderr.splitlines() if file.name in line)


@needs_systemd
def test_systemd_accepts_the_unit_of_a_user(tmp_path: Path) -> None:
    assert (
        verified(unit(environment=(("XDG_STATE_HOME", '/home/a "b" $c %d'),)), tmp_path, is_user=True) == ""
    )


@needs_systemd
def test_systemd_accepts_the_unit_of_the_system(tmp_path: Path) -> None:
    credentials = (("mexc-tui-live", tmp_path / "key 100%.cred"),)
    folders = (tmp_path / "state folder", tmp_path / "config")
    written = unit(user="root", writable=folders, credentials=credentials)
    assert verified(written, tmp_path, is_user=False) == ""


@needs_systemd
def test_a_wrong_line_is_found_by_the_check(tmp_path: Path) -> None:
    assert "StateFolder" in verified(unit(profile="live\nStateFolder=x"), tmp_path, is_user=True)


def test_h3_h8_a_failed_engine_restarts_and_a_crash_loop_ends() -> None:
    lines = unit().text().splitlines()
    for line in ("Restart=on-failure", "StartLimitBurst=5", "WatchdogSec=20", "RestartPreventExitStatus=2 3"):
        assert line in lines
    assert "OOMScoreAdjust=-500" in unit(user="root").text().splitlines()


@pytest.mark.parametrize(("version", "type_"), [(0, "notify"), (252, "notify"), (253, "notify-reload")])
def test_systemd_reloads_in_the_way_that_its_version_has(version: int, type_: str) -> None:
    lines = unit(systemd_version=version).text().splitlines()
    assert f"Type={type_}" in lines
    assert ("ExecReload=/bin/kill -HUP $MAINPID" in lines) == (type_ == "notify")


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"])))
def test_a_quoted_word_stays_one_literal_word(word: str) -> None:
    inside = quoted(word)[1:-1]
    plain = inside.replace("$$", "$").replace("%%", "%").replace('\\"', '"').replace("\\\\", "\\")
    assert plain == word
    assert not inside.replace("\\\\", "").replace('\\"', "").count('"')
