"""Order evidence: one format for responses, stream updates, queries and fence results."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mexc_tui.model.intent import Fee, Order, OrderState
from mexc_tui.model.order import OrderStatus, OrderType, Side, StreamOrderStatus
from mexc_tui.model.outcome import Accepted, Ambiguous, NotSent, Rejected, SendOutcome
from mexc_tui.model.report import OrderReport, PlacedOrder, TradeReport
from mexc_tui.model.stream import FillUpdate, OrderUpdate


class EvidenceSource(StrEnum):
    """Source of the evidence."""

    RESPONSE = "answer"
    STREAM = "stream"
    QUERY = "question"
    """GET order, openOrders, allOrders, myTrades."""
    FENCE = "fence"


@dataclass(frozen=True, slots=True)
class TradeEvidence:
    """A trade of the order. Used for fees only; quantities come from the order (reliability 1.3)."""

    id: str
    quantity: Decimal
    fee: Fee | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """The order's terms as reported by the exchange."""

    type: OrderType
    price: Decimal | None
    quantity: Decimal | None
    quote_quantity: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Evidence about one order. None: not reported. Filled numbers are cumulative, value in quote units."""

    source: EvidenceSource
    at_ms: int
    text: str
    state: OrderState | None = None
    order_id: str = ""
    filled_quantity: Decimal | None = None
    filled_value: Decimal | None = None
    trades: tuple[TradeEvidence, ...] = ()
    code: int | None = None
    sent_ms: int | None = None
    fence_ms: int | None = None
    terms: OrderTerms | None = None
    client_order_id: str = ""
    symbol: str = ""
    side: Side | None = None
    """Side of the described order. As for the identifiers above, an empty value means not reported."""


_OF_STREAM = {
    StreamOrderStatus.NEW: OrderState.ACKNOWLEDGED,
    StreamOrderStatus.PARTIALLY_FILLED: OrderState.PARTIAL,
    StreamOrderStatus.FILLED: OrderState.FILLED,
    StreamOrderStatus.CANCELED: OrderState.CANCELLED,
    StreamOrderStatus.PARTIALLY_CANCELED: OrderState.PARTIALLY_CANCELLED,
}
_OF_REST = {
    OrderStatus.NEW: OrderState.ACKNOWLEDGED,
    OrderStatus.PARTIALLY_FILLED: OrderState.PARTIAL,
    OrderStatus.FILLED: OrderState.FILLED,
    OrderStatus.CANCELED: OrderState.CANCELLED,
    OrderStatus.PARTIALLY_CANCELED: OrderState.PARTIALLY_CANCELLED,
    # Undocumented status: the order exists, nothing more is certain.
    OrderStatus.UNKNOWN: OrderState.ACKNOWLEDGED,
}


def state_of(status: OrderStatus) -> OrderState:
    """Return the order state of a REST status."""
    return _OF_REST[status]


def from_update(update: OrderUpdate) -> Evidence:
    """Return the evidence of an order update from the stream."""
    state = OrderState.ACKNOWLEDGED if update.status is None else _OF_STREAM[update.status]
    return Evidence(
        source=EvidenceSource.STREAM,
        at_ms=update.sent_ms,
        text=f"stream: {state.value}",
        state=state,
        order_id=update.order_id,
        filled_quantity=update.filled_quantity,
        filled_value=update.filled_amount,
        client_order_id=update.client_order_id,
        symbol=update.symbol,
        side=update.side,
    )


def from_fill(fill: FillUpdate) -> Evidence:
    """Return the evidence of a trade from the stream: the order exists and is at least partly filled."""
    fee = Fee(asset=fill.fee_asset, amount=fill.fee) if fill.fee_asset else None
    return Evidence(
        source=EvidenceSource.STREAM,
        at_ms=fill.sent_ms,
        text="trade in the stream",
        state=OrderState.PARTIAL,
        order_id=fill.order_id,
        trades=(TradeEvidence(fill.trade_id, fill.quantity, fee),),
        client_order_id=fill.client_order_id,
        symbol=fill.symbol,
        side=fill.side,
    )


def from_report(report: OrderReport, at_ms: int) -> Evidence:
    """Return the evidence of an order report; `at_ms` applies to a report without times."""
    state = state_of(report.status)
    why = f", {report.cancel_reason}" if report.cancel_reason else ""
    return Evidence(
        source=EvidenceSource.QUERY,
        at_ms=report.update_time or report.time or at_ms,
        text=f"exchange: {state.value}{why}",
        state=state,
        order_id=report.order_id,
        filled_quantity=report.filled_quantity,
        filled_value=report.filled_value,
        terms=terms_of(report),
        client_order_id=report.client_order_id or "",
        symbol=report.symbol,
        side=report.side,
    )


def terms_of(report: OrderReport) -> OrderTerms:
    """Return the ordered terms of a report; a market buy is ordered by value (protocol 5.2)."""
    kind = report.order_type or OrderType.LIMIT
    by_value = kind is OrderType.MARKET and report.side is Side.BUY and bool(report.quote_quantity)
    if by_value:
        return OrderTerms(type=kind, price=None, quantity=None, quote_quantity=report.quote_quantity)
    return OrderTerms(
        type=kind,
        price=None if kind is OrderType.MARKET else report.price,
        quantity=report.quantity,
        quote_quantity=None,
    )


def trades_of(order: Order, trades: Iterable[TradeReport]) -> tuple[TradeReport, ...]:
    """Return the trades whose every identifier matches this order."""
    return tuple(
        trade
        for trade in trades
        if trade.order_id == order.order_id
        and trade.symbol == order.symbol
        and trade.is_buyer is (order.side is Side.BUY)
        and (trade.client_order_id or order.client_order_id) == order.client_order_id
    )


def from_trades(trades: tuple[TradeReport, ...]) -> Evidence:
    """Return the evidence of one order's trades (see `trades_of`); at least one."""
    reported = tuple(
        TradeEvidence(
            trade.id,
            trade.quantity,
            None
            if trade.fee is None or not trade.fee_asset
            else Fee(asset=trade.fee_asset, amount=trade.fee),
        )
        for trade in trades
    )
    return Evidence(
        source=EvidenceSource.QUERY,
        at_ms=max(trade.time for trade in trades),
        text="trades listed by the exchange",
        state=OrderState.PARTIAL,
        order_id=trades[0].order_id,
        trades=reported,
        symbol=trades[0].symbol,
        side=Side.BUY if trades[0].is_buyer else Side.SELL,
    )


def from_outcome(outcome: SendOutcome[PlacedOrder], at_ms: int) -> Evidence:
    """Return the evidence of a send outcome (reliability 1.4, point 3)."""
    match outcome:
        case NotSent(reason):
            return _answer(at_ms, OrderState.REJECTED, f"never sent: {reason}")
        case Rejected(refusal):
            return _answer(at_ms, OrderState.REJECTED, refusal.text, code=refusal.code)
        case Ambiguous(reason=reason, timestamp_ms=timestamp_ms, refusal=refusal):
            code = None if refusal is None else refusal.code
            return _answer(
                at_ms, OrderState.UNKNOWN, reason, code=code, sent_ms=timestamp_ms, fence_ms=outcome.fence_ms
            )
        case Accepted(placed, timestamp_ms):
            return _answer(
                at_ms,
                OrderState.ACKNOWLEDGED,
                "accepted by the exchange",
                order_id=placed.order_id,
                sent_ms=timestamp_ms or None,
            )


def check_response(
    order: Order, outcome: SendOutcome[PlacedOrder], recv_window_ms: int
) -> SendOutcome[PlacedOrder]:
    """Return the outcome; an acceptance of another pair or side becomes ambiguous."""
    if not isinstance(outcome, Accepted):
        return outcome
    placed = outcome.response
    side = order.side if placed.side is None else placed.side.upper()
    if placed.symbol == order.symbol and side == order.side:
        return outcome
    reason = f"the response describes another order: {placed.symbol} {placed.side or ''}".rstrip()
    return Ambiguous(reason=reason, timestamp_ms=outcome.timestamp_ms, recv_window_ms=recv_window_ms)


def from_fence(state: OrderState, text: str, at_ms: int) -> Evidence:
    """Return the evidence of a fence conclusion (fence.py): ABSENT, or closed and no longer listed."""
    return Evidence(source=EvidenceSource.FENCE, at_ms=at_ms, text=text, state=state)


def _answer(
    at_ms: int,
    state: OrderState,
    text: str,
    *,
    order_id: str = "",
    code: int | None = None,
    sent_ms: int | None = None,
    fence_ms: int | None = None,
) -> Evidence:
    return Evidence(
        source=EvidenceSource.RESPONSE,
        at_ms=at_ms,
        text=text,
        state=state,
        order_id=order_id,
        code=code,
        sent_ms=sent_ms,
        fence_ms=fence_ms,
    )
