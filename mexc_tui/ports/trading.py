"""Ports of trading: the account at the exchange, and the connection for time-critical orders.

Queries raise ExchangeError. Sends raise only cancellation and return one of four outcomes
(reliability 1.4); no layer below repeats a send.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from mexc_tui.model.account import Account, DustCandidate, DustConversion, KeyRights, TradeFee
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.model.order import NewOrder
from mexc_tui.model.outcome import Purpose, SendOutcome
from mexc_tui.model.report import CancelReport, OrderReport, PlacedOrder, TradeReport
from mexc_tui.model.rows import Rows
from mexc_tui.model.stream import BalanceUpdate, FillUpdate, OrderUpdate


class UserStreamSink(Protocol):
    """Receiver of the user stream: every update, in order of arrival. Calls never wait."""

    def on_order(self, update: OrderUpdate) -> None:
        """Receive the state of one of the account's orders."""
        ...

    def on_fill(self, fill: FillUpdate) -> None:
        """Receive one of the account's trades."""
        ...

    def on_balance(self, update: BalanceUpdate) -> None:
        """Receive a balance after a change."""
        ...

    def on_gap(self, *, is_closed: bool) -> None:
        """Report a gap: updates are being lost from now, or (closed) the stream is back after a gap."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """Measurement of the exchange's clock. `error_ms` bounds the error of `offset_ms` in both directions."""

    offset_ms: float
    """Exchange minus this machine's wall clock."""
    error_ms: float
    age_s: float
    warning: str = ""


@dataclass(frozen=True, slots=True)
class UserStreamState:
    """State of the user stream, for display and pre-trade checks."""

    is_live: bool
    reason: str = ""
    silent_ms: int | None = None
    """Time without messages on its connection; None: not connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOrder:
    """A signed order as bytes. It may be sent once."""

    order: NewOrder
    purpose: Purpose
    request: bytes
    timestamp_ms: int
    """Exchange time that was signed."""
    recv_window_ms: int

    def __repr__(self) -> str:
        """Return the order's id, never the bytes: they contain a signature."""
        return f"Shot({self.order.client_order_id}, {self.timestamp_ms})"


@dataclass(frozen=True, slots=True, kw_only=True)
class FireResult:
    """Outcome and timestamps of a send; monotonic nanoseconds, None: not reached."""

    outcome: SendOutcome[PlacedOrder]
    aim_ns: int | None = None
    woke_ns: int | None = None
    written_ns: int | None = None
    """When the last byte was handed to the operating system."""
    answered_ns: int | None = None


class FiringLine(Protocol):
    """A warm connection reserved for orders."""

    @property
    def is_warm(self) -> bool:
        """Return whether it is connected and was used recently."""
        ...

    @property
    def round_trip_ns(self) -> int | None:
        """Return the fastest recent round trip of a small request; None before the first."""
        ...

    async def warm(self) -> None:
        """Connect if necessary and measure the round trip. Raises ExchangeError."""
        ...

    def prepare(
        self, order: NewOrder, *, purpose: Purpose, timestamp_ms: int, recv_window_ms: int
    ) -> SignedOrder:
        """Build and sign a request, in microseconds. Raises ValueError for an order that cannot be sent."""
        ...

    async def fire_at(self, signed: SignedOrder, at_ns: int, may_send: Callable[[], bool]) -> FireResult:
        """Send at a time of the monotonic clock, never before it, and wait for the response.

        `may_send` is called immediately before the first byte; if it returns False, nothing is sent.
        """
        ...

    async def fire(self, signed: SignedOrder, may_send: Callable[[], bool]) -> FireResult:
        """Send at once and wait for the response."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


class TradingPort(Protocol):
    """The account's side of the exchange."""

    def now_ms(self) -> int:
        """Return the best estimate of exchange time."""
        ...

    def exchange_ns(self, exchange_ms: int) -> int:
        """Return the monotonic time at which the exchange's clock shows `exchange_ms`."""
        ...

    def clock(self) -> ClockReading | None:
        """Return the clock measurement; None: not measured yet."""
        ...

    async def place(
        self, order: NewOrder, *, purpose: Purpose, recv_window_ms: int | None = None
    ) -> SendOutcome[PlacedOrder]:
        """Place one order over an ordinary connection."""
        ...

    async def cancel(
        self, symbol: str, *, client_order_id: str = "", order_id: str = "", purpose: Purpose = Purpose.EXIT
    ) -> SendOutcome[CancelReport]:
        """Cancel one order by either id. The response proves nothing: query the order."""
        ...

    async def cancel_open(
        self, symbols: Sequence[str], *, purpose: Purpose = Purpose.EXIT
    ) -> SendOutcome[tuple[CancelReport, ...]]:
        """Cancel every open order of up to five pairs, foreign ones too."""
        ...

    async def order(
        self,
        symbol: str,
        *,
        client_order_id: str = "",
        order_id: str = "",
        purpose: Purpose = Purpose.ORDINARY,
    ) -> OrderReport:
        """Query one order. Rejected with -2013: not visible (yet), or never placed."""
        ...

    async def open_orders(
        self, symbols: Sequence[str] = (), *, purpose: Purpose = Purpose.ORDINARY
    ) -> Rows[OrderReport]:
        """Query open orders, of every pair if none is named."""
        ...

    async def all_orders(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        purpose: Purpose = Purpose.ORDINARY,
    ) -> Rows[OrderReport]:
        """Query all of a pair's orders within seven days. Raises for an incomplete list."""
        ...

    async def my_trades(
        self,
        symbol: str,
        *,
        order_id: str = "",
        start_ms: int | None = None,
        purpose: Purpose = Purpose.ORDINARY,
    ) -> Rows[TradeReport]:
        """Query all of the account's trades in a pair. Raises for an incomplete list."""
        ...

    async def account(self, *, purpose: Purpose = Purpose.ORDINARY) -> Account:
        """Query balances."""
        ...

    async def key_rights(self, *, purpose: Purpose = Purpose.ORDINARY) -> KeyRights:
        """Query the permissions of the account's key by harmless probes (reliability 4.3)."""
        ...

    async def trade_fee(self, symbol: str) -> TradeFee:
        """Query this account's trading fee of a pair."""
        ...

    async def depth(
        self, symbol: str, limit: int = 100, *, purpose: Purpose = Purpose.ORDINARY
    ) -> DepthSnapshot:
        """Query a pair's order book."""
        ...

    async def price(self, symbol: str) -> Decimal:
        """Query a pair's last price."""
        ...

    async def dust_candidates(self) -> tuple[DustCandidate, ...]:
        """Query the small balances that can be converted."""
        ...

    async def convert_dust(self, assets: Sequence[str]) -> SendOutcome[DustConversion]:
        """Convert small balances."""
        ...

    def weight_left(self, purpose: Purpose) -> int:
        """Return the request weight available at once for this purpose."""
        ...

    def orders_left(self, purpose: Purpose) -> int:
        """Return the number of order requests available at once for this purpose."""
        ...

    def ban(self) -> str:
        """Return the active ban as text; empty: none."""
        ...

    async def run_private(self, sink: UserStreamSink) -> None:
        """Serve the user stream until cancelled."""
        ...

    def probe_private(self) -> None:
        """Ping the private connection now, so that the next check has a current state."""
        ...

    def private_state(self) -> UserStreamState:
        """Return the state of the user stream."""
        ...

    def line(self) -> FiringLine:
        """Return a new firing line, not connected yet; the caller closes it."""
        ...
