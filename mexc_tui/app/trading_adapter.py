"""Implements the engine's trading port with REST client, user stream and firing connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import aiohttp

from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.limits.clock_offset import ClockOutOfBounds
from mexc_tui.exchange.limits.rate_windows import LaneName
from mexc_tui.exchange.rest.orders import MAX_HISTORY, MAX_TRADES
from mexc_tui.exchange.rest.paging import read_all
from mexc_tui.exchange.rest.routes import ALL_ORDERS, MY_TRADES
from mexc_tui.exchange.streams.listen_key import KeyRecord
from mexc_tui.exchange.streams.shard import ShardState, StreamGap
from mexc_tui.exchange.streams.socket import SocketTimings
from mexc_tui.exchange.streams.user_stream import UserStream
from mexc_tui.model.account import Account, DustCandidate, DustConversion, KeyRights, TradeFee
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.model.order import NewOrder
from mexc_tui.model.outcome import Purpose, SendOutcome
from mexc_tui.model.report import CancelReport, OrderReport, PlacedOrder, TradeReport
from mexc_tui.model.rows import Rows
from mexc_tui.model.stream import FillUpdate, OrderUpdate, PrivateUpdate
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.trading import ClockReading, FiringLine, UserStreamSink, UserStreamState

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class TradingAdapterParts:
    """Open parts of the adapter; the caller closes them."""

    clock: Clock
    client: MexcClient
    stream_url: str
    connector: aiohttp.BaseConnector
    rng: Random
    timings: SocketTimings
    keys: KeyRecord
    """Listen keys of this desk, also of earlier runs."""


class MexcTrading:
    """Implements `ports.trading.TradingPort` for MEXC."""

    def __init__(self, parts: TradingAdapterParts) -> None:
        """Open no connection yet. Raises OriginRefused for an invalid URL."""
        self._parts = parts
        self._orders, self._account = parts.client.orders, parts.client.account
        self._sink: UserStreamSink | None = None
        self._private = UserStream(
            parts.stream_url,
            connector=parts.connector,
            clock=parts.clock,
            rng=parts.rng,
            calls=parts.client.account,
            on_update=self._on_update,
            on_gap=self._on_gap,
            keys=parts.keys,
            timings=parts.timings,
            on_refused=parts.client.budget.record_response,
        )

    # ---- time

    def now_ms(self) -> int:
        """Return the exchange's time; this machine's before the first measurement."""
        try:
            return self._parts.client.offset.exchange_now_ms(self._parts.clock.monotonic_ns())
        except ClockOutOfBounds:
            return self._parts.clock.now_ms()

    def exchange_ns(self, exchange_ms: int) -> int:
        """Convert a time of the exchange to the monotonic clock."""
        try:
            return self._parts.client.offset.monotonic_ns_at(exchange_ms)
        except ClockOutOfBounds:
            ahead_ms = exchange_ms - self._parts.clock.now_ms()
            return self._parts.clock.monotonic_ns() + ahead_ms * NS_PER_MS

    def clock(self) -> ClockReading | None:
        """Return offset, error bound and age of the exchange's clock; None before the first measurement."""
        offset = self._parts.client.offset.estimate(self._parts.clock.monotonic_ns())
        if offset is None:
            return None
        return ClockReading(
            offset_ms=offset.offset_ms, error_ms=offset.error_ms, age_s=offset.age_s, warning=offset.warning
        )

    # ---- orders

    async def place(
        self, order: NewOrder, *, purpose: Purpose, recv_window_ms: int | None = None
    ) -> SendOutcome[PlacedOrder]:
        """Place one order over an ordinary connection."""
        return await self._orders.place(order, purpose=purpose, recv_window_ms=recv_window_ms)

    async def cancel(
        self, symbol: str, *, client_order_id: str = "", order_id: str = "", purpose: Purpose = Purpose.EXIT
    ) -> SendOutcome[CancelReport]:
        """Cancel one order by either id."""
        return await self._orders.cancel(
            symbol, client_order_id=client_order_id, order_id=order_id, purpose=purpose
        )

    async def cancel_open(
        self, symbols: Sequence[str], *, purpose: Purpose = Purpose.EXIT
    ) -> SendOutcome[tuple[CancelReport, ...]]:
        """Cancel every open order of up to five pairs."""
        return await self._orders.cancel_open(symbols, purpose=purpose)

    async def order(
        self,
        symbol: str,
        *,
        client_order_id: str = "",
        order_id: str = "",
        purpose: Purpose = Purpose.ORDINARY,
    ) -> OrderReport:
        """Query one order by either id."""
        return await self._orders.order(
            symbol, client_order_id=client_order_id, order_id=order_id, purpose=purpose
        )

    async def open_orders(
        self, symbols: Sequence[str] = (), *, purpose: Purpose = Purpose.ORDINARY
    ) -> Rows[OrderReport]:
        """Query open orders of up to five pairs, or of all."""
        return await self._orders.open_orders(symbols, purpose=purpose)

    async def all_orders(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        purpose: Purpose = Purpose.ORDINARY,
    ) -> Rows[OrderReport]:
        """Query the orders of a pair, all pages."""
        last_ms = end_ms if end_ms is not None or start_ms is None else self.now_ms()

        async def page(until_ms: int | None) -> Rows[OrderReport]:
            end_ms = last_ms if until_ms is None else until_ms
            return await self._orders.all_orders(symbol, start_ms=start_ms, end_ms=end_ms, purpose=purpose)

        return await read_all(
            page,
            path=ALL_ORDERS.path,
            page=MAX_HISTORY,
            time_of=lambda report: report.time,
            key_of=lambda report: report.order_id,
        )

    async def my_trades(
        self,
        symbol: str,
        *,
        order_id: str = "",
        start_ms: int | None = None,
        purpose: Purpose = Purpose.ORDINARY,
    ) -> Rows[TradeReport]:
        """Query the account's trades in a pair, all pages."""
        last_ms = None if start_ms is None else self.now_ms()

        async def page(until_ms: int | None) -> Rows[TradeReport]:
            end_ms = last_ms if until_ms is None else until_ms
            return await self._orders.my_trades(
                symbol, order_id=order_id, start_ms=start_ms, end_ms=end_ms, purpose=purpose
            )

        return await read_all(
            page,
            path=MY_TRADES.path,
            page=MAX_TRADES,
            time_of=lambda trade: trade.time,
            key_of=lambda trade: trade.id,
        )

    # ---- account

    async def account(self, *, purpose: Purpose = Purpose.ORDINARY) -> Account:
        """Query the balances."""
        return await self._account.account(purpose=purpose)

    async def key_rights(self, *, purpose: Purpose = Purpose.ORDINARY) -> KeyRights:
        """Check the permissions of the API key with harmless requests."""
        return await self._account.rights(purpose)

    async def trade_fee(self, symbol: str) -> TradeFee:
        """Query the account's fees for a pair."""
        return await self._account.trade_fee(symbol)

    async def depth(
        self, symbol: str, limit: int = 100, *, purpose: Purpose = Purpose.ORDINARY
    ) -> DepthSnapshot:
        """Query the order book of a pair."""
        return await self._parts.client.market.depth(symbol, limit, purpose=purpose)

    async def price(self, symbol: str) -> Decimal:
        """Query the last price of a pair."""
        price = (await self._parts.client.market.price(symbol)).price
        if price is None:
            raise ExchangeError("GET", "/api/v3/ticker/price", f"no price of {symbol} yet")
        return price

    async def dust_candidates(self) -> tuple[DustCandidate, ...]:
        """Query the small balances that can be converted to MX."""
        return await self._account.dust_candidates()

    async def convert_dust(self, assets: Sequence[str]) -> SendOutcome[DustConversion]:
        """Convert small balances to MX."""
        return await self._account.convert_dust(assets)

    # ---- limits

    def weight_left(self, purpose: Purpose) -> int:
        """Return the request weight available now for a purpose."""
        return self._left(LaneName.WEIGHT, purpose)

    def orders_left(self, purpose: Purpose) -> int:
        """Return the number of order requests available now for a purpose."""
        return self._left(LaneName.ORDERS, purpose)

    def _left(self, name: LaneName, purpose: Purpose) -> int:
        return self._parts.client.budget.state().lane(name).available(purpose)

    def ban(self) -> str:
        """Return the active ban as text; empty: none."""
        ban = self._parts.client.budget.state().ban
        return "" if ban is None else f"the exchange blocks requests ({ban.kind.value})"

    def line(self) -> FiringLine:
        """Create a firing line with its own connection."""
        return self._parts.client.firing_connection()

    # ---- user stream

    async def run_private(self, sink: UserStreamSink) -> None:
        """Run the user stream until cancelled."""
        self._sink = sink
        try:
            await self._private.run()
        finally:
            self._sink = None

    def private_state(self) -> UserStreamState:
        """Return the state of the user stream."""
        state = self._private.state()
        silent_ms = None if state.silent_s is None else int(state.silent_s * 1_000)
        return UserStreamState(state.is_live, state.reason, silent_ms)

    def probe_private(self) -> None:
        """Ping the user stream now."""
        self._private.probe()

    def private_line(self) -> ShardState | None:
        """Return the connection of the user stream; None before it runs."""
        return self._private.connection_state()

    def _on_update(self, update: PrivateUpdate) -> None:
        if self._sink is None:
            return
        match update:
            case OrderUpdate():
                self._sink.on_order(update)
            case FillUpdate():
                self._sink.on_fill(update)
            case _:
                self._sink.on_balance(update)

    def _on_gap(self, gap: StreamGap) -> None:
        if self._sink is not None:
            self._sink.on_gap(is_closed=gap.is_closed)
