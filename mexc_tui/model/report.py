"""Reports of orders and trades over REST (protocol 4.4, 4.5)."""

from decimal import Decimal

import msgspec

from mexc_tui.model.answer import EndpointResponse, Ms
from mexc_tui.model.order import OrderStatus, OrderType, Side

_TYPES = {kind.value: kind for kind in OrderType}


class PlacedOrder(EndpointResponse, frozen=True):
    """POST order: has no status and no fills. For MARKET the price is the protection price."""

    order_id: str
    symbol: str
    price: Decimal | None = None
    quantity: Decimal | None = msgspec.field(name="origQty", default=None)
    type: str | None = None
    side: str | None = None
    transact_time: Ms | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.order_id:
            raise ValueError("`orderId` is empty")


class OrderReport(EndpointResponse, frozen=True):
    """GET order, openOrders, allOrders. Authoritative, with a short delay."""

    symbol: str
    order_id: str
    status: OrderStatus
    type: str
    """As sent: orders placed on the web site have other types. Use `order_type`."""
    side: Side
    quantity: Decimal = msgspec.field(name="origQty")
    filled_quantity: Decimal = msgspec.field(name="executedQty")
    filled_value: Decimal = msgspec.field(name="cummulativeQuoteQty")
    """In quote units, before fees."""
    price: Decimal | None = None
    client_order_id: str | None = None
    time: Ms | None = None
    update_time: Ms | None = None
    quote_quantity: Decimal | None = msgspec.field(name="origQuoteOrderQty", default=None)
    stp_mode: str | None = None
    cancel_reason: str | None = None
    """`stp_cancel`: self-trade prevention cancelled it."""

    @property
    def order_type(self) -> OrderType | None:
        """Return the type; None: not available through the API."""
        return _TYPES.get(self.type)


class CancelReport(EndpointResponse, frozen=True):
    """DELETE order and openOrders. The status may predate the cancel: conclude nothing from it."""

    symbol: str
    order_id: str
    client_order_id: str | None = None
    orig_client_order_id: str | None = None
    price: Decimal | None = None
    quantity: Decimal | None = msgspec.field(name="origQty", default=None)
    filled_quantity: Decimal | None = msgspec.field(name="executedQty", default=None)
    filled_value: Decimal | None = msgspec.field(name="cummulativeQuoteQty", default=None)
    status: OrderStatus | None = None
    type: str | None = None
    side: str | None = None


class TradeReport(EndpointResponse, frozen=True):
    """GET myTrades. Used for prices and fees; quantities come from orders (reliability 1.3)."""

    symbol: str
    id: str
    order_id: str
    price: Decimal
    quantity: Decimal = msgspec.field(name="qty")
    value: Decimal = msgspec.field(name="quoteQty")
    time: Ms
    is_buyer: bool
    is_maker: bool
    fee: Decimal | None = msgspec.field(name="commission", default=None)
    fee_asset: str | None = msgspec.field(name="commissionAsset", default=None)
    is_self_trade: bool | None = None
    client_order_id: str | None = None
