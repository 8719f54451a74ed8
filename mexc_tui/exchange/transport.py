"""One HTTP request, one capped answer, or one of two errors: nothing left, or no usable answer came back.

Redirects are never followed, nothing is ever sent twice, and no error text holds a URL or a header.

The bytes of a request are written here, over a connection of aiohttp's connector, and its parser reads the
answer. So it is known exactly whether a byte left, the text that was signed is the text that is sent, and
an order costs half of what it costs through a session (docs/benchmarks.md).
"""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader
from yarl import URL

from mexc_tui.model.errors import NoAnswer, NothingSent

CAP_BYTES = 8 * 1024 * 1024
"""Enough for everything; exchangeInfo is about 1.6 MB (reference 1)."""

KEEPALIVE_S = 30.0
CONNECT_S = 3.0
"""A name that is not found, a host that does not answer and a handshake all end by then."""
STALE_TRIES = 4
"""How many kept connections may turn out dead before a request is given up; nothing was sent over them."""

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)  # one deadline bounds the whole instead


class Headers:
    """Headers of a request, printed once. They hold the key, so they do not show."""

    __slots__ = ("text",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Raise ValueError for text that could end a header early."""
        for name, value in headers.items():
            if not (name + value).isascii() or not (name + value).isprintable():
                raise ValueError(f"the header {name!r} holds characters that no header may hold")
        self.text = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])

    def __repr__(self) -> str:
        """Hide."""
        return "Headers(***)"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it came. `retry_after_s` is None without such a header or if it makes no sense."""

    status: int
    body: bytes
    content_type: str = ""
    retry_after_s: float | None = None


class _Sending:
    """One request, and whether bytes of it may have left. It holds key and signature: it does not show."""

    __slots__ = ("left", "request")

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.left = False


class _Unreadable(Exception):
    """An answer that is too large or whose packing cannot be undone. The text says which."""


class _Unconnected(Exception):
    """A server that did not take a connection in time."""


class _Place:
    """One origin: what the connector wants to know of it, and its Host header."""

    __slots__ = ("host", "request")

    def __init__(self, origin: str) -> None:
        url = URL(origin)
        # Only ever used to name the place; it is never sent.
        self.request = ClientRequest("GET", url, loop=asyncio.get_running_loop())
        self.host = f"Host: {url.authority if url.explicit_port else url.host_subcomponent}\r\n"


def default_connector() -> aiohttp.TCPConnector:
    """Return a connector with TLS checked (there is no switch) and connections kept for half a minute."""
    return aiohttp.TCPConnector(limit=64, ttl_dns_cache=300, keepalive_timeout=KEEPALIVE_S)


class HttpTransport:
    """Sends over the connections of one connector. Close it, or use it as an async context."""

    def __init__(self, connector: aiohttp.BaseConnector | None = None, connect_s: float = CONNECT_S) -> None:
        """Take a connector, which closes with the transport. Needs a running loop."""
        self._connect_s = connect_s
        self._connector = connector or default_connector()
        self._places: dict[str, _Place] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._connector.close()

    async def send(
        self,
        method: str,
        origin: str,
        path: str,
        query: str,
        headers: Headers,
        *,
        deadline_s: float,
        cap_bytes: int = CAP_BYTES,
    ) -> RawAnswer:
        """Send `query`, already encoded, byte for byte; answer within `deadline_s`, whatever the server does.

        Raises NothingSent if no byte left, NoAnswer if some may have.
        """
        place = self._places.get(origin) or self._learn(origin)
        target = f"{path}?{query}" if query else path
        length = "" if method == "GET" else "Content-Length: 0\r\n"
        sending = _Sending(
            f"{method} {target} HTTP/1.1\r\n{place.host}{headers.text}{length}\r\n".encode("ascii")
        )
        del query, target  # a crash report may print locals (reliability 4.4)
        try:
            async with asyncio.timeout(deadline_s):
                return await self._exchange(place, sending, cap_bytes)
        # `from None`: aiohttp's own errors print addresses and more.
        except TimeoutError:
            problem = f"no complete answer within {deadline_s:.3g} s"
        except (_Unreadable, _Unconnected) as error:
            problem = str(error)
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError, RuntimeError) as error:
            problem = _describe(error)
        if sending.left:
            raise NoAnswer(method, path, problem) from None
        raise NothingSent(method, path, f"not sent: {problem}") from None

    async def _exchange(self, place: _Place, sending: _Sending, cap_bytes: int) -> RawAnswer:
        connection = await self._connected(place)
        try:
            protocol = connection.protocol
            if protocol is None or protocol.transport is None:
                raise ConnectionResetError
            protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            sending.left = True
            protocol.transport.write(sending.request)
            message, content = await protocol.read()
            while 100 <= message.code < 200 and message.code != 101:
                message, content = await protocol.read()
            body = await _read(message, content, cap_bytes)
        except BaseException:
            connection.close()
            raise
        connection.release()
        headers = message.headers
        return RawAnswer(
            message.code, body, headers.get("Content-Type", ""), _seconds(headers.get("Retry-After"))
        )

    async def _connected(self, place: _Place) -> Connection:
        limit = asyncio.timeout(self._connect_s)
        try:
            async with limit:
                return await self._connect(place)
        except TimeoutError:
            if not limit.expired():
                raise
            raise _Unconnected(f"no connection to the server within {self._connect_s:g} s") from None

    async def _connect(self, place: _Place) -> Connection:
        """Return a connection that is open as far as anybody knows."""
        for _ in range(STALE_TRIES):
            connection = await self._connector.connect(place.request, traces=[], timeout=_NO_TIMEOUT)
            if _is_usable(connection):
                return connection
            connection.close()
        raise ConnectionResetError

    def _learn(self, origin: str) -> _Place:
        place = self._places[origin] = _Place(origin)
        return place


def _is_usable(connection: Connection) -> bool:
    """Whether it is open as far as anybody knows, and no answer that nobody asked for waits on it."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        return False
    return not (transport.is_closing() or protocol.should_close)


async def _read(message: RawResponseMessage, content: StreamReader, cap_bytes: int) -> bytes:
    body = await content.readany()
    if not content.at_eof():
        parts = [body]
        size = len(body)
        while part := await content.readany():
            size += len(part)
            if size > cap_bytes:
                raise _Unreadable(f"the answer is larger than {cap_bytes} bytes")
            parts.append(part)
        body = b"".join(parts)
    if len(body) > cap_bytes:
        raise _Unreadable(f"the answer is larger than {cap_bytes} bytes")
    packing = message.headers.get("Content-Encoding", "identity").strip().lower()
    return body if packing in ("identity", "") else _unpack(body, packing, cap_bytes)


def _unpack(body: bytes, packing: str, cap_bytes: int) -> bytes:
    """Inflate what we asked not to be packed, never to more than `cap_bytes`."""
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise _Unreadable("the answer is packed in a way that was not asked for")
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = inflate.decompress(body, cap_bytes + 1)
    except zlib.error:
        raise _Unreadable("the answer's packing is broken") from None
    if len(plain) > cap_bytes:
        raise _Unreadable(f"the answer inflates to more than {cap_bytes} bytes")
    if not inflate.eof:
        raise _Unreadable("the answer ends in the middle of its packing")
    return plain


def _describe(error: Exception) -> str:
    """Say what happened in words of ours."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "the server could not prove who it is (TLS)"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name could not be found"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection to the server"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError | aiohttp.ClientOSError):
        return "the connection broke before an answer came"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke in the middle of the answer"
    if isinstance(error, HttpProcessingError):
        return "the answer is not HTTP"
    return f"the request failed ({type(error).__name__})"


def _seconds(text: str | None) -> float | None:
    """Read a Retry-After in seconds; dates and nonsense are None."""
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and isfinite(seconds) and seconds >= 0 else None
