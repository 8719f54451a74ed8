"""Lots, positions and their profit as a function of a position's orders.

Everything is recomputed from cumulative numbers, so a late fee, a late fill or a correction needs no
special case. Lots are consumed first in, first out; the last slice of a lot absorbs rounding.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.ledger.arithmetic import exactly, floored, pro_rata, rounded
from mexc_tui.model.intent import ZERO, CloseReason, Intent, Order, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.position import Lot, Position, PositionState
from mexc_tui.model.snipe import Snipe

_HUNDRED = Decimal(100)

_REASON_OF_ROLE = {
    OrderRole.TAKE_PROFIT: CloseReason.LADDER,
    OrderRole.STOP: CloseReason.STOP,
    OrderRole.CLOSE: CloseReason.MANUAL,
    OrderRole.FLATTEN: CloseReason.FLATTEN,
    OrderRole.ENTRY: CloseReason.NONE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionHolding:
    """Totals of a position's orders. Quantities in base units, all else in quote units."""

    lots: tuple[Lot, ...]
    """First in, first out; consumed ones included."""
    bought_quantity: Decimal
    bought_value: Decimal
    sold_quantity: Decimal
    sold_value: Decimal
    fees: Decimal
    remaining: Decimal
    remaining_cost: Decimal
    realised: Decimal
    oversold: Decimal
    """Quantity sold beyond the desk's own, taken from the user's coins. Never intended, but booked."""


def open_position(snipe: Snipe, intent: Intent, at_ms: int) -> Position:
    """Return the position that a snipe's first fill opens; empty until that fill is booked."""
    return Position(
        id=intent.position_id,
        symbol=intent.symbol,
        base_asset=intent.base_asset,
        quote_asset=intent.quote_asset,
        state=PositionState.OPENING,
        snipe_id=snipe.id,
        signal_id=snipe.key.signal_id,
        config_hash=snipe.config_hash,
        plan=snipe.plan,
        opened_ms=at_ms,
    )


@exactly
def holding(position: Position, orders: tuple[Order, ...]) -> PositionHolding:
    """Add up all orders of a position and its write-offs (`dust`, `gone`)."""
    orders = tuple(with_bookable_fees(order, position.base_asset) for order in orders)
    buys = sorted(_filled(orders, Side.BUY), key=lambda order: (order.created_ms, order.client_order_id))
    sells = _filled(orders, Side.SELL)
    sold = _sum(order.filled_quantity for order in sells)
    fee_quantity = _sum(order.fee_in(position.base_asset) for order in sells)
    used = sold + fee_quantity + position.dust + position.gone
    owned = [_owned(position, order) for order in buys]
    lots = _lots(position, buys, used)
    remaining_cost = _sum(lot.remaining_cost for lot in lots)
    sold_value = _sum(order.filled_value for order in sells)
    paid_selling = _sum(_paid(position, order) for order in sells)
    return PositionHolding(
        lots=lots,
        bought_quantity=_sum(order.filled_quantity for order in buys),
        bought_value=_sum(order.filled_value for order in buys),
        sold_quantity=sold,
        sold_value=sold_value,
        fees=_sum(_paid(position, order) + _paid_in_coins(position, order) for order in (*buys, *sells)),
        remaining=_sum(lot.remaining for lot in lots),
        remaining_cost=remaining_cost,
        realised=sold_value - paid_selling - (_sum(lot.cost for lot in lots) - remaining_cost),
        oversold=max(used - _sum(owned), ZERO),
    )


@exactly
def recompute_position(
    position: Position, orders: tuple[Order, ...], intents: tuple[Intent, ...], *, at_ms: int
) -> tuple[Position, PositionHolding]:
    """Return the position computed from its orders and intents, and their totals.

    A closed position reopens if a late fill leaves a remainder. `at_ms`: closing time of a write-off.
    """
    sums = holding(position, orders)
    state = _state(sums, orders, intents)
    is_closed = state is PositionState.CLOSED
    price = sums.bought_value / sums.bought_quantity if sums.bought_quantity else ZERO
    initial_stop = rounded(price * (1 - position.plan.stop_loss_pct / _HUNDRED))
    was_moved = position.stop_price != position.initial_stop
    after = msgspec.structs.replace(
        position,
        state=state,
        closed_ms=_closed_ms(position, orders, at_ms) if is_closed else None,
        close_reason=_close_reason(position, orders, intents) if is_closed else CloseReason.NONE,
        bought_quantity=sums.bought_quantity,
        bought_value=sums.bought_value,
        sold_quantity=sums.sold_quantity,
        sold_value=sums.sold_value,
        fees=sums.fees,
        remaining=sums.remaining,
        remaining_cost=sums.remaining_cost,
        realised=sums.realised,
        initial_stop=initial_stop,
        stop_price=position.stop_price if was_moved else initial_stop,
    )
    return after, sums


@exactly
def with_bookable_fees(order: Order, base_asset: str) -> Order:
    """Return the order with bookable fees only: a fee waits for the fill that it was charged on.

    Fees and fills arrive over different channels in any order. A base-asset fee never exceeds the fill.
    """
    if not order.filled_quantity:
        return msgspec.structs.replace(order, fees=())
    if order.side is Side.SELL or order.fee_in(base_asset) <= order.filled_quantity:
        return order
    fees = tuple(
        msgspec.structs.replace(fee, amount=order.filled_quantity) if fee.asset == base_asset else fee
        for fee in order.fees
    )
    return msgspec.structs.replace(order, fees=fees)


def sellable(remaining: Decimal, free: Decimal, step: Decimal) -> Decimal:
    """Return the sellable quantity: the smaller of owned and free, floored to the step (reliability O7)."""
    return floored(max(min(remaining, free), ZERO), step)


@exactly
def spent(intent: Intent, orders: tuple[Order, ...]) -> Decimal:
    """Return the cost so far of a buy's attempts, fees included, in quote units."""
    ours = (order for order in orders if order.intent_id == intent.id and order.filled_quantity)
    return _sum(
        order.filled_value + _quote_fees(order, intent.base_asset, intent.quote_asset) for order in ours
    )


def live_orders(orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """Return the orders that may still be filled, unknown ones included."""
    return tuple(order for order in orders if not order.state.is_terminal)


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)


def _filled(orders: tuple[Order, ...], side: Side) -> list[Order]:
    return [order for order in orders if order.side is side and order.filled_quantity]


def _quote_fees(order: Order, base: str, quote: str) -> Decimal:
    """Return fees not paid in the base asset, in quote units, as far as they have a value."""
    return _sum(fee.amount if fee.asset == quote else fee.value for fee in order.fees if fee.asset != base)


def _paid(position: Position, order: Order) -> Decimal:
    return _quote_fees(order, position.base_asset, position.quote_asset)


def _paid_in_coins(position: Position, order: Order) -> Decimal:
    """Return the value of a base-asset fee at the order's own price; for display only."""
    return pro_rata(order.filled_value, order.fee_in(position.base_asset), order.filled_quantity)


def _owned(position: Position, buy: Order) -> Decimal:
    return max(buy.filled_quantity - buy.fee_in(position.base_asset), ZERO)


def _lots(position: Position, buys: list[Order], used: Decimal) -> tuple[Lot, ...]:
    """Return one lot per buy, consumed first in, first out."""
    lots: list[Lot] = []
    for order in buys:
        quantity = _owned(position, order)
        remaining = quantity - min(quantity, used)
        used -= quantity - remaining
        cost = order.filled_value + _paid(position, order)
        lots.append(
            Lot(
                id=order.client_order_id,
                position_id=position.id,
                asset=position.base_asset,
                quote_asset=position.quote_asset,
                client_order_id=order.client_order_id,
                opened_ms=order.created_ms,
                quantity=quantity,
                cost=cost,
                remaining=remaining,
                remaining_cost=pro_rata(cost, remaining, quantity) if remaining else ZERO,
            )
        )
    return tuple(lots)


def _state(sums: PositionHolding, orders: tuple[Order, ...], intents: tuple[Intent, ...]) -> PositionState:
    waiting = live_orders(orders)
    may_sell = [order for order in waiting if order.side is Side.SELL]
    is_entering = any(order.side is Side.BUY for order in waiting) or any(
        intent.is_open for intent in intents if intent.role is OrderRole.ENTRY
    )
    if not (sums.remaining or is_entering or may_sell):
        return PositionState.CLOSED
    if any(order.role is not OrderRole.TAKE_PROFIT for order in may_sell):
        return PositionState.REDUCING
    return PositionState.OPENING if is_entering else PositionState.OPEN


def _closed_ms(position: Position, orders: tuple[Order, ...], at_ms: int) -> int:
    """Return the time of the last order update, or of the write-off."""
    if position.dust or position.gone:
        return at_ms if position.closed_ms is None else position.closed_ms
    return max((order.updated_ms for order in orders), default=at_ms)


def _close_reason(position: Position, orders: tuple[Order, ...], intents: tuple[Intent, ...]) -> CloseReason:
    sales = sorted(_filled(orders, Side.SELL), key=lambda order: (order.updated_ms, order.client_order_id))
    if not sales:
        return CloseReason.CORRECTED if position.gone else CloseReason.DUST
    last = sales[-1]
    reasons: Mapping[str, CloseReason] = {intent.id: intent.close_reason for intent in intents}
    return reasons.get(last.intent_id, CloseReason.NONE) or _REASON_OF_ROLE[last.role]
