"""The trading adapter on the practice exchange: requests, defaults before a clock measurement, handlers."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from mexc_tui.app.trading_adapter import MexcTrading, TradingAdapterParts
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.limits.clock_offset import Sample
from mexc_tui.exchange.streams.listen_key import KeysInMemory
from mexc_tui.exchange.streams.socket import SocketTimings
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, NotSent, Purpose
from mexc_tui.model.stream import BalanceUpdate, FillUpdate, OrderUpdate
from mexc_tui.practice.scenario import MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer
from mexc_tui.simulation.network import Host
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.exchange.scripted_http_server import (
    SERVER_MS,
    ScriptedServer,
    WallClock,
    client_for,
    http_response,
    scripted_server,
)

HOST = "127.0.0.1"
WHEN_MS = SERVER_MS - 60_000
ORDER = NewOrder(
    symbol="NEWUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    client_order_id="mxt-1",
    price=Decimal("0.1"),
    quantity=Decimal(50),
)


@asynccontextmanager
async def wired(client: MexcClient) -> AsyncGenerator[MexcTrading]:
    async with aiohttp.TCPConnector() as connector:
        yield MexcTrading(
            TradingAdapterParts(
                clock=WallClock(),
                client=client,
                stream_url=f"ws://{HOST}/ws",
                connector=connector,
                rng=Random(1),
                timings=SocketTimings(),
                keys=KeysInMemory(),
            )
        )


@asynccontextmanager
async def trading(
    body: str = "{}", *, clock_known: bool = True
) -> AsyncGenerator[tuple[MexcTrading, ScriptedServer]]:
    """Yield the port, and a server with a fixed response."""
    async with (
        scripted_server(http_response(body)) as server,
        client_for(server.origin, clock_known=clock_known) as client,
        wired(client) as port,
    ):
        yield port, server


# ---- time


async def test_before_a_measurement_the_machine_clock_is_used_without_an_error_bound() -> None:
    async with trading(clock_known=False) as (port, _):
        assert port.clock() is None
        assert port.now_ms() == SERVER_MS
        clock = WallClock()
        ahead_ms = (port.exchange_ns(SERVER_MS + 5_000) - clock.monotonic_ns()) / 1e6
        assert 4_900 < ahead_ms <= 5_000


async def test_after_a_measurement_the_exchange_clock_is_used_with_its_error_bound() -> None:
    async with (
        scripted_server(http_response("{}")) as server,
        client_for(server.origin, clock_known=False) as client,
        wired(client) as port,
    ):
        now_ns = WallClock().monotonic_ns()
        client.offset.add(Sample(now_ns - 2_000_000, now_ns, SERVER_MS + 700, SERVER_MS))
        reading = port.clock()
        assert reading is not None
        assert 699 < reading.offset_ms < 703
        assert reading.error_ms >= 1
        assert SERVER_MS + 700 <= port.now_ms() < SERVER_MS + 5_000
        # Both directions agree: an order aimed at that time is stamped with it.
        assert port.exchange_ns(SERVER_MS + 700) == client.offset.monotonic_ns_at(SERVER_MS + 700)


# ---- queries


@dataclass(frozen=True)
class Question:
    ask: Callable[[MexcTrading], Awaitable[object]]
    method: str
    path: str
    params: dict[str, str]
    body: str = "[]"
    absent: tuple[str, ...] = field(default=())


QUESTIONS = {
    "an order by its client id": Question(
        lambda port: port.order("NEWUSDT", client_order_id="mxt-1"),
        "GET", "/api/v3/order", {"symbol": "NEWUSDT", "origClientOrderId": "mxt-1"},
        '{"symbol":"NEWUSDT","orderId":"C02__1","clientOrderId":"mxt-1","price":"0.1","origQty":"50",'
        '"executedQty":"0","cummulativeQuoteQty":"0","status":"NEW","type":"LIMIT","side":"BUY","time":1}',
        ("orderId",),
    ),
    "open orders of every pair": Question(
        lambda port: port.open_orders(), "GET", "/api/v3/openOrders", {}, absent=("symbol",)
    ),
    "orders of a pair since a moment, until now": Question(
        lambda port: port.all_orders("NEWUSDT", start_ms=WHEN_MS),
        "GET", "/api/v3/allOrders", {"symbol": "NEWUSDT", "startTime": str(WHEN_MS)},
    ),
    "orders of a pair between two moments": Question(
        lambda port: port.all_orders("NEWUSDT", start_ms=WHEN_MS, end_ms=WHEN_MS + 5),
        "GET", "/api/v3/allOrders", {"startTime": str(WHEN_MS), "endTime": str(WHEN_MS + 5)},
    ),
    "orders of a pair at all": Question(
        lambda port: port.all_orders("NEWUSDT"),
        "GET", "/api/v3/allOrders", {"symbol": "NEWUSDT"}, absent=("startTime", "endTime"),
    ),
    "trades of an order": Question(
        lambda port: port.my_trades("NEWUSDT", order_id="C02__1"),
        "GET", "/api/v3/myTrades", {"symbol": "NEWUSDT", "orderId": "C02__1"},
        absent=("startTime", "endTime"),
    ),
    "balances": Question(lambda port: port.account(), "GET", "/api/v3/account", {}, '{"balances":[]}'),
    "a book": Question(
        lambda port: port.depth("NEWUSDT", 20),
        "GET", "/api/v3/depth", {"symbol": "NEWUSDT", "limit": "20"},
        '{"lastUpdateId":1,"bids":[],"asks":[]}',
    ),
    "a cancel by client id": Question(
        lambda port: port.cancel("NEWUSDT", client_order_id="mxt-1"),
        "DELETE", "/api/v3/order", {"symbol": "NEWUSDT", "origClientOrderId": "mxt-1"}, "{}",
    ),
    "a cancel of all": Question(
        lambda port: port.cancel_open(("NEWUSDT",)), "DELETE", "/api/v3/openOrders", {"symbol": "NEWUSDT"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
async def test_queries_are_encoded_as_the_exchange_expects(name: str) -> None:
    question = QUESTIONS[name]
    async with trading(question.body) as (port, server):
        await question.ask(port)
        target = urlsplit(server.last_target)
        params = {key: values[0] for key, values in parse_qs(target.query).items()}
        assert server.last.startswith(f"{question.method} ")
        assert target.path == question.path
        assert question.params.items() <= params.items()
        assert not set(question.absent) & set(params)


async def test_a_range_without_an_end_ends_now_by_the_exchanges_clock() -> None:
    async with trading("[]") as (port, server):
        for ask in (port.all_orders, port.my_trades):
            await ask("NEWUSDT", start_ms=WHEN_MS)
            end_ms = int(parse_qs(urlsplit(server.last_target).query)["endTime"][0])
            assert SERVER_MS - 1_000 < end_ms <= port.now_ms()


async def test_an_order_is_placed_with_the_requested_window() -> None:
    async with trading('{"symbol":"NEWUSDT","orderId":"C02__1"}') as (port, server):
        placed = await port.place(ORDER, purpose=Purpose.ENTRY, recv_window_ms=321)
        assert isinstance(placed, Accepted)
        assert "recvWindow=321&" in server.last_target
        assert server.last.startswith("POST /api/v3/order?")


async def test_a_pair_without_a_price_raises() -> None:
    async with trading('{"symbol":"NEWUSDT","price":null}') as (port, _):
        with pytest.raises(ExchangeError, match="no price of NEWUSDT yet"):
            await port.price("NEWUSDT")


# ---- limits


async def test_entries_have_less_budget_than_exits_and_never_below_zero() -> None:
    async with trading("[]") as (port, _):
        assert port.weight_left(Purpose.ENTRY) < port.weight_left(Purpose.STOP)
        assert port.orders_left(Purpose.ENTRY) < port.orders_left(Purpose.EXIT)
        before = port.weight_left(Purpose.ENTRY)
        await port.open_orders(("NEWUSDT",))
        assert port.weight_left(Purpose.ENTRY) < before
        for _ in range(11):
            await port.cancel("NEWUSDT", client_order_id="mxt-1")
        assert port.orders_left(Purpose.ENTRY) == 0
        assert port.orders_left(Purpose.STOP) == 1


@pytest.mark.parametrize(("status", "words"), [(429, "blocks requests"), (418, "blocks requests")])
async def test_a_ban_is_reported_as_text_and_an_entry_is_not_sent(status: int, words: str) -> None:
    async with (
        scripted_server(http_response("{}", status, headers="Retry-After: 30\r\n")) as server,
        client_for(server.origin) as client,
        wired(client) as port,
    ):
        assert port.ban() == ""
        with suppress(ExchangeError):
            await client.market.price("NEWUSDT")
        assert words in port.ban()
        assert isinstance(await port.place(ORDER, purpose=Purpose.ENTRY), NotSent)


async def test_every_firing_line_has_its_own_cold_connection() -> None:
    async with trading() as (port, server):
        first, second = port.line(), port.line()
        assert first is not second
        assert not first.is_warm
        assert server.connections == 0
        await first.close()
        await second.close()


# ---- user stream


@dataclass
class RecordingSink:
    """A sink that records updates."""

    told: list[OrderUpdate | FillUpdate | BalanceUpdate] = field(
        default_factory=list[OrderUpdate | FillUpdate | BalanceUpdate]
    )
    holes: list[bool] = field(default_factory=list[bool])

    def on_order(self, update: OrderUpdate) -> None:
        assert isinstance(update, OrderUpdate)
        self.told.append(update)

    def on_fill(self, fill: FillUpdate) -> None:
        assert isinstance(fill, FillUpdate)
        self.told.append(fill)

    def on_balance(self, update: BalanceUpdate) -> None:
        assert isinstance(update, BalanceUpdate)
        self.told.append(update)

    def on_gap(self, *, is_closed: bool) -> None:
        self.holes.append(is_closed)

    def kinds(self) -> set[type]:
        return {type(one) for one in self.told}


async def recorded(sim: Simulation, main: Callable[[MexcTrading, MexcClient, Host], Awaitable[None]]) -> None:
    """Run `main` against a practice exchange in virtual time."""
    plan = Scenario(name="port", market=MarketPlan(symbols=5, active_pairs=1, trades_per_s=5.0))
    server = PracticeServer(plan, 1, sim.clock)
    host = await sim.network.serve(HOST, 80, server.application())
    credentials = Credentials(server.api_key, Secret(server.api_secret))
    async with MexcClient(
        f"http://{HOST}",
        clock=sim.clock,
        rng=sim.rng,
        connector=sim.network.connector(),
        credentials=credentials,
    ) as client:
        await client.measure_clock()
        connector = sim.network.connector()
        url, keys = f"ws://{HOST}/ws", KeysInMemory()
        parts = TradingAdapterParts(sim.clock, client, url, connector, sim.rng, SocketTimings(), keys)
        await main(MexcTrading(parts), client, host)
        await connector.close()


def test_orders_fills_and_balances_reach_their_handlers_until_the_end() -> None:
    async def main(port: MexcTrading, client: MexcClient, _host: Host) -> None:
        symbol = (await client.account.self_symbols())[0]
        ears = RecordingSink()
        assert not port.private_state().is_live
        running = asyncio.create_task(port.run_private(ears))
        await asyncio.sleep(5)
        assert port.private_state().is_live
        buy = NewOrder(
            symbol=symbol,
            side=Side.BUY,
            type=OrderType.MARKET,
            client_order_id="one",
            quote_quantity=Decimal(20),
        )
        assert isinstance(await port.place(buy, purpose=Purpose.ENTRY), Accepted)
        await asyncio.sleep(5)
        assert ears.kinds() == {OrderUpdate, FillUpdate, BalanceUpdate}
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        before = len(ears.told)
        again = NewOrder(
            symbol=symbol,
            side=Side.BUY,
            type=OrderType.MARKET,
            client_order_id="two",
            quote_quantity=Decimal(20),
        )
        assert isinstance(await port.place(again, purpose=Purpose.ENTRY), Accepted)
        await asyncio.sleep(5)
        assert len(ears.told) == before
        assert not port.private_state().is_live

    simulate(lambda sim: recorded(sim, main))


def test_a_reset_of_the_user_stream_is_reported_as_a_gap() -> None:
    async def main(port: MexcTrading, _client: MexcClient, host: Host) -> None:
        ears = RecordingSink()
        running = asyncio.create_task(port.run_private(ears))
        await asyncio.sleep(5)
        before = len(ears.holes)
        host.reset()
        await asyncio.sleep(0.01)
        assert not port.private_state().is_live
        await asyncio.sleep(10)
        assert port.private_state().is_live
        holes = ears.holes[before:]
        assert holes[0] is False
        assert holes[-1] is True
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    simulate(lambda sim: recorded(sim, main))


async def test_all_fills_of_an_order_are_read_page_by_page() -> None:
    fills = [
        {
            "symbol": "NEWUSDT",
            "id": f"t{number}",
            "orderId": "C02__1",
            "price": "2",
            "qty": "1",
            "quoteQty": "2",
            "commission": "0.001",
            "commissionAsset": "USDT",
            "time": WHEN_MS + number,
            "isBuyer": True,
            "isMaker": False,
        }
        for number in range(150)
    ]
    newest = fills[::-1]
    pages = [http_response(json.dumps(newest[:100])), http_response(json.dumps(newest[99:]))]
    async with scripted_server(*pages) as server, client_for(server.origin) as client, wired(client) as port:
        told = await port.my_trades("NEWUSDT", order_id="C02__1", purpose=Purpose.EXIT)
        assert told.is_complete
        assert sorted(row.id for row in told.rows) == sorted(str(row["id"]) for row in fills)
        assert sum(row.fee or 0 for row in told.rows) == Decimal("0.150")
        assert len(server.requests) == 2
