"""Subscribers get every fact in order, never delay each other, and read missed facts from the journal."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.subscriber import Notice, Resume, SubscriberPolicy
from mexc_tui.model.event import Alert, Fact, Severity
from mexc_tui.simulation.run import Simulation, simulate

SHORT_QUEUE = SubscriberPolicy(queue_size=3)


def fact(sequence: int) -> Fact:
    alert = Alert(at_ms=sequence, about="ABCUSDT", severity=Severity.INFO, rule="r", text="t")
    return Fact(sequence, alert)


class RecordingSubscriber:
    """A handler that records facts and, on `Resume`, reads the missed ones as from the journal."""

    def __init__(self, each_s: float = 0.0) -> None:
        self.facts: list[int] = []
        self.resumes: list[Resume] = []
        self.fail_on: set[object] = set()
        self._each_s = each_s

    async def handle(self, notice: Notice) -> None:
        await asyncio.sleep(self._each_s)
        match notice:
            case Fact(sequence=sequence):
                if sequence in self.fail_on:
                    raise RuntimeError("handler failed")
                self.facts.append(sequence)
            case Resume(from_sequence=first, through_sequence=last):
                self.resumes.append(notice)
                if "journal" in self.fail_on:
                    raise OSError("the journal cannot be read")
                self.facts.extend(range(first, last + 1))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(1, 5))
def test_every_subscriber_gets_every_fact_once_and_in_order(
    seed: int, sizes: list[int], slow_ms: int
) -> None:
    async def main(sim: Simulation) -> None:
        quick, slow = RecordingSubscriber(), RecordingSubscriber(each_s=slow_ms / 1000)
        feed = EventFeed(sim.clock)
        feed.subscribe("quick", quick.handle)
        feed.subscribe("slow", slow.handle, SHORT_QUEUE)
        total = 0
        for size in sizes:
            await asyncio.sleep(sim.rng.random() / 100)
            feed.publish([fact(number) for number in range(total + 1, total + size + 1)])
            total += size
        await feed.close(deadline_s=60)
        everything = list(range(1, total + 1))
        assert [quick.facts, slow.facts] == [everything, everything]

    simulate(main, seed=seed, shuffle=True)


def test_H7_a_failing_subscriber_is_counted_and_affects_no_other() -> None:
    async def main(sim: Simulation) -> None:
        broken, healthy = RecordingSubscriber(), RecordingSubscriber()
        broken.fail_on = {1, 2}
        feed = EventFeed(sim.clock)
        feed.subscribe("broken", broken.handle, SubscriberPolicy(fact_attempts=2))
        feed.subscribe("healthy", healthy.handle)
        for number in (1, 2, 3):
            feed.publish([fact(number)])
        await asyncio.sleep(0.5)
        assert (healthy.facts, broken.facts) == ([1, 2, 3], [])
        await asyncio.sleep(10)
        states = {state.name: state for state in feed.state().subscribers}
        assert (states["broken"].failures, states["broken"].handled) == (4, 1)
        assert states["broken"].last_error == "RuntimeError: handler failed"
        assert (states["healthy"].failures, broken.facts) == (0, [3])
        await feed.close()

    simulate(main)


def test_a_fact_whose_handling_failed_once_is_handled_in_order() -> None:
    async def main(sim: Simulation) -> None:
        subscriber = RecordingSubscriber()
        subscriber.fail_on = {2}
        feed = EventFeed(sim.clock)
        feed.subscribe("desk", subscriber.handle, SHORT_QUEUE)
        feed.publish([fact(number) for number in (1, 2, 3)])
        await asyncio.sleep(0.5)
        assert subscriber.facts == [1]
        subscriber.fail_on = set()
        await asyncio.sleep(1)
        assert subscriber.facts == [1, 2, 3]
        await feed.close()

    simulate(main)


def test_a_failed_fact_is_not_lost_when_the_queue_overflows_during_the_pause() -> None:
    async def main(sim: Simulation) -> None:
        subscriber = RecordingSubscriber()
        subscriber.fail_on = {1}
        feed = EventFeed(sim.clock)
        feed.subscribe("desk", subscriber.handle, SHORT_QUEUE)
        feed.publish([fact(1)])
        await asyncio.sleep(0.5)
        feed.publish([fact(number) for number in range(2, 12)])
        subscriber.fail_on = set()
        await asyncio.sleep(5)
        assert subscriber.facts == list(range(1, 12))
        await feed.close()

    simulate(main)


def test_a_hanging_subscriber_delays_no_other_and_reports_how_long_it_is_busy() -> None:
    async def main(sim: Simulation) -> None:
        healthy = RecordingSubscriber()
        feed = EventFeed(sim.clock)
        feed.subscribe("stuck", RecordingSubscriber(each_s=3_600).handle, SHORT_QUEUE)
        feed.subscribe("healthy", healthy.handle)
        started_ms = sim.clock.now_ms()
        for number in range(1, 101):
            feed.publish([fact(number)])
        assert sim.clock.now_ms() == started_ms
        await asyncio.sleep(30)
        stuck = feed.state().subscribers[0]
        assert (stuck.busy_ms, stuck.resumes) == (30_000, 1)
        assert stuck.waiting <= 3
        assert healthy.facts == list(range(1, 101))
        await feed.close(deadline_s=1)

    simulate(main)


def test_a_slow_subscriber_resumes_from_the_journal_with_exactly_the_missed_facts() -> None:
    async def main(sim: Simulation) -> None:
        subscriber = RecordingSubscriber(each_s=1)
        feed = EventFeed(sim.clock)
        feed.subscribe("desk", subscriber.handle, SHORT_QUEUE)
        await asyncio.sleep(0.1)
        feed.publish([fact(1)])
        await asyncio.sleep(0.1)
        for number in range(2, 9):
            feed.publish([fact(number)])
        await asyncio.sleep(10)
        assert subscriber.resumes == [Resume(2, 8)]
        feed.publish([fact(9)])
        await feed.close()
        assert subscriber.facts == list(range(1, 10))

    simulate(main)


def test_an_unpublished_fact_is_read_from_the_journal() -> None:
    async def main(sim: Simulation) -> None:
        subscriber = RecordingSubscriber()
        feed = EventFeed(sim.clock, last_sequence=10)
        feed.subscribe("desk", subscriber.handle)
        feed.publish([fact(11)])
        feed.publish([fact(13)])
        feed.publish([fact(12)])
        feed.publish([fact(14)])
        await feed.close()
        assert subscriber.facts == [11, 12, 13, 14]

    simulate(main)


def test_a_failed_resume_is_retried_from_the_same_fact() -> None:
    async def main(sim: Simulation) -> None:
        subscriber = RecordingSubscriber()
        subscriber.fail_on = {"journal"}
        feed = EventFeed(sim.clock, last_sequence=5)
        feed.subscribe("desk", subscriber.handle, after=2)
        await asyncio.sleep(2)
        feed.publish([fact(6)])
        await asyncio.sleep(2)
        subscriber.fail_on = set()
        await asyncio.sleep(30)
        assert subscriber.resumes[0] == Resume(3, 5)
        assert {resume.from_sequence for resume in subscriber.resumes} == {3}
        assert len(subscriber.resumes) == 4
        assert subscriber.facts == [3, 4, 5, 6]
        await feed.close()

    simulate(main)


def test_an_overflow_while_the_journal_is_unreadable_loses_no_fact() -> None:
    async def main(sim: Simulation) -> None:
        subscriber = RecordingSubscriber(each_s=2)
        subscriber.fail_on = {"journal"}
        feed = EventFeed(sim.clock, last_sequence=5)
        feed.subscribe("desk", subscriber.handle, SHORT_QUEUE, after=2)
        await asyncio.sleep(1)
        for number in range(6, 16):
            feed.publish([fact(number)])
        await asyncio.sleep(5)
        subscriber.fail_on = set()
        await asyncio.sleep(60)
        assert subscriber.facts == list(range(3, 16))
        await feed.close()

    simulate(main)


def test_a_subscriber_that_fails_while_it_is_cancelled_gets_no_further_fact() -> None:
    async def main(sim: Simulation) -> None:
        seen: list[Notice] = []

        async def fail_on_cancel(notice: Notice) -> None:
            seen.append(notice)
            try:
                await asyncio.sleep(100)
            finally:
                raise OSError("already closed")

        feed = EventFeed(sim.clock)
        feed.subscribe("desk", fail_on_cancel)
        feed.publish([fact(1), fact(2), fact(3)])
        await asyncio.sleep(1)
        started_ms = sim.clock.now_ms()
        await feed.close(deadline_s=2)
        assert (seen, sim.clock.now_ms() - started_ms) == ([fact(1)], 2_000)

    simulate(main)


def test_closing_does_not_wait_for_the_retry_pause() -> None:
    async def main(sim: Simulation) -> None:
        subscriber = RecordingSubscriber()
        subscriber.fail_on = {"journal"}
        feed = EventFeed(sim.clock, last_sequence=5)
        feed.subscribe("desk", subscriber.handle, after=2)
        await asyncio.sleep(10)
        started_ms = sim.clock.now_ms()
        await feed.close()
        assert sim.clock.now_ms() == started_ms

    simulate(main)


def test_a_subscriber_can_unsubscribe_from_its_own_handler() -> None:
    async def main(sim: Simulation) -> None:
        seen: list[Notice] = []
        feed = EventFeed(sim.clock)

        async def unsubscribe_at_once(notice: Notice) -> None:
            seen.append(notice)
            await feed.unsubscribe(viewer)

        viewer = feed.subscribe("viewer", unsubscribe_at_once)
        feed.publish([fact(1), fact(2)])
        await asyncio.sleep(1)
        assert seen == [fact(1)]
        assert feed.state().subscribers == ()
        await feed.close()

    simulate(main)


def test_closing_lets_every_subscriber_finish_and_ignores_later_facts() -> None:
    async def main(sim: Simulation) -> None:
        subscriber = RecordingSubscriber(each_s=0.5)
        feed = EventFeed(sim.clock)
        feed.subscribe("desk", subscriber.handle)
        feed.publish([fact(1), fact(2)])
        await feed.close()
        feed.publish([fact(3)])
        assert (subscriber.facts, feed.last_sequence) == ([1, 2], 2)
        with pytest.raises(RuntimeError, match="the event feed is closed"):
            feed.subscribe("late", subscriber.handle)

    simulate(main)
