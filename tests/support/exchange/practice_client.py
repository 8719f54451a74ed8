"""A small client of the practice exchange that shares no code with the desk's client."""

import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.practice.clock import wall_clock
from mexc_tui.practice.scenario import FaultPlan, Knobs, ListingPlan, MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer, serving
from mexc_tui.proto.stream_pb2 import Push
from mexc_tui.simulation.run import Simulation

SMALL = MarketPlan(symbols=40, active_pairs=3)
HOST = "practice.test"


def scenario(
    *faults: FaultPlan,
    knobs: Knobs | None = None,
    market: MarketPlan = SMALL,
    listings: tuple[ListingPlan, ...] = (),
    **more: Any,
) -> Scenario:
    """Return a scenario with a small universe."""
    return Scenario(
        name="test", knobs=knobs or Knobs(), market=market, faults=faults, listings=listings, **more
    )


class Client:
    """One trader's client."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint, now_ms: Callable[[], int]) -> None:
        self.session = session
        self.endpoint = endpoint
        self.now_ms = now_ms

    async def get(self, path: str, **params: Any) -> Any:
        """Query a public endpoint and return the body of a successful response."""
        status, body = await self.send("GET", path, **params)
        assert status == 200, (status, body)
        return body

    async def send(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        """Send a request without a signature; return status and body."""
        return await self._send(method, path, _text(params), {})

    async def send_signed(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        """Send a signed request; return status and body."""
        params.setdefault("timestamp", self.now_ms())
        text = _text(params)
        digest = hmac.new(self.endpoint.api_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        headers = {"X-MEXC-APIKEY": self.endpoint.api_key, "Content-Type": "application/json"}
        return await self._send(method, path, f"{text}&signature={digest}", headers)

    async def send_ok(self, method: str, path: str, **params: Any) -> Any:
        """Send a signed request that must succeed; return its body."""
        status, body = await self.send_signed(method, path, **params)
        assert status == 200, (status, body)
        return body

    async def _send(self, method: str, path: str, query: str, headers: dict[str, str]) -> tuple[int, Any]:
        origin = self.endpoint.web if path.startswith("/") else f"{self.endpoint.rest}/api/v3/"
        url = URL(f"{origin}{path}?{query}", encoded=True)
        async with self.session.request(method, url, headers=headers) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return response.status, json.loads(text) if is_json else text

    @asynccontextmanager
    async def stream(self, *topics: str, listen_key: str = "") -> AsyncGenerator["Stream"]:
        """Open a WebSocket and subscribe."""
        url = self.endpoint.ws + (f"?listenKey={listen_key}" if listen_key else "")
        async with self.session.ws_connect(url) as socket:
            stream = Stream(socket)
            if topics:
                assert await stream.call("SUBSCRIPTION", *topics) == {
                    "id": 1,
                    "code": 0,
                    "msg": ",".join(topics),
                }
            yield stream


class Stream:
    """One WebSocket of the exchange."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.early: list[Push] = []

    async def call(self, method: str, *params: str, number: int = 1) -> Any:
        """Send a command and return its reply; keep pushes that arrive first."""
        await self.socket.send_str(json.dumps({"method": method, "params": params, "id": number}))
        return await self.reply()

    async def reply(self) -> Any:
        """Return the next control reply."""
        while True:
            message = await self.socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                return json.loads(message.data)
            assert message.type is aiohttp.WSMsgType.BINARY, message
            self.early.append(Push.FromString(message.data))

    async def push(self) -> Push:
        """Return the next push."""
        if self.early:
            return self.early.pop(0)
        return Push.FromString(await self.socket.receive_bytes())

    async def pushes(self, count: int) -> list[Push]:
        """Return the next pushes."""
        return [await self.push() for _ in range(count)]

    async def closing(self) -> aiohttp.WSMsgType:
        """Read until the connection ends; return the type of the final message."""
        while True:
            message = await self.socket.receive()
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return message.type


def _text(params: dict[str, Any]) -> str:
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())


@asynccontextmanager
async def on_real_sockets(plan: Scenario, seed: int = 1, *, strict: bool = False) -> AsyncGenerator[Client]:
    """Serve on real sockets."""
    clock = wall_clock()
    async with (
        serving(plan, seed, clock=clock, strict=strict) as endpoint,
        aiohttp.ClientSession() as session,
    ):
        yield Client(session, endpoint, clock.now_ms)


@asynccontextmanager
async def in_virtual_time(sim: Simulation, plan: Scenario, seed: int = 1) -> AsyncGenerator[Client]:
    """Serve in virtual time."""
    server = PracticeServer(plan, seed, sim.clock)
    await sim.network.serve(HOST, 80, server.application())
    endpoint = Endpoint(
        rest=f"http://{HOST}",
        ws=f"ws://{HOST}/ws",
        web=f"http://{HOST}",
        api_key=server.api_key,
        api_secret=server.api_secret,
        exchange_session=server.session.id,
    )
    async with aiohttp.ClientSession(connector=sim.network.connector()) as session:
        yield Client(session, endpoint, sim.clock.now_ms)
