"""An event loop whose time jumps to the next timer as soon as no callback is ready."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import Context
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from mexc_tui.model.errors import DeskError

if TYPE_CHECKING:
    from collections import deque

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SOONEST_S = 1e-6
"""A timer re-armed with a delay of 1e-17 s would stop virtual time (reliability 3.4)."""


class NothingLeftToDo(DeskError):
    """Every task waits and no timer is set: the program under test is stuck.

    Raised by the virtual loop. It ends the simulation; correct the program.
    """


class _JumpingSelector(selectors.SelectSelector):
    """Advance virtual time instead of waiting for `timeout`."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.threads_at_work = 0
        self.before_turn: Callable[[], None] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.before_turn is not None:
            self.before_turn()
        if timeout is not None and timeout <= 0:
            return super().select(0) if self._has_outside() else []
        if self.threads_at_work:
            # A thread runs in real time: wait for it before the next virtual timer.
            return super().select(None)
        if self._has_outside() and (events := super().select(0)):
            return events
        if timeout is None:
            return self._wait_outside()
        self.now_s += timeout
        return []

    def _has_outside(self) -> bool:
        # One entry is the loop's own pipe; more are real sockets or pipes of the program.
        return self.threads_at_work > 0 or len(self.get_map()) > 1

    def _wait_outside(self) -> list[tuple[selectors.SelectorKey, int]]:
        if self._has_outside():
            return super().select(None)
        raise NothingLeftToDo(f"at {self.now_s:.6f} s everybody waits and no timer is set")


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0 and jumps. With `shuffle_seed`, tasks that are ready run in a shuffled order."""

    def __init__(self, shuffle_seed: int | None = None) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # A float of a year's seconds has no nanosecond resolution: the timer would never be due.
        vars(self)["_clock_resolution"] = SOONEST_S / 10
        self._workers: ThreadPoolExecutor | None = None
        if shuffle_seed is not None:
            self._rng = Random(shuffle_seed)
            self._jumping.before_turn = self._shuffle_tasks

    def time(self) -> float:
        """Return the virtual time in seconds since the start."""
        return self._jumping.now_s

    def stand_still(self, seconds: float) -> None:
        """Advance time without running anything, as for a stopped process or a blocked loop."""
        self._jumping.now_s += seconds

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule as asyncio does, at least a microsecond ahead."""
        return super().call_at(max(when, self.time() + SOONEST_S), callback, *args, context=context)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run in a thread; virtual time stops until it is done."""
        if executor is None:
            self._workers = self._workers or ThreadPoolExecutor(thread_name_prefix="virtual-loop")
            executor = self._workers
        work = executor.submit(func, *args)
        self._jumping.threads_at_work += 1
        answer = asyncio.wrap_future(work, loop=self)
        # Added after wrap_future's own callback: the result is set when this one runs in the loop.
        work.add_done_callback(self._signal_thread_done)
        return answer

    def close(self) -> None:
        """Close, after the threads are done."""
        if self._workers is not None:
            self._workers.shutdown(wait=True)
        super().close()

    def _signal_thread_done(self, _work: Future[Any]) -> None:
        if not self.is_closed():
            self.call_soon_threadsafe(self._record_thread_done)

    def _record_thread_done(self) -> None:
        self._jumping.threads_at_work -= 1

    def _shuffle_tasks(self) -> None:
        """Shuffle the tasks in the ready queue among their positions; plain callbacks keep theirs.

        asyncio guarantees the order of callbacks, and protocols rely on it; it guarantees nothing about
        tasks.
        """
        ready: deque[asyncio.Handle] = vars(self)["_ready"]
        # A copy: a thread that ends meanwhile appends its callback.
        places = [i for i, handle in enumerate(list(ready)) if _is_task_step(handle)]
        if len(places) < 2:
            return
        steps = [ready[i] for i in places]
        self._rng.shuffle(steps)
        for i, step in zip(places, steps, strict=True):
            ready[i] = step


def _is_task_step(handle: asyncio.Handle) -> bool:
    callback = getattr(handle, "_callback", None)
    return isinstance(getattr(callback, "__self__", None), asyncio.Task)


def run(main: Coroutine[Any, Any, T], *, shuffle_seed: int | None = None) -> T:
    """Run `main` in virtual time and return its result. `NothingLeftToDo` on a deadlock."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(shuffle_seed)) as runner:
        return runner.run(main)
