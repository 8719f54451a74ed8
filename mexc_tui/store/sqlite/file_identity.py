"""Detects a deleted or replaced database file, and signs of an earlier database."""

import os
from pathlib import Path

USED = ("-wal", "-reserve")
"""Suffixes of files that only a used database leaves behind."""


class FileWatch:
    """Watches the files of an open database by device and inode."""

    def __init__(self, database: Path) -> None:
        """Record the identity of the database now, and of its WAL when it first exists."""
        self._files: dict[Path, tuple[int, int] | None] = {
            database: _identity(database),
            database.with_name(database.name + "-wal"): None,
        }

    def problem(self) -> str:
        """Return which file was deleted or replaced; empty if none. Later commits are lost."""
        for file, opened in self._files.items():
            found = _identity(file)
            if opened is None:
                self._files[file] = found
            elif found is None:
                return f"{file} was deleted or moved away while in use by this engine"
            elif found != opened:
                return f"{file} was replaced by another file while in use by this engine"
        return ""


def signs_of_use(database: Path, others: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the names of files showing that the database was in use.

    `others`: names in its folder of files that only a used profile has.
    """
    beside = [database.with_name(database.name + suffix) for suffix in USED]
    beside += [database.with_name(name) for name in others]
    return tuple(file.name for file in beside if file.exists())


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino
