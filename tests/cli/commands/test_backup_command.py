"""`backup` beside a running engine, and the way back: restore, then reconcile with the exchange."""

import json
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.doctor.books import check_books
from mexc_tui.store.sqlite.backups import SPECIAL
from tests.support.processes.command_server import run_command
from tests.support.processes.engine_and_exchange import (
    DeskProcesses,
    environment,
    start_command,
    start_exchange,
    stop_engine,
)

pytestmark = pytest.mark.timeout(180)  # runs processes

LISTING = """
name = "one-listing"
duration_s = 600
[settings]
calendar_poll_s = 1
symbols_poll_near_s = 1
symbols_poll_opening_s = 0.5
detection_pass_s = 0.5
opening_before_s = 30
near_before_s = 60
ladder = ""
stop_loss_pct = 50
[market]
symbols = 30
active_pairs = 2
[[listings]]
base = "CLEAN"
opens_s = 25
ready_before_s = 10
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskProcesses]:
    yield from start_exchange(tmp_path, LISTING)


def run(desk: DeskProcesses, *words: str) -> CompletedProcess[str]:
    return run_command(words, environment(desk.folder), desk.folder)


def rows(desk: DeskProcesses, *words: str) -> Any:
    done = run(desk, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def until(found: Callable[[], Any]) -> Any:
    give_up_s = time.monotonic() + 60
    while not (value := found()):
        assert time.monotonic() < give_up_s
    return value


def test_fills_after_a_backup_are_booked_by_the_reconciliation_after_its_restore(desk: DeskProcesses) -> None:
    engine = desk.engine()
    try:
        until(lambda: run(desk, "arm", "CLEANUSDT", "--yes").returncode == 0)
        made = rows(desk, "backup")
        assert made["ledger_rows"] > 0
        assert stat.S_IMODE(Path(made["backup"]).stat().st_mode) == 0o600
        (held,) = until(lambda: rows(desk, "positions"))
    finally:
        stop_engine(engine)

    restored = run(desk, "restore", "--yes")
    assert restored.returncode == 0, restored.stderr
    assert made["backup"] in restored.stdout
    assert rows(desk, "positions") == []

    asked = start_command(desk.folder, "reconcile", "--json", "--exchange", str(desk.file))
    said, complained = asked.communicate(timeout=60)
    assert asked.returncode == 0, complained + said
    assert json.loads(said)["unexplained"] == []
    (again,) = rows(desk, "positions")
    assert (again["symbol"], again["quantity"]) == (held["symbol"], held["quantity"])
    assert check_books(desk.state / "desk.sqlite3", SystemClock()).problems == ()


def test_a_backup_to_a_file_overwrites_nothing_and_is_named_by_its_restore(desk: DeskProcesses) -> None:
    stop_engine(desk.engine())
    target = desk.folder / "copy.sqlite3"
    assert rows(desk, "backup", "--to", str(target))["backup"] == str(target)
    again = run(desk, "backup", "--to", str(target))
    assert (again.returncode, "already exists" in again.stderr) == (3, True)
    assert run(desk, "backup", "--to", str(desk.folder)).returncode == 2
    restored = run(desk, "restore", "--yes", "--backup", str(target))
    assert (restored.returncode, str(target) in restored.stdout) == (0, True)
    assert not (desk.state / "backups").exists()


def test_manual_backups_are_bounded_and_displace_no_daily_one(desk: DeskProcesses) -> None:
    stop_engine(desk.engine())
    folder = desk.state / "backups"
    folder.mkdir(mode=0o700)
    for name in ("20261101T120000Z", *(f"202611{day}T120000Z-manual" for day in range(10, 15))):
        (folder / f"desk-{name}.sqlite3").write_bytes(b"")
    made = Path(rows(desk, "backup")["backup"]).name
    names = {file.name for file in folder.iterdir()}
    assert {made, "desk-20261101T120000Z.sqlite3"} <= names
    assert len(names) == 1 + SPECIAL


def test_a_copy_with_wrong_books_is_deleted(desk: DeskProcesses) -> None:
    stop_engine(desk.engine())
    database = desk.state / "desk.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM balances")
        connection.commit()
    done = run(desk, "backup")
    assert (done.returncode, "Not backed up: The books of" in done.stderr) == (3, True)
    assert list((desk.state / "backups").iterdir()) == []


def test_without_a_database_there_is_nothing_to_back_up(desk: DeskProcesses) -> None:
    done = run(desk, "backup")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Nothing to back up: no engine of profile practice has run yet." in done.stderr
