"""Whether the open database is still the one at its path, and what shows that a lost one was in use."""

import os
from pathlib import Path

USED = ("-wal", "-reserve")
"""Files beside a database that only a store which was in use leaves."""


class FileWatch:
    """The files of an open database, known by device and inode."""

    def __init__(self, database: Path) -> None:
        """Note the database as it is now; its log is noted when it first exists."""
        self._files: dict[Path, tuple[int, int] | None] = {
            database: _identity(database),
            database.with_name(database.name + "-wal"): None,
        }

    def problem(self) -> str:
        """Say which file is not the open one any more; empty: all are. What is committed then is lost."""
        for file, opened in self._files.items():
            found = _identity(file)
            if opened is None:
                self._files[file] = found
            elif found is None:
                return f"{file} was deleted or moved away while this engine uses it"
            elif found != opened:
                return f"{file} was replaced by another file while this engine uses it"
        return ""


def signs_of_use(database: Path, others: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the files beside a database that show that one was in use here.

    `others`: names in its folder, of files that only a used profile has.
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
