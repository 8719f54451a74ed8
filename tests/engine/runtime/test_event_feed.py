"""Facts go along the trading path in order; observers never hold it up and never lose a fact."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.engine.runtime.event_feed import EventFeed, EventFeedClosed, Step, StepFailed
from mexc_tui.engine.runtime.subscriber import Notice, Repaint, Resume, SubscriberPolicy
from mexc_tui.model.event import Alert, Fact, Severity
from mexc_tui.simulation.run import Simulation, simulate

FEW = SubscriberPolicy(facts=3, repaints=2)


def fact(sequence: int) -> Fact:
    alert = Alert(at_ms=sequence, about="ABCUSDT", severity=Severity.INFO, rule="r", text="t")
    return Fact(sequence, alert)


class Path:
    """Steps that write down what they see, and do what a test tells them to."""

    def __init__(self, *names: str) -> None:
        self.seen: list[tuple[str, int]] = []
        self.acts: dict[tuple[str, int], Callable[[], Awaitable[None]]] = {}
        self.steps = [Step(name, self._handler(name)) for name in names]

    def _handler(self, name: str) -> Callable[[Fact], Awaitable[None]]:
        async def handle(fact: Fact) -> None:
            self.seen.append((name, fact.sequence))
            if act := self.acts.get((name, fact.sequence)):
                await act()

        return handle


class Watcher:
    """An observer that reads the journal when it is told to, as a real one would."""

    def __init__(self, each_s: float = 0.0) -> None:
        self.facts: list[int] = []
        self.paints: list[tuple[object, object]] = []
        self.resumes: list[Resume] = []
        self.fail_on: set[object] = set()
        self._each_s = each_s

    async def handle(self, notice: Notice) -> None:
        await asyncio.sleep(self._each_s)
        match notice:
            case Fact(sequence=sequence):
                if sequence in self.fail_on:
                    raise RuntimeError("this observer is broken")
                self.facts.append(sequence)
            case Repaint(key=key, value=value):
                self.paints.append((key, value))
            case Resume(from_sequence=first, through_sequence=last):
                self.resumes.append(notice)
                if "journal" in self.fail_on:
                    raise OSError("the journal cannot be read")
                self.facts.extend(range(first, last + 1))


async def fail() -> None:
    raise ValueError("bad\nfact")


def test_steps_see_every_fact_in_their_fixed_order() -> None:
    async def main(sim: Simulation) -> None:
        path = Path("ledger", "risk", "exits")
        bus = EventFeed(path.steps, sim.clock)
        await bus.publish(fact(1), fact(2))
        assert path.seen == [(name, number) for number in (1, 2) for name in ("ledger", "risk", "exits")]
        await bus.close()

    simulate(main)


def test_publishing_returns_only_when_the_last_step_is_done() -> None:
    async def main(sim: Simulation) -> None:
        path = Path("ledger")
        path.acts["ledger", 1] = lambda: asyncio.sleep(2)
        bus = EventFeed(path.steps, sim.clock)
        began_ms = sim.clock.now_ms()
        await bus.publish(fact(1))
        assert sim.clock.now_ms() - began_ms == 2_000
        assert bus.state().steps[0].slowest_ms == 2_000
        await bus.close()

    simulate(main)


def test_a_failing_step_reaches_the_publisher_and_ends_that_facts_way_only() -> None:
    async def main(sim: Simulation) -> None:
        path, watcher = Path("ledger", "risk"), Watcher()
        path.acts["ledger", 1] = fail
        bus = EventFeed(path.steps, sim.clock)
        bus.observe("desk", watcher.handle)
        with pytest.raises(StepFailed, match=r"ledger failed on fact 1 \(alert\): ValueError: bad fact") as e:
            await bus.publish(fact(1), fact(2))
        assert isinstance(e.value.__cause__, ValueError)
        assert path.seen == [("ledger", 1), ("ledger", 2), ("risk", 2)]
        assert [(step.handled, step.failures) for step in bus.state().steps] == [(1, 1), (1, 0)]
        await bus.close()
        assert watcher.facts == [1, 2]

    simulate(main)


def test_every_failure_is_reported_also_when_nobody_waits_for_the_fact() -> None:
    async def main(sim: Simulation) -> None:
        told: list[int] = []
        path = Path("ledger")
        path.acts["ledger", 1] = path.acts["ledger", 2] = fail
        bus = EventFeed(path.steps, sim.clock, lambda failure: told.append(failure.fact.sequence))
        bus.accept([fact(1), fact(2)])
        bus.accept([fact(3)])
        await bus.walked(3)
        assert told == [1, 2]
        for number in (1, 2):
            with pytest.raises(StepFailed, match=f"ledger failed on fact {number}"):
                await bus.walked(number)
        await bus.close()

    simulate(main)


def test_a_report_that_raises_does_not_stop_the_path() -> None:
    async def main(sim: Simulation) -> None:
        def refuse(_: StepFailed) -> None:
            raise RuntimeError("nobody is at home")

        path = Path("ledger")
        path.acts["ledger", 1] = fail
        bus = EventFeed(path.steps, sim.clock, refuse)
        bus.accept([fact(1), fact(2)])
        await bus.walked(2)
        assert path.seen == [("ledger", 1), ("ledger", 2)]
        await bus.close()

    simulate(main)


def test_one_can_wait_for_a_fact_before_it_is_accepted() -> None:
    async def main(sim: Simulation) -> None:
        path = Path("ledger")
        bus = EventFeed(path.steps, sim.clock, last_sequence=4)
        await bus.walked(4)
        asyncio.get_running_loop().call_later(2, bus.accept, [fact(5), fact(6)])
        began_ms = sim.clock.now_ms()
        await bus.walked(6)
        assert sim.clock.now_ms() - began_ms == 2_000
        assert path.seen == [("ledger", 5), ("ledger", 6)]
        await bus.close()

    simulate(main)


def test_a_cancellation_that_comes_up_inside_a_step_is_a_failure() -> None:
    async def main(sim: Simulation) -> None:
        async def wait_for_somebody_who_gave_up() -> None:
            gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            gone.cancel()
            await gone

        path = Path("ledger")
        path.acts["ledger", 1] = wait_for_somebody_who_gave_up
        bus = EventFeed(path.steps, sim.clock)
        with pytest.raises(StepFailed):
            await bus.publish(fact(1))
        await bus.publish(fact(2))
        await bus.close()

    simulate(main)


def test_what_a_step_writes_follows_the_fact_in_hand() -> None:
    async def main(sim: Simulation) -> None:
        path = Path("ledger", "risk")
        bus = EventFeed(path.steps, sim.clock)

        async def write() -> None:
            bus.accept([fact(2)])

        path.acts["ledger", 1] = write
        bus.accept([fact(1)])
        await bus.walked(2)
        assert path.seen == [("ledger", 1), ("risk", 1), ("ledger", 2), ("risk", 2)]
        await bus.close()

    simulate(main)


def test_a_step_that_waits_for_itself_fails_instead_of_hanging() -> None:
    async def main(sim: Simulation) -> None:
        path = Path("ledger")
        bus = EventFeed(path.steps, sim.clock)
        path.acts["ledger", 1] = lambda: bus.publish(fact(2))
        with pytest.raises(StepFailed, match="a step cannot wait"):
            await bus.publish(fact(1))
        await bus.walked(2)
        await bus.close()

    simulate(main)


def test_a_publisher_who_is_cancelled_does_not_leave_half_of_the_path_knowing() -> None:
    async def main(sim: Simulation) -> None:
        path, watcher = Path("ledger", "risk"), Watcher()
        path.acts["ledger", 1] = lambda: asyncio.sleep(5)
        bus = EventFeed(path.steps, sim.clock)
        bus.observe("desk", watcher.handle)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await bus.publish(fact(1))
        await bus.close(deadline_s=10)
        assert path.seen == [("ledger", 1), ("risk", 1)]
        assert watcher.facts == [1]

    simulate(main)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(1, 5))
def test_every_step_sees_every_fact_once_and_all_in_the_same_order(
    seed: int, sizes: list[int], slow_ms: int
) -> None:
    async def main(sim: Simulation) -> None:
        path, quick, slow = Path("a", "b"), Watcher(), Watcher(each_s=slow_ms / 1000)
        bus = EventFeed(path.steps, sim.clock)
        bus.observe("quick", quick.handle)
        bus.observe("slow", slow.handle, FEW)
        total = 0

        async def publish(numbers: range) -> None:
            await asyncio.sleep(sim.rng.random() / 100)
            await bus.publish(*map(fact, numbers))

        async with asyncio.TaskGroup() as group:
            for size in sizes:
                group.create_task(publish(range(total + 1, total + size + 1)))
                total += size
        await bus.close(deadline_s=60)
        orders = [[number for name, number in path.seen if name == step] for step in ("a", "b")]
        assert orders[0] == orders[1]
        everything = list(range(1, total + 1))
        assert sorted(orders[0]) == everything
        assert [quick.facts, slow.facts] == [everything, everything]

    simulate(main, seed=seed, shuffle=True)


def test_H7_a_raising_observer_is_counted_and_touches_nobody_else() -> None:
    async def main(sim: Simulation) -> None:
        path, broken, sound = Path("ledger"), Watcher(), Watcher()
        broken.fail_on = {1, 2}
        bus = EventFeed(path.steps, sim.clock)
        bus.observe("broken", broken.handle)
        bus.observe("sound", sound.handle)
        for number in (1, 2, 3):
            await bus.publish(fact(number))
        await asyncio.sleep(1)
        states = {state.name: state for state in bus.state().observers}
        assert (states["broken"].failures, states["broken"].handled) == (2, 1)
        assert states["broken"].last_error == "RuntimeError: this observer is broken"
        assert (states["sound"].failures, sound.facts, broken.facts) == (0, [1, 2, 3], [3])
        await bus.close()

    simulate(main)


def test_an_observer_that_hangs_holds_nobody_up_and_shows_how_long_it_is_busy() -> None:
    async def main(sim: Simulation) -> None:
        path, sound = Path("ledger"), Watcher()
        bus = EventFeed(path.steps, sim.clock)
        bus.observe("stuck", Watcher(each_s=3_600).handle, FEW)
        bus.observe("sound", sound.handle)
        began_ms = sim.clock.now_ms()
        for number in range(1, 101):
            await bus.publish(fact(number))
        assert sim.clock.now_ms() == began_ms
        await asyncio.sleep(30)
        stuck = bus.state().observers[0]
        assert (stuck.busy_ms, stuck.resumes) == (30_000, 1)
        assert stuck.waiting_facts <= 3
        assert sound.facts == list(range(1, 101))
        await bus.close(deadline_s=1)

    simulate(main)


def test_an_observer_that_falls_behind_is_sent_to_the_journal_for_exactly_what_it_missed() -> None:
    async def main(sim: Simulation) -> None:
        watcher = Watcher(each_s=1)
        bus = EventFeed([], sim.clock)
        bus.observe("desk", watcher.handle, FEW)
        await asyncio.sleep(0.1)
        await bus.publish(fact(1))
        await asyncio.sleep(0.1)
        for number in range(2, 9):
            await bus.publish(fact(number))
        await asyncio.sleep(10)
        assert watcher.resumes == [Resume(2, 8)]
        await bus.publish(fact(9))
        await bus.close()
        assert watcher.facts == list(range(1, 10))

    simulate(main)


def test_a_fact_that_nobody_published_is_found_in_the_journal() -> None:
    async def main(sim: Simulation) -> None:
        watcher = Watcher()
        bus = EventFeed([], sim.clock, last_sequence=10)
        bus.observe("desk", watcher.handle)
        await bus.publish(fact(11))
        await bus.publish(fact(13))
        await bus.publish(fact(12))
        await bus.publish(fact(14))
        await bus.close()
        assert watcher.facts == [11, 12, 13, 14]

    simulate(main)


def test_an_observer_that_cannot_read_the_journal_is_told_again_from_the_same_place() -> None:
    async def main(sim: Simulation) -> None:
        watcher = Watcher()
        watcher.fail_on = {"journal"}
        bus = EventFeed([], sim.clock, last_sequence=5)
        bus.observe("desk", watcher.handle, after=2)
        await asyncio.sleep(2)
        await bus.publish(fact(6))
        await asyncio.sleep(2)
        watcher.fail_on = set()
        await asyncio.sleep(30)
        assert watcher.resumes[0] == Resume(3, 5)
        assert {resume.from_sequence for resume in watcher.resumes} == {3}
        assert len(watcher.resumes) == 4
        assert watcher.facts == [3, 4, 5, 6]
        await bus.close()

    simulate(main)


def test_falling_behind_while_the_journal_cannot_be_read_forgets_nothing() -> None:
    async def main(sim: Simulation) -> None:
        watcher = Watcher(each_s=2)
        watcher.fail_on = {"journal"}
        bus = EventFeed([], sim.clock, last_sequence=5)
        bus.observe("desk", watcher.handle, FEW, after=2)
        await asyncio.sleep(1)
        for number in range(6, 16):
            await bus.publish(fact(number))
        await asyncio.sleep(5)
        watcher.fail_on = set()
        await asyncio.sleep(60)
        assert watcher.facts == list(range(3, 16))
        await bus.close()

    simulate(main)


def test_an_observer_that_stumbles_while_it_is_stopped_is_not_given_more() -> None:
    async def main(sim: Simulation) -> None:
        seen: list[Notice] = []

        async def stumble(notice: Notice) -> None:
            seen.append(notice)
            try:
                await asyncio.sleep(100)
            finally:
                raise OSError("already closed")

        bus = EventFeed([], sim.clock)
        bus.observe("desk", stumble)
        bus.accept([fact(1), fact(2), fact(3)])
        await asyncio.sleep(1)
        began_ms = sim.clock.now_ms()
        await bus.close(deadline_s=2)
        assert (seen, sim.clock.now_ms() - began_ms) == ([fact(1)], 2_000)

    simulate(main)


def test_closing_does_not_wait_out_the_pause_of_an_observer_in_trouble() -> None:
    async def main(sim: Simulation) -> None:
        watcher = Watcher()
        watcher.fail_on = {"journal"}
        bus = EventFeed([], sim.clock, last_sequence=5)
        bus.observe("desk", watcher.handle, after=2)
        await asyncio.sleep(10)
        began_ms = sim.clock.now_ms()
        await bus.close()
        assert sim.clock.now_ms() == began_ms

    simulate(main)


def test_repaints_are_conflated_to_the_latest_of_a_key() -> None:
    async def main(sim: Simulation) -> None:
        watcher = Watcher()
        bus = EventFeed([], sim.clock)
        bus.observe("desk", watcher.handle)
        for price in range(100):
            bus.show("ABCUSDT", price)
            bus.show("XYZUSDT", -price)
        await asyncio.sleep(1)
        assert watcher.paints == [("ABCUSDT", 99), ("XYZUSDT", -99)]
        assert bus.state().observers[0].conflated == 198
        await bus.close()

    simulate(main)


def test_too_many_keys_drop_repaints_and_never_facts() -> None:
    async def main(sim: Simulation) -> None:
        watcher = Watcher()
        bus = EventFeed([], sim.clock)
        bus.observe("desk", watcher.handle, FEW)
        await bus.publish(fact(1))
        for key in range(50):
            bus.show(key, key)
        assert bus.state().observers[0].dropped == 48
        await bus.close()
        assert (watcher.facts, watcher.paints) == ([1], [(48, 48), (49, 49)])

    simulate(main)


def test_an_observer_gets_only_what_its_policy_asks_for() -> None:
    async def main(sim: Simulation) -> None:
        audit, screen = Watcher(), Watcher()
        bus = EventFeed([], sim.clock, last_sequence=7)
        bus.observe("audit", audit.handle, SubscriberPolicy(repaints=0))
        bus.observe("screen", screen.handle, SubscriberPolicy(facts=0), after=0)
        await bus.publish(fact(8))
        bus.show("k", 1)
        await bus.close()
        assert (audit.facts, audit.paints, screen.facts, screen.paints) == ([8], [], [], [("k", 1)])

    simulate(main)


def test_an_observer_can_leave_from_within_and_hears_no_more() -> None:
    async def main(sim: Simulation) -> None:
        seen: list[Notice] = []
        bus = EventFeed([], sim.clock)

        async def leave_at_once(notice: Notice) -> None:
            seen.append(notice)
            await bus.leave(viewer)

        viewer = bus.observe("viewer", leave_at_once)
        await bus.publish(fact(1), fact(2))
        await asyncio.sleep(1)
        assert seen == [fact(1)]
        assert bus.state().observers == ()
        await bus.close()

    simulate(main)


def test_closing_lets_everybody_finish_and_refuses_what_comes_later() -> None:
    async def main(sim: Simulation) -> None:
        path, watcher = Path("ledger"), Watcher(each_s=0.5)
        path.acts["ledger", 1] = lambda: asyncio.sleep(1)
        bus = EventFeed(path.steps, sim.clock)
        bus.observe("desk", watcher.handle)
        publishing = asyncio.create_task(bus.publish(fact(1), fact(2)))
        await asyncio.sleep(0.1)
        await bus.close()
        await publishing
        assert (path.seen, watcher.facts) == ([("ledger", 1), ("ledger", 2)], [1, 2])
        with pytest.raises(EventFeedClosed):
            await bus.publish(fact(3))
        with pytest.raises(EventFeedClosed):
            bus.observe("late", watcher.handle)

    simulate(main)


def test_closing_a_path_that_is_stuck_tells_the_publishers_and_the_observers() -> None:
    async def main(sim: Simulation) -> None:
        path, watcher = Path("ledger", "risk"), Watcher()
        path.acts["ledger", 1] = lambda: asyncio.sleep(3_600)
        bus = EventFeed(path.steps, sim.clock)
        bus.observe("desk", watcher.handle)
        first = asyncio.create_task(bus.publish(fact(1)))
        second = asyncio.create_task(bus.publish(fact(2)))
        await asyncio.sleep(0.1)
        began_ms = sim.clock.now_ms()
        await bus.close(deadline_s=3)
        assert sim.clock.now_ms() - began_ms == 3_000
        for publishing in (first, second):
            with pytest.raises(EventFeedClosed):
                await publishing
        assert path.seen == [("ledger", 1)]
        assert bus.state().last_sequence == 2

    simulate(main)
