"""Stream messages: values with the exchange's meaning, and the formats of order books."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from mexc_tui.model.errors import DeskError
from mexc_tui.model.order import Side, StreamOrderStatus, StreamOrderType

MIN_PRICE = 1e-18
MAX_PRICE = 1e12
MAX_QUANTITY = 1e20
"""Bounds of plausible numbers; messages beyond them are rejected (reliability M7)."""

NS_PER_S = 1_000_000_000


class BadStreamMessage(DeskError, ValueError):
    """A stream message that is not trustworthy.

    Raised by decoders and the order book. Skip and count the message; an order book needs a new snapshot.
    """


class Strikes:
    """Counter of rejected messages of one topic: three within a minute make it stale (reliability M7)."""

    def __init__(self, limit: int = 3, window_s: float = 60) -> None:
        """Allow fewer than `limit` rejections within `window_s`."""
        self.total = 0
        self._window_ns = int(window_s * NS_PER_S)
        self._recent_ns: deque[int] = deque(maxlen=limit)

    def add(self, now_ns: int) -> bool:
        """Count one rejection; return whether the limit is reached."""
        self.total += 1
        self._recent_ns.append(now_ns)
        return self.are_out(now_ns)

    def are_out(self, now_ns: int) -> bool:
        """Return whether `limit` rejections occurred within the window that ends now."""
        recent = self._recent_ns
        return len(recent) == recent.maxlen and now_ns - recent[0] <= self._window_ns

    def clear(self) -> None:
        """Reset the recent rejections, keep the total."""
        self._recent_ns.clear()


class TextLevel(Protocol):
    """One level as text, as received. A quantity of zero deletes the level."""

    @property
    def price(self) -> str:
        """Quote units for one base unit."""
        ...

    @property
    def quantity(self) -> str:
        """Base units, absolute."""
        ...


class DepthDelta(Protocol):
    """Changed levels of the versions [from_version, to_version] (protocol 7.6, message 313)."""

    @property
    def asks(self) -> Sequence[TextLevel]:
        """Changed asks, in any order."""
        ...

    @property
    def bids(self) -> Sequence[TextLevel]:
        """Changed bids, in any order."""
        ...

    @property
    def from_version(self) -> str:
        """First version in the range."""
        ...

    @property
    def to_version(self) -> str:
        """Last version in the range."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDeal:
    """One public trade. `taker_side` None: an unknown number from the exchange."""

    symbol: str
    price: Decimal
    quantity: Decimal
    taker_side: Side | None
    time_ms: int
    trade_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BestQuote:
    """Best bid and ask; a side is None when it is empty, both are before a pair opens.

    `version` is 0 when the message had none, and so is `sent_ms`, when the exchange sent it.
    """

    symbol: str
    bid_price: Decimal | None
    bid_quantity: Decimal
    ask_price: Decimal | None
    ask_quantity: Decimal
    version: int
    sent_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TopLevels:
    """The best levels of both sides as (price, quantity), best first, at one version.

    `sent_ms`: when the exchange sent them; 0: not stated.
    """

    symbol: str
    asks: tuple[tuple[Decimal, Decimal], ...]
    bids: tuple[tuple[Decimal, Decimal], ...]
    version: int
    sent_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """State of one of the desk's orders. `type`, `side` and `status` are None for unknown numbers.

    `raw_status` 0 is a waiting stop order; 5 is terminal (protocol 5.3).
    """

    symbol: str
    order_id: str
    client_order_id: str
    type: StreamOrderType | None
    side: Side | None
    status: StreamOrderStatus | None
    raw_status: int
    price: Decimal
    quantity: Decimal
    amount: Decimal
    average_price: Decimal
    remaining_quantity: Decimal
    remaining_amount: Decimal
    filled_quantity: Decimal
    filled_amount: Decimal
    is_maker: bool
    created_ms: int
    sent_ms: int

    @property
    def is_terminal(self) -> bool:
        """Whether the order is closed."""
        done = (StreamOrderStatus.FILLED, StreamOrderStatus.CANCELED, StreamOrderStatus.PARTIALLY_CANCELED)
        return self.status in done


@dataclass(frozen=True, slots=True, kw_only=True)
class FillUpdate:
    """One of the desk's trades; `trade_id` identifies duplicates. `side` is the desk's own."""

    symbol: str
    trade_id: str
    order_id: str
    client_order_id: str
    side: Side | None
    price: Decimal
    quantity: Decimal
    amount: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    is_self_trade: bool
    time_ms: int
    sent_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceUpdate:
    """Balance of one asset after a change. `reason` is the exchange's text (ENTRUST_PLACE ...)."""

    asset: str
    coin_id: str
    available: Decimal
    available_change: Decimal
    frozen: Decimal
    frozen_change: Decimal
    reason: str
    time_ms: int
    sent_ms: int


PrivateUpdate = OrderUpdate | FillUpdate | BalanceUpdate
"""Updates of the user stream."""
