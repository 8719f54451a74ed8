"""Group commit: several units of work in one transaction, each atomic and isolated from the others.

Runs in the writer thread, without an event loop. A transaction begins and ends within one call, so that no
cancelled task can leave it open (reliability D6).
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mexc_tui.model.event import Fact
from mexc_tui.model.storage import Durability, StorageDeadline, StorageFailed
from mexc_tui.ports.clock import Clock
from mexc_tui.store.sqlite.damage import Damage
from mexc_tui.store.sqlite.faults import translate
from mexc_tui.store.sqlite.tables.journal import JournalWriter
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork

_log = logging.getLogger("mexc_tui.store")


@dataclass(frozen=True, slots=True)
class Job:
    """A unit of work. `name` identifies it in logs; `deadline_ns` is on the monotonic clock."""

    name: str
    work: Callable[[UnitOfWork], Any]
    durability: Durability
    deadline_ns: int


@dataclass(slots=True)
class GroupOutcome:
    """Outcome of a job: `error`, or committed with `value`."""

    value: Any = None
    error: Exception | None = None
    took_ns: int = 0


@dataclass(slots=True)
class GroupReport:
    """Outcomes in the order of the jobs, and facts in the order of the journal."""

    outcomes: list[GroupOutcome]
    facts: list[Fact] = field(default_factory=list[Fact])
    slowest_commit_ns: int = 0
    commits: int = 0


class GroupRunner:
    """Runs groups of jobs on the writer connection."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, damage: Damage | None = None) -> None:
        self._connection = connection
        self._clock = clock
        self._rows = StoreRows(connection, clock, damage)
        self._journal = JournalWriter(self._rows)
        self._unit = UnitOfWork(self._rows, self._journal)
        self._synchronous: Durability | None = None

    def run(self, jobs: Sequence[Job]) -> GroupReport:
        """Commit the jobs together; if that fails, one by one."""
        report = GroupReport([GroupOutcome() for _ in jobs])
        pairs = list(zip(jobs, report.outcomes, strict=True))
        if not self._commit(pairs, report):
            for pair in pairs:
                if pair[1].error is None:
                    self._commit([pair], report)
        return report

    def _commit(self, pairs: list[tuple[Job, GroupOutcome]], report: GroupReport) -> bool:
        """Run one transaction. False: nothing was written, and jobs without an error must be run again."""
        try:
            self._begin([job for job, _ in pairs])
            for job, outcome in pairs:
                self._run_one(job, outcome)
                if not self._connection.in_transaction:
                    return False  # SQLite rolled back the whole transaction
            return self._finish(pairs, report)
        except sqlite3.Error as error:
            _fail_all(pairs, self._rows.damage.record_error(translate("begin", error)))
            return True
        finally:
            self._rows.stop()
            self._roll_back()

    def _begin(self, jobs: Sequence[Job]) -> None:
        self._roll_back()  # in case the last rollback failed
        durable = any(job.durability is Durability.FULL for job in jobs)
        required = Durability.FULL if durable else Durability.NORMAL
        if required is not self._synchronous:
            self._connection.execute(f"PRAGMA synchronous = {required.value.upper()}")
            self._synchronous = required
        self._connection.execute("BEGIN IMMEDIATE")
        self._rows.start(None)
        self._journal.begin()

    def _run_one(self, job: Job, outcome: GroupOutcome) -> None:
        began_ns = self._clock.monotonic_ns()
        mark = self._journal.mark()
        self._connection.execute("SAVEPOINT unit")
        self._rows.start(job.deadline_ns)
        try:
            if began_ns > job.deadline_ns:
                raise StorageDeadline(f"{job.name}: its deadline passed before it started.")
            outcome.value = job.work(self._unit)
        except sqlite3.Error as error:
            outcome.error = self._rows.damage.record_error(translate(job.name, error))
        except Exception as error:  # raised to the caller unchanged
            outcome.error = error
        self._rows.stop()
        if outcome.error is None and not self._connection.in_transaction:
            outcome.error = StorageFailed(f"{job.name}: its transaction was rolled back by SQLite.")
        if self._connection.in_transaction:
            if outcome.error is not None:
                self._journal.rewind(mark)
                self._connection.execute("ROLLBACK TO unit")
            self._connection.execute("RELEASE unit")
        outcome.took_ns = self._clock.monotonic_ns() - began_ns

    def _finish(self, pairs: list[tuple[Job, GroupOutcome]], report: GroupReport) -> bool:
        began_ns = self._clock.monotonic_ns()
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if len(pairs) == 1:
                _fail_all(pairs, translate(pairs[0][0].name, error))
            return len(pairs) == 1
        report.commits += 1
        report.slowest_commit_ns = max(report.slowest_commit_ns, self._clock.monotonic_ns() - began_ns)
        report.facts += self._journal.added()
        return True

    def _roll_back(self) -> None:
        if not self._connection.in_transaction:
            return
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            # Not raised: earlier commits are already reported. The next BEGIN fails and reports the problem.
            _log.error("a transaction could not be rolled back (%s)", error)


def _fail_all(pairs: Sequence[tuple[Job, GroupOutcome]], error: Exception) -> None:
    for _, outcome in pairs:
        outcome.error = outcome.error or error


def failed_report(error: BaseException, count: int) -> GroupReport:
    """Return the report of a group that failed with its thread."""
    failed = StorageFailed(f"The writer failed: {type(error).__name__}.")
    failed.__cause__ = error
    return GroupReport([GroupOutcome(error=failed) for _ in range(count)])
