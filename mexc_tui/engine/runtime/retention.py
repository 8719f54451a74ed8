"""Deletes what is older than it is kept, a few rows at a time, while nothing is about to open."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.model.storage import RetentionPeriods, StorageError

log = logging.getLogger(__name__)

FIRST_S = 120.0
EVERY_S = 6 * 3_600.0
STEP_S = 0.1
"""Pause between two batches: whoever writes meanwhile does not wait for them."""
BUSY_S = 30.0
"""Pause while a pair is about to open or opens."""


class PrunedStorage(Protocol):
    """What the worker asks of the store."""

    async def prune(self, keep: RetentionPeriods, now_ms: int) -> bool:
        """Delete one batch of old rows, or give free pages back; False: a round is over.

        Raises StorageError.
        """
        ...

    def delete_old_copies(self, keep: RetentionPeriods, now_ms: int) -> int:
        """Delete old copies of the database; return how many. It blocks. Raises OSError."""
        ...


class RetentionWorker:
    """One worker. `is_busy` holds it back between two batches, too."""

    def __init__(
        self,
        storage: PrunedStorage,
        keep: Callable[[], RetentionPeriods],
        now_ms: Callable[[], int | None],
        is_busy: Callable[[], bool],
    ) -> None:
        """`keep`: how long things are kept now; `is_busy`: whether something must not be held up.

        `now_ms`: the exchange's time, None while it is not known. The clock of this machine may be wrong by
        years, and everything would look old.
        """
        self._storage = storage
        self._keep = keep
        self._now_ms = now_ms
        self._is_busy = is_busy
        self.rounds = 0
        """How often everything was looked at since the start."""

    async def run(self, started: Started) -> None:
        """Delete a round of old rows and copies every six hours."""
        started()
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                await self._round()
            except (StorageError, OSError) as error:
                log.warning("old rows and copies cannot be deleted yet: %s", error)
            await asyncio.sleep(EVERY_S)

    async def _round(self) -> None:
        is_more = True
        while is_more:
            now_ms = self._now_ms()
            if now_ms is None or self._is_busy():
                await asyncio.sleep(BUSY_S)
                continue
            is_more = await self._storage.prune(self._keep(), now_ms)
            await asyncio.sleep(STEP_S)
        now_ms = self._now_ms()
        if now_ms is not None:
            await asyncio.to_thread(self._storage.delete_old_copies, self._keep(), now_ms)
        self.rounds += 1
