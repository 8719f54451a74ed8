"""Reserved disk space, released when the disk is full so that exits can be stored (reliability D3)."""

import logging
import os
import shutil
from pathlib import Path

from mexc_tui.model.storage import StorageRefused
from mexc_tui.store.sqlite.files import create_private

RESERVE_BYTES = 1024 * 1024
REACQUIRE_BYTES = 4 * RESERVE_BYTES
"""Free bytes needed before space is reserved again: pending writes come first."""

_log = logging.getLogger("mexc_tui.store")


class Reserve:
    """A 1 MiB file beside the database that reserves disk space."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + "-reserve")
        self.is_held = False
        """Whether the space is reserved."""
        self.is_released = False
        """Whether the space was released on a full disk and not reserved again."""

    def acquire(self) -> bool:
        """Reserve disk space. False: the disk is too full."""
        try:
            self._path.unlink(missing_ok=True)
            create_private(self._path)
            with self._path.open("r+b") as file:
                file.write(bytes(RESERVE_BYTES))
                file.flush()
                os.fsync(file.fileno())
            self.is_held, self.is_released = True, False
        except (OSError, StorageRefused) as error:
            self._path.unlink(missing_ok=True)
            _log.warning("cannot reserve disk space for a full disk (%s)", error)
        return self.is_held

    def release_previous(self) -> bool:
        """Release the reserve of an earlier run if the disk is full. False: nothing was released."""
        try:
            if shutil.disk_usage(self._path.parent).free > RESERVE_BYTES:
                return False
            self._path.unlink()
        except OSError:  # no such file
            return False
        return True

    def release(self) -> bool:
        """Release the reserved space. False: it was already released."""
        was_held, self.is_held = self.is_held, False
        self.is_released = self.is_released or was_held
        self._path.unlink(missing_ok=True)
        return was_held

    def reacquire(self) -> bool:
        """Reserve the space again once the disk has enough; return whether it is reserved."""
        if self.is_released and shutil.disk_usage(self._path.parent).free > REACQUIRE_BYTES:
            self.acquire()
        return self.is_held
