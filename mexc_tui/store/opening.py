"""Connections as this room wants them: checked, private, WAL, foreign keys, bounded waits."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mexc_tui.model.storage import StorageDamaged, StorageRefused
from mexc_tui.store.faults import translate
from mexc_tui.store.files import prepare
from mexc_tui.store.schema import migrate, shipped

WAL_LIMIT_BYTES = 64 * 1024 * 1024
STATEMENTS_KEPT = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how many, how large. `size_pages` caps the file (pages of 4 KiB); 0: as the disk allows."""

    busy_timeout_s: float = 5.0
    deadline_s: float = 10.0
    readers: int = 4
    slow_ms: int = 100
    too_slow_ms: int = 1_000
    size_pages: int = 0


def open_writer(path: Path, limits: Limits) -> sqlite3.Connection:
    """Check folder and file, open the database, check it and bring its schema up to date.

    Raises StorageRefused or StorageDamaged with what to do.
    """
    prepare(path)
    connection = _connect(f"file:{_escaped(path)}", limits)
    try:
        _set_up_writer(connection, limits)
        check(connection, "quick_check")
        migrate(connection, shipped())
    except sqlite3.Error as error:
        connection.close()
        raise StorageRefused(str(translate(f"opening {path}", error))) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path, limits: Limits) -> sqlite3.Connection:
    """Open a connection that cannot change anything."""
    try:
        connection = _connect(f"file:{_escaped(path)}?mode=ro", limits)
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise translate("opening a reader", error) from error
    return connection


def check(connection: sqlite3.Connection, how: str) -> None:
    """Let SQLite look for damage: `quick_check`, or the slower `integrity_check`. Raises StorageDamaged."""
    with closing(connection.execute(f"PRAGMA {how}(1)")) as cursor:
        found: str = cursor.fetchone()[0]
    if found != "ok":
        raise StorageDamaged("The database is damaged. Restore the newest backup.")


def _connect(uri: str, limits: Limits) -> sqlite3.Connection:
    # isolation_level=None: sqlite3 begins nothing by itself; this room says BEGIN and COMMIT.
    return sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        timeout=limits.busy_timeout_s,
        cached_statements=STATEMENTS_KEPT,
    )


def _set_up_writer(connection: sqlite3.Connection, limits: Limits) -> None:
    mode: str = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StorageRefused(f"The database cannot use a write-ahead log here (it stays in {mode} mode).")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES:d}")
    if limits.size_pages:
        connection.execute(f"PRAGMA max_page_count = {limits.size_pages:d}")


def _escaped(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
