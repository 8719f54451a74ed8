"""Inspects a database file without changing it: owner, schema and integrity."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mexc_tui.model.storage import StorageRefused
from mexc_tui.store.sqlite.connections import StoreLimits, check, open_reader
from mexc_tui.store.sqlite.faults import translate
from mexc_tui.store.sqlite.schema import check_owner, shipped, version_of


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """An intact database."""

    schema: int
    known_schema: int
    """Newest schema that this program supports."""
    size_bytes: int


def inspect_database(path: Path, *, is_full: bool) -> DatabaseFacts:
    """Check owner, schema and integrity. Blocks.

    `is_full`: verify indexes and cell contents too, which takes longer. Raises StorageRefused (missing, not
    ours, newer schema) or StorageDamaged.
    """
    if not path.is_file():
        raise StorageRefused(f"There is no database at {path}.")
    try:
        with closing(open_reader(path, StoreLimits())) as connection:
            check_owner(connection)
            schema = version_of(connection)
            check(connection, "integrity_check" if is_full else "quick_check")
    except sqlite3.Error as error:
        raise translate(f"reading {path}", error) from error
    return DatabaseFacts(schema, len(shipped()), path.stat().st_size)
