"""What is open, in memory, as the last commit left it: what workers and faces look at without waiting."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from mexc_tui.engine.bookings import Written
from mexc_tui.engine.books_ports import TradingTables
from mexc_tui.ledger.orders import is_owing
from mexc_tui.model.intent import Intent, Order, OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import Account, EquityPoint, Position
from mexc_tui.model.reconciliation import Reconciliation
from mexc_tui.model.snipe import Snipe
from mexc_tui.model.trading import Trading

Row = TypeVar("Row")
RECENT_ORDERS = 200
"""Of so many newest orders, those of closed positions are kept too whose fees are not all known."""


@dataclass(slots=True)
class OpenBooks:
    """Rows by their ids. Orders stay until they ended, their fees are known and their position is closed."""

    trading: Trading = field(default_factory=Trading)
    snipes: dict[str, Snipe] = field(default_factory=dict[str, Snipe])
    intents: dict[str, Intent] = field(default_factory=dict[str, Intent])
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    positions: dict[str, Position] = field(default_factory=dict[str, Position])
    foreign: dict[str, Order] = field(default_factory=dict[str, Order])
    balances: dict[tuple[Account, str], Decimal] = field(default_factory=dict[tuple[Account, str], Decimal])
    """Of the books; the exchange's own are asked for when they are needed."""
    equity: EquityPoint | None = None
    reconciled: Reconciliation | None = None

    def cash(self, asset: str) -> Decimal:
        """Return what the desk has of a quote asset."""
        return self.balances.get((Account.DESK, asset), Decimal(0))

    def position_of(self, symbol: str) -> Position | None:
        """Return the open position of a pair."""
        return next((one for one in self.positions.values() if one.symbol == symbol), None)

    def snipe_of(self, symbol: str) -> Snipe | None:
        """Return the snipe of a pair that is not over."""
        return next((one for one in self.snipes.values() if one.symbol == symbol), None)

    def live_orders(self, symbol: str = "") -> list[Order]:
        """Return orders of ours that rest on the exchange, or may."""
        return [
            order
            for order in self.orders.values()
            if order.state.is_on_exchange and symbol in ("", order.symbol)
        ]

    def orders_of(self, position_id: str) -> tuple[Order, ...]:
        """Return a position's orders, oldest first."""
        return tuple(order for order in self.orders.values() if order.position_id == position_id)

    def intents_of(self, position_id: str) -> tuple[Intent, ...]:
        """Return a position's open intents."""
        return tuple(intent for intent in self.intents.values() if intent.position_id == position_id)

    def has_unknown(self, symbol: str) -> bool:
        """Whether the outcome of an order of this pair is not known (I11)."""
        return any(
            order.state is OrderState.UNKNOWN and order.symbol == symbol for order in self.orders.values()
        )

    def reserved(self) -> Decimal:
        """Return what open buys hold back, in quote units."""
        return sum(
            (intent.reserved for intent in self.intents.values() if intent.side is Side.BUY), Decimal(0)
        )

    def symbols(self) -> frozenset[str]:
        """Return the pairs that money is in, or may go into: they deserve streams."""
        held = (one.symbol for one in (*self.positions.values(), *self.intents.values()))
        live = (one.symbol for one in self.orders.values() if not one.state.is_terminal)
        return frozenset((*held, *live, *(snipe.symbol for snipe in self.snipes.values())))

    # ---- for the bookkeeper

    def take(self, written: Written) -> None:
        """Take over what a commit changed. Positions come before the orders that they keep here."""
        for intent in written.intents:
            _keep(self.intents, intent.id, intent, is_open=intent.is_open)
        for snipe in written.snipes:
            _keep(self.snipes, snipe.id, snipe, is_open=not snipe.state.is_over)
        for position in written.positions:
            self._put_position(position)
        for order in written.orders:
            self.put_order(order)
        for entry in written.entries:
            for posting in entry.postings:
                place = (posting.account, posting.asset)
                self.balances[place] = self.balances.get(place, Decimal(0)) + posting.amount

    def put_order(self, order: Order) -> None:
        """Take an order as it is now."""
        if not order.intent_id:
            _keep(self.foreign, order.client_order_id, order, is_open=not order.state.is_terminal)
            return
        self.orders[order.client_order_id] = order
        self._drop_done(order)

    def _put_position(self, position: Position) -> None:
        """With a closed position go its orders that are at their end."""
        _keep(self.positions, position.id, position, is_open=position.is_open)
        if not position.is_open:
            for order in self.orders_of(position.id):
                self._drop_done(order)

    def _drop_done(self, order: Order) -> None:
        is_done = order.state.is_terminal and not is_owing(order)
        if is_done and order.position_id not in self.positions:
            self.orders.pop(order.client_order_id, None)


def load(tables: TradingTables) -> OpenBooks:
    """Read all that is open."""
    positions = {one.id: one for one in tables.positions.open()}
    lately = (one for one in tables.orders.page(limit=RECENT_ORDERS) if one.intent_id and is_owing(one))
    held = (one for name in positions for one in tables.orders.of_position(name))
    orders = (*lately, *tables.orders.open(), *held)
    return OpenBooks(
        trading=tables.state.get(),
        snipes={one.id: one for one in tables.snipes.open()},
        intents={one.id: one for one in tables.intents.open()},
        orders={one.client_order_id: one for one in sorted(orders, key=lambda one: one.created_ms)},
        positions=positions,
        foreign={one.client_order_id: one for one in tables.orders.foreign() if not one.state.is_terminal},
        balances={(one.account, one.asset): one.amount for one in tables.entries.balances()},
        equity=tables.equity.latest(),
        reconciled=tables.reconciliations.latest(),
    )


def _keep(rows: dict[str, Row], key: str, row: Row, *, is_open: bool) -> None:
    if is_open:
        rows[key] = row
    else:
        rows.pop(key, None)
