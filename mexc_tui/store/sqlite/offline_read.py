"""Reads or copies a database from another process than its engine. Never writes to it or migrates it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from mexc_tui.model.storage import StorageRefused
from mexc_tui.ports.clock import Clock
from mexc_tui.store.sqlite.connections import StoreLimits, back_up, open_reader
from mexc_tui.store.sqlite.faults import translate
from mexc_tui.store.sqlite.schema import APPLICATION_ID, shipped
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction

T = TypeVar("T")


def read_offline(
    path: Path, clock: Clock, work: Callable[[ReadTransaction], T], *, limits: StoreLimits | None = None
) -> T:
    """Return the result of `work` on the stored data. Blocks. Raises StorageError and errors of `work`."""
    limits = limits or StoreLimits()
    if not path.is_file():
        raise StorageRefused(f"No database at {path} yet: no engine of this profile has run.")
    try:
        with closing(open_reader(path, limits)) as connection:
            connection.execute("BEGIN")
            _check_schema(connection)
            rows = StoreRows(connection, clock)
            rows.start(clock.monotonic_ns() + int(limits.deadline_s * 1e9))
            return work(ReadTransaction(rows))
    except sqlite3.Error as error:
        raise translate(f"reading {path}", error) from error


def copy_offline(path: Path, target: Path) -> None:
    """Write a checked copy to `target`, which must not exist, also while an engine writes. Blocks.

    Raises StorageError; a failed copy is removed.
    """
    try:
        with closing(open_reader(path, StoreLimits())) as connection:
            _check_schema(connection)
            back_up(connection, target)
    except sqlite3.Error as error:
        raise translate(f"copying {path}", error) from error


def _check_schema(connection: sqlite3.Connection) -> None:
    owner: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    known = len(shipped())
    if owner != APPLICATION_ID:
        raise StorageRefused("The database does not belong to mexc-tui.")
    if version > known:
        raise StorageRefused(
            f"The database has schema {version}, this program supports {known}. Install a newer mexc-tui."
        )
    if version < known:
        raise StorageRefused(
            f"The database has schema {version}, this program needs {known}. Start an engine once."
        )
