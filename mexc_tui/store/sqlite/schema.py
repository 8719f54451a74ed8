"""Numbered schema migrations, each in one transaction. A newer schema is refused (reliability D8)."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from mexc_tui.model.storage import StorageRefused

APPLICATION_ID = 0x4D585455
"""'MXTU' in the file header marks a database of mexc-tui."""

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration. Numbers start at 1, without gaps."""

    number: int
    name: str
    sql: str


def shipped() -> list[Migration]:
    """Return the migrations of this version, in order."""
    folder = files("mexc_tui.store").joinpath("migrations")
    found = [
        Migration(int(match[1]), file.name, file.read_text("utf-8"))
        for file in folder.iterdir()
        if (match := _NAME.fullmatch(file.name))
    ]
    found.sort(key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    assert numbers == list(range(1, len(found) + 1)), "migrations are numbered 1, 2, 3 …"
    return found


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> int:
    """Migrate the database to the newest schema; return the number of migrations applied.

    Raises StorageRefused if the file belongs to another program or has a newer schema. A failed migration
    leaves the schema at the previous version.
    """
    check_owner(connection)
    known = len(migrations)
    applied = 0
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection)
            if version > known:
                raise StorageRefused(
                    f"The database has schema {version}, this program supports {known}. "
                    "Install a newer mexc-tui."
                )
            if version < known:
                _apply(connection, migrations[version])
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if version == known:
            return applied
        applied += 1


def statements(script: str) -> Iterator[str]:
    """Split an SQL script into statements; trigger bodies stay whole."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""
    if statement.strip():
        yield statement.strip()


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    for statement in statements(migration.sql):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {migration.number:d}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")


def check_owner(connection: sqlite3.Connection) -> None:
    """Refuse a database of another program. Raises StorageRefused."""
    owner = _pragma(connection, "application_id")
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner != APPLICATION_ID and tables:
        raise StorageRefused("This database belongs to another program. Move it away and start again.")


def version_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last applied migration; 0 for a new database."""
    return _pragma(connection, "user_version")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
