"""A store never prevents its process from exiting, and a kill loses no acknowledged unit."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mexc_tui.model.storage import StorageClosed
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.thread import SqliteThread
from tests.support.store_parts import FILE, Blocker, ManualClock, alert_times, fact, two_facts

CHECKOUT = Path(__file__).parents[3]

LEAVE = """
import asyncio, sys, warnings
from pathlib import Path
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.store_parts import FILE, ManualClock, fact
warnings.simplefilter("ignore", ResourceWarning)

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]), ManualClock())
    await store.write("fact", lambda unit: unit.record(fact()))
    await store.read("head", lambda stored: stored.journal.head())
    {end}
asyncio.run(main())
"""

WRITE_ON = """
import asyncio, sys
from pathlib import Path
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.store_parts import FILE, ManualClock, two_facts

async def write_on(store, first):
    for number in range(first, 10**9, 10):
        await store.write("pair", two_facts(number))
        print(number, flush=True)

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]), ManualClock())
    await asyncio.gather(*(write_on(store, first) for first in range(10)))
asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["pass", "raise SystemExit(0)", "store.stray = store"])
def test_D7_a_process_that_does_not_close_its_store_still_exits(tmp_path: Path, end: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LEAVE.format(end=end), str(tmp_path / "profile" / FILE)],
        cwd=CHECKOUT,
        timeout=20,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


async def test_D7_closing_does_not_wait_for_a_unit_that_never_ends(
    folder: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = await SqliteStore.open(folder / FILE, clock)
    blocker = Blocker()
    stuck = asyncio.create_task(store.write("block", blocker))
    await blocker.reached()
    waiting = asyncio.create_task(store.write("fact", lambda unit: unit.record(fact())))
    await asyncio.sleep(0)
    await store.close(timeout_s=0.01)
    assert "did not close in time" in caplog.text
    with pytest.raises(StorageClosed):
        await waiting
    blocker.resume.set()
    await stuck
    await store.close()


async def test_closing_commits_queued_units(folder: Path, clock: ManualClock) -> None:
    store = await SqliteStore.open(folder / FILE, clock)
    tasks = [asyncio.create_task(store.write("pair", two_facts(number))) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*tasks) == list(range(2, 42, 2))


async def test_concurrent_closings_wait_for_the_same_end(folder: Path, clock: ManualClock) -> None:
    store = await SqliteStore.open(folder / FILE, clock)
    blocker = Blocker()
    task = asyncio.create_task(store.write("block", blocker))
    await blocker.reached()
    closings = [asyncio.create_task(store.close()) for _ in range(3)]
    await asyncio.sleep(0)
    closings[1].cancel()
    await asyncio.sleep(0)
    blocker.resume.set()
    await asyncio.gather(closings[0], closings[2], task)


async def test_a_cancelled_opening_leaves_nothing_running(folder: Path, clock: ManualClock) -> None:
    for turns in range(4):
        opening = asyncio.create_task(SqliteStore.open(folder / FILE, clock))
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    store = await SqliteStore.open(folder / FILE, clock)
    await store.close()


async def reopened(folder: Path) -> list[int]:
    store = await SqliteStore.open(folder / FILE, ManualClock())
    found = await store.read("moments", alert_times)
    await store.close()
    return found


@pytest.mark.parametrize("acknowledged", [1, 40, 150])
def test_D1_a_killed_process_loses_no_acknowledged_unit(folder: Path, acknowledged: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_ON, str(folder / FILE)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    seen = [int(process.stdout.readline()) for _ in range(acknowledged)]
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.stdout.close()
    process.wait(20)
    seen += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    found = asyncio.run(reopened(folder))
    assert found[0::2] == found[1::2]
    assert set(seen) <= set(found)


def test_a_database_that_cannot_be_opened_leaves_no_thread_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = list[str]()

    def note(args: threading.ExceptHookArgs) -> None:
        failures.append(str(args.exc_value))

    monkeypatch.setattr(threading, "excepthook", note)

    def refuse() -> sqlite3.Connection:
        raise sqlite3.DatabaseError("file is not a database")

    before = set(threading.enumerate())
    for _ in range(300):
        with pytest.raises(sqlite3.DatabaseError):
            asyncio.run(SqliteThread.opened(refuse))
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert failures == []
