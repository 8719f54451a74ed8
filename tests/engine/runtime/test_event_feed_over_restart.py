"""From a commit to the trading path and the observers, and on after a restart."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.engine.runtime.event_feed import EventFeed, Step
from mexc_tui.engine.runtime.subscriber import Notice, Resume, SubscriberPolicy
from mexc_tui.model.event import Fact
from mexc_tui.store.store import SqliteStore
from tests.support.store_parts import FILE, HandClock, fact


class Recorder:
    """Sees facts on the path, and as an observer that reads the journal when it was too slow."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.walked: list[Fact] = []
        self.observed: list[Fact] = []

    async def step(self, fact: Fact) -> None:
        self.walked.append(fact)

    async def observe(self, notice: Notice) -> None:
        match notice:
            case Fact():
                self.observed.append(notice)
            case Resume(from_sequence=first, through_sequence=last):
                missed = await self._store.read(
                    "resume", lambda stored: stored.journal.after(first - 1, limit=last - first + 1)
                )
                self.observed.extend(missed)
            case _:
                pass


async def run_once(path: Path, units: list[int], observed_before: int) -> tuple[Recorder, list[Fact]]:
    """Open, write units of so many facts at once, close; return what was seen and what is stored."""
    clock = HandClock()
    store = await SqliteStore.open(path, clock)
    head = await store.read("head", lambda stored: stored.journal.head())
    recorder = Recorder(store)
    bus = EventFeed([Step("recorder", recorder.step)], clock, last_sequence=head)
    bus.observe("recorder", recorder.observe, SubscriberPolicy(facts=2, repaints=2), after=observed_before)
    store.set_publisher(bus.accept)

    async def write(size: int) -> None:
        last = await store.write("unit", lambda unit: [unit.record(fact(size)) for _ in range(size)])
        await bus.walked(last[-1])
        assert recorder.walked[-1].sequence >= last[-1]

    await asyncio.gather(*(write(size) for size in units))
    await bus.close()
    stored = await store.read("all", lambda found: found.journal.after(head))
    await store.close()
    return recorder, stored


@settings(max_examples=15)
@given(runs=st.lists(st.lists(st.integers(1, 4), max_size=6), min_size=1, max_size=3))
def test_every_fact_is_walked_and_observed_once_in_the_journals_order(
    runs: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("run") / "profile" / FILE
    observed: list[int] = []
    for units in runs:
        recorder, stored = asyncio.run(run_once(path, units, len(observed)))
        assert recorder.walked == stored
        observed += [found.sequence for found in recorder.observed]
        assert observed == list(range(1, len(observed) + 1))
        assert len(stored) == sum(units)
    assert len(observed) == sum(map(sum, runs))


async def test_an_observer_that_was_away_reads_what_it_missed(tmp_path: Path) -> None:
    path = tmp_path / "profile" / FILE
    _, before = await run_once(path, [3, 2], 0)
    recorder, after = await run_once(path, [1], 1)
    assert recorder.observed == [*before[1:], *after]
