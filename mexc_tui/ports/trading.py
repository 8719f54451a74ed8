"""Ports of trading: the account at the exchange, and the connection that fires, as the workers ask them.

Questions raise ExchangeError. Sends raise nothing but cancellation and return one of four outcomes
(reliability 1.4); none is ever repeated by anything below.
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
    """Who is told what the private stream brings, in order of arrival, nothing dropped. Calls do not wait."""

    def on_order(self, update: OrderUpdate) -> None:
        """Take the state of one of the account's orders."""
        ...

    def on_fill(self, fill: FillUpdate) -> None:
        """Take one of the account's trades."""
        ...

    def on_balance(self, update: BalanceUpdate) -> None:
        """Take a balance after a change."""
        ...

    def on_gap(self, *, is_closed: bool) -> None:
        """Messages are being lost from now; or (closed) they come again, and what was before is lost."""
        ...


@dataclass(frozen=True, slots=True)
class ClockReading:
    """How well the exchange's clock is known. `error_ms` bounds the error of `offset_ms` either way."""

    offset_ms: float
    """Exchange minus this machine's wall clock."""
    error_ms: float
    age_s: float
    warning: str = ""


@dataclass(frozen=True, slots=True)
class UserStreamState:
    """The private stream for display and gates."""

    is_live: bool
    reason: str = ""
    silent_ms: int | None = None
    """How long nothing came on its connection; None: it has none."""


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order as bytes, signed. It may be fired once."""

    order: NewOrder
    purpose: Purpose
    request: bytes
    timestamp_ms: int
    """Exchange time that it is signed with."""
    recv_window_ms: int

    def __repr__(self) -> str:
        """Name the order, never the bytes: they hold a signature."""
        return f"Shot({self.order.client_order_id}, {self.timestamp_ms})"


@dataclass(frozen=True, slots=True)
class FireResult:
    """What became of a shot, and when; monotonic nanoseconds, None where it did not come to that."""

    outcome: SendOutcome[PlacedOrder]
    aim_ns: int | None = None
    woke_ns: int | None = None
    written_ns: int | None = None
    """Last byte handed to the system."""
    answered_ns: int | None = None


class FiringLine(Protocol):
    """One warm connection that is kept for orders alone."""

    @property
    def is_warm(self) -> bool:
        """Whether it is connected and was used lately."""
        ...

    @property
    def round_trip_ns(self) -> int | None:
        """Return the fastest recent round trip of a small request; None before the first."""
        ...

    async def warm(self) -> None:
        """Connect if need be, and measure the round trip. Raises ExchangeError."""
        ...

    def prepare(
        self, order: NewOrder, *, purpose: Purpose, timestamp_ms: int, recv_window_ms: int
    ) -> SignedOrder:
        """Build and sign a request, in microseconds. Raises ValueError for an order that cannot be sent."""
        ...

    async def fire_at(self, signed: SignedOrder, at_ns: int, may_send: Callable[[], bool]) -> FireResult:
        """Write a shot at a moment of the monotonic clock, never before it; wait for the answer.

        `may_send` is asked immediately before the first byte: if not, nothing is sent.
        """
        ...

    async def fire(self, signed: SignedOrder, may_send: Callable[[], bool]) -> FireResult:
        """Write a shot at once; wait for the answer."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


class TradingPort(Protocol):
    """The account's side of the exchange."""

    def now_ms(self) -> int:
        """Return the exchange's time as known best."""
        ...

    def exchange_ns(self, exchange_ms: int) -> int:
        """Return the moment of the monotonic clock at which the exchange's clock shows `exchange_ms`."""
        ...

    def clock(self) -> ClockReading | None:
        """Return how well that is known; None before the first measurement."""
        ...

    async def place(
        self, order: NewOrder, *, purpose: Purpose, recv_window_ms: int | None = None
    ) -> SendOutcome[PlacedOrder]:
        """Place one order over an ordinary connection."""
        ...

    async def cancel(
        self, symbol: str, *, client_order_id: str = "", order_id: str = "", purpose: Purpose = Purpose.EXIT
    ) -> SendOutcome[CancelReport]:
        """Cancel one order by either id. No answer proves anything: ask for the order."""
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
        """Ask for one order. Refused with -2013: not visible (yet), or never placed."""
        ...

    async def open_orders(
        self, symbols: Sequence[str] = (), *, purpose: Purpose = Purpose.ORDINARY
    ) -> Rows[OrderReport]:
        """Ask for open orders, of every pair if none is named."""
        ...

    async def all_orders(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        purpose: Purpose = Purpose.ORDINARY,
    ) -> Rows[OrderReport]:
        """Ask for all of a pair's orders within seven days; an error if they are not all told."""
        ...

    async def my_trades(
        self,
        symbol: str,
        *,
        order_id: str = "",
        start_ms: int | None = None,
        purpose: Purpose = Purpose.ORDINARY,
    ) -> Rows[TradeReport]:
        """Ask for all of the account's trades in a pair; an error if they are not all told."""
        ...

    async def account(self, *, purpose: Purpose = Purpose.ORDINARY) -> Account:
        """Ask for balances."""
        ...

    async def key_rights(self, *, purpose: Purpose = Purpose.ORDINARY) -> KeyRights:
        """Ask what the account's key may do, by harmless probes (reliability 4.3)."""
        ...

    async def trade_fee(self, symbol: str) -> TradeFee:
        """Ask what trading a pair costs this account."""
        ...

    async def depth(
        self, symbol: str, limit: int = 100, *, purpose: Purpose = Purpose.ORDINARY
    ) -> DepthSnapshot:
        """Ask for a pair's book."""
        ...

    async def price(self, symbol: str) -> Decimal:
        """Ask for a pair's last price."""
        ...

    async def dust_candidates(self) -> tuple[DustCandidate, ...]:
        """Ask which small balances may be converted."""
        ...

    async def convert_dust(self, assets: Sequence[str]) -> SendOutcome[DustConversion]:
        """Convert small balances."""
        ...

    def weight_left(self, purpose: Purpose) -> int:
        """Return how much weight may be used at once for this purpose."""
        ...

    def orders_left(self, purpose: Purpose) -> int:
        """Return how many order calls may be made at once for this purpose."""
        ...

    def ban(self) -> str:
        """Return the ban in force, in words; empty: none."""
        ...

    async def run_private(self, sink: UserStreamSink) -> None:
        """Serve the private stream until cancelled."""
        ...

    def probe_private(self) -> None:
        """Ping the private connection now, so that the next look knows whether it lives."""
        ...

    def private_state(self) -> UserStreamState:
        """Return how the private stream is."""
        ...

    def line(self) -> FiringLine:
        """Return a firing line of its own, not connected yet; the caller closes it."""
        ...
