"""Table of orders: the desk's own, and unknown ones of the account."""

from mexc_tui.model.intent import Order, OrderState
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.sealed import SealedTable, or_null

ORDERS = SealedTable(
    "orders",
    "scope client_order_id order_id symbol state is_open intent_id snipe_id position_id created_ms",
    Order,
    what="order",
    key="scope client_order_id",
)


class OrderRows:
    """Orders by client order id."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def save(self, order: Order) -> None:
        """Store an order as it is now."""
        is_open = not order.state.is_terminal and order.state is not OrderState.FOREIGN
        ORDERS.save(
            self._rows,
            order,
            self._scope,
            order.client_order_id,
            or_null(order.order_id),
            order.symbol,
            order.state.value,
            int(is_open),
            or_null(order.intent_id),
            or_null(order.snipe_id),
            or_null(order.position_id),
            order.created_ms,
        )

    def get(self, client_order_id: str) -> Order | None:
        """Return one order."""
        sql = "WHERE scope = ? AND client_order_id = ?"
        return ORDERS.one(self._rows, sql, self._scope, client_order_id)

    def by_order_id(self, order_id: str) -> Order | None:
        """Return an order by its exchange order id; the first stored one of several."""
        sql = "WHERE scope = ? AND order_id = ? ORDER BY number LIMIT 1"
        return ORDERS.one(self._rows, sql, self._scope, order_id)

    def open(self, symbol: str = "") -> list[Order]:
        """Return the desk's open orders of one pair or of all, oldest first."""
        sql = "WHERE scope = ? AND is_open = 1 ORDER BY created_ms, number"
        orders = ORDERS.many(self._rows, sql, self._scope)
        return [order for order in orders if symbol in ("", order.symbol)]

    def live(self, symbol: str = "") -> list[Order]:
        """Return the desk's orders that are, or may be, on the exchange."""
        return [order for order in self.open(symbol) if order.state.is_on_exchange]

    def of_intent(self, intent_id: str) -> list[Order]:
        """Return the orders of an intent, oldest first."""
        sql = "WHERE scope = ? AND intent_id = ? ORDER BY created_ms, number"
        return ORDERS.many(self._rows, sql, self._scope, intent_id)

    def of_position(self, position_id: str) -> list[Order]:
        """Return the orders of a position, oldest first."""
        sql = "WHERE scope = ? AND position_id = ? ORDER BY created_ms, number"
        return ORDERS.many(self._rows, sql, self._scope, position_id)

    def foreign(self, limit: int = 100) -> list[Order]:
        """Return unknown orders of the account, including closed ones, newest first."""
        sql = "WHERE scope = ? AND intent_id IS NULL ORDER BY created_ms DESC LIMIT ?"
        return ORDERS.many(self._rows, sql, self._scope, limit)

    def page(
        self, before_ms: int = 2**62, before_id: str = "", limit: int = 100, *, symbol: str = ""
    ) -> list[Order]:
        """Return the orders before the one with this creation time and client order id, newest first."""
        newest = (
            "(created_ms, client_order_id) < (?, ?) ORDER BY created_ms DESC, client_order_id DESC LIMIT ?"
        )
        before = (before_ms, before_id, limit)
        if symbol:
            where = "WHERE scope = ? AND symbol = ? AND " + newest
            return ORDERS.many(self._rows, where, self._scope, symbol, *before)
        return ORDERS.many(self._rows, "WHERE scope = ? AND " + newest, self._scope, *before)
