"""Units of work in one transaction: each all or nothing, without effects on the others."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.storage import (
    Durability,
    StorageConflict,
    StorageDeadline,
    StorageFailed,
    StorageFull,
    StorageLocked,
)
from mexc_tui.store.sqlite.connections import StoreLimits
from mexc_tui.store.sqlite.group import GroupRunner, Job
from mexc_tui.store.sqlite.schema import migrate, shipped
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.store_parts import ManualClock, fact, writer_connection

FAR_NS = 10**18
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO notes SELECT i FROM n"


def job(work: Callable[[UnitOfWork], Any], name: str = "test", deadline_ns: int = FAR_NS) -> Job:
    return Job(name, work, Durability.FULL, deadline_ns)


@pytest.fixture
def connection(folder: Path) -> Iterator[sqlite3.Connection]:
    opened = writer_connection(folder)
    opened.execute("CREATE TABLE notes (note UNIQUE)")
    yield opened
    opened.close()


@pytest.fixture
def runner(connection: sqlite3.Connection, clock: ManualClock) -> GroupRunner:
    return GroupRunner(connection, clock)


def note(value: int) -> Callable[[UnitOfWork], int]:
    return lambda unit: unit.rows.run("INSERT INTO notes VALUES (?)", value)


def notes(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT note FROM notes ORDER BY rowid")]


def test_units_of_many_callers_share_one_commit(connection: sqlite3.Connection, runner: GroupRunner) -> None:
    report = runner.run([job(note(number)) for number in range(50)])
    assert report.commits == 1
    assert [outcome.value for outcome in report.outcomes] == [1] * 50
    assert notes(connection) == list(range(50))


def test_a_unit_that_raises_is_rolled_back_alone(connection: sqlite3.Connection, runner: GroupRunner) -> None:
    wrong = ValueError("the caller's error")

    def half(unit: UnitOfWork) -> None:
        unit.record(fact(2))
        note(99)(unit)
        raise wrong

    report = runner.run([job(lambda unit: unit.record(fact(1))), job(half), job(note(3))])
    assert [outcome.error for outcome in report.outcomes] == [None, wrong, None]
    assert notes(connection) == [3]
    assert [stored.sequence for stored in report.facts] == [1]


def test_a_violated_constraint_is_a_conflict_without_the_value(runner: GroupRunner) -> None:
    report = runner.run([job(note(424242)), job(note(424242), name="twice"), job(note(1))])
    error = report.outcomes[1].error
    assert isinstance(error, StorageConflict)
    assert str(error).startswith("twice: ")
    assert "424242" not in str(error)
    assert [outcome.error for outcome in report.outcomes if outcome.error] == [error]


def test_a_unit_past_its_deadline_never_starts(connection: sqlite3.Connection, runner: GroupRunner) -> None:
    report = runner.run([job(note(1), deadline_ns=5), job(note(2))])
    assert isinstance(report.outcomes[0].error, StorageDeadline)
    assert notes(connection) == [2]


def test_an_endless_statement_is_interrupted_and_the_other_units_are_committed(folder: Path) -> None:
    connection = writer_connection(folder)
    connection.execute("CREATE TABLE notes (note UNIQUE)")
    clock = ManualClock(step_ns=1_000_000)
    runner = GroupRunner(connection, clock)
    late = job(lambda unit: unit.rows.run(ENDLESS), name="endless", deadline_ns=clock.ns + 200_000_000)
    report = runner.run([job(note(-1)), late, job(note(-2))])
    assert isinstance(report.outcomes[1].error, StorageDeadline)
    assert report.outcomes[0].error is report.outcomes[2].error is None
    assert notes(connection) == [-1, -2]
    connection.close()


def test_a_unit_that_ignores_its_interruption_cannot_write_without_a_transaction(folder: Path) -> None:
    connection = writer_connection(folder)
    connection.execute("CREATE TABLE notes (note UNIQUE)")
    clock = ManualClock(step_ns=1_000_000)
    runner = GroupRunner(connection, clock)

    def swallow(unit: UnitOfWork) -> None:
        try:
            unit.rows.run(ENDLESS)
        except sqlite3.Error:
            clock.step_ns = 0
            clock.ns = 0
        note(7)(unit)

    report = runner.run([job(swallow, deadline_ns=clock.ns + 200_000_000)])
    assert isinstance(report.outcomes[0].error, StorageFailed)
    assert notes(connection) == []
    connection.close()


@pytest.mark.parametrize(
    "sql", ["COMMIT", " rollback", "BEGIN", "Release unit", "SAVEPOINT mine", "PRAGMA x"]
)
def test_a_unit_cannot_control_the_transaction(runner: GroupRunner, sql: str) -> None:
    report = runner.run([job(lambda unit: unit.rows.run(sql)), job(note(1))])
    assert isinstance(report.outcomes[0].error, StorageFailed)
    assert report.outcomes[1].error is None


def test_a_finished_unit_cannot_be_used(runner: GroupRunner) -> None:
    kept: list[UnitOfWork] = []
    runner.run([job(kept.append)])
    with pytest.raises(StorageFailed, match="after it had ended"):
        note(1)(kept[0])


def test_D3_a_full_disk_fails_cleanly_and_recovers(folder: Path, clock: ManualClock) -> None:
    connection = writer_connection(folder)
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    runner = GroupRunner(connection, clock)
    large = fact(1, about="x" * 20_000)

    report = runner.run([job(lambda unit: unit.record(fact(0))), job(lambda unit: unit.record(large))])
    assert report.outcomes[0].error is None
    assert isinstance(report.outcomes[1].error, StorageFull)
    assert [stored.sequence for stored in report.facts] == [1]

    connection.execute("PRAGMA max_page_count = 100000")
    report = runner.run([job(lambda unit: unit.record(large))])
    assert [stored.sequence for stored in report.facts] == [2]
    connection.close()


def test_a_commit_that_fails_is_repeated_unit_by_unit(
    connection: sqlite3.Connection, runner: GroupRunner
) -> None:
    connection.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
    connection.execute("CREATE TABLE children (parent REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")
    orphan = job(lambda unit: unit.rows.run("INSERT INTO children VALUES (1)"))
    report = runner.run([job(note(1)), orphan, job(note(2))])
    assert isinstance(report.outcomes[1].error, StorageConflict)
    assert report.outcomes[0].error is report.outcomes[2].error is None
    assert notes(connection) == [1, 2]


def test_D4_a_database_locked_by_another_process_alerts_after_the_busy_timeout(
    folder: Path, clock: ManualClock
) -> None:
    connection = writer_connection(folder, StoreLimits(busy_timeout_s=0.01))
    other = writer_connection(folder)
    other.execute("BEGIN IMMEDIATE")
    runner = GroupRunner(connection, clock)
    report = runner.run([job(lambda unit: unit.record(fact()))])
    assert isinstance(report.outcomes[0].error, StorageLocked)
    other.execute("ROLLBACK")
    assert runner.run([job(lambda unit: unit.record(fact()))]).outcomes[0].error is None
    other.close()
    connection.close()


@pytest.mark.parametrize(
    ("durabilities", "found"),
    [
        ([Durability.FULL], 2),
        ([Durability.NORMAL], 1),
        ([Durability.NORMAL, Durability.FULL, Durability.NORMAL], 2),
    ],
)
def test_one_unit_about_money_makes_the_whole_commit_durable(
    connection: sqlite3.Connection, runner: GroupRunner, durabilities: list[Durability], found: int
) -> None:
    for settings in ([Durability.NORMAL], [Durability.FULL], durabilities):
        runner.run([Job("test", lambda _: None, durability, FAR_NS) for durability in settings])
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == found


@given(st.lists(st.lists(st.sampled_from(["fact", "note", "clash", "raise"]), max_size=4), max_size=12))
def test_a_group_stores_exactly_its_successful_units(units: list[list[str]]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _tables(connection)
    runner = GroupRunner(connection, ManualClock())
    report = runner.run([job(_doing(steps, number)) for number, steps in enumerate(units)])
    good = [number for number, steps in enumerate(units) if not {"clash", "raise"} & set(steps)]
    assert [number for number, done in enumerate(report.outcomes) if done.error is None] == good
    expected = [number for number in good for step in units[number] if step == "fact"]
    assert [stored.event.at_ms for stored in report.facts] == expected
    assert [stored.sequence for stored in report.facts] == list(range(1, len(expected) + 1))
    noted = sum(step == "note" for number in good for step in units[number])
    assert len(notes(connection)) == noted + 1
    connection.close()


def _tables(connection: sqlite3.Connection) -> None:
    migrate(connection, shipped())
    connection.execute("CREATE TABLE notes (note UNIQUE)")
    connection.execute("INSERT INTO notes VALUES ('taken')")


def _doing(steps: list[str], number: int) -> Callable[[UnitOfWork], None]:
    def work(unit: UnitOfWork) -> None:
        for place, step in enumerate(steps):
            if step == "fact":
                unit.record(fact(number))
            elif step == "raise":
                raise ValueError
            else:
                value = "taken" if step == "clash" else f"{number}/{place}"
                unit.rows.run("INSERT INTO notes VALUES (?)", value)

    return work
