"""Faults of the host and of users, with real processes (reliability 2.6)."""

import fcntl
import os
import signal
import sqlite3
import subprocess
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.processes.engine_and_exchange import DeskProcesses, desk, start_command, stop_engine
from tests.support.processes.pseudo_terminal import Terminal
from tests.support.processes.shell import Shell
from tests.support.processes.terminal_session import READY, shell

pytestmark = pytest.mark.timeout(180)  # runs processes

__all__ = ["desk", "shell"]


@pytest.fixture
def engine(desk: DeskProcesses) -> Generator[subprocess.Popen[str]]:
    running = desk.engine()
    yield running
    if running.poll() is None:
        stop_engine(running)


def halt(desk: DeskProcesses) -> None:
    asked = start_command(desk.folder, "halt", "a test")
    said, complained = asked.communicate(timeout=40)
    assert asked.returncode == 0, said + complained


def test_h3_h8_a_halt_survives_repeated_crashes_and_no_lock_remains(
    desk: DeskProcesses, engine: subprocess.Popen[str]
) -> None:
    halt(desk)
    stop_engine(engine, signal.SIGSEGV)
    for how in (signal.SIGKILL, signal.SIGABRT, signal.SIGTERM):
        again = desk.engine()
        try:
            assert desk.status()["trading_state"] == "halted"
        finally:
            stop_engine(again, how)
    with (desk.state / "engine.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_h4_a_second_engine_of_the_account_with_other_folders_is_refused(
    desk: DeskProcesses, engine: subprocess.Popen[str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    second = start_command(other, "--headless", "--exchange", str(desk.file))
    said, complained = second.communicate(timeout=60)
    assert (second.returncode, said) == (3, "")
    assert f"same account is already running (process {engine.pid})" in complained
    assert len(complained.splitlines()) == 1


def test_h1_a_lost_terminal_detaches_and_the_engine_continues(shell: Shell) -> None:
    with Terminal(shell.environ) as terminal:
        terminal.until("Welcome")
        terminal.press("\r")
        terminal.until(READY)
        terminal.hang_up()
    done = shell.run("halt", "after the line was lost")
    assert done.returncode == 0, done.stderr
    assert shell.run("status").returncode == 1  # it responds, halted


def test_h11_a_frozen_screen_delays_no_command(shell: Shell) -> None:
    with Terminal(shell.environ) as first:
        first.until("Welcome")
        first.press("\r")
        first.until(READY)
        first.hang_up()
    with Terminal(shell.environ, "attach") as viewer:
        viewer.until(READY)
        os.killpg(viewer.process.pid, signal.SIGSTOP)
        try:
            assert shell.run("halt", "beside a frozen screen").returncode == 0
            assert shell.run("status").returncode == 1
        finally:
            os.killpg(viewer.process.pid, signal.SIGCONT)
        viewer.until("HALTED")


def test_h10_the_halt_key_works_after_resizes_to_a_tiny_terminal_and_a_pasted_megabyte(shell: Shell) -> None:
    with Terminal({**shell.environ, "NO_COLOR": "1"}, size=(120, 40)) as terminal:
        terminal.until("Welcome")
        terminal.press("\r")
        terminal.until(READY)
        for columns, rows in ((20, 5), (1, 1), (200, 60), (20, 5), (80, 24), (20, 5), (120, 40)):
            terminal.resize(columns, rows)
        pasted = "\x1b[200~" + "x" * 1_000_000 + "\x1b[201~"
        for start in range(0, len(pasted), 2_000):
            terminal.press(pasted[start : start + 2_000])
        assert terminal.process.poll() is None
        assert shell.run("halt", "after the paste").returncode == 0
        terminal.until("HALTED")


def test_h9_a_limit_in_the_wrong_unit_is_refused_with_its_bounds_and_changes_nothing(shell: Shell) -> None:
    before = shell.run("settings", "position_quote", "--json").stdout
    done = shell.run("settings", "position_quote", "1000000")
    assert done.returncode != 0
    assert "10000" in done.stderr
    assert shell.run("settings", "position_quote", "--json").stdout == before


def test_a_restored_backup_starts_and_the_replaced_database_is_kept(
    desk: DeskProcesses, engine: subprocess.Popen[str]
) -> None:
    halt(desk)
    stop_engine(engine)
    backups = desk.state / "backups"
    backups.mkdir(mode=0o700)
    with closing(sqlite3.connect(desk.state / "desk.sqlite3")) as connection:
        connection.execute("VACUUM INTO ?", (str(backups / "desk-20261130T120000Z.sqlite3"),))
    (desk.state / "desk.sqlite3").write_bytes(b"\xff" * 9_000)
    refused = start_command(desk.folder, "--headless", "--exchange", str(desk.file))
    _, complained = refused.communicate(timeout=60)
    assert refused.returncode == 3
    assert "desk-20261130T120000Z.sqlite3" in complained
    assert "mexc-tui restore --profile practice" in complained
    restored = start_command(desk.folder, "restore", "--yes", "--profile", "practice")
    said, complained = restored.communicate(timeout=60)
    assert restored.returncode == 0, complained
    assert "desk.sqlite3.replaced-" in said
    again = desk.engine()
    assert desk.status()["trading_state"] == "halted"
    stop_engine(again)
