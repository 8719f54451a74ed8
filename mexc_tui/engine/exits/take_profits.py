"""Keep the take-profit ladder resting on the exchange: place missing orders, cancel wrong ones."""

import asyncio
import logging
from dataclasses import dataclass

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.exits.exit_execution import ExitExecution
from mexc_tui.engine.exits.exit_intents import ExitIntents, ExitRequest
from mexc_tui.engine.market.symbol_filters import SymbolFilters
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.engine.orders.order_resolution import OrderResolution
from mexc_tui.model.intent import ZERO, CloseReason, Order, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted
from mexc_tui.model.position import Position
from mexc_tui.model.storage import StorageError
from mexc_tui.ports.trading import TradingPort
from mexc_tui.sniping.ladder import RestingRung, RungPlan, RungSales, align, rungs

log = logging.getLogger(__name__)

AGAIN_MS = 10_000
"""Delay before a refused rung is retried; doubles with each further refusal."""
REACHED_AGAIN_MS = 1_000
"""The same delay while its price is reached."""
LONGEST_MS = 60_000
"""Maximum delay."""
MOST_DOUBLED = 6
"""Number of consecutive refusals after which the delay stays at its maximum."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """Consecutive refusals of a rung, and the time of the last one."""

    times: int
    at_ms: int


class TakeProfits:
    """One alignment per position at a time; a sale that starts stops it before its next request."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        execution: Execution,
        order_resolution: OrderResolution,
        exit_execution: ExitExecution,
        symbol_filters: SymbolFilters,
    ) -> None:
        self._trading = trading
        self._ledger = ledger
        self._execution = execution
        self._order_resolution = order_resolution
        self._exit_execution = exit_execution
        self._symbol_filters = symbol_filters
        self._intents = ExitIntents(trading, ledger)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._refused: dict[tuple[str, int], _Refused] = {}

    def begin(self, position_id: str, *, anew: bool = False) -> None:
        """Align a position's ladder in the background; if an alignment is running, repeat it afterwards.

        `anew`: the ladder changed, so earlier refusals of its rungs do not count.
        """
        if anew:
            self._refused = {key: refusal for key, refusal in self._refused.items() if key[0] != position_id}
        if position_id in self._tasks:
            self._again.add(position_id)
            return
        task = asyncio.ensure_future(self._align(position_id))
        self._tasks[position_id] = task

    def is_aligning(self, position_id: str) -> bool:
        """Whether the ladder of a position is being aligned."""
        return position_id in self._tasks

    def resting(self, position: Position) -> tuple[RestingRung, ...]:
        """Return the take-profits of a position that rest, or may."""
        return tuple(
            RestingRung(
                rung=self._rung(order),
                client_order_id=order.client_order_id,
                price=order.price or ZERO,
                open_quantity=order.open_quantity,
            )
            for order in self._orders(position)
            if order.state.is_on_exchange
        )

    def sold(self, position: Position) -> RungSales:
        """Return the quantity sold by each rung."""
        orders = [(self._rung(order), order.filled_quantity) for order in self._orders(position)]
        return tuple(
            (rung, sum((sold for number, sold in orders if number == rung), ZERO))
            for rung in sorted({rung for rung, _ in orders})
        )

    async def stop(self) -> None:
        """Stop all alignments; resting orders stay."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- internals

    async def _align(self, position_id: str) -> None:
        try:
            while True:
                self._again.discard(position_id)
                await self._align_once(position_id)
                if position_id not in self._again:
                    return
        except StorageError as error:
            log.warning("ladder alignment: the store failed: %s", error)
        except Exception:
            log.exception("aligning the ladder of a position failed")
        finally:
            self._tasks.pop(position_id, None)

    async def _align_once(self, position_id: str) -> None:
        await self._ledger.wait_until_booked()
        position = self._may_align(position_id)
        grid = None if position is None else self._symbol_filters.of(position.symbol)
        if position is None or grid is None:
            return
        resting = self.resting(position)
        plans = rungs(position, grid, self.sold(position), resting=resting)
        held = sum((order.open_quantity for order in resting), ZERO)
        todo = align(plans, resting, position, free=position.remaining - held, grid=grid)
        for name in todo.cancel:
            order = self._ledger.state.orders.get(name)
            if order is not None:
                await self._execution.cancel(order, "the ladder changed")
        if todo.cancel:
            self._order_resolution.wake()
            if not set(todo.cancel) & {order.client_order_id for order in self.resting(position)}:
                self._again.add(position_id)
            return
        if self._execution.refusal(OrderRole.TAKE_PROFIT, position.symbol):
            return
        for plan in todo.place:
            if not self._is_backing_off(position, plan) and not await self._place(position, plan):
                return

    def _may_align(self, position_id: str) -> Position | None:
        """Return the position if its ladder may be changed: not while it is being bought or sold."""
        position = self._ledger.state.positions.get(position_id)
        if position is None or self._exit_execution.is_selling(position_id) or self._ledger.is_behind:
            return None
        orders = self._ledger.state.orders_of(position_id)
        others = (order for order in orders if order.role is not OrderRole.TAKE_PROFIT)
        is_busy = any(order.state.is_on_exchange for order in others)
        return None if is_busy or not position.remaining else position

    async def _place(self, position: Position, plan: RungPlan) -> bool:
        """Place one rung; return whether the next ones may follow."""
        text = f"rung {plan.number} at {plan.price:f}"
        wanted = ExitRequest(
            role=OrderRole.TAKE_PROFIT,
            reason=CloseReason.LADDER,
            text=text,
            quantity=plan.quantity,
            rung=plan.number,
        )
        intent = await self._intents.of_rung(position, wanted)
        name = self._ledger.next_id(intent)
        if not name:
            intent = await self._ledger.add_ids(intent)
            name = self._ledger.next_id(intent)
        await self._ledger.wait_until_booked()
        if self._is_changed(position):
            self._again.add(position.id)
            return False
        order = NewOrder(
            symbol=position.symbol,
            side=Side.SELL,
            type=OrderType.LIMIT,
            client_order_id=name,
            price=plan.price,
            quantity=plan.quantity,
        )
        sent = await self._execution.place(intent, order)
        if isinstance(sent.outcome, Accepted):
            self._refused.pop((position.id, plan.number), None)
            return True
        before = self._refused.get((position.id, plan.number))
        times = 1 if before is None else before.times + 1
        self._refused[position.id, plan.number] = _Refused(times, self._trading.now_ms())
        log.warning("%s of %s was not accepted: %s", text, position.symbol, sent.order.reason)
        return True

    def _is_changed(self, before: Position) -> bool:
        """Whether the position differs from the one that the ladder was computed from."""
        now = self._may_align(before.id)
        return now is None or (now.remaining, now.entry_price) != (before.remaining, before.entry_price)

    def _is_backing_off(self, position: Position, plan: RungPlan) -> bool:
        refused = self._refused.get((position.id, plan.number))
        if refused is None:
            return False
        first_ms = REACHED_AGAIN_MS if position.high_price >= plan.price else AGAIN_MS
        wait_ms = min(first_ms * 2 ** min(refused.times - 1, MOST_DOUBLED), LONGEST_MS)
        return self._trading.now_ms() - refused.at_ms < wait_ms

    def _orders(self, position: Position) -> list[Order]:
        orders = self._ledger.state.orders_of(position.id)
        return [order for order in orders if order.role is OrderRole.TAKE_PROFIT]

    def _rung(self, order: Order) -> int:
        intent = self._ledger.state.intents.get(order.intent_id)
        return 0 if intent is None else intent.rung
