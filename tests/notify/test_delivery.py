"""Facts reach a real server through the outbox of a real store, at least once and after a restart."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from mexc_tui.model.event import Alert, Fact
from mexc_tui.model.notification import ChannelName, Notification
from mexc_tui.model.severity import Severity
from mexc_tui.notify.delivery import FAILURES, DeliveryWorker
from mexc_tui.notify.http import HttpSender
from mexc_tui.notify.messages import ChannelAccess, builder_of
from mexc_tui.notify.outbox import Outbox
from mexc_tui.notify.schedule import FAILING_RULE, HOUR_MS, NotifyPolicy
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.wording.alert_titles import alert_title
from tests.support.notify_server import NotifyServer
from tests.support.store_parts import ManualClock

NTFY, WEBHOOK = ChannelName.NTFY, ChannelName.WEBHOOK
POLICY = NotifyPolicy(suppress_ms=0, per_hour=3)


def outbox(
    store: SqliteStore, clock: ManualClock, channels: Sequence[ChannelName] = (NTFY,), **changes: object
) -> Outbox:
    policy = POLICY if not changes else NotifyPolicy(suppress_ms=300_000)
    return Outbox(store, clock, channels=channels, policy=policy, title=alert_title, added=lambda: None)


def facts(clock: ManualClock, *numbers: int, severity: Severity = Severity.WARNING) -> list[Fact]:
    now_ms = clock.now_ms()
    return [
        Fact(
            number,
            Alert(at_ms=now_ms, about="NEWUSDT", severity=severity, rule="books", text=f"text {number}"),
        )
        for number in numbers
    ]


def worker(
    store: SqliteStore,
    clock: ManualClock,
    sender: HttpSender,
    *,
    origin: str,
    name: ChannelName = NTFY,
) -> DeliveryWorker:
    build = builder_of(ChannelAccess(name=name, url=origin, secret="topic"))

    async def send(one: Notification) -> None:
        await sender.send(build(one))

    return DeliveryWorker(name, send, store=store, clock=clock, policy=POLICY)


def texts(server: NotifyServer) -> list[str]:
    return [
        str(msgspec.json.decode(one.body, type=dict[str, object])["message"])[-6:] for one in server.received
    ]


async def pending(store: SqliteStore, name: ChannelName = NTFY) -> list[str]:
    rows = await store.read("pending", lambda stored: stored.notifications.pending(name))
    return [row.notification.key for row in rows]


async def test_a_fact_reaches_the_server_once(
    store: SqliteStore, clock: ManualClock, server: NotifyServer
) -> None:
    box = outbox(store, clock)
    await box.add(facts(clock, 1, 2))
    await box.add(facts(clock, 2, 3))  # the event feed repeats a fact after a failure
    async with HttpSender() as sender:
        channel = worker(store, clock, sender, origin=server.origin)
        await channel.deliver_due()
        await channel.deliver_due()
    assert texts(server) == ["text 1", "text 2", "text 3"]
    assert await pending(store) == []


async def test_a_restart_delivers_what_was_left_and_nothing_twice(
    store: SqliteStore, clock: ManualClock, server: NotifyServer
) -> None:
    await outbox(store, clock).add(facts(clock, 1, 2))
    server.statuses = [200, 500]
    async with HttpSender() as sender:
        await worker(store, clock, sender, origin=server.origin).deliver_due()
        assert await pending(store) == ["fact:2"]
        clock.pass_s(5)
        await worker(store, clock, sender, origin=server.origin).deliver_due()
    assert texts(server) == ["text 1", "text 2", "text 2"]
    assert await pending(store) == []


async def test_a_failing_channel_waits_and_is_reported_to_the_others(
    store: SqliteStore, clock: ManualClock, server: NotifyServer
) -> None:
    box = outbox(store, clock, (NTFY, WEBHOOK))
    await box.add(facts(clock, 101, 102))
    server.statuses = [500] * FAILURES
    async with HttpSender() as sender:
        channel = worker(store, clock, sender, origin=server.origin)
        pauses: list[int] = []
        for _ in range(FAILURES):
            pauses.append(await channel.deliver_due())
            assert await channel.deliver_due() == pauses[-1]  # nothing is sent during the pause
            clock.pass_s(pauses[-1] / 1_000)
        assert pauses == [5_000, 10_000, 20_000]
        assert len(server.received) == FAILURES
        (fact,) = await store.read("alerts", lambda stored: stored.journal.of_kind("alert"))
        await box.add([fact])
        assert f"fact:{fact.sequence}" in await pending(store, WEBHOOK)
        assert f"fact:{fact.sequence}" not in await pending(store, NTFY)
        clock.pass_s(3_600)
        await channel.deliver_due()
    assert await pending(store) == []
    assert await store.read("open", lambda stored: stored.alerts.open()) == []
    assert isinstance(fact.event, Alert)
    assert (fact.event.rule, fact.event.about) == (FAILING_RULE, "ntfy")


async def test_a_channel_sends_its_share_of_an_hour_and_critical_ones_beyond(
    store: SqliteStore, clock: ManualClock, server: NotifyServer
) -> None:
    box = outbox(store, clock)
    await box.add(facts(clock, 1, 2, 3, 4))
    await box.add(facts(clock, 5, severity=Severity.CRITICAL))
    async with HttpSender() as sender:
        channel = worker(store, clock, sender, origin=server.origin)
        await channel.deliver_due()
        assert texts(server) == ["text 1", "text 2", "text 3", "text 5"]
        clock.pass_s(HOUR_MS / 1_000)
        await channel.deliver_due()
    assert texts(server)[-1] == "text 4"


async def test_a_notification_that_waited_for_a_day_is_not_sent(
    store: SqliteStore, clock: ManualClock, server: NotifyServer
) -> None:
    await outbox(store, clock).add(facts(clock, 1))
    clock.pass_s(86_401)
    async with HttpSender() as sender:
        await worker(store, clock, sender, origin=server.origin).deliver_due()
    assert (server.received, await pending(store)) == ([], [])


async def test_a_repeated_alert_is_suppressed_and_a_worse_one_is_not(
    store: SqliteStore, clock: ManualClock
) -> None:
    box = outbox(store, clock, suppressed=True)
    await box.add(facts(clock, 1, 2))
    await box.add(facts(clock, 3, severity=Severity.CRITICAL))
    assert await pending(store) == ["fact:1", "fact:3"]


async def test_a_silent_channel_delays_no_other(
    store: SqliteStore, clock: ManualClock, server: NotifyServer
) -> None:
    await outbox(store, clock, (NTFY, WEBHOOK)).add(facts(clock, 1))
    asked = asyncio.Event()

    async def never(one: Notification) -> None:
        asked.set()
        await asyncio.Event().wait()

    silent = DeliveryWorker(WEBHOOK, never, store=store, clock=clock, policy=POLICY)
    async with HttpSender() as sender:
        tasks = [
            asyncio.create_task(silent.run()),
            asyncio.create_task(worker(store, clock, sender, origin=server.origin).run()),
        ]
        await asked.wait()
        await server.next()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert texts(server) == ["text 1"]


async def test_a_woken_worker_sends_at_once(
    store: SqliteStore, clock: ManualClock, server: NotifyServer
) -> None:
    async with HttpSender() as sender:
        channel = worker(store, clock, sender, origin=server.origin)
        task = asyncio.create_task(channel.run())
        await outbox(store, clock).add(facts(clock, 1))
        channel.wake()
        await server.next()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert texts(server) == ["text 1"]


async def test_facts_before_the_first_channel_are_not_sent(store: SqliteStore, clock: ManualClock) -> None:
    box = outbox(store, clock)
    assert await box.start(40) == 40
    await box.add(facts(clock, 41))
    assert await box.start(90) == 41


async def test_the_position_of_a_journal_that_was_replaced_is_dropped(
    store: SqliteStore, clock: ManualClock
) -> None:
    box = outbox(store, clock)
    await box.start(40)
    assert await box.start(7) == 7
    assert await box.start(90) == 7


async def test_missed_facts_are_read_from_the_journal(store: SqliteStore, clock: ManualClock) -> None:
    for fact in facts(clock, 1, 2, 3):
        await store.write("fact", lambda unit, event=fact.event: unit.record(event))
    await outbox(store, clock).catch_up(2, 3)
    assert await pending(store) == ["fact:2", "fact:3"]
