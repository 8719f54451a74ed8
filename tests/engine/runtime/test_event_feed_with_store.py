"""The bus behind the real store: facts come in the order of commits, the journal mends what was missed."""

import asyncio
from pathlib import Path

import pytest

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.engine.runtime.event_feed import EventFeed, Step, StepFailed
from mexc_tui.engine.runtime.subscriber import Notice, Resume, SubscriberPolicy
from mexc_tui.model.event import Alert, Fact
from mexc_tui.model.severity import Severity
from mexc_tui.store.store import SqliteStore

WRITERS, EACH = 20, 10
TOTAL = WRITERS * EACH


def alert(number: int) -> Alert:
    return Alert(at_ms=number, about="ABCUSDT", severity=Severity.INFO, rule="r", text="t")


class Reader:
    """An observer that reads the journal when it is told to."""

    def __init__(self, store: SqliteStore) -> None:
        self.seen: list[int] = []
        self.resumes = 0
        self.all_seen = asyncio.Event()
        self._store = store

    async def handle(self, notice: Notice) -> None:
        match notice:
            case Fact(sequence=sequence):
                self.seen.append(sequence)
            case Resume(from_sequence=first, through_sequence=last):
                self.resumes += 1
                facts = await self._store.read("resume", lambda stored: stored.journal.after(first - 1))
                self.seen.extend(fact.sequence for fact in facts if fact.sequence <= last)
            case _:
                return
        if self.seen[-1:] == [TOTAL]:
            self.all_seen.set()


async def test_every_observer_has_every_fact_in_the_order_of_the_journal(tmp_path: Path) -> None:
    walked: list[int] = []

    async def step(fact: Fact) -> None:
        walked.append(fact.sequence)

    bus = EventFeed([Step("ledger", step)], SystemClock())
    store = await SqliteStore.open(tmp_path / "state" / "desk.db", SystemClock(), publish=bus.accept)
    quick, slow = Reader(store), Reader(store)
    bus.observe("quick", quick.handle)
    bus.observe("slow", slow.handle, SubscriberPolicy(facts=1))

    async def write(writer: int) -> None:
        for number in range(EACH):
            event = alert(writer * EACH + number)
            sequence = await store.write("alert", lambda unit, event=event: unit.record(event))
            await bus.walked(sequence)
            assert sequence in walked

    async with asyncio.TaskGroup() as group:
        for writer in range(WRITERS):
            group.create_task(write(writer))
    await quick.all_seen.wait()
    await slow.all_seen.wait()
    await bus.close()
    await store.close()
    everything = list(range(1, TOTAL + 1))
    assert walked == everything
    assert quick.seen == everything
    assert slow.seen == everything
    assert slow.resumes > 0


async def test_a_failure_on_the_path_reaches_the_one_who_wrote_the_fact(tmp_path: Path) -> None:
    async def refuse(_: Fact) -> None:
        raise ValueError("the books do not add up")

    bus = EventFeed([Step("ledger", refuse)], SystemClock())
    store = await SqliteStore.open(tmp_path / "state" / "desk.db", SystemClock(), publish=bus.accept)
    sequence = await store.write("alert", lambda unit: unit.record(alert(1)))
    with pytest.raises(StepFailed, match="ledger failed on fact 1"):
        await bus.walked(sequence)
    assert await store.read("head", lambda stored: stored.journal.head()) == sequence
    await bus.close()
    await store.close()
