"""`reconcile --exchange FILE` without an engine: a comparison of its own, with real processes and sockets."""

import fcntl
import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.processes.engine_and_exchange import World, begin, end, world

pytestmark = pytest.mark.timeout(60)  # runs processes

__all__ = ["world"]


def reconcile(world: World, *more: str, file: Path | None = None) -> subprocess.CompletedProcess[str]:
    words = ["reconcile", "--json", "--exchange", str(file or world.file), *more]
    asked = begin(world.folder, *words)
    said, complained = asked.communicate(timeout=60)
    return subprocess.CompletedProcess(words, asked.returncode, said, complained)


def stored(world: World) -> int:
    asked = begin(world.folder, "reconcile", "--json")
    said, complained = asked.communicate(timeout=20)
    assert said, complained
    return int(json.loads(said)["at_ms"])


def test_after_a_killed_engine_books_are_compared_anew_unless_another_holds_them(world: World) -> None:
    end(world.engine(), signal.SIGKILL)
    before = stored(world)
    done = reconcile(world)
    assert done.returncode == 0, done.stderr + done.stdout
    run = json.loads(done.stdout)
    assert set(run) == {"at_ms", "explained", "unexplained", "excluded"}
    assert run["unexplained"] == []
    assert run["at_ms"] > before
    assert stored(world) == run["at_ms"]
    with (world.state / "engine.lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = reconcile(world)
    assert (done.returncode, done.stdout) == (3, "")
    assert "is already running" in done.stderr
    assert stored(world) == run["at_ms"]


def test_an_order_of_a_stranger_is_left_alone_ends_with_1_and_halts_the_books(world: World) -> None:
    end(world.engine())
    world.place_orders()
    done = reconcile(world)
    assert done.returncode == 1, done.stderr + done.stdout
    run = json.loads(done.stdout)
    assert [one["kind"] for one in run["unexplained"]] == ["stranger"]
    assert len(world.open_orders()) == 2
    engine = world.engine()
    try:
        assert world.status()["trading_state"] == "halted"
    finally:
        end(engine)


def test_without_books_of_that_account_nothing_is_begun(world: World) -> None:
    done = reconcile(world)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no ledger of the account" in done.stderr
    assert not (world.state / "desk.sqlite3").exists()
    unreadable = reconcile(world, file=world.folder / "none.json")
    assert unreadable.returncode == 3
    assert "Cannot read" in unreadable.stderr
