"""Confirm the end of orders that lock or may sell the quantity of a sale: nothing is offered twice."""

import asyncio
import logging
from collections.abc import Awaitable
from decimal import Decimal
from functools import partial

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.exits.exit_job import ExitJob
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.engine.orders.order_resolution import OrderResolution
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.intent import ZERO, Order, OrderRole, OrderState
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.outcome import Purpose, Refusal
from mexc_tui.model.position import Position
from mexc_tui.ports.trading import TradingPort

log = logging.getLogger(__name__)

EVENT_WAIT_S = 0.5
CHECK_INTERVAL_S = 0.1
AGAIN_S = 1.0
"""Delay before unconfirmed cancels are sent again."""
LISTED_S = 2.0
"""Maximum wait for the order list before a refused sale is retried: it must not block an exit."""
REST_S = 3.0
"""Time that a limit order of a sale rests; then the next one is priced anew."""
RESTING = (OrderState.ACKNOWLEDGED, OrderState.PARTIAL, OrderState.CANCELLING)


class ExitOrderTracker:
    """Waits for outcomes and cancels resting orders."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        execution: Execution,
        order_resolution: OrderResolution,
    ) -> None:
        self._trading = trading
        self._ledger = ledger
        self._execution = execution
        self._order_resolution = order_resolution
        self._cancels: set[asyncio.Future[bool]] = set()

    async def clear_orders(
        self, sale: ExitJob, position: Position, left: Decimal, *, is_offered: bool
    ) -> bool:
        """Confirm the end of orders that could sell the same quantity; return whether it waited.

        `is_offered`: sell the free quantity immediately, while resting orders are being cancelled.
        """
        live = [order for order in self._ledger.state.orders_of(position.id) if order.state.is_on_exchange]
        self._cancel_entries(sale, live)
        if left <= sale.goal <= 0 and any(order.side is Side.BUY for order in live):
            sale.status = "a buy is not resolved yet"
            await sale.pause(CHECK_INTERVAL_S)
            return True
        sells = [order for order in live if order.side is Side.SELL and sale.is_holding(order)]
        ours = [order for order in sells if order.role is not OrderRole.TAKE_PROFIT]
        if ours:
            await self._await_order_end(ours[0], sale)
            return True
        resting = sum((order.open_quantity for order in sells), ZERO)
        is_needed = sale.goal <= 0 or left - resting < left - sale.goal
        if not sells or not is_needed:
            return False
        cancels = self._start_cancels(sale, sells)
        if not is_offered:
            await self._clear(sale, sells, cancels)
        return not is_offered

    async def exists_despite_rejection(self, order: Order, refusal: Refusal) -> bool:
        """Return whether a refused order exists after all; False if the order list is not read in time."""
        try:
            async with asyncio.timeout(LISTED_S):
                return await self._execution.exists_despite_rejection(order, refusal)
        except (ExchangeError, TimeoutError) as error:
            log.warning(
                "%s: querying open orders after the rejection failed: %s", order.client_order_id, error
            )
            return False

    def _start_cancels(self, sale: ExitJob, sells: list[Order]) -> "asyncio.Future[list[bool]]":
        """Return the cancels in progress, or start them: few per second, because the weight is shared."""
        now_s = asyncio.get_running_loop().time()
        if sale.cancels is None or (sale.cancels.done() and now_s >= sale.cancel_at_s):
            sale.cancels, sale.cancel_at_s = self._cancelling(sale, sells), now_s + AGAIN_S
            sale.cancels.add_done_callback(partial(self._note_denied, sale, sells))
        return sale.cancels

    def _cancelling(self, sale: ExitJob, sells: list[Order]) -> "asyncio.Future[list[bool]]":
        """Cancel by id; the whole pair if the rate budget is short and all its open orders are the desk's."""
        is_pair_ours = all(order.symbol != sale.symbol for order in self._ledger.state.foreign.values())
        if len(sells) > 1 and is_pair_ours and self._is_short(len(sells)):
            return asyncio.ensure_future(self._execution.cancel_pair(sale.symbol, sells, sale.text))
        cancels = (self._execution.cancel(order, sale.text, Purpose.STOP) for order in sells)
        return asyncio.gather(*cancels)

    def _is_short(self, requests: int) -> bool:
        return bool(self._trading.ban()) or self._trading.orders_left(Purpose.STOP) <= requests

    def _note_denied(self, sale: ExitJob, sells: list[Order], done: "asyncio.Future[list[bool]]") -> None:
        if not done.cancelled() and done.exception() is None:
            answers = zip(sells, done.result(), strict=True)
            sale.denied |= {order.client_order_id for order, is_denied in answers if is_denied}
        sale.wake.set()

    async def _clear(self, sale: ExitJob, sells: list[Order], cancels: "asyncio.Future[list[bool]]") -> None:
        """Wait until resting orders are confirmed closed, by stream or query, whichever is first.

        The wait is short: one slow cancel must not delay the quantity that the others freed.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + CHECK_INTERVAL_S
        while self._are_live(sells) and not cancels.done() and loop.time() < until_s:
            await sale.pause(until_s - loop.time())
        if self._are_live(sells) and cancels.done():
            sale.status = "take-profits not confirmed cancelled yet"
            self._expedite(sale, sells)
            await sale.pause(CHECK_INTERVAL_S)

    def _cancel_entries(self, sale: ExitJob, live: list[Order]) -> None:
        for order in live:
            if order.side is Side.BUY and order.client_order_id not in sale.cancelled:
                sale.cancelled.add(order.client_order_id)
                self._begin(self._execution.cancel(order, sale.text, Purpose.STOP))

    async def _await_order_end(self, order: Order, sale: ExitJob) -> None:
        """Wait for the stream to report an order; then query it, or cancel it if it may rest."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + (REST_S if order.type is OrderType.LIMIT else EVENT_WAIT_S)
        while loop.time() < until_s:
            if not self._are_live([order]):
                return
            await sale.pause(CHECK_INTERVAL_S)
        now = self._ledger.state.orders.get(order.client_order_id)
        if now is not None and now.type is OrderType.LIMIT and now.state in RESTING:
            sale.status = "limit order resting: the best bid is below the price band"
            await self._execution.cancel(now, sale.text, Purpose.STOP)
            return
        sale.status = "outcome of the last order unknown"
        if now is not None and now.state is OrderState.UNKNOWN:
            self._expedite(sale, [now])
        elif now is not None:
            await self._execution.query_in_background(now)

    def _expedite(self, sale: ExitJob, orders: list[Order]) -> None:
        """Request resolution of unknown outcomes now, once per order; later ones wait their turn."""
        fresh = {order.client_order_id for order in orders} - sale.expedited
        if fresh:
            sale.expedited |= fresh
            self._order_resolution.wake()

    def _are_live(self, orders: list[Order]) -> bool:
        rows = (self._ledger.state.orders.get(order.client_order_id) for order in orders)
        return any(row is not None and row.state.is_on_exchange for row in rows)

    def _begin(self, cancel: Awaitable[bool]) -> None:
        task = asyncio.ensure_future(cancel)
        self._cancels.add(task)
        task.add_done_callback(self._cancels.discard)
