"""Cancels the desk's orders until the exchange lists none: one empty response proves nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.engine.orders.order_resolution import OrderResolution
from mexc_tui.ledger.ids import parse
from mexc_tui.ledger.orders import foreign_order
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.intent import Order
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.report import OrderReport
from mexc_tui.model.storage import StorageError
from mexc_tui.ports.trading import TradingPort

CANCEL_S = 30.0
"""Time limit; unknown orders settle within it, unless the exchange does not respond (reliability I18)."""
LOOK_S = 0.5
APART_S = 1.0
"""Minimum time between two empty responses: one alone may be late or wrong."""
LOOKS = 2
PAIRS = 5
"""Pairs that the exchange cancels with one request; newer pages of its documentation say one."""
WORDS = "stopped"


@dataclass(frozen=True, slots=True)
class CancelResult:
    """Result of a cancel sweep: cancelled orders, and those still listed or unknown."""

    cancelled: int
    remaining: int
    text: str = ""


Wanted = Callable[[Order], bool]


class CancelSweep:
    """Cancels with emergency priority: its requests wait only for each other."""

    def __init__(
        self, *, trading: TradingPort, ledger: LedgerWriter, execution: Execution, resolution: OrderResolution
    ) -> None:
        self._trading = trading
        self._ledger = ledger
        self._execution = execution
        self._resolution = resolution

    async def cancel(self, wanted: Wanted, checks: int = LOOKS) -> CancelResult:
        """Cancel until `checks` consecutive responses, some time apart, list none and none is unknown."""
        clock = asyncio.get_running_loop()
        until_s, empty = clock.time() + CANCEL_S, 0
        # Under a ban requests are scarce: the sales running beside this send their own cancels.
        rows, at_once = {} if self._trading.ban() else self._known(wanted), PAIRS
        listed = set(rows)
        while True:
            if rows:
                await self._cancel(rows, at_once)
                at_once = 1
            rows, problem = await self._live(wanted)
            listed |= set(rows)
            if rows or not problem:  # a failed query proves nothing
                empty = 0 if rows else empty + 1
            if empty >= checks:
                return CancelResult(len(listed), 0)
            if clock.time() > until_s:
                return CancelResult(len(listed - set(rows)), len(rows), problem or "still listed")
            await asyncio.sleep(APART_S if empty and not problem else LOOK_S)

    # ---- internals

    async def _cancel(self, rows: Mapping[str, Order], at_once: int) -> None:
        is_short = bool(self._trading.ban()) or self._trading.orders_left(Purpose.STOP) < len(rows)
        whole = self._whole_pairs(rows) if is_short else []
        alone = [order for order in rows.values() if order.symbol not in whole]
        groups = [whole[first : first + at_once] for first in range(0, len(whole), at_once)]
        await asyncio.gather(
            *(self._cancel_pairs(group, rows) for group in groups),
            *(self._execution.cancel(order, WORDS, Purpose.STOP) for order in alone),
        )
        self._resolution.wake()

    def _whole_pairs(self, rows: Mapping[str, Order]) -> list[str]:
        """Return pairs whose known open orders are all wanted: such a request cancels the user's, too."""
        if not self._trading.private_state().is_live:
            return []
        memory = self._ledger.state
        others = {order.symbol for order in memory.foreign.values() if order.client_order_id not in rows}
        others |= {order.symbol for order in memory.live_orders() if order.client_order_id not in rows}
        return sorted({order.symbol for order in rows.values()} - others)

    async def _cancel_pairs(self, symbols: Sequence[str], rows: Mapping[str, Order]) -> None:
        """Cancel pairs with one request; if rejected, pair by pair, then order by order."""
        orders = [order for order in rows.values() if order.symbol in symbols]
        if await self._execution.cancel_pairs(symbols, orders, WORDS):
            return
        if len(symbols) > 1:
            await asyncio.gather(*(self._cancel_pairs((symbol,), rows) for symbol in symbols))
        else:
            await asyncio.gather(*(self._execution.cancel(order, WORDS, Purpose.STOP) for order in orders))

    def _known(self, wanted: Wanted) -> dict[str, Order]:
        return {order.client_order_id: order for order in self._ledger.state.live_orders() if wanted(order)}

    async def _live(self, wanted: Wanted) -> tuple[dict[str, Order], str]:
        """Return the desk's live orders by ledger and exchange, and the problem of the listing."""
        try:
            reports = await self._trading.open_orders(purpose=Purpose.STOP)
        except ExchangeError as error:
            return self._known(wanted), f"cannot list open orders: {error}"
        rows = self._known(wanted)
        for report in reports.rows:
            order = foreign_order(report, self._trading.now_ms())
            order = self._ledger.state.orders.get(order.client_order_id, order)
            is_known = order.client_order_id in rows or order.state.is_terminal
            if not is_known and wanted(order) and await self._is_ours(report):
                rows[order.client_order_id] = order
        return rows, reports.problem and f"open orders: {reports.problem}"

    async def _is_ours(self, report: OrderReport) -> bool:
        name = parse(report.client_order_id or "")
        if name is None:
            return False
        try:
            return await self._ledger.owns(str(name))
        except StorageError:
            return name.desk_id == self._ledger.desk_id
