"""Open ledger rows in memory, for workers and front ends.

Rows match the last commit, except orders, which include evidence at once: no commit delays the
knowledge that an order is closed. Unstored evidence is kept until it is stored.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges, stop_intent
from mexc_tui.ledger.evidence import Evidence
from mexc_tui.ledger.orders import advance, has_unsettled_fees
from mexc_tui.ledger.positions import open_position, recompute_position
from mexc_tui.model.intent import Intent, Order, OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import EquityPoint, LedgerAccount, Position
from mexc_tui.model.reconciliation import Reconciliation
from mexc_tui.model.snipe import Snipe
from mexc_tui.model.trading import Trading
from mexc_tui.ports.trading_store import TradingTables

Row = TypeVar("Row")
RECENT_ORDERS = 200
"""Newest orders searched for unsettled fees of closed positions."""
SENT_EARLY_MS = 1_000
"""Lead time before an opening within which nothing is sent yet: attempts arrive at the opening."""


@dataclass(frozen=True, slots=True)
class OrderEvidence:
    """Evidence about one order."""

    client_order_id: str
    evidence: tuple[Evidence, ...]

    @property
    def has_fill(self) -> bool:
        """Whether the evidence reports a fill."""
        return any(evidence.filled_quantity or evidence.trades for evidence in self.evidence)


@dataclass(slots=True, kw_only=True)
class LedgerState:
    """Rows by id. An order stays until it is closed, its fees are known and its position is closed."""

    trading: Trading = field(default_factory=Trading)
    snipes: dict[str, Snipe] = field(default_factory=dict[str, Snipe])
    intents: dict[str, Intent] = field(default_factory=dict[str, Intent])
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    positions: dict[str, Position] = field(default_factory=dict[str, Position])
    foreign: dict[str, Order] = field(default_factory=dict[str, Order])
    balances: dict[tuple[LedgerAccount, str], Decimal] = field(
        default_factory=dict[tuple[LedgerAccount, str], Decimal]
    )
    """Ledger balances; exchange balances are queried when needed."""
    equity: EquityPoint | None = None
    reconciled: Reconciliation | None = None
    unbooked: dict[str, list[OrderEvidence]] = field(default_factory=dict[str, list[OrderEvidence]])
    """Evidence by client order id that is applied in memory and not stored yet."""
    unstored: set[str] = field(default_factory=set[str])
    """Ids of positions that exist only in memory, because storing their buys failed."""

    def cash(self, asset: str) -> Decimal:
        """Return the desk's balance of a quote asset."""
        return self.balances.get((LedgerAccount.DESK, asset), Decimal(0))

    def position_of(self, symbol: str) -> Position | None:
        """Return the open position of a pair."""
        return next((position for position in self.positions.values() if position.symbol == symbol), None)

    def booked_positions(self) -> list[Position]:
        """Return the open positions that are stored."""
        return [position for position in self.positions.values() if position.id not in self.unstored]

    def snipe_of(self, symbol: str) -> Snipe | None:
        """Return the active snipe of a pair."""
        return next((snipe for snipe in self.snipes.values() if snipe.symbol == symbol), None)

    def live_orders(self, symbol: str = "") -> list[Order]:
        """Return the desk's orders that are resting on the exchange, or may be."""
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
        """Whether an order of this pair has an unknown outcome (reliability I11)."""
        return any(
            order.state is OrderState.UNKNOWN and order.symbol == symbol for order in self.orders.values()
        )

    def reserved(self) -> Decimal:
        """Return the reservations of open buys, in quote units."""
        return sum(
            (intent.reserved for intent in self.intents.values() if intent.side is Side.BUY), Decimal(0)
        )

    def symbols(self) -> frozenset[str]:
        """Return the pairs with positions, intents, orders or snipes: they need streams."""
        held = (row.symbol for row in (*self.positions.values(), *self.intents.values()))
        live = (order.symbol for order in self.orders.values() if not order.state.is_terminal)
        return frozenset((*held, *live, *(snipe.symbol for snipe in self.snipes.values())))

    def active_symbols(self, now_ms: int) -> frozenset[str]:
        """Return the pairs in which the desk may have traded.

        Pairs that are only armed for a future opening are left out: nothing was sent, and the history of
        a pair weighs 10. Eight armed snipes would delay a start by half a minute.
        """
        ahead = {snipe.id for snipe in self.snipes.values() if snipe.opens_ms - SENT_EARLY_MS > now_ms}
        rows = (
            *self.positions.values(),
            *(intent for intent in self.intents.values() if intent.id not in ahead),
            *(order for order in self.orders.values() if not order.state.is_terminal),
            *(snipe for snipe in self.snipes.values() if snipe.id not in ahead),
        )
        return frozenset(row.symbol for row in rows)

    # ---- for the ledger writer

    def apply(self, written: LedgerChanges) -> None:
        """Apply the changes of a commit. Positions precede the orders that they retain."""
        for intent in written.intents:
            _put_open(self.intents, intent.id, intent, is_open=intent.is_open)
        for snipe in written.snipes:
            _put_open(self.snipes, snipe.id, snipe, is_open=not snipe.state.is_over)
        for position in written.positions:
            self.unstored.discard(position.id)
            self._put_position(position)
        for order in written.orders:
            self.put_order(order)
        for entry in written.entries:
            for posting in entry.postings:
                place = (posting.account, posting.asset)
                self.balances[place] = self.balances.get(place, Decimal(0)) + posting.amount

    def carry_over(self, before: "LedgerState", sent: tuple[str, ...]) -> None:
        """Carry over unstored state from before this load. `sent`: orders that may have no row yet."""
        self.trading, self.unbooked, self.unstored = before.trading, before.unbooked, before.unstored
        for name in self.unstored:
            self.positions[name] = before.positions[name]
            self.intents |= {intent.id: intent for intent in before.intents_of(name)}
        for name in (*self.unbooked, *sent):
            if name in before.orders:
                self.put_order(self.orders.get(name, before.orders[name]))

    def apply_evidence(self, reported: OrderEvidence, *, is_unstored: bool = False) -> Order | None:
        """Apply evidence to an order in memory; return the order, None: unchanged.

        A fill of a buy is applied with its position, by a commit: before that it would be neither reserved
        nor owned. `is_unstored`: apply it anyway, because storing failed.
        """
        order, known = (
            self.orders.get(reported.client_order_id),
            self.unbooked.get(reported.client_order_id, []),
        )
        if order is None or (order.side is Side.BUY and reported.has_fill and not is_unstored):
            return None
        if reported not in known:
            self.unbooked[reported.client_order_id] = [*known, reported]
            self.put_order(order)
        return self.orders[reported.client_order_id]

    def mark_booked(self, reported: OrderEvidence) -> None:
        """Remove evidence that is stored; call before `apply`."""
        left = [
            evidence for evidence in self.unbooked.pop(reported.client_order_id, []) if evidence != reported
        ]
        if left:
            self.unbooked[reported.client_order_id] = left
        order = self.orders.get(reported.client_order_id)
        if order is not None:
            self._drop_done(order)

    def open_unstored_position(
        self, order: Order, stop_ids: tuple[str, ...], now_ms: int
    ) -> LedgerChanges | None:
        """Open a protected position in memory for a buy that could not be stored; None: not needed."""
        known = self.positions.get(order.position_id)
        intent, snipe = self.intents.get(order.intent_id), self.snipes.get(order.snipe_id)
        is_stored = known is not None and known.id not in self.unstored
        if is_stored or intent is None or snipe is None or not order.filled_quantity:
            return None
        before = known or open_position(snipe, intent, now_ms)
        position, _ = recompute_position(
            before, self.orders_of(before.id), self.intents_of(before.id), at_ms=now_ms
        )
        written = LedgerChanges(positions=[position], intents=[stop_intent(position, stop_ids, now_ms)])
        self.apply(written)
        self.unstored.add(position.id)
        return written

    def put_order(self, order: Order) -> None:
        """Put an order, and apply its unstored evidence."""
        if not order.intent_id:
            _put_open(self.foreign, order.client_order_id, order, is_open=not order.state.is_terminal)
            return
        for reported in self.unbooked.get(order.client_order_id, ()):
            for evidence in reported.evidence:
                order = advance(order, evidence).order
        self.orders[order.client_order_id] = order
        self._drop_done(order)

    def _put_position(self, position: Position) -> None:
        """Put a position; a closed one drops its closed orders."""
        _put_open(self.positions, position.id, position, is_open=position.is_open)
        if not position.is_open:
            for order in self.orders_of(position.id):
                self._drop_done(order)

    def _drop_done(self, order: Order) -> None:
        is_done = (
            order.state.is_terminal
            and not has_unsettled_fees(order)
            and order.client_order_id not in self.unbooked
        )
        if is_done and order.position_id not in self.positions:
            self.orders.pop(order.client_order_id, None)


def load(tables: TradingTables) -> LedgerState:
    """Read all open rows."""
    positions = {position.id: position for position in tables.positions.open()}
    lately = (
        order
        for order in tables.orders.page(limit=RECENT_ORDERS)
        if order.intent_id and has_unsettled_fees(order)
    )
    held = (order for name in positions for order in tables.orders.of_position(name))
    orders = (*lately, *tables.orders.open(), *held)
    return LedgerState(
        trading=tables.state.get(),
        snipes={snipe.id: snipe for snipe in tables.snipes.open()},
        intents={intent.id: intent for intent in tables.intents.open()},
        orders={order.client_order_id: order for order in sorted(orders, key=lambda order: order.created_ms)},
        positions=positions,
        foreign={
            order.client_order_id: order for order in tables.orders.foreign() if not order.state.is_terminal
        },
        balances={(balance.account, balance.asset): balance.amount for balance in tables.entries.balances()},
        equity=tables.equity.latest(),
        reconciled=tables.reconciliations.latest(),
    )


def _put_open(rows: dict[str, Row], key: str, row: Row, *, is_open: bool) -> None:
    if is_open:
        rows[key] = row
    else:
        rows.pop(key, None)
