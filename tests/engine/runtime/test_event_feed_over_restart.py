"""Facts reach subscribers in journal order, also across restarts."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.subscriber import Notice, Resume, SubscriberPolicy
from mexc_tui.model.event import Fact
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.store_parts import FILE, ManualClock, fact


class JournalReader:
    """A subscriber that records facts and reads missed ones from the journal."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.facts: list[Fact] = []

    async def handle(self, notice: Notice) -> None:
        match notice:
            case Fact():
                self.facts.append(notice)
            case Resume(from_sequence=first, through_sequence=last):
                missed = await self._store.read(
                    "resume", lambda stored: stored.journal.after(first - 1, limit=last - first + 1)
                )
                self.facts.extend(missed)


async def run_once(path: Path, units: list[int], handled: int) -> tuple[list[Fact], list[Fact]]:
    """Open a store, write units of these sizes concurrently, close it.

    Return the facts of a subscriber that had handled `handled` facts before, and the facts stored since.
    """
    clock = ManualClock()
    store = await SqliteStore.open(path, clock)
    head = await store.read("head", lambda stored: stored.journal.head())
    reader = JournalReader(store)
    feed = EventFeed(clock, last_sequence=head)
    feed.subscribe("reader", reader.handle, SubscriberPolicy(queue_size=2), after=handled)
    store.set_publisher(feed.publish)

    async def write(size: int) -> None:
        written = await store.write("unit", lambda unit: [unit.record(fact(size)) for _ in range(size)])
        assert feed.last_sequence >= written[-1]

    await asyncio.gather(*(write(size) for size in units))
    await feed.close()
    stored = await store.read("all", lambda found: found.journal.after(head))
    await store.close()
    return reader.facts, stored


@settings(max_examples=15)
@given(runs=st.lists(st.lists(st.integers(1, 4), max_size=6), min_size=1, max_size=3))
def test_every_fact_is_handled_once_in_journal_order_across_restarts(
    runs: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("run") / "profile" / FILE
    handled: list[int] = []
    for units in runs:
        facts, stored = asyncio.run(run_once(path, units, len(handled)))
        assert facts == stored
        handled += [one.sequence for one in facts]
        assert handled == list(range(1, len(handled) + 1))
        assert len(stored) == sum(units)
    assert len(handled) == sum(map(sum, runs))


async def test_a_subscriber_that_was_disconnected_reads_the_missed_facts(tmp_path: Path) -> None:
    path = tmp_path / "profile" / FILE
    _, before = await run_once(path, [3, 2], 0)
    facts, after = await run_once(path, [1], 1)
    assert facts == [*before[1:], *after]
