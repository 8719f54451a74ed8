"""Intents and orders (architecture 5; reliability 1.4)."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.order import OrderType, Side

ZERO = Decimal(0)


class OrderRole(StrEnum):
    """Purpose of an order."""

    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    STOP = "stop"
    CLOSE = "close"
    """Manual, by time, or by a warning of the risk monitor."""
    FLATTEN = "flatten"

    @property
    def reduces_risk(self) -> bool:
        """Whether only the exchange may block it (architecture 2.4)."""
        return self is not OrderRole.ENTRY


class OrderState(StrEnum):
    """`intent -> sent -> acknowledged -> partial -> cancelling -> filled | cancelled | partially_cancelled |
    rejected`; `unknown ->` any of these or `absent`; `foreign`: not ours.
    """

    INTENT = "intent"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    PARTIAL = "partial"
    CANCELLING = "cancelling"
    FILLED = "filled"
    CANCELLED = "cancelled"
    PARTIALLY_CANCELLED = "partially_cancelled"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    """Proven not to exist; later evidence may still revive it."""
    FOREIGN = "foreign"

    @property
    def is_terminal(self) -> bool:
        """Whether it is closed."""
        return self in _TERMINAL

    @property
    def is_on_exchange(self) -> bool:
        """Whether it is on the exchange, or may be."""
        return self in _LIVE


_TERMINAL = frozenset(
    {
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.PARTIALLY_CANCELLED,
        OrderState.REJECTED,
        OrderState.ABSENT,
    }
)
_LIVE = frozenset(
    {
        OrderState.SENT,
        OrderState.ACKNOWLEDGED,
        OrderState.PARTIAL,
        OrderState.CANCELLING,
        OrderState.UNKNOWN,
    }
)


class CloseReason(StrEnum):
    """Reason for closing a position, taken from the last sale."""

    NONE = ""
    STOP = "stop"
    TRAILING = "trailing"
    BREAK_EVEN = "break_even"
    LADDER = "ladder"
    TIME = "time"
    MANUAL = "manual"
    RISK_MONITOR = "guard"
    FLATTEN = "flatten"
    PRACTICE_END = "practice_end"
    """The practice session ended."""
    DUST = "dust"
    CORRECTED = "corrected"
    """Coins found missing from the account."""

    @classmethod
    def _missing_(cls, value: object) -> "CloseReason | None":
        """Read the names that databases before 0.2 contain."""
        return {"person": cls.MANUAL, "over": cls.PRACTICE_END}.get(str(value))

    @property
    def text(self) -> str:
        """Return the reason as text."""
        if self is CloseReason.MANUAL:
            return "manual close"
        return self.value.replace("_", " ") or "unknown reason"


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A durable intent to trade: it lists the client order ids of all attempts before the first is sent."""

    id: str
    role: OrderRole
    symbol: str
    base_asset: str
    quote_asset: str
    side: Side
    client_ids: tuple[str, ...]
    """Client order ids of its attempts, in order; no other id is ever sent for it."""
    spend_cap: Decimal = ZERO
    """Maximum cost of a buy, in quote units, over all attempts, fees included."""
    quantity: Decimal = ZERO
    """Maximum quantity of a sale, in base units, over all attempts."""
    reserved: Decimal = ZERO
    """Remaining reservation in quote units."""
    snipe_id: str = ""
    position_id: str = ""
    created_ms: int
    ended_ms: int | None = None
    reason: str
    """Why it was created; once closed, its result."""
    close_reason: CloseReason = CloseReason.NONE
    """Close reason of a sale; NONE: by its role."""
    rung: int = 0
    """Rung of the ladder (from 1) that a take-profit sells."""

    @property
    def is_open(self) -> bool:
        """Whether an attempt may still be sent or is unsettled."""
        return self.ended_ms is None


class Fee(msgspec.Struct, frozen=True, kw_only=True):
    """Cumulative fees of one order in one asset."""

    asset: str
    amount: Decimal
    value: Decimal = ZERO
    """Value in quote units when charged, where known; 0 for a fee in base units, which reduces the fill."""
    unvalued: Decimal = ZERO
    """Part of `amount` without a price yet."""


class ReportedTrades(msgspec.Struct, frozen=True):
    """Trades of one order as reported by one source. Sources use different trade ids: never add them up."""

    source: str
    quantity: Decimal = ZERO
    """Base units with a fee reported by this source."""
    fees: tuple[Fee, ...] = ()


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of an intent, or a foreign order. Filled numbers are cumulative."""

    client_order_id: str
    """Foreign orders without one use their order id."""
    intent_id: str
    symbol: str
    side: Side
    type: OrderType
    role: OrderRole
    state: OrderState
    order_id: str = ""
    price: Decimal | None = None
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    """Value to spend of a MARKET buy."""
    bound: Decimal | None = None
    """Cap of its intent: quote units of a buy, base units of a sale with lost terms."""
    has_excess: bool = False
    """Whether a report exceeded the order's terms; the excess is never booked."""
    filled_quantity: Decimal = ZERO
    filled_value: Decimal = ZERO
    """In quote units, before fees."""
    fees: tuple[Fee, ...] = ()
    trade_ids: tuple[str, ...] = ()
    """Ids of trades with a fee in `reported_trades`, as source:id, so that a repeated trade counts once."""
    reported_trades: tuple[ReportedTrades, ...] = msgspec.field(default=(), name="told")
    """Reported fees by source; `fees` has the highest of each asset."""
    snipe_id: str = ""
    position_id: str = ""
    created_ms: int
    sent_ms: int | None = None
    """Signed exchange time."""
    fence_ms: int | None = None
    """Exchange time after which a lost request can no longer take effect."""
    updated_ms: int = 0
    reason: str = ""
    """Reason for its state."""
    code: int | None = None
    """Error code of a rejection."""

    @property
    def average_price(self) -> Decimal | None:
        """Return the average price before fees; None: nothing filled."""
        return self.filled_value / self.filled_quantity if self.filled_quantity else None

    @property
    def open_quantity(self) -> Decimal:
        """Return the base units that may still be filled; 0 for an order by value."""
        if self.state.is_terminal or self.quantity is None:
            return ZERO
        return max(self.quantity - self.filled_quantity, ZERO)

    def fee_in(self, asset: str) -> Decimal:
        """Return the fee so far in one asset."""
        return next((fee.amount for fee in self.fees if fee.asset == asset), ZERO)
