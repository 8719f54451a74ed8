"""Migrations: each atomic, in order, and never backwards."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mexc_tui.model.storage import StorageDamaged, StorageRefused
from mexc_tui.store.sqlite.schema import Migration, migrate, shipped, statements
from tests.support.store_parts import writer_connection

STEPS = [
    Migration(1, "0001_a.sql", "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);"),
    Migration(2, "0002_b.sql", "CREATE TABLE b (x);"),
]
BROKEN = Migration(
    2, "0002_b.sql", "CREATE TABLE b (x);\nINSERT INTO a VALUES (2);\nINSERT INTO missing VALUES (1);"
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    yield opened
    opened.close()


def version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def test_each_migration_is_applied_once(connection: sqlite3.Connection) -> None:
    assert [migrate(connection, STEPS[:1]), migrate(connection, STEPS), migrate(connection, STEPS)] == [
        1,
        1,
        0,
    ]
    assert version(connection) == 2
    assert connection.execute("SELECT * FROM a").fetchall() == [(1,)]


def test_D8_an_interrupted_migration_leaves_the_previous_schema(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, [STEPS[0], BROKEN])
    assert version(connection) == 1
    assert connection.execute("SELECT * FROM a").fetchall() == [(1,)]
    assert not connection.in_transaction
    migrate(connection, STEPS)
    assert version(connection) == 2


def test_D8_a_newer_schema_is_refused_and_left_unchanged(folder: Path) -> None:
    connection = writer_connection(folder)
    connection.execute(f"PRAGMA user_version = {len(shipped()) + 1}")
    connection.close()
    with pytest.raises(StorageRefused, match="Install a newer mexc-tui"):
        writer_connection(folder)


def test_another_programs_database_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "desk.db").touch(0o600)
    with sqlite3.connect(folder / "desk.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StorageRefused, match="belongs to another program"):
        writer_connection(folder)


def test_d5_a_damaged_header_is_refused_at_start(folder: Path) -> None:
    connection = writer_connection(folder)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with (folder / "desk.db").open("r+b") as file:
        file.write(b"\xff" * 2_000)
    with pytest.raises(StorageDamaged, match="not a database"):
        writer_connection(folder)


def test_splitting_statements_keeps_triggers_and_strings_whole() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a\nBEGIN\n    SELECT 1;\n    SELECT 2;\nEND;"
    text = f"CREATE TABLE a (x);\n-- why; not\nINSERT INTO a VALUES ('1;2');\n{trigger}\n"
    assert list(statements(text)) == [
        "CREATE TABLE a (x);",
        "-- why; not\nINSERT INTO a VALUES ('1;2');",
        trigger,
    ]


def test_foreign_keys_are_enforced_and_the_log_is_written_ahead(folder: Path) -> None:
    connection = writer_connection(folder)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
