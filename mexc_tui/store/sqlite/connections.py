"""Opens and checks database connections: private files, WAL, foreign keys, busy timeout."""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from mexc_tui.model.storage import StorageDamaged, StorageRefused
from mexc_tui.store.sqlite.backups import SPARE_BYTES, Backups
from mexc_tui.store.sqlite.faults import translate
from mexc_tui.store.sqlite.files import create_private, prepare, sync_folder
from mexc_tui.store.sqlite.schema import check_owner, migrate, shipped, version_of

WAL_LIMIT_BYTES = 64 * 1024 * 1024
CACHED_STATEMENTS = 256
INCREMENTAL = 2
"""SQLite's value for incremental auto-vacuum."""
MAX_REWRITE_BYTES = 128 * 1024 * 1024
"""Largest database that is rewritten at start; a larger one would take seconds."""


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Timeouts and sizes of the store. `size_pages` caps the file in 4 KiB pages; 0: no cap."""

    busy_timeout_s: float = 5.0
    deadline_s: float = 10.0
    readers: int = 4
    slow_ms: int = 100
    too_slow_ms: int = 1_000
    size_pages: int = 0


@dataclass(slots=True)
class Findings:
    """Findings of opening a database. `now_ms` is the time in the name of a pre-migration backup."""

    now_ms: int = 0
    is_new: bool = False
    """Whether the database was empty: no engine has used it."""
    damage: str = ""
    """Damage reported by SQLite; empty without any."""


def open_writer(path: Path, limits: StoreLimits, findings: Findings | None = None) -> sqlite3.Connection:
    """Check folder and file, open and check the database, and migrate its schema.

    Damage that leaves it readable is only recorded in `findings`: ledger tables have their own checksums. A
    database with an older schema is backed up first. Raises StorageRefused or StorageDamaged.
    """
    findings = findings or Findings()
    prepare(path)
    connection = _connect(f"file:{_escaped(path)}", limits)
    try:
        _set_up_writer(connection, limits)
        _inspect(connection, path, findings)
        migrate(connection, shipped())
        _enable_incremental_vacuum(connection, path, findings)
    except sqlite3.Error as error:
        connection.close()
        translated = translate(f"opening {path}", error)
        kind = StorageDamaged if isinstance(translated, StorageDamaged) else StorageRefused
        raise kind(str(translated)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _inspect(connection: sqlite3.Connection, path: Path, findings: Findings) -> None:
    """Record whether it is new and intact, and back it up before a migration."""
    check_owner(connection)
    version = version_of(connection)
    findings.is_new = version == 0
    try:
        check(connection, "quick_check")
    except StorageDamaged as error:
        if version < len(shipped()):  # a migration would rewrite it
            raise
        findings.damage = str(error)
    if 0 < version < len(shipped()):
        back_up(connection, Backups(path).target(findings.now_ms, f"schema-{version}"))


def open_reader(path: Path, limits: StoreLimits) -> sqlite3.Connection:
    """Open a read-only connection."""
    try:
        connection = _connect(f"file:{_escaped(path)}?mode=ro", limits)
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise translate("opening a reader", error) from error
    return connection


def check(connection: sqlite3.Connection, how: str) -> None:
    """Run `quick_check` or the slower `integrity_check`. Raises StorageDamaged."""
    with closing(connection.execute(f"PRAGMA {how}(1)")) as cursor:
        found: str = cursor.fetchone()[0]
    if found != "ok":
        raise StorageDamaged("The database is damaged.")


def _connect(uri: str, limits: StoreLimits) -> sqlite3.Connection:
    # isolation_level=None: sqlite3 starts no transactions; this package sends BEGIN and COMMIT.
    connection = sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        timeout=limits.busy_timeout_s,
        cached_statements=CACHED_STATEMENTS,
    )
    # A damaged text affects its row, not the whole query: checksums and readers detect replaced characters.
    connection.text_factory = _text
    return connection


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")


def _enable_incremental_vacuum(connection: sqlite3.Connection, path: Path, findings: Findings) -> None:
    """Rewrite a database of an older version once, so that it can release free pages to the disk.

    Skipped if it is large or damaged, or the disk has too little space: free pages are reused anyway.
    """
    mode: int = connection.execute("PRAGMA auto_vacuum").fetchone()[0]
    size = path.stat().st_size
    has_room = shutil.disk_usage(path.parent).free > 3 * size + SPARE_BYTES
    if mode == INCREMENTAL or findings.damage or size > MAX_REWRITE_BYTES or not has_room:
        return
    connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL:d}")
    with suppress(sqlite3.OperationalError):  # busy or disk full: the next start retries
        connection.execute("VACUUM")


def _set_up_writer(connection: sqlite3.Connection, limits: StoreLimits) -> None:
    connection.execute(
        f"PRAGMA auto_vacuum = {INCREMENTAL:d}"
    )  # must precede the first page of a new database
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


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Write a compact copy to `target` (mode 0600), which must not exist.

    Raises StorageRefused if it exists, StorageDamaged if the copy is damaged, and sqlite3 errors. A failed
    copy is removed.
    """
    if target.exists():
        raise StorageRefused(f"{target} already exists. Choose another name.")
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    create_private(unfinished)
    try:
        connection.execute(
            "PRAGMA query_only = OFF"
        )  # query_only also forbids VACUUM INTO; the file itself is opened read-only
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        with closing(open_reader(unfinished, StoreLimits())) as copy:
            check(copy, "integrity_check")
        _sync(unfinished)
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
