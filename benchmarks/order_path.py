"""An order on a warm connection: decision to last byte, and the round trip including the server's part.

The client, ccxt's `create_order` and a bare connection with prepared bytes alternate against one practice
exchange in a separate process. The order is an IOC below the market: it is acknowledged and never rests.
"""

import asyncio
import gc
import tempfile
from asyncio import selector_events
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from dataclasses import replace as changed
from decimal import Decimal
from pathlib import Path
from random import Random
from time import perf_counter_ns
from typing import Any

import ccxt.async_support as ccxt  # pyright: ignore[reportMissingTypeStubs]

from benchmarks.common import Row, emit, rows
from mexc_tui.app.endpoints import SystemClock, practice_exchange
from mexc_tui.exchange.client import ClientLimits, MexcClient
from mexc_tui.exchange.limits.budget import BudgetLimits
from mexc_tui.exchange.limits.rate_windows import DEFAULT_LANES
from mexc_tui.exchange.rest.orders import order_params
from mexc_tui.exchange.rest.signing import Signer
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Purpose

ROUNDS = 600
WARM_UP = 40
SYMBOL, PAIR = "SOLUSDT", "SOL/USDT"

# No limit of the exchange or the client may delay a benchmark.
SCENARIO = """
name = "order-path"
[market]
symbols = 60
active_pairs = 1
trades_per_s = 0.1
[knobs]
orders_per_s = 1_000_000
ip_weight_per_10s = 10_000_000
key_weight_per_10s = 10_000_000
"""
LIMITS = ClientLimits(
    budget=BudgetLimits(lanes=tuple(changed(lane, limit=1_000_000, reserve=0) for lane in DEFAULT_LANES))
)

OrderMethod = Callable[[], Awaitable[object]]


@dataclass
class Times:
    """Microseconds of one method: decision to last byte, and decision to response."""

    written: list[float] = field(default_factory=list[float])
    answered: list[float] = field(default_factory=list[float])


class LastWrite:
    """Records the time after each write to a socket, for every method."""

    def __init__(self) -> None:
        self.at_ns = 0
        transport: Any = vars(selector_events)["_SelectorSocketTransport"]
        for name in ("write", "writelines"):
            setattr(transport, name, self.stamped(getattr(transport, name)))

    def stamped(self, write: Callable[..., object]) -> Callable[..., None]:
        """Return the write with a timestamp after it."""

        def stamped(*args: Any) -> None:
            write(*args)
            self.at_ns = perf_counter_ns()

        return stamped


async def ours(client: MexcClient, order: NewOrder) -> OrderMethod:
    """Return an order by the client, including budget, breaker, clock and signature."""
    await client.measure_clock()

    async def place() -> None:
        outcome = await client.orders.place(order, purpose=Purpose.ENTRY)
        assert isinstance(outcome, Accepted), outcome

    return place


async def ccxt_order(client: Any, endpoint: Endpoint, order: NewOrder) -> OrderMethod:
    """Return the same order through ccxt."""
    client.urls["api"]["spot"] = {"public": endpoint.rest, "private": endpoint.rest}
    client.urls["api"]["contract"] = {"public": f"{endpoint.rest}/api/v1/contract", "private": endpoint.rest}
    await client.load_markets()
    assert order.quantity is not None
    assert order.price is not None
    amount, price = float(order.quantity), float(order.price)

    async def place() -> None:
        placed = await client.create_order(PAIR, "limit", "buy", amount, price, {"timeInForce": "IOC"})
        assert placed["id"]

    return place


async def bare(endpoint: Endpoint, order: NewOrder, writer_out: list[asyncio.StreamWriter]) -> OrderMethod:
    """Return the same order as prepared bytes: only the server's part and loopback remain."""
    host, port = endpoint.rest.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer_out.append(writer)
    signer = Signer(Credentials(endpoint.api_key, Secret(endpoint.api_secret)))
    now_ms = SystemClock().now_ms()
    query = signer.signed_query(order_params(order), 60_000, now_ms)
    request = (
        f"POST /api/v3/order?{query} HTTP/1.1\r\nHost: {host}:{port}\r\nX-MEXC-APIKEY: {endpoint.api_key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 0\r\n\r\n"
    ).encode()

    async def place() -> None:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
        await reader.readexactly(int(length))

    return place


async def run_in_turn(
    methods: dict[str, OrderMethod], stamp: LastWrite, get_ready: Callable[[], None] = lambda: None
) -> dict[str, Times]:
    """Run each method once a round under the same conditions; `get_ready` before each round."""
    times = {name: Times() for name in methods}
    order, turns = list(methods), Random(1)
    for number in range(WARM_UP + ROUNDS):
        get_ready()
        # In random order: the method after a large one starts with cold caches.
        turns.shuffle(order)
        for name in order:
            method = methods[name]
            began_ns = perf_counter_ns()
            await method()
            ended_ns = perf_counter_ns()
            if number >= WARM_UP:
                times[name].written.append((stamp.at_ns - began_ns) / 1_000)
                times[name].answered.append((ended_ns - began_ns) / 1_000)
            await asyncio.sleep(0)
    return times


async def order_for(client: MexcClient) -> NewOrder:
    """Return an IOC buy of about 10 USDT, a tenth below the market."""
    info = (await client.market.exchange_info((SYMBOL,))).symbols[0]
    book = await client.market.depth(SYMBOL, 5)
    price = round(Decimal(book.bids[0][0]) * Decimal("0.9"), info.quote_precision)
    return NewOrder(
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.IMMEDIATE_OR_CANCEL,
        price=price,
        quantity=round(10 / price, info.base_asset_precision),
    )


async def measure() -> list[Row]:
    """Measure all methods against one exchange; return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "order-path.toml"
        scenario.write_text(SCENARIO)
        async with practice_exchange(str(scenario), seed=1) as endpoint:
            return await measure_against(endpoint)


async def measure_against(endpoint: Endpoint) -> list[Row]:
    """Set up the three methods, run them, close them."""
    credentials = Credentials(endpoint.api_key, Secret(endpoint.api_secret))
    theirs_client: Any = ccxt.mexc(
        {"apiKey": endpoint.api_key, "secret": endpoint.api_secret, "enableRateLimit": False}
    )
    writers: list[asyncio.StreamWriter] = []
    client = MexcClient(
        endpoint.rest, clock=SystemClock(), rng=Random(1), credentials=credentials, limits=LIMITS
    )
    try:
        order = await order_for(client)
        methods = {
            "mexc-tui": await ours(client, order),
            "ccxt create_order": await ccxt_order(theirs_client, endpoint, order),
            "bytes ready, bare connection (the server's share)": await bare(endpoint, order, writers),
        }
        stamp = LastWrite()
        gc.collect()
        gc.freeze()
        gc.disable()
        times = await run_in_turn(methods, stamp)
    finally:
        gc.enable()
        await client.close()
        await theirs_client.close()
        for writer in writers:
            writer.close()
    written = {name: t.written for name, t in times.items()}
    answered = {name: t.answered for name, t in times.items()}
    return [
        *rows("order: decision to last byte", written, base="ccxt create_order"),
        *rows("order: round trip", answered, base="ccxt create_order"),
    ]


if __name__ == "__main__":
    emit(asyncio.run(measure()))
