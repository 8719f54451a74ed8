"""One subscriber of the event feed: bounded queue, task, retries."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from mexc_tui.engine.runtime.tasks import cancel_and_wait, describe, is_being_cancelled, wait_end
from mexc_tui.model.event import Fact
from mexc_tui.ports.clock import Clock

log = logging.getLogger(__name__)

CANCEL_S = 1.0
"""How long a cancelled handler may take to clean up."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Range of facts to read from the journal, because they did not fit the queue. Both ends included."""

    from_sequence: int
    through_sequence: int


Notice: TypeAlias = Fact | Resume
FactHandler: TypeAlias = Callable[[Notice], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberPolicy:
    """Queue size and retry pauses of a subscriber."""

    queue_size: int = 1_000
    """Facts queued at most; on overflow the queue is replaced by one `Resume`."""
    retry_s: float = 1.0
    """Pause before a failed notice is retried; doubles up to `retry_cap_s`."""
    retry_cap_s: float = 30.0
    fact_attempts: int = 5
    """Attempts to handle one fact; then it is skipped, so that one bad fact does not block the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberState:
    """Counters of a subscriber."""

    name: str
    waiting: int
    """Queued facts."""
    handled: int
    failures: int
    last_error: str
    resumes: int
    """Number of catch-ups from the journal."""
    next_sequence: int
    """Next fact expected; all earlier facts were handled, are queued, or are to be resumed."""
    busy_ms: int
    """How long the current notice has been in progress; 0: idle."""


class Subscriber:
    """Passes notices to one handler, one at a time, in its own task."""

    def __init__(
        self,
        *,
        name: str,
        handler: FactHandler,
        policy: SubscriberPolicy,
        clock: Clock,
        next_sequence: int,
    ) -> None:
        """Start the task. Requires a running event loop."""
        self.name = name
        self._handler = handler
        self._policy = policy
        self._clock = clock
        self._facts: deque[Fact] = deque()
        self._next_sequence = next_sequence
        self._resume_from: int | None = None
        self._tries = 0
        self._handled = self._failures = self._resumes = 0
        self._last_error = ""
        self._busy_since_ns: int | None = None
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"subscriber {name}")

    def offer(self, fact: Fact) -> None:
        """Queue a fact; on overflow or after a gap, resume from the journal instead."""
        if fact.sequence < self._next_sequence:
            return  # late: the journal has been or will be read past it
        is_next = fact.sequence == self._next_sequence
        self._wake.set()
        if self._resume_from is None and is_next and len(self._facts) < self._policy.queue_size:
            self._facts.append(fact)
        elif self._resume_from is None:
            self._resume(self._facts[0].sequence if self._facts else self._next_sequence)
        self._next_sequence = fact.sequence + 1

    def catch_up(self, through_sequence: int) -> None:
        """Resume from the journal if facts up to this number are missing."""
        if through_sequence >= self._next_sequence:
            self._resume(self._next_sequence)
            self._next_sequence = through_sequence + 1

    def state(self) -> SubscriberState:
        """Return the counters."""
        busy_ns = 0 if self._busy_since_ns is None else self._clock.monotonic_ns() - self._busy_since_ns
        return SubscriberState(
            name=self.name,
            waiting=len(self._facts),
            handled=self._handled,
            failures=self._failures,
            last_error=self._last_error,
            resumes=self._resumes,
            next_sequence=self._next_sequence,
            busy_ms=busy_ns // 1_000_000,
        )

    async def close(self, deadline_s: float = 0.0) -> None:
        """Handle queued notices for at most `deadline_s`, then end. Unhandled facts remain in the journal."""
        self._closing.set()
        self._wake.set()
        if asyncio.current_task() is self._task:
            self._facts.clear()
            self._resume_from = None
            return  # called by the handler: the task ends when the handler returns
        if not await wait_end(self._task, deadline_s):
            log.warning("subscriber %s left %d facts unread", self.name, len(self._facts))
            if not await cancel_and_wait(self._task, CANCEL_S):
                log.error("subscriber %s does not stop", self.name)

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
            except Exception as error:  # isolated: no other subscriber is affected
                await self._fail(notice, error)
            finally:
                self._busy_since_ns = None
            if is_being_cancelled():
                return  # the handler converted the cancellation into another error
            # Yield, so that a handler that never waits does not block the event loop.
            await asyncio.sleep(0)

    async def _next(self) -> Notice | None:
        while True:
            if self._resume_from is not None:
                resume = Resume(self._resume_from, self._next_sequence - 1)
                self._resume_from = None
                return resume
            if self._facts:
                return self._facts.popleft()
            if self._closing.is_set():
                return None
            self._wake.clear()
            await self._wake.wait()

    async def _fail(self, notice: Notice, error: BaseException) -> None:
        self._failures += 1
        self._last_error = describe(error)
        if self._failures & (self._failures - 1) == 0:  # log the 1st, 2nd, 4th, 8th ... failure
            log.error("subscriber %s failed (failure %d): %s", self.name, self._failures, self._last_error)
        self._tries += 1
        if isinstance(notice, Resume):
            self._resume(notice.from_sequence)
        elif self._tries < self._policy.fact_attempts:
            self._retry(notice)
        else:
            log.error("subscriber %s skips fact %d", self.name, notice.sequence)
            self._tries = 0
            return
        await self._pause()

    def _retry(self, fact: Fact) -> None:
        """Queue a failed fact first; if the queue overflowed meanwhile, resume from it."""
        if self._resume_from is None:
            self._facts.appendleft(fact)
        else:
            self._resume(fact.sequence)

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
        self._resume_from = None  # closing: the next start resumes from the journal
