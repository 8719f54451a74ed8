"""Bodies of the private channels: orders, deals, account (protocol 7.6)."""

from mexc_tui.model.order import OrderStatus, OrderType, Side, StreamOrderStatus, StreamOrderType
from mexc_tui.practice.matching.numbers import trimmed
from mexc_tui.practice.matching.values import ZERO, BalanceChange, Fill, OrderRecord
from mexc_tui.practice.streams.frames import created_at, head, sent_at
from mexc_tui.proto import stream_pb2 as pb

_SIDES = {Side.BUY: 1, Side.SELL: 2}
_TYPES = {
    OrderType.LIMIT: StreamOrderType.LIMIT,
    OrderType.LIMIT_MAKER: StreamOrderType.POST_ONLY,
    OrderType.IMMEDIATE_OR_CANCEL: StreamOrderType.IMMEDIATE_OR_CANCEL,
    OrderType.FILL_OR_KILL: StreamOrderType.FILL_OR_KILL,
    OrderType.MARKET: StreamOrderType.MARKET,
}
_STATUSES = {
    OrderStatus.NEW: StreamOrderStatus.NEW,
    OrderStatus.FILLED: StreamOrderStatus.FILLED,
    OrderStatus.PARTIALLY_FILLED: StreamOrderStatus.PARTIALLY_FILLED,
    OrderStatus.CANCELED: StreamOrderStatus.CANCELED,
    OrderStatus.PARTIALLY_CANCELED: StreamOrderStatus.PARTIALLY_CANCELED,
}


def order_push(channel: str, order: OrderRecord, shown_ms: int) -> bytes:
    """Encode the state of an order. `amount` is 0 for a MARKET sell."""
    is_market_sell = order.type is OrderType.MARKET and order.side is Side.SELL
    amount = ZERO if is_market_sell else order.quote_quantity
    remaining = ZERO if is_market_sell else order.remaining_quote
    body = pb.PrivateOrder(
        id=order.order_id,
        client_id=order.client_order_id,
        price=trimmed(order.price),
        quantity=trimmed(order.quantity),
        amount=trimmed(amount),
        avg_price=trimmed(round(order.average_price, 12)),
        order_type=_TYPES[order.type],
        trade_type=_SIDES[order.side],
        is_maker=order.is_maker,
        remain_amount=trimmed(remaining),
        remain_quantity=trimmed(order.remaining_quantity),
        cumulative_quantity=trimmed(order.executed),
        cumulative_amount=trimmed(order.executed_quote),
        status=_STATUSES[order.status],
        create_time=order.created_ms,
    )
    if order.last_fill_quantity is not None:
        body.last_deal_quantity = trimmed(order.last_fill_quantity)
    return _of_symbol(channel, order.symbol, shown_ms) + pb.Push(private_order=body).SerializeToString()


def deal_push(channel: str, fill: Fill, shown_ms: int) -> bytes:
    """Encode one trade of the account."""
    body = pb.PrivateDeal(
        price=trimmed(fill.price),
        quantity=trimmed(fill.quantity),
        amount=trimmed(fill.quote_quantity),
        trade_type=_SIDES[fill.side],
        is_maker=fill.is_maker,
        is_self_trade=fill.is_self_trade,
        trade_id=fill.trade_id,
        client_order_id=fill.client_order_id,
        order_id=fill.order_id,
        fee_amount=trimmed(fill.fee),
        fee_currency=fill.fee_asset,
        time=fill.time_ms,
    )
    return _of_symbol(channel, fill.symbol, shown_ms) + pb.Push(private_deal=body).SerializeToString()


def account_push(channel: str, change: BalanceChange, shown_ms: int) -> bytes:
    """Encode one movement of a balance, with createTime and without a symbol."""
    body = pb.PrivateAccount(
        asset=change.asset,
        coin_id=change.coin_id,
        available=trimmed(change.free),
        available_change=trimmed(change.free_change),
        frozen=trimmed(change.locked),
        frozen_change=trimmed(change.locked_change),
        type=change.kind.value,
        time=change.time_ms,
    )
    front = head(channel) + created_at(change.time_ms) + sent_at(shown_ms)
    return front + pb.Push(private_account=body).SerializeToString()


def _of_symbol(channel: str, symbol: str, shown_ms: int) -> bytes:
    return head(channel, symbol) + sent_at(shown_ms)
