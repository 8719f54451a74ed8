"""Event feed on a real store: facts arrive in commit order, missed ones are read from the journal."""

import asyncio
from pathlib import Path

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.subscriber import Notice, Resume, SubscriberPolicy
from mexc_tui.model.event import Alert, Fact
from mexc_tui.model.severity import Severity
from mexc_tui.store.sqlite.store import SqliteStore

WRITERS, EACH = 20, 10
TOTAL = WRITERS * EACH


def alert(number: int) -> Alert:
    return Alert(at_ms=number, about="ABCUSDT", severity=Severity.INFO, rule="r", text="t")


class Reader:
    """A subscriber that reads missed facts from the journal."""

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
        if self.seen[-1:] == [TOTAL]:
            self.all_seen.set()


async def test_every_subscriber_gets_every_fact_in_journal_order(tmp_path: Path) -> None:
    feed = EventFeed(SystemClock())
    store = await SqliteStore.open(tmp_path / "state" / "desk.db", SystemClock(), publish=feed.publish)
    quick, slow = Reader(store), Reader(store)
    feed.subscribe("quick", quick.handle)
    feed.subscribe("slow", slow.handle, SubscriberPolicy(queue_size=1))

    async def write(writer: int) -> None:
        for number in range(EACH):
            event = alert(writer * EACH + number)
            sequence = await store.write("alert", lambda unit, event=event: unit.record(event))
            assert feed.last_sequence >= sequence

    async with asyncio.TaskGroup() as group:
        for writer in range(WRITERS):
            group.create_task(write(writer))
    await quick.all_seen.wait()
    await slow.all_seen.wait()
    await feed.close()
    await store.close()
    everything = list(range(1, TOTAL + 1))
    assert quick.seen == everything
    assert slow.seen == everything
    assert slow.resumes > 0
