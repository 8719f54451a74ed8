"""Orders of one snipe: filled quantity, remaining spend cap, and completion."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.ledger.positions import spent
from mexc_tui.model.intent import Intent, Order
from mexc_tui.model.order import Side
from mexc_tui.ports.clock import Clock
from mexc_tui.sniping.rounding import Grid


class EntryOrders:
    """Follows the orders of one intent in the ledger."""

    def __init__(self, *, intent: Intent, grid: Grid, ledger: LedgerWriter, clock: Clock) -> None:
        self._intent = intent
        self._grid = grid
        self._ledger = ledger
        self._clock = clock
        self._changed = asyncio.Event()
        self._attempts: dict[str, Order] = {}
        """Every attempt in its latest state: the ledger drops closed orders, whose cost still counts."""
        self.filled_ns: dict[str, int] = {}
        """When the first fill of each order was known."""
        self.sold_reason = ""
        """Text of a sale of the position, which ends its buying; empty: none."""

    @contextmanager
    def subscribed(self) -> Generator[None]:
        """Receive ledger changes while the block runs."""
        self._ledger.on_change(self._on_ledger_change)
        try:
            yield
        finally:
            self._ledger.remove_listener(self._on_ledger_change)

    def of(self, client_order_id: str) -> Order | None:
        """Return an order that is still in the ledger's memory."""
        return self._ledger.state.orders.get(client_order_id)

    def all(self) -> tuple[Order, ...]:
        """Return every attempt in its latest state."""
        for order in self._ledger.state.orders.values():
            if order.intent_id == self._intent.id:
                self._attempts[order.client_order_id] = order
        return tuple(self._attempts.values())

    def is_any_open(self) -> bool:
        """Whether an order is not closed yet."""
        return any(not order.state.is_terminal for order in self.all())

    def bought(self) -> Decimal:
        """Return the filled quantity of all orders."""
        return sum((order.filled_quantity for order in self.all()), Decimal(0))

    def paid(self) -> Decimal:
        """Return its cost in quote units, without fees."""
        return sum((order.filled_value for order in self.all()), Decimal(0))

    def committed(self, last: Order) -> Decimal:
        """Return the cost of every fill, and what open and unknown orders other than `last` may still cost.

        The step after `last` adds what `last` itself may still cost.
        """
        orders = self.all()
        others = (order for order in orders if order.client_order_id != last.client_order_id)
        open_value = sum((_open_value(order) for order in others), Decimal(0))
        return spent(self._intent, orders) + open_value * (1 + self._grid.taker_fee)

    def is_enough(self) -> bool:
        """Whether the remaining spend cap is too small for another order."""
        left = self._intent.spend_cap - spent(self._intent, self.all())
        return left < self._grid.min_value * (1 + self._grid.taker_fee)

    async def ends_within(self, client_order_id: str, seconds: float) -> bool:
        """Wait for an order to close, at most `seconds`; return whether it did."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    order = self.of(client_order_id)
                    if order is None or order.state.is_terminal:
                        return True
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False

    def _on_ledger_change(self, written: LedgerChanges) -> None:
        for order in written.orders:
            if order.position_id == self._intent.position_id and order.side is Side.SELL:
                if order.filled_quantity:
                    self.sold_reason = f"{order.symbol} is being sold: {order.role}"
            elif order.intent_id == self._intent.id:
                self._attempts[order.client_order_id] = order
                if order.filled_quantity:
                    self.filled_ns.setdefault(order.client_order_id, self._clock.monotonic_ns())
                self._changed.set()


def _open_value(order: Order) -> Decimal:
    """Return the most quote units that an order may still spend before fees."""
    if order.state.is_terminal:
        return Decimal(0)
    if order.quote_quantity is not None:
        return max(order.quote_quantity - order.filled_value, Decimal(0))
    return order.open_quantity * (order.price or Decimal(0))
