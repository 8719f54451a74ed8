"""The firing connection: decision to last byte, alone and under load, and stops.

The firing connection, two hand-written methods that send the same bytes, and ccxt's `create_order` alternate
against one practice exchange in a separate process. The first hand-written method is the lower bound: a warm
non-blocking socket with TCP_NODELAY, and one `send` of prepared bytes from a coroutine of the same loop,
without any check. The other one writes them to an asyncio transport. The load is 2,000 stream messages a
second from another exchange, handled in the same loop.
"""

import asyncio
import gc
import socket
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import ccxt.async_support as ccxt  # pyright: ignore[reportMissingTypeStubs]

from benchmarks.common import Row, emit, percentile, rows
from benchmarks.order_path import LIMITS, SCENARIO, LastWrite, ccxt_order, order_for, run_in_turn
from mexc_tui.app.endpoints import SystemClock, practice_exchange
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.market_messages import best_quote_of
from mexc_tui.exchange.streams.public_streams import MarketStreams
from mexc_tui.exchange.streams.topics import StreamTopic, TopicPace
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.order import NewOrder
from mexc_tui.model.outcome import Accepted, Purpose
from mexc_tui.ports.trading import SignedOrder
from mexc_tui.proto.stream_pb2 import Push

LOADED_PAIRS = 20
"""Each pair quotes every 10 ms."""
SHOTS = 1_000
EVERY_S = 0.01
WINDOW_MS = 2_000
US = 1_000

OrderMethod = Callable[[], Awaitable[object]]


def gate_open() -> bool:
    """Return the decision of an open gate."""
    return True


class OrderSender:
    """A firing connection, its clock, and orders with distinct ids."""

    def __init__(self, client: MexcClient, order: NewOrder) -> None:
        self.client = client
        self.line = client.firing_connection()
        self._order = order
        self._count = 0

    def prepare(self, purpose: Purpose = Purpose.ENTRY) -> SignedOrder:
        """Prepare another order, signed for the current time."""
        self._count += 1
        order = replace(self._order, client_order_id=f"order-{self._count}")
        now_ms = self.client.offset.exchange_now_ms(time.monotonic_ns())
        return self.line.prepare(order, purpose=purpose, timestamp_ms=now_ms, recv_window_ms=WINDOW_MS)


@asynccontextmanager
async def exchange_of(text: str) -> AsyncGenerator[Endpoint]:
    """Run a practice exchange with this scenario."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.toml"
        file.write_text(text)
        async with practice_exchange(str(file), seed=1) as endpoint:
            yield endpoint


def client_of(endpoint: Endpoint) -> MexcClient:
    """Return a client without effective limits."""
    credentials = Credentials(endpoint.api_key, Secret(endpoint.api_secret))
    return MexcClient(
        endpoint.rest, clock=SystemClock(), rng=Random(1), credentials=credentials, limits=LIMITS
    )


# ---- decision to last byte, side by side


def fired(sender: OrderSender) -> tuple[Callable[[], None], OrderMethod]:
    """Return the preparation and the send of the firing connection."""
    ready: list[SignedOrder] = []

    async def fire() -> None:
        done = await sender.line.fire(ready.pop(), gate_open)
        assert isinstance(done.outcome, Accepted), done.outcome

    return lambda: ready.append(sender.prepare()), fire


def raw_socket(
    endpoint: Endpoint, sender: OrderSender, stamp: LastWrite
) -> tuple[Callable[[], None], OrderMethod]:
    """Return the minimum: a socket, the same bytes, one `send`."""
    host, port = endpoint.rest.removeprefix("http://").split(":")
    plain = socket.create_connection((host, int(port)))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.setblocking(False)
    write = stamp.stamped(plain.send)
    ready: list[bytes] = []

    async def send() -> None:
        write(ready.pop())
        answer = await asyncio.get_running_loop().sock_recv(plain, 65_536)
        assert answer.startswith(b"HTTP/1.1 200"), answer

    return lambda: ready.append(sender.prepare().request), send


async def asyncio_transport(
    endpoint: Endpoint, sender: OrderSender
) -> tuple[Callable[[], None], OrderMethod]:
    """Return the same with asyncio: a transport, the same bytes, one `write`."""
    host, port = endpoint.rest.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    ready: list[bytes] = []

    async def write() -> None:
        writer.write(ready.pop())
        answer = await reader.read(65_536)
        assert answer.startswith(b"HTTP/1.1 200"), answer

    return lambda: ready.append(sender.prepare().request), write


async def side_by_side(endpoint: Endpoint) -> list[Row]:
    """Measure the three methods in turn."""
    other: Any = ccxt.mexc(
        {"apiKey": endpoint.api_key, "secret": endpoint.api_secret, "enableRateLimit": False}
    )
    async with client_of(endpoint) as client:
        try:
            await client.measure_clock()
            order = await order_for(client)
            sender, stamp = OrderSender(client, order), LastWrite()
            await sender.line.warm()
            make_ours, ours = fired(sender)
            make_plain, plain = raw_socket(endpoint, sender, stamp)
            make_written, written = await asyncio_transport(endpoint, sender)
            methods = {
                "mexc-tui: firing line": ours,
                "hand-written socket, same bytes": plain,
                "hand-written asyncio transport, same bytes": written,
                "ccxt create_order": await ccxt_order(other, endpoint, order),
            }

            def get_ready() -> None:
                make_ours()
                make_plain()
                make_written()

            with Quiet():
                times = await run_in_turn(methods, stamp, get_ready)
            await sender.line.close()
        finally:
            await other.close()
    took = {name: found.written for name, found in times.items()}
    return rows("firing: decision to last byte", took, base="hand-written socket, same bytes")


class Quiet:
    """Disable garbage collection inside the block, as around an opening."""

    def __enter__(self) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.enable()
        gc.unfreeze()


# ---- under load


@asynccontextmanager
async def load(on_push: Callable[[int], None]) -> AsyncGenerator[Callable[[], int]]:
    """Handle 2,000 messages a second during the block; yields a function for their count."""
    clock = SystemClock()

    def handle(_topic: StreamTopic, push: Push, received_ns: int) -> None:
        best_quote_of(push)
        on_push(received_ns)

    async with practice_exchange("calm", 1) as endpoint:
        async with MexcClient(endpoint.rest, clock=clock, rng=Random(1)) as client:
            found = [t.symbol for t in await client.market.tickers_24h() if t.symbol.isascii()]
        async with aiohttp.TCPConnector() as connector:
            streams = MarketStreams(
                endpoint.ws,
                connector=connector,
                clock=clock,
                rng=Random(1),
                on_push=handle,
                on_gap=lambda _hole: None,
            )
            streams.subscribe(topics.best_quote(symbol, TopicPace.MS_10) for symbol in found[:LOADED_PAIRS])
            running = asyncio.create_task(streams.run())
            await asyncio.sleep(3)
            yield lambda: streams.state().messages
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


class Stops:
    """Fires a stop after some pushes: prepared, fired and written in the handler."""

    def __init__(self, sender: OrderSender) -> None:
        self._sender = sender
        self._next_ns = 0
        self._left = 0
        self._task: asyncio.Task[None] | None = None
        self._done = asyncio.Event()
        self.took_us: list[float] = []

    async def fire(self, orders: int) -> None:
        """Fire this many, and return when all have responses."""
        self._left = orders
        await self._done.wait()

    def on_push(self, received_ns: int) -> None:
        """Handle a price."""
        if self._left and received_ns >= self._next_ns:
            self._next_ns = received_ns + round(EVERY_S * 1e9)
            self._left -= 1
            self._task = asyncio.ensure_future(self._stop(received_ns, is_last=not self._left))

    async def _stop(self, received_ns: int, *, is_last: bool) -> None:
        done = await self._sender.line.fire(self._sender.prepare(Purpose.STOP), gate_open)
        if done.written_ns is not None:
            self.took_us.append((done.written_ns - received_ns) / US)
        if is_last:
            self._done.set()


async def under_load(endpoint: Endpoint) -> list[Row]:
    """Measure immediate orders, timed orders and stops while streams are handled."""
    async with client_of(endpoint) as client:
        await client.measure_clock()
        sender = OrderSender(client, await order_for(client))
        await sender.line.warm()
        stops = Stops(sender)
        async with load(stops.on_push) as count:
            with Quiet():
                began_ns, before = time.monotonic_ns(), count()
                at_once = await fire_at_once(sender)
                late = await fire_at_moments(sender)
                await stops.fire(SHOTS)
                per_s = (count() - before) / (time.monotonic_ns() - began_ns) * 1e9
        await sender.line.close()
    group = f"firing, {per_s:,.0f} stream messages/s in the same loop"
    return [
        one_row(group, "decision to last byte", at_once, "p99 at most 5,000"),
        one_row(group, "aim to last byte", late, f"earliest {min(late):.1f}; never before the aim"),
        one_row(group, "stop: price push received to last byte", stops.took_us, "p99 at most 10,000"),
    ]


def one_row(group: str, name: str, values: list[float], note: str, unit: str = "µs") -> Row:
    """Return a row of one method."""
    return Row(group, name, percentile(values, 0.5), percentile(values, 0.99), unit, None, note)


async def fire_at_once(sender: OrderSender) -> list[float]:
    """Fire at intervals; return the times to the last byte."""
    took_us: list[float] = []
    for _ in range(SHOTS):
        signed = sender.prepare()
        await asyncio.sleep(EVERY_S)
        began_ns = time.monotonic_ns()
        done = await sender.line.fire(signed, gate_open)
        assert done.written_ns is not None, done.outcome
        took_us.append((done.written_ns - began_ns) / US)
    return took_us


async def fire_at_moments(sender: OrderSender) -> list[float]:
    """Fire at set times; return the delays of the last byte."""
    late_us: list[float] = []
    for _ in range(SHOTS):
        at_ns = time.monotonic_ns() + round(EVERY_S * 1e9)
        done = await sender.line.fire_at(sender.prepare(), at_ns, gate_open)
        assert done.written_ns is not None, done.outcome
        late_us.append((done.written_ns - at_ns) / US)
    return late_us


async def main() -> None:
    """Measure everything; print each part on completion."""
    async with exchange_of(SCENARIO) as endpoint:
        emit(await side_by_side(endpoint))
        emit(await under_load(endpoint))


if __name__ == "__main__":
    asyncio.run(main())
