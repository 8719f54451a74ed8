"""The order state machine: evidence in any sequence gives the same order (reliability I12).

An order is the maximum of its evidence: its state by the ranking below, its fill by the
cumulative quantity, its fees by source. Stream updates, responses and queries may overtake each other,
and a fill may arrive before the response.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

import msgspec

from mexc_tui.ledger.arithmetic import exactly, plain
from mexc_tui.ledger.evidence import Evidence, OrderTerms, TradeEvidence, state_of, terms_of
from mexc_tui.ledger.plausibility import excess, mismatch, plausible_part
from mexc_tui.model.intent import ZERO, Fee, Intent, Order, OrderRole, OrderState, ReportedTrades
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.outcome import SETTLE_MS
from mexc_tui.model.report import OrderReport

_RANK = {
    state: rank
    for rank, state in enumerate(
        (
            OrderState.INTENT,
            OrderState.SENT,
            OrderState.UNKNOWN,
            OrderState.ABSENT,
            OrderState.REJECTED,
            # From here on the order was reported by the exchange, and no denial applies any more.
            OrderState.ACKNOWLEDGED,
            OrderState.FOREIGN,
            OrderState.PARTIAL,
            OrderState.CANCELLING,
            OrderState.CANCELLED,
            OrderState.PARTIALLY_CANCELLED,
            OrderState.FILLED,
        )
    )
}
"""State ranking: transitions go upwards only. A report alone revives REJECTED and ABSENT (an anomaly); closed
states do not reopen."""

RESTARTED = "engine restarted: querying the exchange"
_SEEN = _RANK[OrderState.ACKNOWLEDGED]
_DENIED = (OrderState.REJECTED, OrderState.ABSENT)
_WITH_FILLS = {
    OrderState.ACKNOWLEDGED: OrderState.PARTIAL,
    OrderState.CANCELLED: OrderState.PARTIALLY_CANCELLED,
}


class AnomalyKind(Enum):
    """Anomalies in order evidence. They are recorded and accepted."""

    OVERFILL = "reported filled quantity exceeds the order"
    MISMATCH = "a report describes another order"
    REVIVED = "believed rejected or absent, but exists"
    CONTRADICTED = "reported rejected or absent, but exists"
    BACKWARDS = "older state received late"
    REVALUED = "same quantity with a different value"
    SHORT = "reported filled, but fills are missing"
    TWIN = "another order has the same client id"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One anomaly. BACKWARDS is harmless and only counted."""

    kind: AnomalyKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """An order before and after one piece of evidence, with the difference."""

    before: Order
    order: Order
    added_quantity: Decimal = ZERO
    added_value: Decimal = ZERO
    """In quote units; may be negative after a correction by the exchange."""
    added_fees: tuple[Fee, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether the order changed."""
        return self.order != self.before

    @property
    def has_fill(self) -> bool:
        """Whether a fill or a fee must be booked."""
        return bool(self.added_quantity or self.added_value or self.added_fees)


@exactly
def advance(order: Order, evidence: Evidence) -> Advanced:
    """Merge one piece of evidence. Idempotent and commutative, except for `reason`: the first one is kept."""
    refused = _refused(order, evidence)
    if refused is not None:
        return Advanced(before=order, order=order, anomalies=(refused,))
    known, evidence, beyond = _believed(order, evidence)
    reported = (
        order.filled_quantity if evidence.filled_quantity is None else evidence.filled_quantity,
        order.filled_value if evidence.filled_value is None else evidence.filled_value,
    )
    filled, value = max((order.filled_quantity, order.filled_value), reported)
    state = _state(known, evidence.state, filled, reports_fill=bool(evidence.filled_quantity))
    after = msgspec.structs.replace(
        _with_trades(known, evidence),
        state=state,
        order_id=order.order_id or evidence.order_id,
        filled_quantity=filled,
        filled_value=value,
        updated_ms=max(order.updated_ms, evidence.at_ms),
        reason=evidence.text if state is not order.state or not order.reason else order.reason,
        code=_code(order, evidence, state),
        sent_ms=_latest(order.sent_ms, evidence.sent_ms),
        fence_ms=_latest(order.fence_ms, evidence.fence_ms),
        has_excess=order.has_excess or bool(beyond),
    )
    return Advanced(
        before=order,
        order=after,
        added_quantity=filled - order.filled_quantity,
        added_value=value - order.filled_value,
        added_fees=_added_fees(order, after),
        anomalies=tuple(_anomalies(order, after, evidence, beyond=beyond)),
    )


def _believed(order: Order, evidence: Evidence) -> tuple[Order, Evidence, str]:
    """Return the order with its terms, the plausible part of the evidence, and a text of the rest."""
    known = _with_terms(order, evidence.terms)
    beyond = excess(known, evidence)
    if not beyond:
        return known, evidence, ""
    text = f"{beyond} ({evidence.source.value}: {evidence.text})"
    evidence = plausible_part(known, evidence)
    return (order if evidence.terms is None else known), evidence, text


def _refused(order: Order, evidence: Evidence) -> Anomaly | None:
    """Return the anomaly of evidence that belongs to another order; None: it belongs to this one."""
    name = order.client_order_id
    text = mismatch(order, evidence)
    if text:
        return Anomaly(AnomalyKind.MISMATCH, f"{name}: {text} ({evidence.source.value}: {evidence.text})")
    if order.order_id and evidence.order_id not in ("", order.order_id):
        text = f"{name} is order {order.order_id} and also {evidence.order_id}"
        return Anomaly(AnomalyKind.TWIN, text)
    return None


def mark_cancelling(order: Order, at_ms: int, text: str) -> Order:
    """Mark a reported order as cancelling; an UNKNOWN order stays unknown."""
    if order.state not in (OrderState.ACKNOWLEDGED, OrderState.PARTIAL):
        return order
    return msgspec.structs.replace(
        order, state=OrderState.CANCELLING, updated_ms=max(order.updated_ms, at_ms), reason=text
    )


def mark_unknown(order: Order, now_ms: int | None, recv_window_ms: int, *, text: str = RESTARTED) -> Order:
    """Mark an order that may be live as UNKNOWN, with the fence from now (reliability 1.4, point 6).

    `now_ms`: exchange time; None: not measured yet. Nothing is concluded before the order is marked again.
    """
    if order.state.is_terminal or order.state is OrderState.FOREIGN:
        return order
    fence_ms = None if now_ms is None else now_ms + recv_window_ms + SETTLE_MS
    return msgspec.structs.replace(order, state=OrderState.UNKNOWN, fence_ms=fence_ms, reason=text)


def unknown_attempt(intent: Intent, client_order_id: str, fence_ms: int | None) -> Order:
    """Return an UNKNOWN order for one attempt; the exchange's report adds its terms.

    The intent's cap bounds it: a report alone does not prove what the desk ordered.
    """
    bound = intent.spend_cap if intent.side is Side.BUY else intent.quantity
    return Order(
        client_order_id=client_order_id,
        intent_id=intent.id,
        symbol=intent.symbol,
        side=intent.side,
        type=OrderType.LIMIT,
        role=intent.role,
        state=OrderState.UNKNOWN,
        snipe_id=intent.snipe_id,
        position_id=intent.position_id,
        created_ms=intent.created_ms,
        fence_ms=fence_ms,
        reason="engine restarted: may have been sent",
        bound=bound or None,
    )


def foreign_order(report: OrderReport, at_ms: int) -> Order:
    """Return a foreign order for display. Its `intent_id` is empty; it is FOREIGN until it is closed."""
    state = state_of(report.status)
    terms = terms_of(report)
    return Order(
        client_order_id=report.client_order_id or report.order_id,
        intent_id="",
        symbol=report.symbol,
        side=report.side,
        type=terms.type,
        role=OrderRole.ENTRY if report.side is Side.BUY else OrderRole.CLOSE,
        state=state if state.is_terminal else OrderState.FOREIGN,
        order_id=report.order_id,
        price=terms.price,
        quantity=terms.quantity,
        quote_quantity=terms.quote_quantity,
        filled_quantity=report.filled_quantity,
        filled_value=report.filled_value,
        created_ms=report.time or at_ms,
        updated_ms=report.update_time or report.time or at_ms,
        reason="placed outside this desk",
    )


def needs_query(order: Order) -> bool:
    """Whether the order needs a query: unknown, reported beyond its terms, or short of its trades."""
    is_doubtful = order.has_excess and not order.state.is_terminal
    return (
        is_doubtful
        or order.state is OrderState.UNKNOWN
        or any(reported.quantity > order.filled_quantity for reported in order.reported_trades)
    )


def has_unsettled_fees(order: Order) -> bool:
    """Whether fees of the order, open or closed, are unreported or without a price."""
    return needs_trades_query(order) or any(fee.unvalued for fee in order.fees)


def needs_trades_query(order: Order) -> bool:
    """Whether fees of some fills are unreported (GET myTrades reports them)."""
    return order.filled_quantity > max(
        (reported.quantity for reported in order.reported_trades), default=ZERO
    )


def _state(order: Order, reported: OrderState | None, filled: Decimal, *, reports_fill: bool) -> OrderState:
    if not order.intent_id:
        return reported if reported is not None and reported.is_terminal else order.state
    reported = _higher(
        reported or OrderState.INTENT, OrderState.PARTIAL if reports_fill else OrderState.INTENT
    )
    state = _higher(order.state, reported)
    if not filled:
        return state
    if order.quantity is not None and filled >= order.quantity:
        return OrderState.FILLED
    if state in _DENIED:  # known to exist since before a restart
        return order.state
    return _WITH_FILLS.get(state, state)


def _higher(one: OrderState, other: OrderState) -> OrderState:
    return max(one, other, key=_RANK.__getitem__)


def _with_terms(order: Order, terms: OrderTerms | None) -> Order:
    """Complete an order whose own terms were lost in a crash (see `unknown_attempt`)."""
    if terms is None or order.quantity is not None or order.quote_quantity is not None:
        return order
    return msgspec.structs.replace(
        order,
        type=terms.type,
        price=terms.price,
        quantity=terms.quantity,
        quote_quantity=terms.quote_quantity,
    )


def _code(order: Order, evidence: Evidence, state: OrderState) -> int | None:
    """Return the rejection code, or None once the order turns out to exist."""
    if _RANK[state] >= _SEEN:
        return None
    return order.code if evidence.code is None else evidence.code


def _latest(ours: int | None, reported: int | None) -> int | None:
    return reported if ours is None else ours if reported is None else max(ours, reported)


def _with_trades(order: Order, evidence: Evidence) -> Order:
    known = set(order.trade_ids)
    fresh = {
        f"{evidence.source.value}:{trade.id}": trade for trade in evidence.trades if trade.fee is not None
    }
    fresh = {name: trade for name, trade in fresh.items() if name not in known}
    if not fresh:
        return order
    reported = {entry.source: entry for entry in order.reported_trades}
    source = evidence.source.value
    reported[source] = _grown(reported.get(source, ReportedTrades(source)), tuple(fresh.values()))
    return msgspec.structs.replace(
        order,
        trade_ids=tuple(sorted(known | set(fresh))),
        reported_trades=tuple(reported[name] for name in sorted(reported)),
        fees=_merged(order.fees, tuple(reported.values())),
    )


def _grown(reported: ReportedTrades, trades: tuple[TradeEvidence, ...]) -> ReportedTrades:
    amounts = {fee.asset: fee.amount for fee in reported.fees}
    for trade in trades:
        if trade.fee is not None:
            amounts[trade.fee.asset] = amounts.get(trade.fee.asset, ZERO) + trade.fee.amount
    fees = tuple(Fee(asset=asset, amount=amounts[asset]) for asset in sorted(amounts))
    return ReportedTrades(
        reported.source, reported.quantity + sum((trade.quantity for trade in trades), ZERO), fees
    )


def _merged(fees: tuple[Fee, ...], reported: tuple[ReportedTrades, ...]) -> tuple[Fee, ...]:
    """Return the highest fee that any source reported of each asset; additions have no price yet."""
    ours = {fee.asset: fee for fee in fees}
    highest: dict[str, Decimal] = {}
    for entry in reported:
        for fee in entry.fees:
            highest[fee.asset] = max(highest.get(fee.asset, ZERO), fee.amount)
    merged: list[Fee] = []
    for asset in sorted(highest):
        fee = ours.get(asset, Fee(asset=asset, amount=ZERO))
        more = highest[asset] - fee.amount
        merged.append(Fee(asset=asset, amount=highest[asset], value=fee.value, unvalued=fee.unvalued + more))
    return tuple(fee for fee in merged if fee.amount)


def _added_fees(before: Order, after: Order) -> tuple[Fee, ...]:
    added = ((fee.asset, fee.amount - before.fee_in(fee.asset)) for fee in after.fees)
    return tuple(Fee(asset=asset, amount=more) for asset, more in added if more)


def _anomalies(before: Order, after: Order, evidence: Evidence, *, beyond: str) -> list[Anomaly]:
    found: list[Anomaly] = []
    name = after.client_order_id
    if beyond and not before.has_excess:
        found.append(Anomaly(AnomalyKind.OVERFILL, f"{name}: {beyond}"))
    if evidence.filled_quantity is not None and evidence.filled_quantity < before.filled_quantity:
        found.append(
            Anomaly(AnomalyKind.BACKWARDS, f"{name}: {plain(evidence.filled_quantity)} filled, received late")
        )
    if before.state in _DENIED and _RANK[after.state] >= _SEEN:
        found.append(
            Anomaly(AnomalyKind.REVIVED, f"{name} was {before.state.value} and is {after.state.value}")
        )
    if evidence.state in _DENIED and _RANK[after.state] >= _SEEN:
        found.append(Anomaly(AnomalyKind.CONTRADICTED, f"{name} is {after.state.value}: {evidence.text}"))
    if before.filled_quantity == after.filled_quantity and before.filled_value not in (
        after.filled_value,
        ZERO,
    ):
        found.append(Anomaly(AnomalyKind.REVALUED, f"{name} is worth {plain(after.filled_value)} now"))
    if evidence.state is OrderState.FILLED and _missing(after):
        found.append(Anomaly(AnomalyKind.SHORT, f"{name}: {plain(_missing(after))} is missing"))
    return found


def _missing(order: Order) -> Decimal:
    """Return the unfilled part of the ordered quantity."""
    return ZERO if order.quantity is None else max(order.quantity - order.filled_quantity, ZERO)
