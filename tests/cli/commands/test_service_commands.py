"""`service`: the commands that systemd receives, and errors with a next step.

A script stands in for systemctl and loginctl: no service manager runs in a test environment.
"""

import json
import os
from pathlib import Path

import pytest

from mexc_tui.host.keys.profile_files import key_file
from tests.support.processes.shell import Shell

SCRIPT = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in
  --version) echo "systemd {version} ({version}.1)";;
  *show-user*) echo "Linger={linger}";;
  *show*) cat "{status}";;
  *enable*) {enable};;
esac
"""
RUNNING = """LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
MainPID=4711
NRestarts=2
Result=success
StatusText=the engine is running
"""


class Manager:
    """A user's shell with a service manager that records its commands."""

    def __init__(
        self,
        folder: Path,
        *,
        linger: str = "no",
        enable: str = "true",
        state: str = RUNNING,
        version: int = 252,
    ) -> None:
        self.shell = Shell(folder)
        self.log = folder / "log"
        (folder / "status").write_text(state)
        programs = folder / "bin"
        programs.mkdir()
        fields = {"linger": linger, "enable": enable, "status": folder / "status", "version": version}
        text = SCRIPT.format(log=self.log, **fields)
        for name in ("systemctl", "loginctl"):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.path = f"{programs}:{os.environ['PATH']}"
        self.unit = folder / "config" / "systemd" / "user" / "mexc-tui-paper.service"

    def run(self, *arguments: str) -> tuple[int, str, str]:
        done = self.shell.run("service", *arguments, PATH=self.path)
        return done.returncode, done.stdout, done.stderr

    def commands(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if "--version" not in line]


def test_install_writes_the_unit_and_starts_it(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    code, printed, error = manager.run("install", "--yes", "--profile", "paper")
    assert (code, error) == (0, "")
    assert '"--headless" "--mode" "paper" "--profile" "paper"' in manager.unit.read_text()
    assert f'Environment="XDG_STATE_HOME={tmp_path}/state"' in manager.unit.read_text()
    assert manager.commands()[:2] == [
        "systemctl --user daemon-reload",
        "systemctl --user enable --now mexc-tui-paper.service",
    ]
    assert "mexc-tui service status --profile paper" in printed
    assert "loginctl enable-linger" in printed


def test_install_says_nothing_of_lingering_when_it_is_on(tmp_path: Path) -> None:
    assert "linger" not in Manager(tmp_path, linger="yes").run("install", "--yes", "--profile", "paper")[1]


def test_a_refused_install_leaves_no_unit_behind(tmp_path: Path) -> None:
    manager = Manager(tmp_path, enable="echo refused >&2; exit 1")
    code, _, error = manager.run("install", "--yes", "--profile", "paper")
    assert code == 3
    assert "Not installed. systemctl --user enable --now mexc-tui-paper.service: refused" in error
    assert not manager.unit.exists()


def test_install_asks_first(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    code, _, error = manager.run("install", "--profile", "paper")
    assert (code, error.startswith("mexc-tui: Changing the service needs a confirmation")) == (2, True)
    assert not manager.unit.exists()


def test_a_user_without_a_bus_gets_the_next_step(tmp_path: Path) -> None:
    manager = Manager(tmp_path, enable="echo 'Failed to connect to bus: No medium found' >&2; exit 1")
    assert "service install --system USER" in manager.run("install", "--yes", "--profile", "paper")[2]


def test_the_system_unit_is_printed_with_the_steps_for_root(tmp_path: Path) -> None:
    code, printed, error = Manager(tmp_path).run("install", "--system", "trader", "--profile", "paper")
    assert code == 0
    assert "User=trader" in printed.splitlines()
    assert "/etc/systemd/system/mexc-tui-paper.service" in error


def test_a_unit_of_the_system_loads_the_key_from_an_encrypted_credential(tmp_path: Path) -> None:
    file = "/etc/credstore.encrypted/mexc-tui-live"
    code, printed, error = Manager(tmp_path).run(
        "install", "--system", "trader", "--profile", "live", "--key-credential", file
    )
    assert code == 0, error
    assert f"LoadCredentialEncrypted=mexc-tui-live:{file}" in printed.splitlines()


def test_a_service_of_a_user_loads_a_passphrase_where_its_systemd_can(tmp_path: Path) -> None:
    words = ("install", "--yes", "--profile", "live", "--passphrase-credential", str(tmp_path / "p.cred"))
    (tmp_path / "new").mkdir()
    manager = Manager(tmp_path / "new", version=256)
    code, _, error = manager.run(*words)
    assert (code, error) == (0, "")
    unit = manager.unit.with_name("mexc-tui-live.service").read_text()
    assert f"LoadCredentialEncrypted=mexc-tui-live-passphrase:{tmp_path}/p.cred" in unit.splitlines()
    (tmp_path / "old").mkdir()
    code, _, error = Manager(tmp_path / "old", version=255).run(*words)
    assert (code, "since systemd 256 (here: 255)" in error) == (1, True), error


def test_install_warns_of_a_key_that_the_service_cannot_open(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    file = key_file("live", manager.shell.environ)
    file.parent.mkdir(parents=True)
    file.touch()
    words = ("install", "--profile", "live", "--print")
    code, _, error = manager.run(*words)
    assert (code, "Next step: --passphrase-credential FILE" in error) == (0, True), error
    assert manager.run(*words, "--passphrase-credential", "/p.cred", "--system", "trader")[2] == ""


def test_status_shows_process_restarts_and_lingering(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    code, printed, _ = manager.run("status", "--profile", "paper", "--json")
    assert code == 0
    assert json.loads(printed) == {
        "unit": "mexc-tui-paper.service",
        "is_installed": True,
        "state": "active (running)",
        "is_enabled": True,
        "pid": 4711,
        "restarts": 2,
        "result": "success",
        "status": "the engine is running",
        "keeps_running_after_logout": False,
    }
    assert "It ends at logout" in manager.run("status", "--profile", "paper")[1]


def test_status_of_a_service_that_is_not_installed(tmp_path: Path) -> None:
    manager = Manager(tmp_path, state="LoadState=not-found\nActiveState=inactive\nSubState=dead\n")
    code, printed, _ = manager.run("status", "--profile", "paper")
    assert code == 1
    assert printed.startswith("mexc-tui-paper.service is not installed.")


def test_remove_stops_the_service_and_deletes_the_unit(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    manager.run("install", "--yes", "--profile", "paper")
    code, printed, _ = manager.run("remove", "--yes", "--profile", "paper")
    assert (code, printed.startswith("Removed ")) == (0, True)
    assert not manager.unit.exists()
    assert manager.commands()[-2:] == [
        "systemctl --user disable --now mexc-tui-paper.service",
        "systemctl --user daemon-reload",
    ]


def test_remove_of_a_service_that_is_not_installed(tmp_path: Path) -> None:
    code, _, error = Manager(tmp_path).run("remove", "--yes", "--profile", "paper")
    assert (code, "Not installed" in error) == (1, True)


@pytest.mark.parametrize("arguments", [("status",), ("logs",)])
def test_a_machine_without_systemd_gets_the_next_step(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    manager = Manager(tmp_path)
    manager.path = "/nowhere"
    code, _, error = manager.run(*arguments, "--profile", "paper")
    assert code == 3
    assert "Start the engine with: mexc-tui --headless" in error
