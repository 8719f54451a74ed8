"""Opens connections: checked, private, WAL, foreign keys, bounded waits."""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from mexc_tui.model.storage import StorageDamaged, StorageRefused
from mexc_tui.store.backups import SPARE_BYTES, Backups
from mexc_tui.store.faults import translate
from mexc_tui.store.files import create_private, prepare, sync_folder
from mexc_tui.store.schema import check_owner, migrate, shipped, version_of

WAL_LIMIT_BYTES = 64 * 1024 * 1024
CACHED_STATEMENTS = 256
INCREMENTAL = 2
"""SQLite's value for incremental auto-vacuum."""
MAX_REWRITE_BYTES = 128 * 1024 * 1024
"""A larger database is not rewritten at the start: that would take seconds."""


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """How long, how many, how large. `size_pages` caps the file (pages of 4 KiB); 0: as the disk allows."""

    busy_timeout_s: float = 5.0
    deadline_s: float = 10.0
    readers: int = 4
    slow_ms: int = 100
    too_slow_ms: int = 1_000
    size_pages: int = 0


@dataclass(slots=True)
class Findings:
    """What opening a database found; `now_ms` names a backup that is made before a migration."""

    now_ms: int = 0
    is_new: bool = False
    """Whether it held nothing: no engine has used it."""
    damage: str = ""
    """What SQLite itself found damaged; empty: nothing."""


def open_writer(path: Path, limits: StoreLimits, findings: Findings | None = None) -> sqlite3.Connection:
    """Check folder and file, open the database, check it and bring its schema up to date.

    Damage that leaves it readable is noted in `findings` alone: its tables of money have checks of their own.
    An older schema is copied before it is migrated. Raises StorageRefused or StorageDamaged.
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
    """Note whether it is new and sound, and back it up if it is about to be migrated."""
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
    # A damaged text costs its row, not the whole query: hashes and readers find what was replaced.
    connection.text_factory = _text
    return connection


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")


def _enable_incremental_vacuum(connection: sqlite3.Connection, path: Path, findings: Findings) -> None:
    """Rewrite a database of an older version once, so that it can give free pages back to the disk.

    One that is large, damaged or without the room for it stays as it is: its free pages are used again.
    """
    mode: int = connection.execute("PRAGMA auto_vacuum").fetchone()[0]
    size = path.stat().st_size
    has_room = shutil.disk_usage(path.parent).free > 3 * size + SPARE_BYTES
    if mode == INCREMENTAL or findings.damage or size > MAX_REWRITE_BYTES or not has_room:
        return
    connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL:d}")
    with suppress(sqlite3.OperationalError):  # busy, or the disk is full by now: the next start tries again
        connection.execute("VACUUM")


def _set_up_writer(connection: sqlite3.Connection, limits: StoreLimits) -> None:
    connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL:d}")  # of a new database, before its first page
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
    """Write a compact copy to `target` (0600), which must not exist yet.

    Raises StorageRefused when it exists, StorageDamaged when the copy is not sound, and sqlite3's errors. A
    copy that failed leaves nothing behind.
    """
    if target.exists():
        raise StorageRefused(f"{target} already exists. Choose another name.")
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    create_private(unfinished)
    try:
        connection.execute(
            "PRAGMA query_only = OFF"
        )  # it forbids this too; the file itself is open read-only
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
