"""Guarantees of the store to writers and readers."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mexc_tui.model.event import Fact
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.storage import StorageClosed, StorageDeadline, StorageFailed, StorageOverloaded
from mexc_tui.store.sqlite import writer as writer_module
from mexc_tui.store.sqlite.connections import StoreLimits
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction, UnitOfWork
from tests.support.samples.listing_samples import listing
from tests.support.store_parts import FILE, Blocker, ManualClock, fact

if TYPE_CHECKING:
    from mexc_tui.ports.store import Store


def head(stored: ReadTransaction) -> int:
    return stored.journal.head()


async def test_written_rows_survive_a_restart(folder: Path, clock: ManualClock) -> None:
    store = await SqliteStore.open(folder / FILE, clock)
    written = [await store.write("fact", lambda unit, n=n: unit.record(fact(n))) for n in range(3)]
    await store.close()
    again = await SqliteStore.open(folder / FILE, clock)
    facts = await again.read("all", lambda stored: stored.journal.after(0))
    await again.close()
    assert written == [1, 2, 3]
    assert facts == [Fact(n + 1, fact(n)) for n in range(3)]


async def test_an_exception_raised_in_a_unit_reaches_its_caller(store: SqliteStore) -> None:
    def wrong(unit: UnitOfWork) -> None:
        unit.record(fact())
        raise LookupError("no such listing")

    with pytest.raises(LookupError, match="no such listing"):
        await store.write("wrong", wrong)
    assert await store.read("head", head) == 0


async def test_concurrent_writes_share_a_commit(store: SqliteStore) -> None:
    blocker = Blocker()
    first = asyncio.create_task(store.write("block", blocker))
    await blocker.reached()
    before = store.state().commits
    others = [asyncio.create_task(store.write("fact", lambda unit: unit.record(fact()))) for _ in range(40)]
    await asyncio.sleep(0)
    blocker.resume.set()
    await asyncio.gather(first, *others)
    assert store.state().commits - before == 2


async def test_a_reader_sees_only_committed_units_and_does_not_wait(store: SqliteStore) -> None:
    blocker = Blocker()
    task = asyncio.create_task(store.write("slow", lambda unit: (unit.record(fact()), blocker(unit))))
    await blocker.reached()
    assert await store.read("head", head) == 0
    blocker.resume.set()
    await task
    assert await store.read("head", head) == 1


async def test_a_reader_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(StorageFailed):
        await store.read("sneaky", lambda stored: stored.rows.run("DELETE FROM journal"))


async def test_a_read_sees_one_snapshot(store: SqliteStore) -> None:
    blocker = Blocker()

    def twice(stored: ReadTransaction) -> tuple[int, int]:
        before = head(stored)
        blocker(stored)
        return before, head(stored)

    task = asyncio.create_task(store.read("twice", twice))
    await blocker.reached()
    await store.write("fact", lambda unit: unit.record(fact()))
    blocker.resume.set()
    assert await task == (0, 0)


async def test_readers_are_limited_and_waiting_for_one_has_a_deadline(
    folder: Path, clock: ManualClock
) -> None:
    store = await SqliteStore.open(folder / FILE, clock, limits=StoreLimits(readers=1))
    blocker = Blocker()
    first = asyncio.create_task(store.read("block", lambda stored: blocker(stored)))
    await blocker.reached()
    with pytest.raises(StorageDeadline, match="late: no reader was free"):
        await store.read("late", head, deadline_s=0.01)
    blocker.resume.set()
    await first
    assert await store.read("head", head) == 0
    await store.close()


async def test_more_reads_than_readers_are_all_served(store: SqliteStore) -> None:
    assert await asyncio.gather(*(store.read("head", head) for _ in range(40))) == [0] * 40


async def test_facts_are_published_after_their_commit_in_order_before_the_caller_continues(
    folder: Path, clock: ManualClock
) -> None:
    published: list[int] = []
    store = await SqliteStore.open(
        folder / FILE, clock, publish=lambda facts: published.extend(found.sequence for found in facts)
    )

    async def write_some() -> None:
        for _ in range(5):
            number = await store.write("fact", lambda unit: unit.record(fact()))
            assert number in published

    await asyncio.gather(*(write_some() for _ in range(6)))
    await store.close()
    assert published == list(range(1, 31))


async def test_a_subscriber_that_raises_is_counted_and_fails_no_commit(
    folder: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(_facts: Sequence[Fact]) -> None:
        raise RuntimeError("a subscriber's mistake")

    store = await SqliteStore.open(folder / FILE, clock, publish=wrong)
    assert await store.write("fact", lambda unit: unit.record(fact())) == 1
    assert store.state().failed_publications == 1
    assert "stored but not published" in caplog.text
    await store.close()


async def test_slow_queries_are_logged_by_name_without_their_parameters(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    store = await SqliteStore.open(folder / FILE, clock)

    def slow(stored: ReadTransaction, seconds: float) -> None:
        stored.rows.one("SELECT ?", "very-private")
        clock.pass_s(seconds)

    await store.read("quick", lambda stored: slow(stored, 0.1))
    await store.read("slow read", lambda stored: slow(stored, 0.101))
    await store.write("slower write", lambda unit: slow(unit, 1.001))
    await store.close()
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "query slow read took 101 ms"),
        (logging.ERROR, "query slower write took 1001 ms"),
    ]
    assert "very-private" not in caplog.text
    state = store.state()
    assert (state.slow, state.too_slow, state.slowest) == (1, 1, ("slower write", 1001))


async def test_D10_a_slow_commit_and_the_units_waiting_behind_it_are_measured(folder: Path) -> None:
    clock = ManualClock()
    store = await SqliteStore.open(folder / FILE, clock)
    await store.write("quick", lambda unit: unit.record(fact()))
    assert store.state().last_commit_ms == 0
    clock.step_ns = 500_000_000
    await store.write("slow", lambda unit: unit.record(fact()))
    assert store.state().last_commit_ms == 500
    clock.step_ns = 0
    blocker = Blocker()
    stuck = asyncio.create_task(store.write("block", blocker))
    await blocker.reached()
    behind = [asyncio.create_task(store.write("fact", lambda unit: unit.record(fact()))) for _ in range(3)]
    await asyncio.sleep(0)
    assert store.state().waiting == 3
    blocker.resume.set()
    await asyncio.gather(stuck, *behind)
    assert store.state().waiting == 0
    await store.close()


async def test_too_many_queued_units_are_refused(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "WAITING_LIMIT", 2)
    blocker = Blocker()
    first = asyncio.create_task(store.write("block", blocker))
    await blocker.reached()
    waiting = [asyncio.create_task(store.write("fact", lambda unit: unit.record(fact()))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(StorageOverloaded):
        await store.write("fact", lambda unit: unit.record(fact()))
    blocker.resume.set()
    await asyncio.gather(first, *waiting)


async def test_a_closed_store_refuses_with_a_message(folder: Path, clock: ManualClock) -> None:
    store = await SqliteStore.open(folder / FILE, clock)
    await store.close()
    await store.close()
    with pytest.raises(StorageClosed):
        await store.write("fact", lambda unit: unit.record(fact()))
    with pytest.raises(StorageClosed):
        await store.read("head", head)


async def test_the_store_satisfies_its_protocol(store: SqliteStore) -> None:
    port: Store = store  # checked statically for every repository
    await port.write(
        "listing", lambda unit: (unit.listings.save(listing(), ListingStage.OPEN), unit.record(fact()))
    )
    assert await port.read("unfinished", lambda stored: stored.listings.unfinished()) == [listing()]
