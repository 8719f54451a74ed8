"""Hands committed facts on: first along the trading path, then to the observers (architecture 3).

The trading path is a fixed row of steps. One fact at a time goes along it, awaited, and what a step raises
reaches whoever waits for that fact. The bus walks the path in a task of its own, so that a caller who is
cancelled does not leave half of it knowing. Observers (desk, alerts, recorder) have a queue and a task each;
nothing that they do, or fail to do, is felt on the trading path.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mexc_tui.engine.runtime.subscriber import Handler, Subscriber, SubscriberPolicy, SubscriberState
from mexc_tui.engine.runtime.tasks import cancel_and_wait, describe, is_being_cancelled, wait_end
from mexc_tui.model.errors import DeskError
from mexc_tui.model.event import Fact
from mexc_tui.ports.clock import Clock

log = logging.getLogger(__name__)

FACTS_AT_ONCE = 32
FAILURES_KEPT = 256
STOP_S = 1.0
"""How long a step that is stopped may take to clean up."""


@dataclass(frozen=True, slots=True)
class Step:
    """One room's place on the trading path.

    `handle` brings what the room knows up to date and is quick: nobody else's fact moves meanwhile. What it
    writes to the journal follows the fact in hand; waiting for that would be waiting for itself.
    """

    name: str
    handle: Callable[[Fact], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class StepState:
    """A step for display."""

    name: str
    handled: int
    failures: int
    last_error: str
    slowest_ms: float


@dataclass(frozen=True, slots=True)
class EventFeedState:
    """The bus for display."""

    last_sequence: int
    waiting: int
    """Facts that wait for their turn on the trading path."""
    steps: tuple[StepState, ...]
    observers: tuple[SubscriberState, ...]


class StepFailed(DeskError):
    """A step of the trading path failed: the steps after it have not seen the fact.

    Reported by the event feed. Halt entries; the next start finds the fact in the journal.
    """

    def __init__(self, step: str, fact: Fact, cause: BaseException) -> None:
        """Keep the cause for who decides what follows."""
        super().__init__(f"{step} failed on fact {fact.sequence} ({fact.event.kind}): {describe(cause)}")
        self.step = step
        self.fact = fact
        self.__cause__ = cause


Report: TypeAlias = Callable[[StepFailed], None]


class EventFeedClosed(DeskError):
    """The event feed closed before the trading path was done with a fact.

    Raised by the event feed. Do not retry: the next start finds the fact in the journal.
    """


@dataclass(slots=True)
class _Counts:
    handled: int = 0
    failures: int = 0
    last_error: str = ""
    slowest_ns: int = 0


class EventFeed:
    """The trading path and its observers."""

    def __init__(
        self, steps: Sequence[Step], clock: Clock, report: Report | None = None, *, last_sequence: int = 0
    ) -> None:
        """Begin after the journal's fact `last_sequence`. The order of the steps is for good.

        `report` hears of every failure on the path, also when nobody waits for that fact. Must be called
        with a running loop.
        """
        self._steps = tuple((step, _Counts()) for step in steps)
        self._clock = clock
        self._report = report
        self._last_sequence = last_sequence
        self._observers: list[Subscriber] = []
        self._due: deque[Fact] = deque()
        self._failed: OrderedDict[int, StepFailed] = OrderedDict()
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._is_closed = False
        self._task = asyncio.create_task(self._run(), name="trading path")

    def accept(self, facts: Sequence[Fact]) -> None:
        """Take committed facts, in the order of their numbers; does not wait. For the store to call.

        Once the bus is closed nobody listens any more, and they stay in the journal.
        """
        if not self._is_closed:
            self._due.extend(facts)
            self._wake.set()

    async def walked(self, sequence: int) -> None:
        """Wait until the trading path is done with a fact that was, or is about to be, accepted.

        Raises StepFailed if a step failed on it, EventFeedClosed if the bus closed before. A caller who is
        cancelled stops waiting, the fact goes on.
        """
        if asyncio.current_task() is self._task:
            raise RuntimeError("a step cannot wait for what follows the fact in hand")
        if sequence > self._last_sequence:
            if self._task.done():
                raise _closed(sequence)
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append((sequence, waiter))
            await waiter
        if sequence in self._failed:
            raise self._failed[sequence]

    async def publish(self, *facts: Fact) -> None:
        """Accept facts and wait until the path is done with them; raises as `walked` does, for the first."""
        self.accept(facts)
        for fact in facts:
            await self.walked(fact.sequence)

    def show(self, key: Hashable, value: object) -> None:
        """Offer observers a value to repaint; only the newest of a key is kept for who is slow."""
        for observer in self._observers:
            observer.show(key, value)

    def observe(
        self, name: str, handler: Handler, policy: SubscriberPolicy | None = None, *, after: int | None = None
    ) -> Subscriber:
        """Add an observer that has handled the journal up to `after` (None: up to now).

        If that is behind, its first notice sends it to the journal.
        """
        if self._is_closed:
            raise EventFeedClosed(f"{name} came to observe after the bus closed")
        last = self._last_sequence
        observer = Subscriber(
            name, handler, policy or SubscriberPolicy(), self._clock, (last if after is None else after) + 1
        )
        observer.catch_up(last)
        self._observers.append(observer)
        return observer

    async def leave(self, observer: Subscriber, deadline_s: float = 0.0) -> None:
        """Take an observer off the bus and end it."""
        if observer in self._observers:
            self._observers.remove(observer)
        await observer.close(deadline_s)

    def state(self) -> EventFeedState:
        """Return every counter for display."""
        steps = tuple(
            StepState(step.name, c.handled, c.failures, c.last_error, c.slowest_ns / 1e6)
            for step, c in self._steps
        )
        observers = tuple(observer.state() for observer in self._observers)
        return EventFeedState(self._last_sequence, len(self._due), steps, observers)

    async def close(self, deadline_s: float = 5.0) -> None:
        """Take no more facts; let the path and then the observers finish within `deadline_s` in all."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + deadline_s
        self._is_closed = True
        self._wake.set()
        if not await wait_end(self._task, deadline_s):
            log.error("the trading path did not finish: it is stopped as it stands")
            await cancel_and_wait(self._task, STOP_S)
        for fact in self._due:
            self._tell(fact)
        self._due.clear()
        for sequence, waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(_closed(sequence))
        self._waiters.clear()
        observers, self._observers = self._observers, []
        for observer in observers:
            await observer.close(max(give_up_s - loop.time(), 0.0))

    async def _run(self) -> None:
        while (self._due or not self._is_closed) and not is_being_cancelled():
            if self._due:
                fact = self._due.popleft()
                await self._walk(fact)
                self._wake_waiters()
                if fact.sequence % FACTS_AT_ONCE == 0:
                    await asyncio.sleep(0)  # steps that never wait must not hold the loop for a long queue
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _walk(self, fact: Fact) -> None:
        """Hand one fact from step to step; what a step raises ends its way. Observers get it all the same."""
        try:
            for step, counts in self._steps:
                started_ns = self._clock.monotonic_ns()
                try:
                    await step.handle(fact)
                    counts.handled += 1
                except (Exception, asyncio.CancelledError) as error:
                    if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                        raise
                    counts.failures += 1
                    counts.last_error = describe(error)
                    self._fail(StepFailed(step.name, fact, error))
                    return
                finally:
                    took_ns = self._clock.monotonic_ns() - started_ns
                    counts.slowest_ns = max(counts.slowest_ns, took_ns)
        finally:
            self._tell(fact)

    def _fail(self, failure: StepFailed) -> None:
        log.error("%s", failure, exc_info=failure.__cause__)
        self._failed[failure.fact.sequence] = failure
        if len(self._failed) > FAILURES_KEPT:
            self._failed.popitem(last=False)
        try:
            if self._report is not None:
                self._report(failure)
        except Exception:  # the facts behind this one must go on whoever listens
            log.exception("nobody could be told of a failure on the trading path")

    def _wake_waiters(self) -> None:
        still: list[tuple[int, asyncio.Future[None]]] = []
        for sequence, waiter in self._waiters:
            if sequence > self._last_sequence:
                still.append((sequence, waiter))
            elif not waiter.done():
                waiter.set_result(None)
        self._waiters = still

    def _tell(self, fact: Fact) -> None:
        self._last_sequence = max(self._last_sequence, fact.sequence)
        for observer in self._observers:
            observer.offer(fact)


def _closed(sequence: int) -> EventFeedClosed:
    return EventFeedClosed(
        f"the bus closed before the trading path was done with fact {sequence}; it is journalled"
    )
