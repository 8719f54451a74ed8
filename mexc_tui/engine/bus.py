"""Hands committed facts on: first along the trading path, then to the observers (design 3).

The trading path is a fixed row of steps. One fact at a time goes along it, awaited, and what a step raises
reaches whoever published. The bus walks it in a task of its own, so that a publisher who is cancelled does
not leave half of the path knowing. Observers (desk, alerts, recorder) have a queue and a task each; nothing
that they do, or fail to do, is felt on the trading path.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field

from mexc_tui.engine.observer import Handler, Observer, ObserverPolicy, ObserverState
from mexc_tui.engine.ports import Clock
from mexc_tui.engine.tasks import cancel_and_wait, describe, is_being_cancelled, wait_end
from mexc_tui.model.event import Fact

log = logging.getLogger(__name__)

STOP_S = 1.0
"""How long a step that is stopped may take to clean up."""


@dataclass(frozen=True, slots=True)
class Step:
    """One room's place on the trading path.

    `handle` brings what the room knows up to date and is quick: nobody else's fact moves meanwhile. It may
    publish (that fact follows the one in hand), but never waits for another task that publishes.
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
class BusState:
    """The bus for display."""

    last_sequence: int
    waiting: int
    """Facts that wait for their turn on the trading path."""
    steps: tuple[StepState, ...]
    observers: tuple[ObserverState, ...]


class TradingFailure(Exception):
    """A step of the trading path raised: the steps after it have not seen the fact."""

    def __init__(self, step: str, fact: Fact, cause: BaseException) -> None:
        """Keep the cause for who decides what follows."""
        super().__init__(f"{step} failed on fact {fact.sequence} ({fact.event.kind}): {describe(cause)}")
        self.step = step
        self.fact = fact
        self.__cause__ = cause


class BusClosed(Exception):
    """A fact was published after the bus closed. It is in the journal and is found at the next start."""


@dataclass(slots=True)
class _Batch:
    """Facts published together with all that follows from them, and who waits until the path is done."""

    done: "asyncio.Future[None]"
    left: int
    failures: list[TradingFailure] = field(default_factory=list[TradingFailure])

    def finish_one(self, failure: TradingFailure | None) -> None:
        self.left -= 1
        if failure is not None:
            self.failures.append(failure)
        if self.left:
            return
        for further in self.failures[1:]:
            self.failures[0].add_note(f"also: {further}")
        if self.failures:
            self.fail(self.failures[0])
        elif not self.done.done():
            self.done.set_result(None)

    def fail(self, failure: TradingFailure | BusClosed) -> None:
        if not self.done.done():
            self.done.set_exception(failure)
        elif self.done.cancelled():
            log.error("nobody waits any more to hear that %s", failure)


@dataclass(slots=True)
class _Counts:
    handled: int = 0
    failures: int = 0
    last_error: str = ""
    slowest_ns: int = 0


class Bus:
    """The trading path and its observers."""

    def __init__(self, steps: Sequence[Step], clock: Clock, *, last_sequence: int = 0) -> None:
        """Begin after the journal's fact `last_sequence`. The order of the steps is for good.

        Must be called with a running loop.
        """
        self._steps = tuple((step, _Counts()) for step in steps)
        self._clock = clock
        self._last_sequence = last_sequence
        self._observers: list[Observer] = []
        self._due: deque[tuple[Fact, _Batch]] = deque()
        self._in_hand: _Batch | None = None
        self._wake = asyncio.Event()
        self._is_closed = False
        self._task = asyncio.create_task(self._run(), name="trading path")

    async def publish(self, *facts: Fact) -> None:
        """Hand facts along the trading path, in this order; observers get them whatever happens there.

        Call it after the commit. Returns when every step is done with them; a caller who is cancelled
        meanwhile stops waiting, the facts go on. Called by a step, it returns at once: the facts follow,
        and whoever published the one in hand waits for them too.
        Raises TradingFailure (the first; further ones are its notes), and BusClosed.
        """
        batch = self._in_hand if asyncio.current_task() is self._task else None
        if batch is not None:
            batch.left += len(facts)
            self._due.extend((fact, batch) for fact in facts)
            return
        if self._is_closed:
            raise BusClosed(f"{len(facts)} facts were published after the bus closed; they are journalled")
        if facts:
            batch = _Batch(asyncio.get_running_loop().create_future(), len(facts))
            self._due.extend((fact, batch) for fact in facts)
            self._wake.set()
            await batch.done

    def show(self, key: Hashable, value: object) -> None:
        """Offer observers a value to repaint; only the newest of a key is kept for who is slow."""
        for observer in self._observers:
            observer.show(key, value)

    def observe(
        self, name: str, handler: Handler, policy: ObserverPolicy | None = None, *, after: int | None = None
    ) -> Observer:
        """Add an observer that has handled the journal up to `after` (None: up to now).

        If that is behind, its first notice sends it to the journal.
        """
        if self._is_closed:
            raise BusClosed(f"{name} came to observe after the bus closed")
        last = self._last_sequence
        observer = Observer(
            name, handler, policy or ObserverPolicy(), self._clock, (last if after is None else after) + 1
        )
        observer.catch_up(last)
        self._observers.append(observer)
        return observer

    async def leave(self, observer: Observer, deadline_s: float = 0.0) -> None:
        """Take an observer off the bus and end it."""
        if observer in self._observers:
            self._observers.remove(observer)
        await observer.close(deadline_s)

    def state(self) -> BusState:
        """Return every counter for display."""
        steps = tuple(
            StepState(step.name, c.handled, c.failures, c.last_error, c.slowest_ns / 1e6)
            for step, c in self._steps
        )
        observers = tuple(observer.state() for observer in self._observers)
        return BusState(self._last_sequence, len(self._due), steps, observers)

    async def close(self, deadline_s: float = 5.0) -> None:
        """Take no more facts; let the path and then the observers finish within `deadline_s` in all."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + deadline_s
        self._is_closed = True
        self._wake.set()
        if not await wait_end(self._task, deadline_s):
            log.error("the trading path did not finish: it is stopped as it stands")
            await cancel_and_wait(self._task, STOP_S)
            self._give_up()
        observers, self._observers = self._observers, []
        for observer in observers:
            await observer.close(max(give_up_s - loop.time(), 0.0))

    def _give_up(self) -> None:
        why = BusClosed(
            "the bus closed before the trading path was done with these facts; they are journalled"
        )
        if self._in_hand is not None:
            self._in_hand.fail(why)
        for fact, batch in self._due:
            self._tell(fact)
            batch.fail(why)
        self._due.clear()

    async def _run(self) -> None:
        while self._due or not self._is_closed:
            if not self._due:
                self._wake.clear()
                await self._wake.wait()
                continue
            fact, batch = self._due.popleft()
            self._in_hand = batch
            failure = await self._walk(fact)
            self._in_hand = None
            batch.finish_one(failure)

    async def _walk(self, fact: Fact) -> TradingFailure | None:
        """Hand one fact from step to step; what a step raised ends its way and is returned."""
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
                    return TradingFailure(step.name, fact, error)
                finally:
                    took_ns = self._clock.monotonic_ns() - started_ns
                    counts.slowest_ns = max(counts.slowest_ns, took_ns)
        finally:
            self._tell(fact)
        return None

    def _tell(self, fact: Fact) -> None:
        self._last_sequence = max(self._last_sequence, fact.sequence)
        for observer in self._observers:
            observer.offer(fact)
