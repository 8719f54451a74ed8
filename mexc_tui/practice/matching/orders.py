"""Orders and trades of the account."""

from collections import OrderedDict, deque

from mexc_tui.practice.matching.intervals import DAY_MS
from mexc_tui.practice.matching.values import Fill, OrderRecord, PracticeRefusal

MAX_ORDERS = 20_000
MAX_FILLS = 20_000
ALL_ORDERS_MS = 7 * DAY_MS
"""Age limit of queries (protocol 4.4)."""
MY_TRADES_MS = 30 * DAY_MS
MY_TRADES_LIMIT = 100
ALL_ORDERS_LIMIT = 1_000


class OrderLog:
    """Latest record of each order, and fills; old ones are dropped."""

    def __init__(self) -> None:
        self._orders: OrderedDict[str, OrderRecord] = OrderedDict()
        self._by_client_id: dict[tuple[str, str], str] = {}
        self._open: dict[str, OrderRecord] = {}
        self._fills: deque[Fill] = deque(maxlen=MAX_FILLS)

    def put(self, order: OrderRecord) -> None:
        """Record the current state of an order."""
        is_new = order.order_id not in self._orders
        self._orders[order.order_id] = order
        if is_new and order.client_order_id:
            self._by_client_id[order.symbol, order.client_order_id] = order.order_id
        if order.status.is_terminal:
            self._open.pop(order.order_id, None)
        else:
            self._open[order.order_id] = order
        if is_new and len(self._orders) > MAX_ORDERS:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        for order_id, order in self._orders.items():
            if order_id not in self._open:
                del self._orders[order_id]
                key = (order.symbol, order.client_order_id)
                if self._by_client_id.get(key) == order_id:
                    del self._by_client_id[key]
                return

    def add_fill(self, fill: Fill) -> None:
        """Record a trade."""
        self._fills.append(fill)

    def find(self, symbol: str, order_id: str, client_order_id: str) -> OrderRecord | None:
        """Find an order by either id; a duplicate client id returns the newest."""
        key = order_id or self._by_client_id.get((symbol, client_order_id), "")
        order = self._orders.get(key)
        return order if order is not None and order.symbol == symbol else None

    def visible(self, symbol: str, order_id: str, client_order_id: str, *, now_ms: int) -> OrderRecord:
        """Find an order that queries may return; PracticeRefusal -2013 if it is not visible yet."""
        order = self.find(symbol, order_id, client_order_id)
        if order is None or order.visible_from_ms > now_ms or order.created_ms < now_ms - ALL_ORDERS_MS:
            raise PracticeRefusal(-2013, "Order does not exist.")
        return order

    def is_used(self, symbol: str, client_order_id: str) -> bool:
        """Whether this client id was used before."""
        return (symbol, client_order_id) in self._by_client_id

    def open_count(self) -> int:
        """Return the number of open orders, visible or not."""
        return len(self._open)

    def open_now(self, symbol: str | None = None) -> list[OrderRecord]:
        """Return open orders, visible or not, oldest first."""
        return [order for order in self._open.values() if symbol in (None, order.symbol)]

    def open_visible(self, symbol: str | None, now_ms: int) -> list[OrderRecord]:
        """Return visible open orders, newest first."""
        return [order for order in reversed(self.open_now(symbol)) if order.visible_from_ms <= now_ms]

    def history(
        self, symbol: str, start_ms: int | None, end_ms: int | None, *, limit: int, now_ms: int
    ) -> list[OrderRecord]:
        """Return orders of the last 24 hours or of the window, newest first."""
        lo_ms = max(start_ms if start_ms is not None else now_ms - DAY_MS, now_ms - ALL_ORDERS_MS)
        hi_ms = end_ms if end_ms is not None else now_ms
        found: list[OrderRecord] = []
        for order in reversed(self._orders.values()):
            if order.symbol != symbol or order.visible_from_ms > now_ms:
                continue
            if lo_ms <= order.created_ms <= hi_ms:
                found.append(order)
        return found[: min(limit, ALL_ORDERS_LIMIT)]

    def trades(
        self, symbol: str, order_id: str, start_ms: int | None, *, end_ms: int | None, limit: int, now_ms: int
    ) -> list[Fill]:
        """Return the account's trades, newest first, at most 100 and a month back."""
        lo_ms = max(start_ms or 0, now_ms - MY_TRADES_MS)
        hi_ms = end_ms if end_ms is not None else now_ms
        found = [
            fill
            for fill in reversed(self._fills)
            if fill.symbol == symbol and order_id in ("", fill.order_id) and lo_ms <= fill.time_ms <= hi_ms
        ]
        return found[: min(limit, MY_TRADES_LIMIT)]
