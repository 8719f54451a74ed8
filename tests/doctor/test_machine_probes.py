"""Probes of this machine: the service of a user and of the system, through a systemctl of the test."""

from pathlib import Path

import pytest

from mexc_tui.doctor.check import CheckStatus
from mexc_tui.doctor.machine_probes import probe_disk, probe_files, probe_service
from mexc_tui.host.paths import paths_of

RUNNING = (
    "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=7\nNRestarts=2"
)
ABSENT = "LoadState=not-found\nActiveState=inactive\nSubState=dead\nMainPID=0"
NO_BUS = "Failed to connect to bus: No medium found"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the only programs that are found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write_systemctl(folder: Path, user: str, system: str) -> None:
    """Write a systemctl that prints these properties; an empty text fails without a bus."""

    def answer(text: str) -> str:
        return f"printf '{text}\\n'" if text else f"echo '{NO_BUS}' >&2; exit 1"

    script = f'#!/bin/sh\nif [ "$1" = --user ]; then {answer(user)}; else {answer(system)}; fi\n'
    (folder / "systemctl").write_text(script)
    (folder / "systemctl").chmod(0o755)


def properties(text: str) -> str:
    return text.replace("\n", "\\n")


@pytest.mark.parametrize(
    ("user", "system", "status", "words"),
    [
        (RUNNING, ABSENT, CheckStatus.WARN, "It ends at logout"),
        (ABSENT, RUNNING, CheckStatus.OK, "active (running), 2 restarts"),
        ("", RUNNING, CheckStatus.OK, "active (running), 2 restarts"),
        ("", ABSENT, CheckStatus.OK, "Not installed"),
        ("", "", CheckStatus.OK, "Not checked"),
    ],
)
def test_the_service_of_the_user_or_of_the_system_is_found(
    programs: Path, user: str, system: str, status: CheckStatus, words: str
) -> None:
    write_systemctl(programs, properties(user), properties(system))
    found = probe_service("paper", "trader")
    assert (found.status, words in found.text) == (status, True), found


@pytest.mark.usefixtures("programs")
def test_a_machine_without_systemd_is_fine() -> None:
    assert "no systemd here" in probe_service("paper", "trader").text


def test_files_of_a_profile_are_found_with_their_modes(tmp_path: Path) -> None:
    paths = paths_of("paper", {"HOME": str(tmp_path)})
    assert probe_files(paths).status is CheckStatus.OK
    (paths.state / "backups").mkdir(parents=True)
    for folder in (paths.state, paths.state / "backups"):
        folder.chmod(0o700)
    (paths.state / "backups" / "one").write_bytes(b"x" * 3_000_000)
    (paths.state / "backups" / "one").chmod(0o604)
    found = probe_files(paths)
    assert (found.status, found.fix) == (CheckStatus.FAIL, f"chmod 600 {paths.state / 'backups' / 'one'}")
    assert "this profile uses 3 MiB" in probe_disk(paths).text
