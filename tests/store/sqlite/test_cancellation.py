"""A cancelled caller leaves its whole unit or nothing, and no open transaction (reliability D6)."""

import asyncio
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.model.storage import Durability, StorageDeadline
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.thread import SqliteThread
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction
from tests.support.store_parts import FILE, Blocker, InlineThread, ManualClock, alert_times, two_facts

if TYPE_CHECKING:
    from mexc_tui.model.event import Fact

STEPS = 8
"""More turns of the loop than a write takes."""


async def _cancel_some(plans: list[tuple[int, int | None]], *, inline: bool) -> None:
    published: list[Fact] = []
    with tempfile.TemporaryDirectory() as folder:
        thread = InlineThread if inline else SqliteThread
        store = await SqliteStore.open(
            Path(folder) / FILE, ManualClock(), publish=published.extend, thread=thread
        )
        tasks: list[asyncio.Task[int]] = []
        for number, (pause, _) in enumerate(plans):
            tasks.append(
                asyncio.create_task(store.write("pair", two_facts(number), durability=Durability.NORMAL))
            )
            for _ in range(pause):
                await asyncio.sleep(0)
        for step in range(STEPS):
            for task, (_, cancel_at) in zip(tasks, plans, strict=True):
                if cancel_at == step:
                    task.cancel()
            await asyncio.sleep(0)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        last = await store.write("pair", two_facts(-1))
        found = await store.read("moments", alert_times)
        await store.close()
    assert found[0::2] == found[1::2], "a unit was written in part"
    assert len(set(found)) * 2 == len(found), "a unit was written twice"
    assert {number for number, done in enumerate(ended) if isinstance(done, int)} <= set(found)
    assert found[-1] == -1
    assert last == len(found)
    assert [stored.event.at_ms for stored in published] == found


@pytest.mark.parametrize("inline", [True, False])
@settings(max_examples=25)
@given(
    plans=st.lists(
        st.tuples(st.integers(0, 2), st.none() | st.integers(0, STEPS - 1)), min_size=1, max_size=8
    )
)
def test_D6_a_unit_cancelled_at_any_await_is_complete_or_absent(
    inline: bool, plans: list[tuple[int, int | None]]
) -> None:
    asyncio.run(_cancel_some(plans, inline=inline))


async def test_D6_a_unit_cancelled_in_the_queue_is_not_written(store: SqliteStore) -> None:
    blocker = Blocker()
    first = asyncio.create_task(store.write("block", blocker))
    await blocker.reached()
    second = asyncio.create_task(store.write("pair", two_facts(2)))
    third = asyncio.create_task(store.write("pair", two_facts(3)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    blocker.resume.set()
    assert await asyncio.gather(first, third) == [None, 2]
    assert await store.read("moments", alert_times) == [3, 3]


async def test_D6_a_unit_cancelled_while_running_is_committed(store: SqliteStore) -> None:
    blocker = Blocker()
    task = asyncio.create_task(store.write("block", lambda unit: (blocker(unit), two_facts(1)(unit))))
    await blocker.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    blocker.resume.set()
    await store.write("pair", two_facts(2))
    assert await store.read("moments", alert_times) == [1, 1, 2, 2]


async def test_a_cancelled_read_is_interrupted_and_its_connection_stays_usable(store: SqliteStore) -> None:
    started = threading.Event()

    def endless(stored: ReadTransaction) -> None:
        started.set()
        stored.rows.all(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        )

    task = asyncio.create_task(store.read("endless", endless))
    await asyncio.to_thread(started.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.read("moments", alert_times) == []


async def test_a_read_stops_at_its_deadline(folder: Path) -> None:
    clock = ManualClock(step_ns=1_000_000)
    store = await SqliteStore.open(folder / FILE, clock)
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with pytest.raises(StorageDeadline, match="endless: "):
        await store.read("endless", lambda stored: stored.rows.one(sql), deadline_s=0.2)
    assert await store.read("moments", alert_times) == []
    await store.close()
