"""Orders: placing, cancelling, asking (protocol 4.4, 5). Changes are sent once or not at all."""

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

# Longer ids and other characters risk a refusal (protocol 4.4).
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class RestOrders:
    """Everything about orders. Questions raise ExchangeError; sends return one of four outcomes."""

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
        """Place one order. The response holds its id, never its status or fills.

        Without a window and a deadline of its own it gets the client's.
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
        """Have an order checked without placing it. Raises RequestRefused with the reason."""
        await self._requester.call(routes.TEST_ORDER, nothing, order_params(order))

    async def cancel(
        self,
        symbol: str,
        *,
        order_id: str = "",
        client_order_id: str = "",
        purpose: Purpose = Purpose.EXIT,
    ) -> SendOutcome[CancelReport]:
        """Cancel one order by either id; a cancel that hangs is sent a second time.

        Accepted is no proof, and -2011 no end: ask for the order.
        """
        if not (order_id or client_order_id):
            return NotSent("Not sent: a cancel needs an order id or a client order id.")
        params = [("symbol", symbol), *_ids(order_id, client_order_id)]
        return await send_repeatable(
            self._requester, routes.CANCEL_ORDER, _CANCELLED, params, purpose=purpose
        )

    async def cancel_open(
        self, symbols: Sequence[str], *, purpose: Purpose = Purpose.EXIT
    ) -> SendOutcome[tuple[CancelReport, ...]]:
        """Cancel all open orders of up to five pairs (newer pages say one: give one to be sure)."""
        if not 1 <= len(symbols) <= CANCEL_SYMBOLS:
            return NotSent(f"Not sent: name 1 to {CANCEL_SYMBOLS} pairs.")
        params = [("symbol", ",".join(symbols))]
        route, read = routes.CANCEL_OPEN_ORDERS, _ALL_CANCELLED
        return await send_repeatable(self._requester, route, read, params, purpose=purpose)

    async def order(
        self,
        symbol: str,
        *,
        order_id: str = "",
        client_order_id: str = "",
        purpose: Purpose = Purpose.ORDINARY,
    ) -> OrderReport:
        """One order of the last seven days. Refused with -2013 may only mean "not visible yet"."""
        params = [("symbol", symbol), *_ids(order_id, client_order_id)]
        return await self._requester.get(routes.QUERY_ORDER, _ORDER, params, purpose=purpose)

    async def open_orders(
        self, symbols: Sequence[str] = (), *, purpose: Purpose = Purpose.ORDINARY
    ) -> Rows[OrderReport]:
        """Open orders, newest first; of every pair if none is named."""
        query = ",".join(symbols)
        params = [("symbol", query)] if symbols else []
        return await self._list(routes.OPEN_ORDERS, _ORDERS, params, purpose, query)

    async def all_orders(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = MAX_HISTORY,
        purpose: Purpose = Purpose.ORDINARY,
    ) -> Rows[OrderReport]:
        """Orders of a pair, newest first: of the last day unless a range within seven days is given."""
        params = [("symbol", symbol), *_range(start_ms, end_ms), ("limit", str(limit))]
        return await self._list(routes.ALL_ORDERS, _ORDERS, params, purpose, symbol)

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
        """Fills of the last month, at most 100 a call."""
        params = [
            ("symbol", symbol),
            *_ids(order_id, ""),
            *_range(start_ms, end_ms),
            ("limit", str(limit)),
        ]
        return await self._list(routes.MY_TRADES, _MY_TRADES, params, purpose, symbol)

    async def _list(
        self,
        route: Route,
        reader: RowReader[T],
        params: Sequence[tuple[str, str]],
        purpose: Purpose,
        query: str,
    ) -> Rows[T]:
        """Read a list; malformed rows are skipped, counted and shown as those of `about`."""
        found = await self._requester.get(route, reader.list, params, purpose=purpose)
        self._requester.skipped.record(route, found.skipped, len(found), query)
        return found


def order_params(order: NewOrder) -> list[tuple[str, str]]:
    """Return an order's parameters in the order they are sent."""
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
    """Print a number without an exponent, keeping its decimals."""
    return f"{number:f}"


def order_problem(order: NewOrder) -> str:
    """Say why an order cannot be sent as it is; empty if it can (protocol 4.4)."""
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
