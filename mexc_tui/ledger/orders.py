"""The order machine: evidence in any order, told any number of times, makes the same order (reliability I12).

An order is merged as the highest of what was told: its state by the table below, what is filled by the
cumulative quantity, fees by source. So pushes, answers and questions may overtake each other, and a fill may
come before the answer.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

import msgspec

from mexc_tui.ledger.believed import excess, mismatch, plausible_part
from mexc_tui.ledger.evidence import Evidence, OrderTerms, TradeEvidence, state_of, terms_of
from mexc_tui.ledger.numbers import exactly, plain
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
            # From here on the exchange has shown it: nothing that denies it holds any more.
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
"""Allowed moves: upwards only. A sighting alone revives REJECTED and ABSENT (an anomaly); the ends do not
reopen."""

RESTARTED = "engine restarted: querying the exchange"
_SEEN = _RANK[OrderState.ACKNOWLEDGED]
_DENIED = (OrderState.REJECTED, OrderState.ABSENT)
_WITH_FILLS = {
    OrderState.ACKNOWLEDGED: OrderState.PARTIAL,
    OrderState.CANCELLED: OrderState.PARTIALLY_CANCELLED,
}


class AnomalyKind(Enum):
    """What should not have happened, and was taken as it is."""

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
    """One, in plain words. BACKWARDS is harmless: counted only."""

    kind: AnomalyKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """An order after one piece of evidence, and what that added to it."""

    before: Order
    order: Order
    added_quantity: Decimal = ZERO
    added_value: Decimal = ZERO
    """Quote units; may be negative when the exchange corrects itself."""
    added_fees: tuple[Fee, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to store."""
        return self.order != self.before

    @property
    def has_fill(self) -> bool:
        """Whether there is anything to book."""
        return bool(self.added_quantity or self.added_value or self.added_fees)


@exactly
def advance(order: Order, evidence: Evidence) -> Advanced:
    """Merge one piece of evidence. Idempotent and commutative, but for `reason`: the first words stay."""
    refused = _refused(order, evidence)
    if refused is not None:
        return Advanced(before=order, order=order, anomalies=(refused,))
    known, evidence, beyond = _believed(order, evidence)
    told = (
        order.filled_quantity if evidence.filled_quantity is None else evidence.filled_quantity,
        order.filled_value if evidence.filled_value is None else evidence.filled_value,
    )
    filled, value = max((order.filled_quantity, order.filled_value), told)
    state = _state(known, evidence.state, filled, tells_fill=bool(evidence.filled_quantity))
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
        anomalies=tuple(_anomalies(order, after, evidence, beyond)),
    )


def _believed(order: Order, evidence: Evidence) -> tuple[Order, Evidence, str]:
    """Return the order with its terms, what of a report can be true of it, and what cannot, in words."""
    known = _with_terms(order, evidence.terms)
    beyond = excess(known, evidence)
    if not beyond:
        return known, evidence, ""
    words = f"{beyond} ({evidence.source.value}: {evidence.text})"
    evidence = plausible_part(known, evidence)
    return (order if evidence.terms is None else known), evidence, words


def _refused(order: Order, evidence: Evidence) -> Anomaly | None:
    """Say why a report is of another order and nothing of it may be merged; None: it is of this one."""
    name = order.client_order_id
    words = mismatch(order, evidence)
    if words:
        return Anomaly(AnomalyKind.MISMATCH, f"{name}: {words} ({evidence.source.value}: {evidence.text})")
    if order.order_id and evidence.order_id not in ("", order.order_id):
        words = f"{name} is order {order.order_id} and also {evidence.order_id}"
        return Anomaly(AnomalyKind.TWIN, words)
    return None


def mark_cancelling(order: Order, at_ms: int, words: str) -> Order:
    """Note that its cancel is being sent. Only what was seen can be cancelling: UNKNOWN stays so."""
    if order.state not in (OrderState.ACKNOWLEDGED, OrderState.PARTIAL):
        return order
    return msgspec.structs.replace(
        order, state=OrderState.CANCELLING, updated_ms=max(order.updated_ms, at_ms), reason=words
    )


def mark_unknown(order: Order, now_ms: int, recv_window_ms: int, words: str = RESTARTED) -> Order:
    """Make an order that may live UNKNOWN: its latest possible send is now (reliability 1.4, point 6)."""
    if order.state.is_terminal or order.state is OrderState.FOREIGN:
        return order
    fence_ms = now_ms + recv_window_ms + SETTLE_MS
    return msgspec.structs.replace(order, state=OrderState.UNKNOWN, fence_ms=fence_ms, reason=words)


def unknown_attempt(intent: Intent, client_order_id: str, fence_ms: int | None) -> Order:
    """Return an UNKNOWN order for one attempt; its own terms come with the exchange's report.

    What its intent allows bounds them: a report alone does not say what the desk ordered.
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
    """Return somebody else's order as we show it. Its `intent_id` is empty; FOREIGN until it ended."""
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
    """Whether to ask the exchange for it: unknown, reported beyond its terms, or short of its trades."""
    is_doubtful = order.has_excess and not order.state.is_terminal
    return (
        is_doubtful
        or order.state is OrderState.UNKNOWN
        or any(told.quantity > order.filled_quantity for told in order.told)
    )


def has_unsettled_fees(order: Order) -> bool:
    """Whether something of its fees is open, ended or not: not told, or told and without a price."""
    return needs_trades_query(order) or any(fee.unvalued for fee in order.fees)


def needs_trades_query(order: Order) -> bool:
    """Whether the fee of some of it is not told yet (GET myTrades tells)."""
    return order.filled_quantity > max((told.quantity for told in order.told), default=ZERO)


def _state(order: Order, told: OrderState | None, filled: Decimal, *, tells_fill: bool) -> OrderState:
    if not order.intent_id:
        return told if told is not None and told.is_terminal else order.state
    told = _higher(told or OrderState.INTENT, OrderState.PARTIAL if tells_fill else OrderState.INTENT)
    state = _higher(order.state, told)
    if not filled:
        return state
    if order.quantity is not None and filled >= order.quantity:
        return OrderState.FILLED
    if state in _DENIED:  # known from before a restart to exist
        return order.state
    return _WITH_FILLS.get(state, state)


def _higher(one: OrderState, other: OrderState) -> OrderState:
    return max(one, other, key=_RANK.__getitem__)


def _with_terms(order: Order, terms: OrderTerms | None) -> Order:
    """Complete an order whose own terms a crash has lost (see `suspects`)."""
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
    """A refusal's code goes when the order turns out to exist."""
    if _RANK[state] >= _SEEN:
        return None
    return order.code if evidence.code is None else evidence.code


def _latest(ours: int | None, told: int | None) -> int | None:
    return told if ours is None else ours if told is None else max(ours, told)


def _with_trades(order: Order, evidence: Evidence) -> Order:
    known = set(order.trade_ids)
    fresh = {
        f"{evidence.source.value}:{trade.id}": trade for trade in evidence.trades if trade.fee is not None
    }
    fresh = {name: trade for name, trade in fresh.items() if name not in known}
    if not fresh:
        return order
    told = {entry.source: entry for entry in order.told}
    source = evidence.source.value
    told[source] = _grown(told.get(source, ReportedTrades(source)), tuple(fresh.values()))
    return msgspec.structs.replace(
        order,
        trade_ids=tuple(sorted(known | set(fresh))),
        told=tuple(told[name] for name in sorted(told)),
        fees=_merged(order.fees, tuple(told.values())),
    )


def _grown(told: ReportedTrades, trades: tuple[TradeEvidence, ...]) -> ReportedTrades:
    amounts = {fee.asset: fee.amount for fee in told.fees}
    for trade in trades:
        if trade.fee is not None:
            amounts[trade.fee.asset] = amounts.get(trade.fee.asset, ZERO) + trade.fee.amount
    fees = tuple(Fee(asset, amounts[asset]) for asset in sorted(amounts))
    return ReportedTrades(told.source, told.quantity + sum((trade.quantity for trade in trades), ZERO), fees)


def _merged(fees: tuple[Fee, ...], told: tuple[ReportedTrades, ...]) -> tuple[Fee, ...]:
    """The highest that any source told of each asset; what is new waits for its price."""
    ours = {fee.asset: fee for fee in fees}
    highest: dict[str, Decimal] = {}
    for entry in told:
        for fee in entry.fees:
            highest[fee.asset] = max(highest.get(fee.asset, ZERO), fee.amount)
    merged: list[Fee] = []
    for asset in sorted(highest):
        fee = ours.get(asset, Fee(asset, ZERO))
        more = highest[asset] - fee.amount
        merged.append(Fee(asset, highest[asset], fee.value, fee.unvalued + more))
    return tuple(fee for fee in merged if fee.amount)


def _added_fees(before: Order, after: Order) -> tuple[Fee, ...]:
    added = ((fee.asset, fee.amount - before.fee_in(fee.asset)) for fee in after.fees)
    return tuple(Fee(asset, more) for asset, more in added if more)


def _anomalies(before: Order, after: Order, evidence: Evidence, beyond: str) -> list[Anomaly]:
    found: list[Anomaly] = []
    name = after.client_order_id
    if beyond and not before.has_excess:
        found.append(Anomaly(AnomalyKind.OVERFILL, f"{name}: {beyond}"))
    if evidence.filled_quantity is not None and evidence.filled_quantity < before.filled_quantity:
        found.append(
            Anomaly(AnomalyKind.BACKWARDS, f"{name}: {plain(evidence.filled_quantity)} filled, told late")
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
    """How much of the ordered quantity is not filled."""
    return ZERO if order.quantity is None else max(order.quantity - order.filled_quantity, ZERO)
