"""Measures one ping over a new WebSocket connection, for diagnosis."""

import asyncio
import time

import aiohttp

from mexc_tui.exchange.streams.replies import Pong, parse_reply
from mexc_tui.exchange.streams.socket import (
    SocketEnded,
    SocketTimings,
    checked_stream_url,
    open_socket,
    refuse_redirects,
    stream_connector,
)

MAX_BYTES = 64 * 1024


async def stream_round_trip_ms(url: str, timings: SocketTimings | None = None) -> float:
    """Return the round trip of one JSON ping in ms. Raises SocketEnded or OriginRefused."""
    timings = timings or SocketTimings()
    async with (
        stream_connector() as connector,
        aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[refuse_redirects()],
        ) as session,
    ):
        socket = await open_socket(session, checked_stream_url(url), timings, max_bytes=MAX_BYTES)
        try:
            async with asyncio.timeout(timings.ack_within_s):
                sent_ns = time.monotonic_ns()
                await socket.send_str('{"method":"PING"}')
                await _pong(socket)
                return (time.monotonic_ns() - sent_ns) / 1e6
        except TimeoutError:
            raise SocketEnded(f"no reply to a ping within {timings.ack_within_s:g} s") from None
        finally:
            await socket.close()


async def _pong(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT and isinstance(parse_reply(message.data), Pong):
            return
    raise SocketEnded(f"the exchange closed the connection with code {socket.close_code}")
