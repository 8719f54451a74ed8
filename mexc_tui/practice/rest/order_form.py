"""Parse an order from parameters, and encode one in the format of REST (protocol 4.4)."""

from mexc_tui.model.order import NewOrder, OrderType, Side, StpMode
from mexc_tui.practice.matching.numbers import trimmed
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.practice.rest.params import Params, mandatory
from mexc_tui.practice.rest.route import Json

_TYPES = {**{kind.value: kind for kind in OrderType}, "LIMIT_ORDER": OrderType.LIMIT}
_SIDES = {side.value: side for side in Side}
_STP_MODES = {mode.value: mode for mode in StpMode}


def read_order(params: Params) -> NewOrder:
    """Parse the parameters of POST /order. Raises PracticeRefusal 700004 for invalid ones."""
    symbol = params.need("symbol")
    side = _SIDES.get(params.need("side"))
    kind = _TYPES.get(params.need("type"))
    stp_mode = _STP_MODES.get(params.get("stpMode"))
    if side is None:
        raise mandatory("side")
    if kind is None:
        raise mandatory("type")
    if stp_mode is None:
        raise mandatory("stpMode")
    return NewOrder(
        symbol=symbol,
        side=side,
        type=kind,
        client_order_id=params.get("newClientOrderId"),
        price=params.amount("price") if kind is not OrderType.MARKET else None,
        quantity=params.amount("quantity"),
        quote_quantity=params.amount("quoteOrderQty"),
        stp_mode=stp_mode,
    )


def placed(order: OrderRecord, now_ms: int) -> Json:
    """Return the response to POST /order: no status, no fills, no client id (protocol 4.4)."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "price": trimmed(order.price),
        "origQty": trimmed(order.quantity),
        "type": order.type.value,
        "side": order.side.value,
        "stpMode": order.stp_mode.value,
        "transactTime": now_ms,
    }


def full_order(order: OrderRecord) -> dict[str, Json]:
    """Return an order in the format of GET /order and allOrders; `updateTime` starts at creation."""
    updated_ms = order.created_ms if order.updated_ms is None else order.updated_ms
    return {**open_order(order), "updateTime": updated_ms}


def open_order(order: OrderRecord) -> dict[str, Json]:
    """Return an order in the format of openOrders; `updateTime` is null before the first change."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id or None,
        "price": trimmed(order.price),
        "origQty": trimmed(order.quantity),
        "executedQty": trimmed(order.executed),
        "cummulativeQuoteQty": trimmed(order.executed_quote),
        "status": order.status.value,
        "timeInForce": None,
        "type": order.type.value,
        "side": order.side.value,
        "stopPrice": None,
        "icebergQty": None,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "stpMode": order.stp_mode.value,
        "cancelReason": order.cancel_reason,
        "origQuoteOrderQty": trimmed(order.quote_quantity),
    }


def cancelled(order: OrderRecord) -> dict[str, Json]:
    """Return the response to DELETE /order, for any state of the order."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id or None,
        "orderId": order.order_id,
        "clientOrderId": order.client_order_id or None,
        "price": trimmed(order.price),
        "origQty": trimmed(order.quantity),
        "executedQty": trimmed(order.executed),
        "cummulativeQuoteQty": trimmed(order.executed_quote),
        "status": order.status.value,
        "timeInForce": None,
        "type": order.type.value,
        "side": order.side.value,
    }
