"""The current day, recent entries and recently closed positions, reloaded when positions change."""

import asyncio
import logging
from collections.abc import Callable

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.ledger.days import utc_day
from mexc_tui.model.position import Position, TradingDay
from mexc_tui.model.storage import LossRun, StorageError
from mexc_tui.ports.store import Store, Stored

log = logging.getLogger(__name__)

CLOSED = 30
CLOSED_MS = 24 * 3_600_000
"""Limit and age of closed positions shown beside the open ones."""
ENTRIES = 200
"""Number of newest positions read for entry times."""


class RecentActivity:
    """For display only: limits are checked against the ledger itself."""

    def __init__(
        self, *, ledger: LedgerWriter, store: Store, now_ms: Callable[[], int], resumed_ms: Callable[[], int]
    ) -> None:
        """`resumed_ms`: time of the last manual resume; earlier losses do not count."""
        self._ledger = ledger
        self._store = store
        self._now_ms = now_ms
        self._resumed_ms = resumed_ms
        self._task: asyncio.Task[None] | None = None
        self._is_behind = False
        self._day = TradingDay(day="")
        self.entries_ms: tuple[int, ...] = ()
        self.losses = LossRun(0, None)
        self.closed: tuple[Position, ...] = ()
        """Recently closed positions, newest first."""
        ledger.on_change(self._on_changes)

    @property
    def day(self) -> TradingDay:
        """Return the row of the current UTC day."""
        today = utc_day(self._now_ms())
        return self._day if self._day.day == today else TradingDay(day=today)

    async def load(self) -> None:
        """Load everything. Raises StorageError."""
        scope, today, resumed_ms = self._ledger.scope, utc_day(self._now_ms()), self._resumed_ms()

        since_ms = self._now_ms() - CLOSED_MS

        def read(stored: Stored) -> tuple[TradingDay, tuple[int, ...], LossRun, tuple[Position, ...]]:
            tables = stored.trading(scope)
            entries_ms = tuple(position.opened_ms for position in tables.positions.page(limit=ENTRIES))
            closed = tuple(tables.positions.closed(since_ms, CLOSED))
            return tables.days.get(today), entries_ms, tables.limits.losses_in_a_row(resumed_ms), closed

        self._day, self.entries_ms, self.losses, self.closed = await self._store.read("current day", read)

    def _on_changes(self, written: LedgerChanges) -> None:
        if not written.positions:
            return
        over = tuple(position for position in written.positions if not position.is_open)
        if over:
            names = {position.id for position in over}
            self.closed = (*over, *(position for position in self.closed if position.id not in names))[
                :CLOSED
            ]
        self._is_behind = True
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._catch_up())

    async def _catch_up(self) -> None:
        while self._is_behind:
            self._is_behind = False
            try:
                await self.load()
            except StorageError as error:
                log.warning("cannot read the current day: %s", error)
