"""A copy of the running database, checked before it gets its name (reliability D13)."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from mexc_tui.model.storage import StorageRefused
from mexc_tui.store.files import create_private, sync_folder
from mexc_tui.store.opening import Limits, check, open_reader


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Write a compact copy to `target` (0600), which must not exist yet.

    Raises StorageRefused when it exists, StorageDamaged when the copy is not sound, and sqlite3's errors. A
    copy that failed leaves nothing behind.
    """
    if target.exists():
        raise StorageRefused(f"{target} exists already. Choose another name.")
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    create_private(unfinished)
    try:
        connection.execute(
            "PRAGMA query_only = OFF"
        )  # it forbids this too; the file itself is open read-only
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        with closing(open_reader(unfinished, Limits())) as copy:
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
