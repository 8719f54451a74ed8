"""Servers on loopback that send scripted responses byte for byte and record the requests."""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import aiohttp

from mexc_tui.exchange.client import ClientLimits, MexcClient
from mexc_tui.exchange.limits.clock_offset import Sample
from mexc_tui.model.credentials import Credentials, Secret

ACCESS_KEY = "mx0vTESTTESTTEST12"
SECRET = "canary-secret-0123456789abcdef"
SERVER_MS = 1_790_000_000_000

Reply = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class WallClock:
    """The real monotonic clock with a constant wall clock."""

    def now_ms(self) -> int:
        return SERVER_MS

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class ScriptedServer:
    """A server with scripted replies, one for each request; the last one repeats."""

    def __init__(self, replies: list[Reply], tls: ssl.SSLContext | None = None) -> None:
        self.replies = replies
        self.tls = tls
        self.requests: list[bytes] = []
        self.connections = 0
        self.origin = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
                if isinstance(reply, bytes):
                    writer.write(reply)
                    await writer.drain()
                else:
                    await reply(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def last(self) -> str:
        return self.requests[-1].decode()

    @property
    def last_target(self) -> str:
        return self.last.split(" ", 2)[1]


@asynccontextmanager
async def scripted_server(
    *replies: Reply, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[ScriptedServer]:
    server = ScriptedServer(list(replies), tls)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    server.origin = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listener.close()


@asynccontextmanager
async def client_for(
    origin: str,
    *,
    keys: bool = True,
    clock_known: bool = True,
    limits: ClientLimits | None = None,
    connector: aiohttp.BaseConnector | None = None,
) -> AsyncGenerator[MexcClient]:
    """Yield a client whose clock offset is known and whose retries hardly wait."""
    clock = WallClock()
    credentials = Credentials(ACCESS_KEY, Secret(SECRET)) if keys else None
    made = MexcClient(
        origin, clock=clock, rng=NoJitter(), credentials=credentials, limits=limits, connector=connector
    )
    async with made as client:
        if clock_known:
            now_ns = clock.monotonic_ns()
            client.offset.add(Sample(now_ns - 1_000, now_ns, SERVER_MS, SERVER_MS))
        yield client


@asynccontextmanager
async def scripted_client(*replies: Reply) -> AsyncGenerator[tuple[MexcClient, ScriptedServer]]:
    """Yield a client and the server it sends to."""
    async with scripted_server(*replies) as server, client_for(server.origin) as client:
        yield client, server


class NoJitter(Random):
    """Zero jitter, so that no test waits."""

    def uniform(self, a: float, b: float) -> float:
        return a


def http_response(
    body: bytes | str,
    status: int = 200,
    *,
    kind: str = "application/json",
    headers: str = "",
    reason: str = "X",
) -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    return (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n{headers}Content-Length: {len(raw)}\r\n\r\n"
    ).encode() + raw


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break the connection without a response."""
    writer.transport.abort()
    raise ConnectionResetError


def reset_after(start: bytes) -> Reply:
    """Send the start of a response, then break the connection."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        writer.transport.close()
        raise ConnectionResetError

    return reply


def hang(start: bytes = b"") -> Reply:
    """Send the start of a response, then nothing until the client disconnects."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        await reader.read(1)
        raise ConnectionResetError

    return reply


def endless(start: bytes, chunk: bytes) -> Reply:
    """Send an endless response as fast as it is read."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(chunk)
            await writer.drain()

    return reply
