"""Books updates of the user stream in order; foreign orders are left alone."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.runtime.recent_keys import RecentKeys
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.ledger.evidence import Evidence, from_fill, from_update
from mexc_tui.ledger.ids import PREFIX
from mexc_tui.model.stream import BalanceUpdate, FillUpdate, OrderUpdate
from mexc_tui.ports.trading import TradingPort

log = logging.getLogger(__name__)

MOST_FOREIGN = 4_096
"""Reported foreign orders that are remembered; a forgotten one costs one more comparison."""

TOGETHER = 64
"""Updates booked before yielding to the event loop."""


class UserStreamWorker:
    """Worker with a queue between the stream, which must not wait, and the ledger, which does."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        on_gap: Callable[[], None],
        on_unrecorded_order: Callable[[str], None],
    ) -> None:
        """`on_gap`: updates were lost; `on_unrecorded_order`: this desk's prefix on an unknown order."""
        self._trading = trading
        self._ledger = ledger
        self._on_gap = on_gap
        self._on_unrecorded_order = on_unrecorded_order
        self._due: deque[tuple[str, Evidence]] = deque()
        self._wake = asyncio.Event()
        self._foreign = RecentKeys[str](MOST_FOREIGN)

    async def run(self, started: Started) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._trading.run_private(self))
            group.create_task(self._book())
            started()

    # ---- stream updates

    def on_order(self, update: OrderUpdate) -> None:
        """Queue an order update."""
        self._queue(update.client_order_id, from_update(update))

    def on_fill(self, fill: FillUpdate) -> None:
        """Queue a trade."""
        self._queue(fill.client_order_id, from_fill(fill))

    def on_balance(self, update: BalanceUpdate) -> None:
        """Ignore it: the reconciler compares balances, as one update alone proves nothing."""

    def on_gap(self, *, is_closed: bool) -> None:
        """Request a comparison once the stream is back."""
        if is_closed:
            self._on_gap()

    def _queue(self, client_order_id: str, evidence: Evidence) -> None:
        if client_order_id.startswith(PREFIX):
            self._ledger.apply_evidence(client_order_id, evidence)
            self._due.append((client_order_id, evidence))
            self._wake.set()
        elif evidence.order_id not in self._foreign:
            self._foreign.add(evidence.order_id)
            self._on_gap()  # the reconciler records it and its balance changes

    async def _book(self) -> None:
        while True:
            self._wake.clear()
            for _ in range(min(len(self._due), TOGETHER)):
                await self._book_one(*self._due[0])
            if not self._due:
                await self._wake.wait()

    async def _book_one(self, client_order_id: str, evidence: Evidence) -> None:
        is_ours = await self._ledger.owns(client_order_id)
        self._due.popleft()
        if is_ours:
            await self._ledger.book_evidence(client_order_id, evidence)
        else:
            self._on_unrecorded_order(client_order_id)
