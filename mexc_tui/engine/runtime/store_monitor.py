"""Watches the engine's database: still there, not emptied, backed up every day."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mexc_tui.engine.runtime.retention import PrunedStorage
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.model.storage import StorageError

log = logging.getLogger(__name__)

LOOK_S = 0.25
REGAIN_S = 10.0
FIRST_BACKUP_S = 60.0
BACKUP_STEP_S = 600.0


class Storage(PrunedStorage, Protocol):
    """What the engine asks of the store about itself."""

    def lost(self) -> str:
        """Say why what is committed now would be lost; empty: it is safe."""
        ...

    def damaged(self) -> str:
        """Say what outside the tables of money is damaged, and what to do; empty: nothing was found."""
        ...

    def emptied(self) -> str:
        """Say why this store is empty although it was in use before, and what to do; empty: it is not."""
        ...

    def full(self) -> str:
        """Say that the room kept for exits was given back to a full disk; empty: it was not."""
        ...

    def regain_reserve(self) -> bool:
        """Set that room aside again once there is space; return whether it is held. It blocks.

        Raises OSError.
        """
        ...

    async def rescue(self) -> Path:
        """Write what the open store holds to a new backup. Raises StorageError."""
        ...

    def is_backup_due(self) -> bool:
        """Whether the newest backup is older than a day, or there is none."""
        ...

    async def back_up_daily(self) -> Path:
        """Write a new backup and delete those that are not to be kept. Raises StorageError."""
        ...


class StoreMonitor:
    """Three workers. `on_lost` hears once of a database that was deleted, replaced or emptied: it halts."""

    def __init__(
        self, storage: Storage, on_lost: Callable[[str, str], None], is_opening: Callable[[], bool]
    ) -> None:
        """`on_lost` gets what it is about and words; `is_opening`: a backup waits while a pair opens."""
        self._storage = storage
        self._on_lost = on_lost
        self._is_opening = is_opening
        self._rescued: Path | None = None
        self.lost = ""
        """Why commits are lost at present; empty: they are safe."""
        self.backup_problem = ""
        """Why there is no backup of the last day; empty: there is one, or none was due yet."""

    @property
    def problem(self) -> str:
        """Say why nothing may be bought with this store; empty: it may."""
        return self.lost or self._storage.full() or self._storage.damaged()

    async def watch(self, started: Started) -> None:
        """Look four times a second whether the open database is the one at its path."""
        emptied = self._storage.emptied()
        if emptied:
            self._on_lost("store", emptied)
        started()
        while True:
            before, self.lost = self.lost, self._storage.lost()
            if self.lost and not before:
                self._on_lost("store", f"{self.lost}: what is booked from now on is lost at the next start")
                await self._rescue()
            await asyncio.sleep(LOOK_S)

    async def keep_reserve(self, started: Started) -> None:
        """Set the room for exits aside again once a disk that was full has space."""
        started()
        while True:
            await asyncio.sleep(REGAIN_S)
            if not self._storage.full():
                continue
            try:
                if await asyncio.to_thread(self._storage.regain_reserve):
                    log.warning("the disk has space again: room for exits is set aside")
            except OSError as error:
                log.error("no room for exits can be set aside: %s", error)

    async def keep_backups(self, started: Started) -> None:
        """Back up once a day, not while a pair opens, and not over sound backups once damage was found."""
        started()
        await asyncio.sleep(FIRST_BACKUP_S)
        while True:
            if not (self._is_opening() or self.problem):
                await self._back_up_if_due()
            await asyncio.sleep(BACKUP_STEP_S)

    async def end(self) -> str:
        """Rescue what a lost database holds by the end; say where it is, if that was needed."""
        self.lost = self._storage.lost()
        if not self.lost:
            return ""
        await self._rescue()
        if self._rescued is None:
            return f"{self.lost}, and it could not be rescued: {self.backup_problem}."
        return f"{self.lost}. All it held was written to {self._rescued}."

    async def _back_up_if_due(self) -> None:
        try:
            if self._storage.is_backup_due():
                made = await self._storage.back_up_daily()
                log.info("backed up to %s", made)
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
            log.error("the lost database could not be rescued: %s", error)
        else:
            log.error("all that the lost database held was written to %s", self._rescued)
