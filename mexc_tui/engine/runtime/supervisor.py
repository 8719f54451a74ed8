"""Supervises the engine's workers: ordered start and stop, restart with back-off, degraded status."""

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
"""Called by a worker once it is ready; later workers may depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A coroutine that runs until cancelled and releases its resources.

    `run` serves the first start and every restart alike. Returning counts as a failure.
    """

    name: str
    run: Callable[[Started], Awaitable[None]]
    start_deadline_s: float | None = 20.0
    """Time allowed to become ready; None: unlimited."""
    is_optional: bool = False
    """Whether later workers start even if the first attempt fails; it is then retried in the background."""
    proceed_after_s: float | None = None
    """Later workers start after this time even if it is not ready; None: they wait."""


class WorkerState(StrEnum):
    """State of a worker."""

    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing off"
    STOPPING = "stopping"
    STOPPED = "stopped"
    STUCK = "stuck"  # did not stop within its deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """State and failure counts of a worker."""

    name: str
    state: WorkerState
    since_ms: int
    """When it entered this state, local wall clock."""
    is_degraded: bool
    """Whether it failed too often; cleared after a full window without a failure."""
    failures: int
    """Failures within the window."""
    restarts: int
    last_error: str


Report: TypeAlias = Callable[[WorkerStatus], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorLimits:
    """Restart pauses of a failing worker and the limit for "degraded" (reliability H6)."""

    degraded_failures: int = 3
    window_s: float = 300.0
    backoff_s: float = 1.0
    """Pause before the first restart; doubles with each failure in the window, less up to 50 % jitter."""
    backoff_cap_s: float = 30.0
    stop_deadline_s: float = 5.0
    """Time allowed for each worker to stop (reliability H2)."""


class StartFailed(DeskError):
    """A worker did not become ready at the start; all workers before it were stopped.

    Raised by the supervisor. Show the text; `cause` is the error of the worker.
    """

    def __init__(self, worker: str, reason: str, cause: BaseException | None = None) -> None:
        """`worker`: name of the worker; `cause`: its error."""
        super().__init__(f"{worker} did not start: {reason}")
        self.worker = worker
        self.reason = reason
        self.cause = cause


class WorkerFailure(DeskError):
    """A worker failed for a reason that its text explains.

    Raised by workers. The supervisor logs the text without a traceback and restarts the worker.
    """


SELF_EXPLANATORY = (WorkerFailure, StorageError)
"""Errors logged without a traceback."""


class Supervisor:
    """Owner of the workers' tasks. `report` is called synchronously on every change of state."""

    def __init__(
        self, clock: Clock, rng: Random, *, report: Report, limits: SupervisorLimits | None = None
    ) -> None:
        """Start no worker yet."""
        self._clock = clock
        self._rng = rng
        self._report = report
        self._limits = limits or SupervisorLimits()
        self._tasks: list[_WorkerTask] = []

    async def start(self, workers: Sequence[Worker]) -> None:
        """Start workers in order, each once the previous one is ready. Call again to add more.

        If a worker fails to start, stop all running workers in reverse order and raise StartFailed.
        """
        try:
            for worker in workers:
                if any(task.worker.name == worker.name for task in self._tasks):
                    raise ValueError(f"two workers are named {worker.name!r}")
                task = _WorkerTask(
                    worker=worker, clock=self._clock, rng=self._rng, limits=self._limits, report=self._report
                )
                self._tasks.append(task)
                await task.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop all workers in reverse order; a worker that exceeds its deadline is marked STUCK."""
        try:
            for task in reversed(self._tasks):
                await task.stop()
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            raise

    def statuses(self) -> tuple[WorkerStatus, ...]:
        """Return the status of each worker, in start order."""
        return tuple(task.status() for task in self._tasks)


class _WorkerTask:
    """A worker with its task, state and failures."""

    def __init__(
        self, *, worker: Worker, clock: Clock, rng: Random, limits: SupervisorLimits, report: Report
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
        self._attempts = 0
        self._last_error = ""
        self._cause: BaseException | None = None
        self._was_ready = False
        self._is_waited_for = not worker.is_optional
        """Whether a failed first attempt aborts the start."""
        self._started_or_failed = asyncio.Event()
        self._recovery: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def status(self) -> WorkerStatus:
        self._drop_old_failures()
        return WorkerStatus(
            name=self.worker.name,
            state=self._state,
            since_ms=self._since_ms,
            is_degraded=self._is_degraded,
            failures=len(self._failed_ns),
            restarts=max(self._attempts - 1, 0),
            last_error=self._last_error,
        )

    async def start(self) -> None:
        """Start the worker and wait until it is ready. Raises StartFailed if the first attempt fails."""
        self._task = asyncio.create_task(self._run(), name=f"worker {self.worker.name}")
        self._task.add_done_callback(self._on_stopped)
        try:
            async with asyncio.timeout(self.worker.proceed_after_s):
                await self._started_or_failed.wait()
        except TimeoutError:
            self._is_waited_for = False
            return
        if not self._was_ready and self._is_waited_for:
            raise StartFailed(self.worker.name, self._last_error, self._cause)

    async def stop(self) -> None:
        if self._task is None or self._task.done():
            return
        self._enter(WorkerState.STOPPING)
        if not await cancel_and_wait(self._task, self._limits.stop_deadline_s):
            log.error("worker %s does not stop", self.worker.name)
            self._enter(WorkerState.STUCK)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            self._attempts += 1
            self._enter(WorkerState.STARTING)
            error = await self._run_once()
            if is_being_cancelled():
                if error is not None:
                    self._last_error = describe(error)
                    log.error("worker %s failed while stopping", self.worker.name, exc_info=error)
                return
            self._record_failure(error or WorkerFailure("ended unexpectedly"))
            if not self._was_ready and self._is_waited_for:
                return
            self._started_or_failed.set()
            self._enter(WorkerState.BACKING_OFF)
            await asyncio.sleep(self._backoff_s())

    async def _run_once(self) -> BaseException | None:
        """Run the worker once and return its error. Raises CancelledError if the task is being cancelled."""
        attempt = self._attempts
        deadline = asyncio.timeout(self.worker.start_deadline_s)

        def started() -> None:
            if attempt == self._attempts and self._state is WorkerState.STARTING:
                deadline.reschedule(None)
                self._enter(WorkerState.RUNNING)
                self._was_ready = True
                self._started_or_failed.set()

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
        except Exception as error:  # any failure restarts the worker
            return error
        return None

    def _record_failure(self, error: BaseException) -> None:
        self._cause = error
        is_self_explanatory = isinstance(error, SELF_EXPLANATORY)
        self._last_error = str(error) if is_self_explanatory else describe(error)
        if not is_self_explanatory:
            log.error("worker %s failed", self.worker.name, exc_info=error)
        elif self._was_ready or not self._is_waited_for:  # else StartFailed carries the text
            log.error("worker %s failed: %s", self.worker.name, error)
        self._failed_ns.append(self._clock.monotonic_ns())
        self._drop_old_failures()
        if len(self._failed_ns) >= self._limits.degraded_failures:
            self._is_degraded = True
        self._schedule_recovery()

    def _drop_old_failures(self) -> None:
        oldest_ns = self._clock.monotonic_ns() - int(self._limits.window_s * 1e9)
        while self._failed_ns and self._failed_ns[0] <= oldest_ns:
            self._failed_ns.popleft()

    def _schedule_recovery(self) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
        loop = asyncio.get_running_loop()
        self._recovery = loop.call_later(self._limits.window_s, self._recover)

    def _recover(self) -> None:
        if self._state is not WorkerState.RUNNING:
            self._schedule_recovery()
        elif self._is_degraded:
            self._is_degraded = False
            self._failed_ns.clear()
            self._publish_status()

    def _backoff_s(self) -> float:
        longest_s = self._limits.backoff_s * 2 ** min(len(self._failed_ns) - 1, 16)
        return min(self._limits.backoff_cap_s, longest_s) * (0.5 + 0.5 * self._rng.random())

    def _on_stopped(self, _task: "asyncio.Task[None]") -> None:
        if self._recovery is not None:
            self._recovery.cancel()
        self._enter(WorkerState.STOPPED)
        self._started_or_failed.set()

    def _enter(self, state: WorkerState) -> None:
        self._state = state
        self._since_ms = self._clock.now_ms()
        self._publish_status()

    def _publish_status(self) -> None:
        try:
            self._report(self.status())
        except Exception:  # a failing callback must not stop the worker
            log.exception("the status of worker %s could not be reported", self.worker.name)
