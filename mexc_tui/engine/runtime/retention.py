"""Deletes expired rows and backups in small batches, never around an opening."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.model.storage import RetentionPeriods, StorageError

log = logging.getLogger(__name__)

START_DELAY_S = 120.0
ROUND_INTERVAL_S = 6 * 3_600.0
BATCH_PAUSE_S = 0.1
"""Pause between two batches, so that other writers need not wait."""
BUSY_PAUSE_S = 30.0
"""Pause around an opening."""


class PrunedStorage(Protocol):
    """Store operations that delete expired data."""

    async def prune(self, keep: RetentionPeriods, now_ms: int) -> bool:
        """Delete one batch of expired rows, or release free pages; False: the round is complete.

        Raises StorageError.
        """
        ...

    def delete_old_copies(self, keep: RetentionPeriods, now_ms: int) -> int:
        """Delete expired backups and return their number. Blocks. Raises OSError."""
        ...


class RetentionWorker:
    """Worker that enforces the retention settings; it pauses between batches while `is_busy`."""

    def __init__(
        self,
        *,
        storage: PrunedStorage,
        keep: Callable[[], RetentionPeriods],
        now_ms: Callable[[], int | None],
        is_busy: Callable[[], bool],
    ) -> None:
        """`keep`: retention periods in force; `is_busy`: whether deletions must wait.

        `now_ms`: exchange time, None while unknown. The local clock is not used: if it were years ahead,
        every row would look expired.
        """
        self._storage = storage
        self._keep = keep
        self._now_ms = now_ms
        self._is_busy = is_busy
        self.rounds = 0
        """Completed rounds since the start."""

    async def run(self, started: Started) -> None:
        """Delete expired rows and backups every six hours."""
        started()
        await asyncio.sleep(START_DELAY_S)
        while True:
            try:
                await self._run_round()
            except (StorageError, OSError) as error:
                log.warning("expired rows and backups could not be deleted: %s", error)
            await asyncio.sleep(ROUND_INTERVAL_S)

    async def _run_round(self) -> None:
        is_more = True
        while is_more:
            now_ms = self._now_ms()
            if now_ms is None or self._is_busy():
                await asyncio.sleep(BUSY_PAUSE_S)
                continue
            is_more = await self._storage.prune(self._keep(), now_ms)
            await asyncio.sleep(BATCH_PAUSE_S)
        now_ms = self._now_ms()
        if now_ms is not None:
            await asyncio.to_thread(self._storage.delete_old_copies, self._keep(), now_ms)
        self.rounds += 1
