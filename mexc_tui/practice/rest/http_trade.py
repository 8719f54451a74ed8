"""Endpoints of orders and the account's trades (protocol 4.4, 4.5)."""

import msgspec

from mexc_tui.practice.matching.numbers import trimmed
from mexc_tui.practice.matching.values import Fill, OrderRecord, PracticeRefusal
from mexc_tui.practice.rest.auth import AccessRules, KeyPermission
from mexc_tui.practice.rest.limits import Bucket
from mexc_tui.practice.rest.order_form import cancelled, full_order, open_order, placed, read_order
from mexc_tui.practice.rest.params import Params, mandatory
from mexc_tui.practice.rest.route import Call, Json, PracticeRoute
from mexc_tui.practice.session import ExchangeSession

MAX_BATCH = 20
MAX_SYMBOLS = 5

_ORDER = ("symbol", "side", "type")
_ORDERS = (Bucket.ORDERS,)


class TradeRoutes:
    """Endpoints of orders."""

    def __init__(self, session: ExchangeSession) -> None:
        self._session = session
        self._knobs = session.scenario.knobs

    def routes(self) -> list[PracticeRoute]:
        """Return the endpoints of this module. Order-class calls weigh nothing; they share a bucket."""
        place = _write_access(*_ORDER)
        one, many = _write_access("symbol"), _write_access()
        read, read_any = _read_access("symbol"), _read_access()
        return [
            PracticeRoute("POST", "/api/v3/order", self._place, 0, place, _ORDERS),
            PracticeRoute("POST", "/api/v3/order/test", self._test, 1, place),
            PracticeRoute(
                "POST",
                "/api/v3/batchOrders",
                self._place_batch,
                0,
                _write_access("batchOrders"),
                (Bucket.ORDERS, Bucket.BATCH),
            ),
            PracticeRoute("DELETE", "/api/v3/order", self._cancel, 0, one, _ORDERS),
            PracticeRoute("DELETE", "/api/v3/openOrders", self._cancel_open, 0, one, _ORDERS),
            PracticeRoute("DELETE", "/api/v3/order/all", self._cancel_everything, 0, many, _ORDERS),
            PracticeRoute("GET", "/api/v3/order", self._order, 2, read),
            PracticeRoute("GET", "/api/v3/openOrders", self._open_orders, 3, read_any),
            PracticeRoute("GET", "/api/v3/allOrders", self._all_orders, 10, read),
            PracticeRoute("GET", "/api/v3/myTrades", self._my_trades, 10, read),
        ]

    # Place

    def _place(self, call: Call) -> Json:
        return placed(self._session.place(read_order(call.params)), call.now_ms)

    def _test(self, call: Call) -> Json:
        self._session.test(read_order(call.params))
        return {}

    def _place_batch(self, call: Call) -> Json:
        texts = call.params.get("batchOrders")
        try:
            forms = msgspec.json.decode(texts, type=list[msgspec.Raw])
        except msgspec.DecodeError:
            raise mandatory("batchOrders") from None
        orders = [Params("", bytes(form).decode("utf-8")) for form in forms]
        if not 0 < len(orders) <= MAX_BATCH or len({order.get("symbol") for order in orders}) > 1:
            raise mandatory("batchOrders")
        return [self._place_one(order) for order in orders]

    def _place_one(self, params: Params) -> Json:
        """Place one order of a batch; a refusal is an element of the response."""
        client_id = params.get("newClientOrderId")
        named: dict[str, Json] = {"newClientOrderId": client_id} if client_id else {}
        try:
            order = self._session.place(read_order(params))
        except PracticeRefusal as refusal:
            return {"newClientOrderId": client_id, "msg": refusal.message, "code": refusal.code}
        return {"symbol": order.symbol, "orderId": order.order_id, "orderListId": -1, **named}

    # Cancel

    def _cancel(self, call: Call) -> Json:
        symbol = call.params.need("symbol")
        order_id, client_id = _ids(call.params)
        return cancelled(self._session.cancel(symbol, order_id=order_id, client_order_id=client_id))

    def _cancel_open(self, call: Call) -> Json:
        cancelled_orders: list[OrderRecord] = []
        symbols = _symbols(call.params.need("symbol"))
        if len(symbols) > self._knobs.cancel_open_pairs:
            raise PracticeRefusal(-1121, "Invalid symbol.")
        for symbol in symbols:
            cancelled_orders.extend(self._session.cancel_all(symbol))
        if not cancelled_orders and self._knobs.no_open_orders_error:
            raise PracticeRefusal(-2011, "Unknown order sent.")
        return [{**cancelled(order), "orderListId": -1} for order in cancelled_orders]

    def _cancel_everything(self, call: Call) -> Json:
        self._session.cancel_all(None)
        return {"code": 200, "msg": "success", "timestamp": call.now_ms}

    # Query

    def _order(self, call: Call) -> Json:
        symbol = call.params.need("symbol")
        order_id, client_id = _ids(call.params)
        return full_order(self._session.order(symbol, order_id=order_id, client_order_id=client_id))

    def _open_orders(self, call: Call) -> Json:
        text = call.params.get("symbol")
        if not text:
            return [open_order(order) for order in self._session.open_orders()]
        orders = [order for symbol in _symbols(text) for order in self._session.open_orders(symbol)]
        return [open_order(order) for order in orders]

    def _all_orders(self, call: Call) -> Json:
        params = call.params
        limit = min(max(params.whole("limit") or 500, 1), 1000)
        start_ms, end_ms = params.whole("startTime"), params.whole("endTime")
        orders = self._session.all_orders(params.need("symbol"), start_ms, end_ms, limit=limit)
        return [full_order(order) for order in orders]

    def _my_trades(self, call: Call) -> Json:
        params = call.params
        fills = self._session.my_trades(
            params.need("symbol"),
            params.get("orderId"),
            params.whole("startTime"),
            end_ms=params.whole("endTime"),
            limit=min(max(params.whole("limit") or 100, 1), 100),
        )
        return [_fill(fill) for fill in fills]


def _write_access(*names: str) -> AccessRules:
    return AccessRules(KeyPermission.DEAL_WRITE, names, of_pair=True)


def _read_access(*names: str) -> AccessRules:
    return AccessRules(KeyPermission.DEAL_READ, names)


def _ids(params: Params) -> tuple[str, str]:
    order_id, client_id = params.get("orderId"), params.get("origClientOrderId")
    if not order_id and not client_id:
        raise PracticeRefusal(
            700004, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null"
        )
    return order_id, client_id


def _symbols(text: str) -> list[str]:
    symbols = text.split(",")
    if len(symbols) > MAX_SYMBOLS:
        raise mandatory("symbol")
    return symbols


def _fill(fill: Fill) -> Json:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": trimmed(fill.price),
        "qty": trimmed(fill.quantity),
        "quoteQty": trimmed(fill.quote_quantity),
        "commission": trimmed(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ms,
        "isBuyer": fill.side == "BUY",
        "isMaker": fill.is_maker,
        "isBestMatch": True,
        "isSelfTrade": fill.is_self_trade,
        "clientOrderId": fill.client_order_id or None,
    }
