"""Plausibility of order evidence: reject reports of other orders, cap reports beyond the order's terms.

The desk sells what its orders bought, so no report may make an order larger than what was sent.
"""

from dataclasses import replace
from decimal import Decimal

from mexc_tui.ledger.arithmetic import exactly, plain, rounded
from mexc_tui.ledger.evidence import Evidence
from mexc_tui.model.intent import ZERO, Order, OrderState
from mexc_tui.model.order import Side

ROUNDING, CENT = Decimal("1.01"), Decimal("0.01")
"""Tolerance for the exchange's rounding of a buy's value at its limit price."""


def mismatch(order: Order, evidence: Evidence) -> str:
    """Return which identifiers in the evidence belong to another order; empty: none."""
    reported = (
        ("client id", order.client_order_id, evidence.client_order_id),
        ("pair", order.symbol, evidence.symbol),
        ("side", order.side.value, "" if evidence.side is None else evidence.side.value),
    )
    if not order.intent_id:  # a foreign order without a client id is stored under its order id
        reported = reported[1:]
    elif evidence.terms is not None and not (evidence.client_order_id or order.order_id):
        return f"no client id, not {order.client_order_id}"
    return ", ".join(
        f"{name} {theirs}, not {ours}" for name, ours, theirs in reported if theirs not in ("", ours)
    )


@exactly
def excess(order: Order, evidence: Evidence) -> str:
    """Return how the evidence exceeds the order's terms; empty: it does not, or the order is foreign."""
    return order.intent_id and (_filled_beyond(order, evidence) or _traded_beyond(order, evidence))


@exactly
def plausible_part(order: Order, evidence: Evidence) -> Evidence:
    """Return the plausible part of excessive evidence.

    FILLED proves a complete fill of a known quantity, at the reported average price. Any other
    excess is contradictory: it proves only that the order exists, and the order is queried again.
    """
    if _traded_beyond(order, evidence):
        evidence = replace(evidence, trades=())
    if not _filled_beyond(order, evidence):
        return evidence
    quantity, reported, value = order.quantity, evidence.filled_quantity, evidence.filled_value
    if (
        evidence.state is OrderState.FILLED
        and quantity
        and reported
        and value is not None
        and reported > quantity
    ):
        scaled = rounded(value * quantity / reported)
        whole = replace(evidence, filled_quantity=quantity, filled_value=scaled)
        if not _filled_beyond(order, whole):
            return whole
    state = None if evidence.state is None else OrderState.ACKNOWLEDGED
    return replace(evidence, state=state, filled_quantity=None, filled_value=None, terms=None)


def _filled_beyond(order: Order, evidence: Evidence) -> str:
    reported = order.filled_quantity if evidence.filled_quantity is None else evidence.filled_quantity
    quantity, value = evidence.filled_quantity or ZERO, evidence.filled_value or ZERO
    maximum = max_value(order)
    if order.quantity is not None and quantity > order.quantity:
        return f"{plain(quantity)} filled of {plain(order.quantity)} ordered"
    if maximum is not None and value > maximum:
        return f"{plain(value)} spent of {plain(maximum)} ordered"
    if order.side is Side.BUY and order.price and value > reported * order.price * ROUNDING + CENT:
        return f"{plain(value)} spent on {plain(reported)} at a limit of {plain(order.price)}"
    if order.side is Side.SELL and order.bound is not None and quantity > order.bound:
        return f"{plain(quantity)} sold of {plain(order.bound)} intended"
    return ""


def _traded_beyond(order: Order, evidence: Evidence) -> str:
    """Return how trades of one source exceed the order's quantity; each trade counts once."""
    source = evidence.source.value
    known = next((reported.quantity for reported in order.reported_trades if reported.source == source), ZERO)
    fresh = {trade.id: trade.quantity for trade in evidence.trades if trade.fee is not None}
    traded = known + sum(
        (fresh[trade_id] for trade_id in fresh if f"{source}:{trade_id}" not in order.trade_ids), ZERO
    )
    if order.quantity is None or traded <= order.quantity:
        return ""
    return f"trades of {plain(traded)} for {plain(order.quantity)} ordered"


def max_value(order: Order) -> Decimal | None:
    """Return the maximum quote value of a buy before fees; None: unbounded."""
    if order.side is not Side.BUY:
        return None
    return min(
        (maximum for maximum in (order.quote_quantity, order.bound) if maximum is not None), default=None
    )
