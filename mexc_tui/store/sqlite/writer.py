"""Group commit: units of work that arrive during a commit are committed together by the next one."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mexc_tui.model.event import Fact
from mexc_tui.model.storage import StorageClosed, StorageOverloaded
from mexc_tui.store.sqlite.group import GroupReport, GroupRunner, Job, failed_report
from mexc_tui.store.sqlite.slow_queries import SlowLog
from mexc_tui.store.sqlite.thread import SqliteThread

GROUP_LIMIT = 500
"""Units of work per transaction, to bound the latency of the first one."""

WAITING_LIMIT = 10_000

Publish = Callable[[Sequence[Fact]], None]

_log = logging.getLogger("mexc_tui.store")


@dataclass(frozen=True, slots=True)
class _Request:
    job: Job
    result: asyncio.Future[Any]


class Writer:
    """Accepts jobs on the event loop and commits them in groups, in order of arrival."""

    def __init__(self, thread: SqliteThread, *, runner: GroupRunner, publish: Publish, slow: SlowLog) -> None:
        self._thread = thread
        self._runner = runner
        self.publish = publish
        self._slow = slow
        self._waiting: deque[_Request] = deque()
        self._is_busy = False
        self._is_closing = False
        self._idle: asyncio.Future[None] | None = None
        self.commits = 0
        self.units = 0
        self.failed_publications = 0
        self.last_commit_ns = 0

    @property
    def waiting(self) -> int:
        """Number of jobs that have not started."""
        return len(self._waiting)

    async def write(self, job: Job) -> Any:
        """Return the result of the job after its commit. Raises its errors.

        If cancelled before its group starts, nothing is written; after that, the job is committed anyway.
        """
        if self._is_closing:
            raise StorageClosed("The store is closing.")
        if len(self._waiting) >= WAITING_LIMIT:
            raise StorageOverloaded(f"{WAITING_LIMIT} units of work are already waiting for the disk.")
        result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(job, result))
        if not self._is_busy:
            self._start()
        return await result

    async def drain(self, timeout_s: float) -> bool:
        """Refuse new jobs and commit the waiting ones. False: timed out, and the rest was refused."""
        self._is_closing = True
        try:
            async with asyncio.timeout(timeout_s):
                while self._is_busy:
                    if self._idle is None or self._idle.done():
                        self._idle = asyncio.get_running_loop().create_future()
                    await asyncio.shield(self._idle)
        except TimeoutError:
            self._refuse_waiting()
            return False
        return True

    def _start(self) -> None:
        group: list[_Request] = []
        while self._waiting and len(group) < GROUP_LIMIT:
            request = self._waiting.popleft()
            if not request.result.done():  # cancelled while it waited
                group.append(request)
        self._is_busy = bool(group)
        if not group:
            self._signal_idle()
            return
        jobs = [request.job for request in group]
        try:
            run = self._thread.submit(lambda _: self._runner.run(jobs))
        except StorageClosed as error:
            self._settle(group, failed_report(error, len(group)))
        else:
            run.add_done_callback(lambda done: self._finish(group, done))

    def _finish(self, group: Sequence[_Request], run: asyncio.Future[GroupReport]) -> None:
        error = run.exception()
        self._settle(group, run.result() if error is None else failed_report(error, len(group)))

    def _settle(self, group: Sequence[_Request], report: GroupReport) -> None:
        self._count(group, report)
        if report.facts:
            self._publish(report.facts)
        for request, outcome in zip(group, report.outcomes, strict=True):
            if request.result.done():
                continue
            if outcome.error is None:
                request.result.set_result(outcome.value)
            else:
                request.result.set_exception(outcome.error)
        # Callers wake up first, so that their next writes join the next group.
        asyncio.get_running_loop().call_soon(self._start)

    def _count(self, group: Sequence[_Request], report: GroupReport) -> None:
        self.commits += report.commits
        self.units += len(group)
        self.last_commit_ns = report.slowest_commit_ns
        self._slow.record("commit", report.slowest_commit_ns)
        for request, outcome in zip(group, report.outcomes, strict=True):
            self._slow.record(request.job.name, outcome.took_ns)

    def _publish(self, facts: Sequence[Fact]) -> None:
        try:
            self.publish(facts)
        except Exception:  # a subscriber error must not look like a failed commit
            self.failed_publications += 1
            _log.exception(
                "events %d to %d were stored but not published", facts[0].sequence, facts[-1].sequence
            )

    def _refuse_waiting(self) -> None:
        while self._waiting:
            result = self._waiting.popleft().result
            if not result.done():
                result.set_exception(StorageClosed("The store closed before this write."))

    def _signal_idle(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
