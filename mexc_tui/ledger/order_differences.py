"""Compare the ledger's orders with the exchange's reports and return differences and corrections."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from mexc_tui.ledger.arithmetic import plain
from mexc_tui.ledger.comparison import (
    ApplyEvidence,
    Correction,
    ExchangeSnapshot,
    LedgerSnapshot,
    ReconcileRules,
    StoreForeignOrder,
    make_difference,
    value_of,
)
from mexc_tui.ledger.evidence import Evidence, from_report, from_trades, trades_of
from mexc_tui.ledger.ids import OrderOrigin, order_origin
from mexc_tui.ledger.orders import Advanced, AnomalyKind, advance, foreign_order, unknown_attempt
from mexc_tui.model.intent import ZERO, Fee, Order, OrderState
from mexc_tui.model.reconciliation import Difference, DifferenceKind
from mexc_tui.model.report import OrderReport, TradeReport
from mexc_tui.model.severity import Severity

_ASKED = (OrderState.ACKNOWLEDGED, OrderState.PARTIAL, OrderState.CANCELLING)


@dataclass(slots=True, kw_only=True)
class OrderFindings:
    """Result of an order comparison."""

    differences: list[Difference] = field(default_factory=list[Difference])
    corrections: list[Correction] = field(default_factory=list[Correction])
    changed: list[tuple[Order, Order]] = field(default_factory=list[tuple[Order, Order]])
    """Orders before and after, foreign ones too: their balance changes are explained."""
    ids_to_query: list[str] = field(default_factory=list[str])
    unrecorded_ids: list[str] = field(default_factory=list[str])
    unsettled: set[str] = field(default_factory=set[str])
    """Symbols with an order of unknown outcome."""


def compare_orders(ours: LedgerSnapshot, theirs: ExchangeSnapshot, rules: ReconcileRules) -> OrderFindings:
    """Merge every report and trade into the ledger's orders and record the differences."""
    found = OrderFindings()
    known = _Known(ours)
    trades: dict[str, list[TradeReport]] = {}
    for trade in theirs.trades:
        trades.setdefault(trade.order_id, []).append(trade)
    reported_ids: set[str] = set()
    for report in theirs.orders:
        before = known.order_of(report)
        reported = tuple(trades.pop(report.order_id, ()))
        if before is not None:
            reported = trades_of(msgspec.structs.replace(before, order_id=report.order_id), reported)
        reported_ids.add(report.client_order_id or report.order_id)
        if before is None and report.client_order_id in ours.known_ids:
            continue
        if before is None:
            _apply_unowned(found, known, report, reported=reported, ours=ours, theirs=theirs, rules=rules)
        elif before.intent_id:
            _apply_own(found, before, _evidence(report, reported, theirs.at_ms), rules=rules)
        else:
            _apply_foreign(found, before, _evidence(report, reported, theirs.at_ms), rules=rules)
    for order_id, late in trades.items():
        order = known.by_order_id.get(order_id)
        mine = () if order is None else trades_of(order, late)
        if order is not None and order.intent_id and mine:
            _apply_own(found, order, (from_trades(mine),), rules=rules)
    _unlisted(found, ours.orders, reported_ids, theirs=theirs)
    return found


class _Known:
    """The ledger's orders by either id, and their origin."""

    def __init__(self, ours: LedgerSnapshot) -> None:
        self.by_order_id = {order.order_id: order for order in ours.orders if order.order_id}
        self._by_client_id = {order.client_order_id: order for order in ours.orders}
        self._intents = {client_id: intent for intent in ours.intents for client_id in intent.client_ids}
        self._ids = frozenset(self._intents) | {
            order.client_order_id for order in ours.orders if order.intent_id
        }

    def order_of(self, report: OrderReport) -> Order | None:
        """Return the order's row; create one for an attempt whose row was lost in a crash."""
        order = self.by_order_id.get(report.order_id)
        if order is None and report.client_order_id:
            order = self._by_client_id.get(report.client_order_id)
            intent = self._intents.get(report.client_order_id)
            if order is None and intent is not None:
                return unknown_attempt(intent, report.client_order_id, fence_ms=None)
        return order

    def maker_of(self, report: OrderReport) -> OrderOrigin:
        """Return the order's origin."""
        return order_origin(report.client_order_id or "", self._ids)


def _evidence(report: OrderReport, reported: tuple[TradeReport, ...], at_ms: int) -> tuple[Evidence, ...]:
    first = from_report(report, at_ms)
    return (first, from_trades(reported)) if reported else (first,)


def _apply_own(
    found: OrderFindings, order: Order, evidence: Iterable[Evidence], *, rules: ReconcileRules
) -> None:
    before = order
    steps: list[Advanced] = []
    for item in evidence:
        step = advance(order, item)
        steps.append(step)
        if step.is_changed:
            found.corrections.append(ApplyEvidence(order, item))
        order = step.order
        if item.state is not None and item.state.is_terminal and _is_less(item, before):
            _contradiction(found, before, item, rules=rules)
    kinds = {anomaly.kind for step in steps for anomaly in step.anomalies}
    detail = "; ".join(anomaly.text for step in steps for anomaly in step.anomalies)
    _record(found, before, order, kinds=kinds, detail=detail, rules=rules)
    found.changed.append((before, order))
    if order.state in (OrderState.UNKNOWN, OrderState.SENT):
        found.unsettled.add(order.symbol)


def _is_less(reported: Evidence, order: Order) -> bool:
    return reported.filled_quantity is not None and reported.filled_quantity < order.filled_quantity


def _contradiction(found: OrderFindings, order: Order, reported: Evidence, *, rules: ReconcileRules) -> None:
    """Record a final report with less filled than booked: fills are never reversed."""
    had, has = order.filled_quantity, reported.filled_quantity or ZERO
    value = order.filled_value - (reported.filled_value or ZERO)
    name = order.client_order_id
    detail = f"{name} ended with {plain(has)} filled, and {plain(had)} are booked: not changed"
    found.differences.append(
        make_difference(
            DifferenceKind.STATE,
            name,
            had,
            theirs=has,
            value=value,
            rules=rules,
            text=detail,
            explained=False,
        )
    )


def _record(
    found: OrderFindings,
    before: Order,
    after: Order,
    *,
    kinds: set[AnomalyKind],
    detail: str,
    rules: ReconcileRules,
) -> None:
    kind = _kind(before, after, kinds)
    ours, theirs = _so_far(before), _so_far(after)
    name = before.client_order_id
    if kind is not None:
        value = abs(after.filled_value - before.filled_value)
        # The excess is not booked: the report is wrong, or others traded on the account.
        severity = Severity.ERROR if kind is DifferenceKind.OVERFILL else None
        text = f"{detail or f'{name} is {theirs}, ledger {ours}'}; adopted from the exchange's report"
        found.differences.append(
            make_difference(
                kind,
                name,
                ours,
                theirs=theirs,
                value=value,
                rules=rules,
                text=text,
                explained=True,
                severity=severity,
            )
        )
    fees = _fees_added(before, after)
    if fees:
        text = f"{name}: fees of {_fees_text(fees)} were not booked; adopted from its trades"
        value = _worth_of_fees(fees, rules)
        had, has = _fees_text(before.fees) or "0", _fees_text(after.fees)
        found.differences.append(
            make_difference(
                DifferenceKind.FEE, name, had, theirs=has, value=value, rules=rules, text=text, explained=True
            )
        )
    if AnomalyKind.MISMATCH in kinds:
        found.differences.append(
            make_difference(
                DifferenceKind.STATE,
                name,
                ours,
                theirs=detail,
                value=None,
                rules=rules,
                text=detail,
                explained=False,
            )
        )
    if AnomalyKind.TWIN in kinds:
        found.differences.append(
            make_difference(
                DifferenceKind.UNRECORDED_ORDER,
                name,
                ours,
                theirs=detail,
                value=None,
                rules=rules,
                text=detail,
                explained=False,
                severity=Severity.CRITICAL,
            )
        )
        found.unrecorded_ids.append(name)


def _kind(before: Order, after: Order, kinds: set[AnomalyKind]) -> DifferenceKind | None:
    """Return the most severe kind of change."""
    if AnomalyKind.OVERFILL in kinds:
        return DifferenceKind.OVERFILL
    if AnomalyKind.REVIVED in kinds:
        return DifferenceKind.REVIVED
    if (before.filled_quantity, before.filled_value) != (after.filled_quantity, after.filled_value):
        return DifferenceKind.MISSED_FILL
    return DifferenceKind.STATE if before.state is not after.state else None


def _apply_unowned(
    found: OrderFindings,
    known: _Known,
    report: OrderReport,
    *,
    reported: tuple[TradeReport, ...],
    ours: LedgerSnapshot,
    theirs: ExchangeSnapshot,
    rules: ReconcileRules,
) -> None:
    """Record an order without a ledger row for display; with this desk's prefix it is a reason to halt."""
    order = foreign_order(report, theirs.at_ms)
    if reported:
        order = advance(order, from_trades(reported)).order
    is_unrecorded = known.maker_of(report) is OrderOrigin.UNRECORDED
    if not is_unrecorded and order.state.is_terminal and order.updated_ms < ours.agreed_ms:
        return  # closed before the last agreement
    if is_unrecorded:
        order = msgspec.structs.replace(order, reason="has the prefix of this desk and is not in its ledger")
        found.unrecorded_ids.append(order.client_order_id)
    is_recent = 0 < ours.agreed_ms <= order.created_ms
    before = msgspec.structs.replace(order, filled_quantity=ZERO, filled_value=ZERO, fees=())
    found.changed.append((before if is_recent else order, order))
    found.corrections.append(StoreForeignOrder(order))
    kind = DifferenceKind.UNRECORDED_ORDER if is_unrecorded else DifferenceKind.FOREIGN
    found.differences.append(
        make_difference(
            kind, order.client_order_id, "none", theirs=_so_far(order), value=_at_stake(order), rules=rules,
            text=f"{order.symbol} {order.side.value}: {order.reason}; display only",
            explained=not is_unrecorded, severity=Severity.CRITICAL if is_unrecorded else None,
        )
    )  # fmt: skip


def _apply_foreign(
    found: OrderFindings, before: Order, evidence: Iterable[Evidence], *, rules: ReconcileRules
) -> None:
    after = before
    for item in evidence:
        after = advance(after, item).order
    if after == before:
        return
    found.changed.append((before, after))
    found.corrections.append(StoreForeignOrder(after))
    if _so_far(after) != _so_far(before):
        value = abs(after.filled_value - before.filled_value)
        detail = f"{after.symbol} {after.side.value}: an order placed outside this desk changed; display only"
        about, ours, theirs = after.client_order_id, _so_far(before), _so_far(after)
        found.differences.append(
            make_difference(
                DifferenceKind.FOREIGN,
                about,
                ours,
                theirs=theirs,
                value=value,
                rules=rules,
                text=detail,
                explained=True,
            )
        )


def _unlisted(
    found: OrderFindings, orders: Iterable[Order], reported_ids: set[str], *, theirs: ExchangeSnapshot
) -> None:
    """Mark open orders that were not listed for a query; conclude nothing."""
    for order in orders:
        if order.client_order_id in reported_ids or order.order_id in reported_ids:
            continue
        if order.intent_id and not order.state.is_terminal:
            found.unsettled.add(order.symbol)
        if order.symbol not in theirs.listed_symbols:
            continue
        if order.intent_id and (order.state in _ASKED or order.state is OrderState.UNKNOWN):
            found.ids_to_query.append(order.client_order_id)
        elif order.state is OrderState.FOREIGN:
            ended = msgspec.structs.replace(
                order, state=OrderState.CANCELLED, reason="placed outside this desk; no longer open"
            )
            found.corrections.append(StoreForeignOrder(ended))


def _so_far(order: Order) -> str:
    return f"{order.state.value}, {plain(order.filled_quantity)} filled"


def _at_stake(order: Order) -> Decimal:
    if order.state.is_terminal or order.price is None or order.quantity is None:
        return order.filled_value
    return order.price * order.quantity


def _fees_added(before: Order, after: Order) -> tuple[Fee, ...]:
    added = ((fee.asset, fee.amount - before.fee_in(fee.asset)) for fee in after.fees)
    return tuple(Fee(asset=asset, amount=more) for asset, more in added if more)


def _fees_text(fees: Iterable[Fee]) -> str:
    return ", ".join(f"{plain(fee.amount)} {fee.asset}" for fee in fees)


def _worth_of_fees(fees: Iterable[Fee], rules: ReconcileRules) -> Decimal | None:
    values = [value_of(fee.asset, fee.amount, rules) for fee in fees]
    known = [value for value in values if value is not None]
    return sum(known, ZERO) if len(known) == len(values) else None
