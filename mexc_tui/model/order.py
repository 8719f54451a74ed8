"""Order types, sides and statuses of MEXC and the desk."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum


class Side(StrEnum):
    """Side of an order."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """Order types of the REST API (protocol 5.1). IOC and FOK are types, not a time in force."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    IMMEDIATE_OR_CANCEL = "IMMEDIATE_OR_CANCEL"
    FILL_OR_KILL = "FILL_OR_KILL"
    MARKET = "MARKET"


class StreamOrderType(IntEnum):
    """The same types as numbers on the user stream (protocol 5.1)."""

    LIMIT = 1
    POST_ONLY = 2
    IMMEDIATE_OR_CANCEL = 3
    FILL_OR_KILL = 4
    MARKET = 5


class OrderStatus(StrEnum):
    """Statuses of the REST API (protocol 5.3)."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PARTIALLY_CANCELED = "PARTIALLY_CANCELED"
    UNKNOWN = "UNKNOWN"
    """Placeholder for an undocumented status: query again, conclude nothing."""

    @classmethod
    def _missing_(cls, value: object) -> "OrderStatus | None":
        return cls.UNKNOWN if isinstance(value, str) else None

    @property
    def is_terminal(self) -> bool:
        """Whether the order is closed."""
        return self in _TERMINAL


_TERMINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.PARTIALLY_CANCELED})


class StreamOrderStatus(IntEnum):
    """The same statuses as numbers on the user stream; note that 2 is FILLED and 3 PARTIALLY_FILLED."""

    NEW = 1
    FILLED = 2
    PARTIALLY_FILLED = 3
    CANCELED = 4
    PARTIALLY_CANCELED = 5


class StpMode(Enum):
    """Self-trade prevention; effective only within a strategy group (protocol 4.4)."""

    NONE = ""
    CANCEL_MAKER = "cancel_maker"
    CANCEL_TAKER = "cancel_taker"
    CANCEL_BOTH = "cancel_both"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to place. `quantity` is base units, `quote_quantity` quote units to spend."""

    symbol: str
    side: Side
    type: OrderType
    client_order_id: str = ""
    price: Decimal | None = None
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    stp_mode: StpMode = StpMode.NONE
