"""One observer of the bus: its bounded queue, its own task, its own failures."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import TypeAlias

from mexc_tui.engine.runtime.tasks import cancel_and_wait, describe, is_being_cancelled, wait_end
from mexc_tui.model.event import Fact
from mexc_tui.ports.clock import Clock

log = logging.getLogger(__name__)

STOP_S = 1.0
"""How long a cancelled handler may take to clean up."""


@dataclass(frozen=True, slots=True)
class Repaint:
    """The newest value under a key. Older ones may have been skipped."""

    key: Hashable
    value: object


@dataclass(frozen=True, slots=True)
class Resume:
    """Facts that did not fit the queue: read these from the journal, both ends included, then go on."""

    from_sequence: int
    through_sequence: int


Notice: TypeAlias = Fact | Repaint | Resume
Handler: TypeAlias = Callable[[Notice], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SubscriberPolicy:
    """What an observer wants, and how much of it may wait."""

    facts: int = 1_000
    """So many facts may wait; one more, and all that wait are to be read from the journal. 0: wants none."""
    repaints: int = 4_096
    """So many keys may wait; one more drops the one that waits longest. 0: wants none."""
    retry_s: float = 1.0
    """Pause before a Resume is handed over again that raised; doubles up to `retry_cap_s`."""
    retry_cap_s: float = 30.0


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """An observer for display."""

    name: str
    waiting_facts: int
    waiting_repaints: int
    handled: int
    failures: int
    last_error: str
    resumes: int
    """How often it was, or will be, sent to the journal."""
    conflated: int
    """Repaints replaced by a newer one of the same key."""
    dropped: int
    """Repaints dropped because too many keys waited."""
    next_sequence: int
    """The fact it expects next; all before it were handed over, wait, or are to be resumed."""
    busy_ms: int
    """How long it has been at the notice in hand; 0 when idle."""


class Subscriber:
    """Hands notices to one handler, one at a time, in a task of its own."""

    def __init__(
        self, name: str, handler: Handler, policy: SubscriberPolicy, clock: Clock, next_sequence: int
    ) -> None:
        """Begin at once. Must be called with a running loop."""
        self.name = name
        self._handler = handler
        self._policy = policy
        self._clock = clock
        self._facts: deque[Fact] = deque()
        self._repaints: dict[Hashable, object] = {}
        self._next_sequence = next_sequence
        self._resume_from: int | None = None
        self._tries = 0
        self._handled = self._failures = self._resumes = self._conflated = self._dropped = 0
        self._last_error = ""
        self._busy_since_ns: int | None = None
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"observer {name}")

    def offer(self, fact: Fact) -> None:
        """Queue a fact; one that does not fit, or follows a gap, sends the observer to the journal."""
        if self._policy.facts == 0 or fact.sequence < self._next_sequence:
            return  # not wanted, or a late one that the journal has been or will be read past
        is_next = fact.sequence == self._next_sequence
        self._wake.set()
        if self._resume_from is None and is_next and len(self._facts) < self._policy.facts:
            self._facts.append(fact)
        elif self._resume_from is None:
            self._resume(self._facts[0].sequence if self._facts else self._next_sequence)
        self._next_sequence = fact.sequence + 1

    def catch_up(self, through_sequence: int) -> None:
        """Send it to the journal for everything it has not had up to this number."""
        if self._policy.facts and through_sequence >= self._next_sequence:
            self._resume(self._next_sequence)
            self._next_sequence = through_sequence + 1

    def show(self, key: Hashable, value: object) -> None:
        """Queue a repaint in place of an older one of the same key."""
        if self._policy.repaints == 0:
            return
        if key in self._repaints:
            self._conflated += 1
        elif len(self._repaints) >= self._policy.repaints:
            del self._repaints[next(iter(self._repaints))]
            self._dropped += 1
        self._repaints[key] = value
        self._wake.set()

    def state(self) -> SubscriberState:
        """Return it for display."""
        busy_ns = 0 if self._busy_since_ns is None else self._clock.monotonic_ns() - self._busy_since_ns
        return SubscriberState(
            self.name,
            waiting_facts=len(self._facts),
            waiting_repaints=len(self._repaints),
            handled=self._handled,
            failures=self._failures,
            last_error=self._last_error,
            resumes=self._resumes,
            conflated=self._conflated,
            dropped=self._dropped,
            next_sequence=self._next_sequence,
            busy_ms=busy_ns // 1_000_000,
        )

    async def close(self, deadline_s: float = 0.0) -> None:
        """Hand over what waits, for at most `deadline_s`, then end. What is left is in the journal."""
        self._closing.set()
        self._wake.set()
        if asyncio.current_task() is self._task:
            self._facts.clear()
            self._repaints.clear()
            self._resume_from = None
            return  # its handler left: the task ends when the handler returns
        if not await wait_end(self._task, deadline_s):
            log.warning("observer %s left %d facts unread", self.name, len(self._facts))
            if not await cancel_and_wait(self._task, STOP_S):
                log.error("observer %s does not stop", self.name)

    async def _run(self) -> None:
        while (notice := await self._next()) is not None:
            self._busy_since_ns = self._clock.monotonic_ns()
            try:
                await self._handler(notice)
                self._handled += 1
                self._tries = 0
            except asyncio.CancelledError as error:
                if is_being_cancelled():
                    raise
                await self._fail(notice, error)
            except Exception as error:  # whatever it is, it is this observer's alone
                await self._fail(notice, error)
            finally:
                self._busy_since_ns = None
            if is_being_cancelled():
                return  # the handler answered the cancellation with something else
            # A handler that never waits must not hold the loop while there is much to hand over.
            await asyncio.sleep(0)

    async def _next(self) -> Notice | None:
        while True:
            if self._resume_from is not None:
                resume = Resume(self._resume_from, self._next_sequence - 1)
                self._resume_from = None
                return resume
            if self._facts:
                return self._facts.popleft()
            if self._repaints:
                key = next(iter(self._repaints))
                return Repaint(key, self._repaints.pop(key))
            if self._closing.is_set():
                return None
            self._wake.clear()
            await self._wake.wait()

    async def _fail(self, notice: Notice, error: BaseException) -> None:
        self._failures += 1
        self._last_error = describe(error)
        if self._failures & (self._failures - 1) == 0:  # the 1st, 2nd, 4th, 8th ...: never a flood
            log.error("observer %s failed, time %d: %s", self.name, self._failures, self._last_error)
        if isinstance(notice, Resume):
            self._resume(notice.from_sequence)
            self._tries += 1
            await self._pause()

    def _resume(self, from_sequence: int) -> None:
        if self._resume_from is None:
            self._resumes += 1
            self._resume_from = from_sequence
        self._resume_from = min(self._resume_from, from_sequence)
        self._facts.clear()
        self._wake.set()

    async def _pause(self) -> None:
        pause_s = min(self._policy.retry_cap_s, self._policy.retry_s * 2 ** min(self._tries - 1, 16))
        try:
            async with asyncio.timeout(pause_s):
                await self._closing.wait()
        except TimeoutError:
            return
        self._resume_from = None  # closing: it will resume from there at its next start
