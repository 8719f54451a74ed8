"""`reconcile --exchange FILE` without an engine: real processes and sockets."""

import fcntl
import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.processes.engine_and_exchange import DeskProcesses, desk, start_command, stop_engine

pytestmark = pytest.mark.timeout(180)  # runs processes

__all__ = ["desk"]


def reconcile(desk: DeskProcesses, *more: str, file: Path | None = None) -> subprocess.CompletedProcess[str]:
    words = ["reconcile", "--json", "--exchange", str(file or desk.file), *more]
    asked = start_command(desk.folder, *words)
    said, complained = asked.communicate(timeout=60)
    return subprocess.CompletedProcess(words, asked.returncode, said, complained)


def stored(desk: DeskProcesses) -> int:
    asked = start_command(desk.folder, "reconcile", "--json")
    said, complained = asked.communicate(timeout=20)
    assert said, complained
    return int(json.loads(said)["at_ms"])


def test_after_a_killed_engine_the_ledger_is_reconciled_unless_locked(desk: DeskProcesses) -> None:
    stop_engine(desk.engine(), signal.SIGKILL)
    before = stored(desk)
    done = reconcile(desk)
    assert done.returncode == 0, done.stderr + done.stdout
    run = json.loads(done.stdout)
    assert set(run) == {"at_ms", "explained", "unexplained", "excluded"}
    assert run["unexplained"] == []
    assert run["at_ms"] > before
    assert stored(desk) == run["at_ms"]
    with (desk.state / "engine.lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = reconcile(desk)
    assert (done.returncode, done.stdout) == (3, "")
    assert "is already running" in done.stderr
    assert stored(desk) == run["at_ms"]


def test_an_unknown_order_is_not_cancelled_ends_with_1_and_halts_trading(desk: DeskProcesses) -> None:
    stop_engine(desk.engine())
    desk.place_orders()
    done = reconcile(desk)
    assert done.returncode == 1, done.stderr + done.stdout
    run = json.loads(done.stdout)
    assert [one["kind"] for one in run["unexplained"]] == ["unrecorded_order"]
    assert len(desk.open_orders()) == 2
    engine = desk.engine()
    try:
        assert desk.status()["trading_state"] == "halted"
    finally:
        stop_engine(engine)


def test_without_a_ledger_of_the_account_nothing_is_reconciled(desk: DeskProcesses) -> None:
    done = reconcile(desk)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no ledger of the account" in done.stderr
    assert not (desk.state / "desk.sqlite3").exists()
    unreadable = reconcile(desk, file=desk.folder / "none.json")
    assert unreadable.returncode == 3
    assert "Cannot read" in unreadable.stderr
