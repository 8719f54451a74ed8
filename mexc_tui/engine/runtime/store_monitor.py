"""Monitors the database: file in place, not emptied, space reserved for exits, backed up daily."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mexc_tui.engine.runtime.retention import PrunedStorage
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.model.storage import StorageError

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 0.25
RESERVE_INTERVAL_S = 10.0
FIRST_BACKUP_S = 60.0
BACKUP_INTERVAL_S = 600.0


class Storage(PrunedStorage, Protocol):
    """State and maintenance operations of the store."""

    def lost(self) -> str:
        """Return why new commits would be lost; empty: they are safe."""
        ...

    def damaged(self) -> str:
        """Return the damage found outside the ledger tables and the next step; empty: none."""
        ...

    def emptied(self) -> str:
        """Return why a store that was in use before is empty and the next step; empty: it is not."""
        ...

    def full(self) -> str:
        """Return a warning if a full disk uses the space reserved for exits; empty: it does not."""
        ...

    def regain_reserve(self) -> bool:
        """Reserve the space again if the disk has enough; return whether it is reserved.

        Blocks. Raises OSError.
        """
        ...

    async def rescue(self) -> Path:
        """Write the content of the open store to a new backup and return its path. Raises StorageError."""
        ...

    def is_backup_due(self) -> bool:
        """Return whether there is no backup, or the newest is older than a day."""
        ...

    async def back_up_daily(self) -> Path:
        """Write a new backup, delete expired ones, and return its path. Raises StorageError."""
        ...


class StoreMonitor:
    """Three workers that check the database file, its reserved space and its backups."""

    def __init__(
        self, storage: Storage, on_lost: Callable[[str, str], None], is_opening: Callable[[], bool]
    ) -> None:
        """`on_lost`: called once with subject and reason if the database was deleted, replaced or emptied.

        `is_opening`: whether a pair is opening; backups wait then.
        """
        self._storage = storage
        self._on_lost = on_lost
        self._is_opening = is_opening
        self._rescued: Path | None = None
        self.lost = ""
        """Why commits are being lost; empty: they are safe."""
        self.backup_problem = ""
        """Why the last backup failed; empty: it succeeded, or none was due."""

    @property
    def problem(self) -> str:
        """Return why the store blocks entries; empty: it does not."""
        return self.lost or self._storage.full() or self._storage.damaged()

    async def check_file(self, started: Started) -> None:
        """Check four times a second that the open database is the file at its path."""
        emptied = self._storage.emptied()
        if emptied:
            self._on_lost("store", emptied)
        started()
        while True:
            before, self.lost = self.lost, self._storage.lost()
            if self.lost and not before:
                self._on_lost("store", f"{self.lost}: changes from now on are lost at the next start")
                await self._rescue()
            await asyncio.sleep(CHECK_INTERVAL_S)

    async def maintain_reserve(self, started: Started) -> None:
        """Reserve the space for exits again once a full disk has room."""
        started()
        while True:
            await asyncio.sleep(RESERVE_INTERVAL_S)
            if not self._storage.full():
                continue
            try:
                if await asyncio.to_thread(self._storage.regain_reserve):
                    log.warning("the disk has space again: space for exits is reserved")
            except OSError as error:
                log.error("space for exits could not be reserved: %s", error)

    async def maintain_backups(self, started: Started) -> None:
        """Back up once a day, but not during an opening, nor after damage was found."""
        started()
        await asyncio.sleep(FIRST_BACKUP_S)
        while True:
            if not (self._is_opening() or self.problem):
                await self._back_up_if_due()
            await asyncio.sleep(BACKUP_INTERVAL_S)

    async def finish(self) -> str:
        """Back up a lost database at shutdown; return where to, or empty if the database is in place."""
        self.lost = self._storage.lost()
        if not self.lost:
            return ""
        await self._rescue()
        if self._rescued is None:
            return f"{self.lost}, and its content could not be saved: {self.backup_problem}."
        return f"{self.lost}. Its content was saved to {self._rescued}."

    async def _back_up_if_due(self) -> None:
        try:
            if self._storage.is_backup_due():
                path = await self._storage.back_up_daily()
                log.info("backed up to %s", path)
        except (StorageError, OSError) as error:
            self.backup_problem = str(error)
            log.warning("the database could not be backed up: %s", error)
        else:
            self.backup_problem = ""

    async def _rescue(self) -> None:
        try:
            self._rescued = await self._storage.rescue()
        except (StorageError, OSError) as error:
            self.backup_problem = str(error)
            log.error("the content of the lost database could not be saved: %s", error)
        else:
            log.error("the content of the lost database was saved to %s", self._rescued)
