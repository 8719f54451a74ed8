"""The journal: gapless, append-only, with every row protected by a digest."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.event import AnyEvent, EngineStarted, Fact, OpaqueEvent
from mexc_tui.model.storage import Durability, StorageDamaged
from mexc_tui.store.sqlite.group import GroupRunner, Job
from mexc_tui.store.sqlite.schema import migrate, shipped
from mexc_tui.store.sqlite.tables.journal import Journal
from mexc_tui.store.sqlite.tables.rows import StoreRows
from tests.support.store_parts import ManualClock, fact, writer_connection

STARTED = EngineStarted(at_ms=5, about="practice", mode="practice")
FUTURE = OpaqueEvent(
    kind="weather",
    version=3,
    at_ms=9,
    about="sky",
    payload=b'{"kind":"weather","version":3,"at_ms":9,"about":"sky","rain":1}',
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    migrate(opened, shipped())
    yield opened
    opened.close()


def record(connection: sqlite3.Connection, *events: AnyEvent) -> list[Fact]:
    jobs = [Job("fact", lambda unit, e=event: unit.record(e), Durability.FULL, 10**18) for event in events]
    return GroupRunner(connection, ManualClock()).run(jobs).facts


def journal(connection: sqlite3.Connection) -> Journal:
    rows = StoreRows(connection, ManualClock())
    rows.start(None)
    connection.execute("BEGIN")
    return Journal(rows)


def test_facts_are_read_back_unchanged_including_those_of_a_later_build(
    connection: sqlite3.Connection,
) -> None:
    stored = record(connection, fact(1), STARTED, FUTURE)
    assert [found.sequence for found in stored] == [1, 2, 3]
    assert journal(connection).after(0) == stored


def test_facts_are_found_by_number_subject_and_kind_and_from_the_end(connection: sqlite3.Connection) -> None:
    record(connection, fact(1), fact(2, about="OTHERUSDT"), STARTED, fact(4))
    found = journal(connection)
    assert [row.sequence for row in found.after(1, limit=2)] == [2, 3]
    assert [row.sequence for row in found.about("NEWUSDT")] == [1, 4]
    assert [row.sequence for row in found.of_kind("alert", limit=2)] == [2, 4]
    assert [row.sequence for row in found.latest(2)] == [3, 4]
    assert found.head() == 4


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE journal SET at_ms = 0",
        "DELETE FROM journal WHERE sequence = 2",
        "INSERT INTO journal SELECT 7, at_ms, kind, version, about, payload, digest FROM journal LIMIT 1",
        "REPLACE INTO journal SELECT 1, at_ms, kind, version, about, payload, digest FROM journal LIMIT 1",
    ],
)
def test_the_journal_cannot_be_changed_shortened_or_interrupted(
    connection: sqlite3.Connection, sql: str
) -> None:
    record(connection, fact(1), fact(2))
    with pytest.raises(sqlite3.IntegrityError, match="the journal"):
        connection.execute(sql)


@given(
    column=st.sampled_from(["at_ms", "kind", "version", "about", "payload"]),
    at=st.integers(1, 5),
    by=st.integers(1, 99),
)
def test_D5_a_changed_value_is_detected_by_its_digest(column: str, at: int, by: int) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, shipped())
    record(connection, *(fact(number) for number in range(5)))
    connection.execute("DROP TRIGGER journal_never_changes")
    change = {"kind": "kind || ?", "about": "about || ?", "payload": "CAST(payload || ? AS BLOB)"}
    sql = f"UPDATE journal SET {column} = {change.get(column, column + ' + ?')} WHERE sequence = ?"  # noqa: S608
    connection.execute(sql, (by, at))
    with pytest.raises(StorageDamaged, match=f"Number {at} "):
        journal(connection).verify()
    connection.close()


def test_D5_a_missing_number_is_detected(connection: sqlite3.Connection) -> None:
    record(connection, *(fact(number) for number in range(5)))
    connection.execute("DROP TRIGGER journal_never_forgets")
    connection.execute("DELETE FROM journal WHERE sequence = 3")
    with pytest.raises(StorageDamaged, match="lacks event number 3"):
        journal(connection).verify()


def test_verification_can_be_limited_to_the_newest_facts(connection: sqlite3.Connection) -> None:
    record(connection, *(fact(number) for number in range(2_500)))
    found = journal(connection)
    assert [found.verify(), found.verify(newest=10)] == [2_500, 10]


def test_a_restart_continues_the_numbering(folder: Path) -> None:
    for number in range(3):
        connection = writer_connection(folder)
        assert [row.sequence for row in record(connection, fact(number))] == [number + 1]
        connection.close()
    connection = writer_connection(folder)
    assert journal(connection).verify() == 3
    connection.close()
