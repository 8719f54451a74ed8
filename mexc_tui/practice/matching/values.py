"""Values of a practice session: plain types, Decimals for money."""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import msgspec

from mexc_tui.model.errors import DeskError
from mexc_tui.model.order import OrderStatus, OrderType, Side, StpMode

ZERO = Decimal(0)


class PracticeRefusal(DeskError):
    """The practice exchange refuses a request (protocol 6.1).

    Raised by the handlers. The server responds with `code` (text in a few cases) and `message`.
    """

    def __init__(self, code: int | str, message: str, status: int = 400) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status


class BookChangeKind(StrEnum):
    """Reason of a balance change; the `type` of account pushes (protocol 5.4, 7.6)."""

    PLACE = "ENTRUST_PLACE"
    TRADE = "ENTRUST"
    UNFROZEN = "ENTRUST_UNFROZEN"
    CANCEL = "ENTRUST_CANCEL"
    FEE = "TRADE_FEE"
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    CONVERT = "SUGAR"


class PracticeLevel(NamedTuple):
    """One price of a book, `quantity` in base units."""

    price: Decimal
    quantity: Decimal


class Depth(NamedTuple):
    """A snapshot of a book, best first; `version` is REST's lastUpdateId, inclusive (protocol 8.1)."""

    version: int
    bids: list[PracticeLevel]
    asks: list[PracticeLevel]
    time_ms: int


class BookTop(NamedTuple):
    """Best quotes; None where a side is empty."""

    bid: PracticeLevel | None
    ask: PracticeLevel | None
    version: int


class PracticeTrade(NamedTuple):
    """One public trade. `trade_id` has the form `<18 digits>X1` and grows (protocol 15)."""

    price: Decimal
    quantity: Decimal
    time_ms: int
    taker_side: Side
    trade_id: str


class Candle(NamedTuple):
    """One candle; `close_ms` equals the next open (protocol 4.3)."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    close_ms: int
    quote_volume: Decimal


class Ticker(NamedTuple):
    """The last 24 hours of a pair."""

    symbol: str
    last: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    quote_volume: Decimal
    top: BookTop
    open_ms: int
    close_ms: int


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """State of an order of the account after an event. Each later event makes a new record."""

    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    price: Decimal
    """The limit, or a MARKET order's protection price."""
    quantity: Decimal
    """Base units ordered; 0 for a MARKET buy by quote amount."""
    quote_quantity: Decimal
    """price x quantity, or the amount to spend of a MARKET buy by quote amount."""
    status: OrderStatus = OrderStatus.NEW
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    last_fill_quantity: Decimal | None = None
    is_maker: bool = False
    """Of the last fill."""
    stp_mode: StpMode = StpMode.NONE
    cancel_reason: str = ""
    created_ms: int
    updated_ms: int | None = None
    visible_from_ms: int
    """Before this, queries do not return the order (knob `visibility_ms`)."""

    @property
    def average_price(self) -> Decimal:
        """Quote paid per base unit so far; 0 before fills."""
        return self.executed_quote / self.executed if self.executed else ZERO

    @property
    def remaining_quantity(self) -> Decimal:
        """Base units not filled; 0 for a MARKET buy by quote amount."""
        return max(self.quantity - self.executed, ZERO)

    @property
    def remaining_quote(self) -> Decimal:
        """Order amount not filled, in quote."""
        return max(self.quote_quantity - self.executed_quote, ZERO)


class Fill(NamedTuple):
    """One trade of the account: myTrades and the private deals stream."""

    symbol: str
    trade_id: str
    order_id: str
    client_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    fee: Decimal
    fee_asset: str
    time_ms: int
    is_maker: bool
    is_self_trade: bool


class PracticeBalance(NamedTuple):
    """Balance of one asset; total = free + locked."""

    asset: str
    free: Decimal
    locked: Decimal


class BalanceChange(NamedTuple):
    """One movement of a balance: the account stream. `coin_id` is 32 hex."""

    asset: str
    coin_id: str
    free: Decimal
    free_change: Decimal
    locked: Decimal
    locked_change: Decimal
    kind: BookChangeKind
    time_ms: int


class PracticeCalendarEntry(NamedTuple):
    """One row of the new coin calendar (protocol 10.1)."""

    coin_id: str
    base: str
    full_name: str
    first_open_ms: int
    zone: str
    introduction: str


class PracticeWebSymbol(NamedTuple):
    """One row of symbolsV2 (protocol 10.2); `state` is sts, `spot` st, `trading` tt."""

    symbol_id: str
    market_coin_id: str
    coin_id: str
    base: str
    quote: str
    full_name: str
    state: int
    spot: int
    trading: int
    price_scale: int
    quantity_scale: int
    opens_ms: int
    contract_address: str


class PracticeAnnouncement(NamedTuple):
    """One entry of /announcements, newest first in lists."""

    title: str
    url: str
    posted_ms: int


class PracticeDust(NamedTuple):
    """A small balance and its value after conversion (protocol 4.5, capital/convert/list)."""

    asset: str
    balance: Decimal
    value_mx: Decimal
    value_usdt: Decimal
    coin_id: str


class FailedConversion(NamedTuple):
    """One asset that was not converted."""

    asset: str
    message: str
    code: str


class Conversion(NamedTuple):
    """Result of capital/convert: MX received and the fee in MX."""

    converted: list[str]
    failed: list[FailedConversion]
    total_mx: Decimal
    fee_mx: Decimal
