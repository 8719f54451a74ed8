"""Translates SQLite errors. Messages never contain statements or values."""

import sqlite3

from mexc_tui.model.storage import (
    StorageConflict,
    StorageDamaged,
    StorageDeadline,
    StorageError,
    StorageFailed,
    StorageFull,
    StorageLocked,
)

_BY_CODE: dict[int, tuple[type[StorageError], str]] = {
    sqlite3.SQLITE_FULL: (StorageFull, "the disk is full; free some space"),
    sqlite3.SQLITE_BUSY: (StorageLocked, "another process has locked the database; end it or wait"),
    sqlite3.SQLITE_LOCKED: (StorageLocked, "the database is locked by this process; wait"),
    sqlite3.SQLITE_INTERRUPT: (StorageDeadline, "stopped at its deadline"),
    sqlite3.SQLITE_CONSTRAINT: (StorageConflict, "a constraint of the tables failed"),
    sqlite3.SQLITE_CORRUPT: (StorageDamaged, "the database is damaged"),
    sqlite3.SQLITE_NOTADB: (StorageDamaged, "this is not a database"),
    sqlite3.SQLITE_READONLY: (StorageFailed, "the database cannot be written; check owner, mode and mount"),
    sqlite3.SQLITE_IOERR: (StorageFailed, "the disk failed; check it"),
    sqlite3.SQLITE_CANTOPEN: (StorageFailed, "a file cannot be opened; check owner, mode and mount"),
}


def translate(name: str, error: sqlite3.Error) -> StorageError:
    """Return the StorageError for an SQLite error during `name`."""
    # The low byte is the primary code. Errors raised by Python itself have none.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if "Could not decode to UTF-8" in str(error):  # Python's own message, which contains the value
        return StorageDamaged(f"{name}: a stored text is not UTF-8; restore a backup.")
    kind, words = _BY_CODE.get(code, (StorageFailed, "the database refused"))
    return kind(f"{name}: {words} ({error}).")
