"""Order placement, cancellation and queries (protocol 4.4, 5)."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from mexc_tui.exchange.rest import routes
from mexc_tui.exchange.rest.idempotent_calls import send_repeatable
from mexc_tui.exchange.rest.requester import Requester
from mexc_tui.exchange.rest.responses import nothing, plain
from mexc_tui.exchange.rest.routes import Route
from mexc_tui.exchange.rest.rows import RowReader
from mexc_tui.model.order import NewOrder, OrderType, StpMode
from mexc_tui.model.outcome import NotSent, Purpose, SendOutcome
from mexc_tui.model.report import CancelReport, OrderReport, PlacedOrder, TradeReport
from mexc_tui.model.rows import Rows

T = TypeVar("T")

CANCEL_SYMBOLS = 5
MAX_HISTORY = 1_000
MAX_TRADES = 100

_PLACED = plain(PlacedOrder)
_CANCELLED = plain(CancelReport)
_ALL_CANCELLED = plain(tuple[CancelReport, ...])
_ORDER = plain(OrderReport)
_SYMBOL = ("symbol",)
_ORDERS = RowReader(OrderReport, named_by=_SYMBOL)
_MY_TRADES = RowReader(TradeReport, named_by=_SYMBOL)

# Longer ids and other characters may be rejected (protocol 4.4).
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class RestOrders:
    """Order endpoints. Queries raise ExchangeError; place and cancel return a SendOutcome."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def place(
        self,
        order: NewOrder,
        *,
        purpose: Purpose,
        recv_window_ms: int | None = None,
        deadline_s: float | None = None,
    ) -> SendOutcome[PlacedOrder]:
        """Place one order; never repeated. The response contains its id, but no status and no fills.

        `recv_window_ms` and `deadline_s` default to the client's limits.
        """
        problem = order_problem(order)
        if problem:
            return NotSent(problem)
        return await self._requester.send(
            routes.PLACE_ORDER,
            _PLACED,
            order_params(order),
            purpose=purpose,
            recv_window_ms=recv_window_ms,
            deadline_s=deadline_s,
        )

    async def test(self, order: NewOrder) -> None:
        """Validate an order without placing it. Raises RequestRefused with the reason."""
        await self._requester.call(routes.TEST_ORDER, nothing, order_params(order))

    async def cancel(
        self,
        symbol: str,
        *,
        order_id: str = "",
        client_order_id: str = "",
        purpose: Purpose = Purpose.EXIT,
    ) -> SendOutcome[CancelReport]:
        """Cancel one order by either id. Repeated once if there is no response.

        Neither acceptance nor code -2011 proves the final state: query the order.
        """
        if not (order_id or client_order_id):
            return NotSent("Not sent: a cancel needs an order id or a client order id.")
        params = [("symbol", symbol), *_ids(order_id, client_order_id)]
        return await send_repeatable(
            self._requester, routes.CANCEL_ORDER, _CANCELLED, params=params, purpose=purpose
        )

    async def cancel_open(
        self, symbols: Sequence[str], *, purpose: Purpose = Purpose.EXIT
    ) -> SendOutcome[tuple[CancelReport, ...]]:
        """Cancel all open orders of up to five pairs (one according to newer documentation: pass one)."""
        if not 1 <= len(symbols) <= CANCEL_SYMBOLS:
            return NotSent(f"Not sent: name 1 to {CANCEL_SYMBOLS} pairs.")
        params = [("symbol", ",".join(symbols))]
        route, read = routes.CANCEL_OPEN_ORDERS, _ALL_CANCELLED
        return await send_repeatable(self._requester, route, read, params=params, purpose=purpose)

    async def order(
        self,
        symbol: str,
        *,
        order_id: str = "",
        client_order_id: str = "",
        purpose: Purpose = Purpose.ORDINARY,
    ) -> OrderReport:
        """Return an order of the last seven days. Code -2013 may also mean "not visible yet"."""
        params = [("symbol", symbol), *_ids(order_id, client_order_id)]
        return await self._requester.get(routes.QUERY_ORDER, _ORDER, params, purpose=purpose)

    async def open_orders(
        self, symbols: Sequence[str] = (), *, purpose: Purpose = Purpose.ORDINARY
    ) -> Rows[OrderReport]:
        """Return open orders, newest first; of all pairs if `symbols` is empty."""
        query = ",".join(symbols)
        params = [("symbol", query)] if symbols else []
        return await self._list(routes.OPEN_ORDERS, _ORDERS, params, purpose=purpose, query=query)

    async def all_orders(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = MAX_HISTORY,
        purpose: Purpose = Purpose.ORDINARY,
    ) -> Rows[OrderReport]:
        """Return the orders of a pair, newest first: of the last day, or of a range within seven days."""
        params = [("symbol", symbol), *_range(start_ms, end_ms), ("limit", str(limit))]
        return await self._list(routes.ALL_ORDERS, _ORDERS, params, purpose=purpose, query=symbol)

    async def my_trades(
        self,
        symbol: str,
        *,
        order_id: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = MAX_TRADES,
        purpose: Purpose = Purpose.ORDINARY,
    ) -> Rows[TradeReport]:
        """Return fills of the last month, at most 100 per call."""
        params = [
            ("symbol", symbol),
            *_ids(order_id, ""),
            *_range(start_ms, end_ms),
            ("limit", str(limit)),
        ]
        return await self._list(routes.MY_TRADES, _MY_TRADES, params, purpose=purpose, query=symbol)

    async def _list(
        self,
        route: Route,
        reader: RowReader[T],
        params: Sequence[tuple[str, str]],
        *,
        purpose: Purpose,
        query: str,
    ) -> Rows[T]:
        """Read a list; malformed rows are skipped, counted and shown as those of `about`."""
        found = await self._requester.get(route, reader.list, params, purpose=purpose)
        self._requester.skipped.record(route, found.skipped, len(found), query=query)
        return found


def order_params(order: NewOrder) -> list[tuple[str, str]]:
    """Return the request parameters of an order, in the order they are sent."""
    params = [("symbol", order.symbol), ("side", order.side.value), ("type", order.type.value)]
    if order.quantity is not None:
        params.append(("quantity", plain_number(order.quantity)))
    if order.quote_quantity is not None:
        params.append(("quoteOrderQty", plain_number(order.quote_quantity)))
    if order.price is not None:
        params.append(("price", plain_number(order.price)))
    if order.client_order_id:
        params.append(("newClientOrderId", order.client_order_id))
    if order.stp_mode is not StpMode.NONE:
        params.append(("stpMode", order.stp_mode.value))
    return params


def plain_number(number: Decimal) -> str:
    """Format a number without exponent, keeping its decimals."""
    return f"{number:f}"


def order_problem(order: NewOrder) -> str:
    """Return why an order is invalid; empty if it is valid (protocol 4.4)."""
    for name, number in (
        ("price", order.price),
        ("quantity", order.quantity),
        ("value", order.quote_quantity),
    ):
        if number is not None and not (number.is_finite() and number > 0):
            return f"Not sent: the {name} is not a positive number."
    if order.client_order_id and not _CLIENT_ID.fullmatch(order.client_order_id):
        return "Not sent: a client order id is 1 to 32 letters, digits, - and _."
    if order.type is OrderType.MARKET:
        return _market_order_problem(order)
    if order.price is None or order.quantity is None or order.quote_quantity is not None:
        return "Not sent: this type of order needs a price and a quantity, and no value."
    return ""


def _market_order_problem(order: NewOrder) -> str:
    if order.price is not None:
        return "Not sent: a MARKET order has no price."
    if (order.quantity is None) == (order.quote_quantity is None):
        return "Not sent: a MARKET order needs either a quantity or a value to spend."
    return ""


def _ids(order_id: str, client_order_id: str) -> list[tuple[str, str]]:
    named = (("orderId", order_id), ("origClientOrderId", client_order_id))
    return [(name, value) for name, value in named if value]


def _range(start_ms: int | None, end_ms: int | None) -> list[tuple[str, str]]:
    named = (("startTime", start_ms), ("endTime", end_ms))
    return [(name, str(value)) for name, value in named if value is not None]
