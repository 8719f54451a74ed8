"""Keeps the engine's workers at work: ordered start and stop, back-off, and a word when one keeps failing."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TypeAlias

from mexc_tui.engine.runtime.tasks import cancel_and_wait, describe, is_being_cancelled
from mexc_tui.model.errors import DeskError
from mexc_tui.model.storage import StorageError
from mexc_tui.ports.clock import Clock

log = logging.getLogger(__name__)

Started: TypeAlias = Callable[[], None]
"""A worker calls it once it is ready: those after it may rely on it."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Something that runs until it is cancelled, and cleans up behind itself.

    `run` is the same path for the first start and for every later one. Returning counts as failing.
    """

    name: str
    run: Callable[[Started], Awaitable[None]]
    start_deadline_s: float | None = 20.0
    """None: it may take as long as it takes."""
    is_optional: bool = False
    """Whether those after it start although its first try failed: it is tried again beside them."""
    go_on_s: float | None = None
    """Those after it start after so long although it is not ready; None: they wait."""


class WorkerState(StrEnum):
    """What a worker is doing."""

    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing off"
    STOPPING = "stopping"
    STOPPED = "stopped"
    STUCK = "stuck"  # told to stop, and did not within its deadline


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker for display and for who decides what its failing means."""

    name: str
    state: WorkerState
    since_ms: int
    """When it came into this state, on this machine's wall clock."""
    is_degraded: bool
    """Whether it failed too often; until it has run for a whole window without failing."""
    failures: int
    """Within the window."""
    restarts: int
    last_error: str


Report: TypeAlias = Callable[[WorkerStatus], None]


@dataclass(frozen=True, slots=True)
class SupervisorLimits:
    """When a failing worker is tried again, and when it counts as degraded (reliability H6)."""

    degraded_failures: int = 3
    window_s: float = 300.0
    backoff_s: float = 1.0
    """Before the first new try; doubles with each failure in the window, then jitter takes up to half off."""
    backoff_cap_s: float = 30.0
    stop_deadline_s: float = 5.0
    """For each worker (reliability H2)."""


class StartFailed(DeskError):
    """A worker did not become ready at the start, and everything before it has been stopped again.

    Raised by the supervisor. Show the text; `cause` holds what the worker raised.
    """

    def __init__(self, worker: str, reason: str, cause: BaseException | None = None) -> None:
        """Name the worker, and what it raised, for who tells a person."""
        super().__init__(f"{worker} did not start: {reason}")
        self.worker = worker
        self.reason = reason
        self.cause = cause


class WorkerFailure(DeskError):
    """A worker cannot do its work.

    Raised by workers. The supervisor shows the text without a traceback and restarts the worker.
    """


PLAIN = (WorkerFailure, StorageError)
"""Their text says it all: where in the code they came up helps nobody."""


class Supervisor:
    """Owns the workers' tasks. `report` hears of every change, at once, and must not wait."""

    def __init__(
        self, clock: Clock, rng: Random, report: Report, limits: SupervisorLimits | None = None
    ) -> None:
        """Start nothing yet."""
        self._clock = clock
        self._rng = rng
        self._report = report
        self._limits = limits or SupervisorLimits()
        self._keepers: list[_Keeper] = []

    async def start(self, workers: Sequence[Worker]) -> None:
        """Start workers one after another, each when the one before is ready; again to add more.

        Raises StartFailed at the first that is not, after stopping all that run, in reverse order.
        """
        try:
            for worker in workers:
                if any(keeper.worker.name == worker.name for keeper in self._keepers):
                    raise ValueError(f"two workers are called {worker.name!r}")
                keeper = _Keeper(worker, self._clock, self._rng, self._limits, self._report)
                self._keepers.append(keeper)
                await keeper.begin()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop all workers in reverse order, each within its deadline; one that does not stop is STUCK."""
        try:
            for keeper in reversed(self._keepers):
                await keeper.end()
        except asyncio.CancelledError:
            for keeper in self._keepers:
                keeper.cancel()
            raise

    def statuses(self) -> tuple[WorkerStatus, ...]:
        """Return the workers in the order of their start."""
        return tuple(keeper.status() for keeper in self._keepers)


class _Keeper:
    """One worker and its task."""

    def __init__(
        self, worker: Worker, clock: Clock, rng: Random, limits: SupervisorLimits, report: Report
    ) -> None:
        self.worker = worker
        self._clock = clock
        self._rng = rng
        self._limits = limits
        self._report = report
        self._state = WorkerState.STARTING
        self._since_ms = clock.now_ms()
        self._failed_ns: deque[int] = deque()
        self._is_degraded = False
        self._tries = 0
        self._last_error = ""
        self._cause: BaseException | None = None
        self._was_ready = False
        self._is_waited_for = not worker.is_optional
        """Whether a first try that fails ends the start."""
        self._settled = asyncio.Event()
        self._recovery: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def status(self) -> WorkerStatus:
        self._forget_old_failures()
        return WorkerStatus(
            name=self.worker.name,
            state=self._state,
            since_ms=self._since_ms,
            is_degraded=self._is_degraded,
            failures=len(self._failed_ns),
            restarts=max(self._tries - 1, 0),
            last_error=self._last_error,
        )

    async def begin(self) -> None:
        """Start it and wait until it is ready; StartFailed if it is not at its first try."""
        self._task = asyncio.create_task(self._keep(), name=f"worker {self.worker.name}")
        self._task.add_done_callback(self._note_end)
        try:
            async with asyncio.timeout(self.worker.go_on_s):
                await self._settled.wait()
        except TimeoutError:
            self._is_waited_for = False
            return
        if not self._was_ready and self._is_waited_for:
            raise StartFailed(self.worker.name, self._last_error, self._cause)

    async def end(self) -> None:
        if self._task is None or self._task.done():
            return
        self._enter(WorkerState.STOPPING)
        if not await cancel_and_wait(self._task, self._limits.stop_deadline_s):
            log.error("worker %s does not stop", self.worker.name)
            self._enter(WorkerState.STUCK)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _keep(self) -> None:
        while True:
            self._tries += 1
            self._enter(WorkerState.STARTING)
            error = await self._try()
            if is_being_cancelled():
                if error is not None:
                    self._last_error = describe(error)
                    log.error("worker %s failed while it stopped", self.worker.name, exc_info=error)
                return
            self._note_failure(error or WorkerFailure("ended unexpectedly"))
            if not self._was_ready and self._is_waited_for:
                return
            self._settled.set()
            self._enter(WorkerState.BACKING_OFF)
            await asyncio.sleep(self._backoff_s())

    async def _try(self) -> BaseException | None:
        """Run the worker once; return what it raised. A CancelledError passes if somebody asked for it."""
        attempt = self._tries
        deadline = asyncio.timeout(self.worker.start_deadline_s)

        def started() -> None:
            if attempt == self._tries and self._state is WorkerState.STARTING:
                deadline.reschedule(None)
                self._enter(WorkerState.RUNNING)
                self._was_ready = True
                self._settled.set()

        try:
            async with deadline:
                await self.worker.run(started)
        except asyncio.CancelledError as error:
            if is_being_cancelled():
                raise
            return error
        except TimeoutError as error:
            if self._state is WorkerState.STARTING and deadline.expired():
                return WorkerFailure(f"not ready within {self.worker.start_deadline_s or 0:g} s")
            return error
        except Exception as error:  # whatever it is, the worker is tried again
            return error
        return None

    def _note_failure(self, error: BaseException) -> None:
        self._cause = error
        is_plain = isinstance(error, PLAIN)
        self._last_error = str(error) if is_plain else describe(error)
        if not is_plain:
            log.error("worker %s failed", self.worker.name, exc_info=error)
        elif (
            self._was_ready or not self._is_waited_for
        ):  # at the start it is said once, by whoever hears StartFailed
            log.error("worker %s failed: %s", self.worker.name, error)
        self._failed_ns.append(self._clock.monotonic_ns())
        self._forget_old_failures()
        if len(self._failed_ns) >= self._limits.degraded_failures:
            self._is_degraded = True
        self._await_recovery()

    def _forget_old_failures(self) -> None:
        oldest_ns = self._clock.monotonic_ns() - int(self._limits.window_s * 1e9)
        while self._failed_ns and self._failed_ns[0] <= oldest_ns:
            self._failed_ns.popleft()

    def _await_recovery(self) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
        loop = asyncio.get_running_loop()
        self._recovery = loop.call_later(self._limits.window_s, self._recover)

    def _recover(self) -> None:
        if self._state is not WorkerState.RUNNING:
            self._await_recovery()
        elif self._is_degraded:
            self._is_degraded = False
            self._failed_ns.clear()
            self._tell()

    def _backoff_s(self) -> float:
        longest_s = self._limits.backoff_s * 2 ** min(len(self._failed_ns) - 1, 16)
        return min(self._limits.backoff_cap_s, longest_s) * (0.5 + 0.5 * self._rng.random())

    def _note_end(self, _task: "asyncio.Task[None]") -> None:
        if self._recovery is not None:
            self._recovery.cancel()
        self._enter(WorkerState.STOPPED)
        self._settled.set()

    def _enter(self, state: WorkerState) -> None:
        self._state = state
        self._since_ms = self._clock.now_ms()
        self._tell()

    def _tell(self) -> None:
        try:
            self._report(self.status())
        except Exception:  # the worker must go on whoever listens
            log.exception("nobody could be told how worker %s is", self.worker.name)
