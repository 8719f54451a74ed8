"""Converts user stream messages to model types. Raises only `BadStreamMessage`.

proto3 omits fields with default values: an absent number is zero, an absent flag False.
"""

from mexc_tui.exchange.streams.numbers import (
    positive_of,
    price_of,
    price_or_zero_of,
    quantity_of,
    side_of,
    signed_of,
    time_of,
)
from mexc_tui.model.order import StreamOrderStatus, StreamOrderType
from mexc_tui.model.stream import BadStreamMessage, BalanceUpdate, FillUpdate, OrderUpdate, PrivateUpdate
from mexc_tui.model.text import clean_name
from mexc_tui.proto.stream_pb2 import Push


def private_of(push: Push) -> PrivateUpdate:
    """Convert a message of one of the three private channels."""
    if push.HasField("private_order"):
        return order_of(push)
    if push.HasField("private_deal"):
        return fill_of(push)
    return balance_of(push)


def order_of(push: Push) -> OrderUpdate:
    """Return the order of a private.orders message. Unknown enum values become None."""
    body = push.private_order
    if not body.id:
        raise BadStreamMessage("an order without an id")
    return OrderUpdate(
        symbol=clean_name(push.symbol),
        order_id=clean_name(body.id),
        client_order_id=clean_name(body.client_id),
        type=_known_type(body.order_type),
        side=side_of(body.trade_type),
        status=_known_status(body.status),
        raw_status=body.status,
        price=price_or_zero_of(body.price, "price"),
        quantity=quantity_of(body.quantity),
        amount=quantity_of(body.amount, "amount"),
        average_price=price_or_zero_of(body.avg_price, "average price"),
        remaining_quantity=quantity_of(body.remain_quantity, "remaining quantity"),
        remaining_amount=signed_of(body.remain_amount, "remaining amount"),
        filled_quantity=quantity_of(body.cumulative_quantity, "cumulative quantity"),
        filled_amount=quantity_of(body.cumulative_amount, "cumulative amount"),
        is_maker=body.is_maker,
        created_ms=time_of(body.create_time, "creation time"),
        sent_ms=time_of(push.send_time, "send time"),
    )


def fill_of(push: Push) -> FillUpdate:
    """Return the trade of a private.deals message."""
    body = push.private_deal
    if not body.trade_id or not body.order_id:
        raise BadStreamMessage("a trade without its own or its order's id")
    return FillUpdate(
        symbol=clean_name(push.symbol),
        trade_id=clean_name(body.trade_id),
        order_id=clean_name(body.order_id),
        client_order_id=clean_name(body.client_order_id),
        side=side_of(body.trade_type),
        price=price_of(body.price),
        quantity=positive_of(body.quantity),
        amount=quantity_of(body.amount, "amount"),
        fee=signed_of(body.fee_amount, "fee"),
        fee_asset=clean_name(body.fee_currency),
        is_maker=body.is_maker,
        is_self_trade=body.is_self_trade,
        time_ms=time_of(body.time),
        sent_ms=time_of(push.send_time, "send time"),
    )


def balance_of(push: Push) -> BalanceUpdate:
    """Return the balance of a private.account message."""
    body = push.private_account
    if not body.asset:
        raise BadStreamMessage("a balance without an asset")
    return BalanceUpdate(
        asset=clean_name(body.asset),
        coin_id=clean_name(body.coin_id),
        available=quantity_of(body.available, "available"),
        available_change=signed_of(body.available_change, "change of available"),
        frozen=quantity_of(body.frozen, "frozen"),
        frozen_change=signed_of(body.frozen_change, "change of frozen"),
        reason=clean_name(body.type),
        time_ms=time_of(body.time),
        sent_ms=time_of(push.send_time, "send time"),
    )


def _known_type(number: int) -> StreamOrderType | None:
    return StreamOrderType(number) if 1 <= number <= 5 else None


def _known_status(number: int) -> StreamOrderStatus | None:
    return StreamOrderStatus(number) if 1 <= number <= 5 else None
