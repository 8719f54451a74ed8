"""Orders of ours, from the wish to the end (architecture 5; reliability 1.4)."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.order import OrderType, Side

ZERO = Decimal(0)


class OrderRole(StrEnum):
    """What an order is for."""

    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    STOP = "stop"
    CLOSE = "close"
    """By hand, by time, or by a warning."""
    FLATTEN = "flatten"

    @property
    def reduces_risk(self) -> bool:
        """Whether nothing but the exchange may refuse it (architecture 2.4)."""
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
    """Proven not to exist; evidence may still revive it."""
    FOREIGN = "foreign"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more is expected of it."""
        return self in _TERMINAL

    @property
    def is_on_exchange(self) -> bool:
        """Whether it rests there, or may."""
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
    """What ended a position; the last sale decides."""

    NONE = ""
    STOP = "stop"
    TRAILING = "trailing"
    BREAK_EVEN = "break_even"
    LADDER = "ladder"
    TIME = "time"
    MANUAL = "person"
    GUARD = "guard"
    FLATTEN = "flatten"
    PRACTICE_END = "over"
    """The practice day ended."""
    DUST = "dust"
    CORRECTED = "corrected"
    """Found gone from the account."""

    @property
    def words(self) -> str:
        """Return the reason as text."""
        if self is CloseReason.MANUAL:
            return "manual close"
        return self.value.replace("_", " ") or "unknown reason"


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A durable wish to trade, for every attempt: their client ids stand in it before the first is sent."""

    id: str
    role: OrderRole
    symbol: str
    base_asset: str
    quote_asset: str
    side: Side
    client_ids: tuple[str, ...]
    """Of its attempts, in their order; no other id is ever sent for it."""
    spend_cap: Decimal = ZERO
    """A buy's most, in quote units, over all attempts together, fees included."""
    quantity: Decimal = ZERO
    """A sell's most, in base units, over all attempts together."""
    reserved: Decimal = ZERO
    """Quote units still held back for it."""
    snipe_id: str = ""
    position_id: str = ""
    created_ms: int
    ended_ms: int | None = None
    reason: str
    """Why it is there; once it ended, how."""
    close_reason: CloseReason = CloseReason.NONE
    """Of a sale: what it makes of the position's end; NONE: what its role says."""
    rung: int = 0
    """Of a take-profit: the rung of the ladder (from 1) that it sells."""

    @property
    def is_open(self) -> bool:
        """Whether an attempt may still be sent or is unsettled."""
        return self.ended_ms is None


class Fee(msgspec.Struct, frozen=True):
    """Fees of one order in one asset, so far."""

    asset: str
    amount: Decimal
    value: Decimal = ZERO
    """Worth in quote units when it was paid, as far as known; 0 for a fee in base units: that takes coins."""
    unvalued: Decimal = ZERO
    """How much of `amount` still waits for a price."""


class ReportedTrades(msgspec.Struct, frozen=True):
    """Trades of one order as one source told them. Sources name trades differently: never add them up."""

    source: str
    quantity: Decimal = ZERO
    """Base units whose fee this source told."""
    fees: tuple[Fee, ...] = ()


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of an intent, or (foreign) somebody else's order. Filled numbers are cumulative."""

    client_order_id: str
    """Foreign orders without one are kept under their order id."""
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
    """What a MARKET buy spends."""
    bound: Decimal | None = None
    """The most that its intent allows: quote units of a buy, base units of a sale with lost terms."""
    has_excess: bool = False
    """Whether some report went beyond what was ordered; that is never booked."""
    filled_quantity: Decimal = ZERO
    filled_value: Decimal = ZERO
    """In quote units, before fees."""
    fees: tuple[Fee, ...] = ()
    trade_ids: tuple[str, ...] = ()
    """Trades whose fee is in `told`, after the source and a colon: a trade told twice counts once."""
    told: tuple[ReportedTrades, ...] = ()
    """Fees by source; `fees` has the highest of each asset."""
    snipe_id: str = ""
    position_id: str = ""
    created_ms: int
    sent_ms: int | None = None
    """Exchange time that it was signed with."""
    fence_ms: int | None = None
    """Exchange time after which a lost request can no longer come to life."""
    updated_ms: int = 0
    reason: str = ""
    """Why it is in this state, in plain words."""
    code: int | None = None
    """The exchange's, of a refusal."""

    @property
    def average_price(self) -> Decimal | None:
        """What was paid or got for one base unit, before fees; None while nothing is filled."""
        return self.filled_value / self.filled_quantity if self.filled_quantity else None

    @property
    def open_quantity(self) -> Decimal:
        """Base units that may still be filled; 0 for an order by value."""
        if self.state.is_terminal or self.quantity is None:
            return ZERO
        return max(self.quantity - self.filled_quantity, ZERO)

    def fee_in(self, asset: str) -> Decimal:
        """Return what was paid so far in one asset."""
        return next((fee.amount for fee in self.fees if fee.asset == asset), ZERO)
