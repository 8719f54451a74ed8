"""HTTP/1.1 connection: writes request bytes unchanged and reads one response up to a size cap.

Requests are written to a connection of aiohttp's connector, and aiohttp's parser reads the response. So it is
known exactly whether a byte was sent, and the signed text is sent byte for byte.
"""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader
from yarl import URL

from mexc_tui.model.errors import DeskError

KEEPALIVE_S = 30.0
CONNECT_S = 3.0
"""Deadline for name resolution, TCP connect and TLS handshake together."""
STALE_ATTEMPTS = 4
"""Number of stale pooled connections tried before a request fails. Nothing was sent over them."""

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)  # one deadline covers the whole call


class Headers:
    """Request headers, rendered once. They contain the API key, so `repr` hides them."""

    __slots__ = ("text",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Raise ValueError for text that could break out of a header line."""
        for name, value in headers.items():
            if not (name + value).isascii() or not (name + value).isprintable():
                raise ValueError(f"the header {name!r} contains characters that are not allowed in a header")
        self.text = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])

    def __repr__(self) -> str:
        """Return a placeholder."""
        return "Headers(***)"


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An undecoded response. `retry_after_s` is None if Retry-After is absent or invalid."""

    status: int
    body: bytes
    content_type: str = ""
    retry_after_s: float | None = None


class UnreadableResponse(DeskError):
    """A response is too large or cannot be decompressed.

    Raised while a response is read. Callers of the client receive it as `NoResponse`.
    """


class ConnectTimeout(DeskError):
    """A server did not accept a connection in time. Nothing was sent.

    Raised while connecting. Callers of the client receive it as `NothingSent`; sending again is safe.
    """


FAILURES = (
    TimeoutError,
    UnreadableResponse,
    ConnectTimeout,
    aiohttp.ClientError,
    HttpProcessingError,
    OSError,
    ValueError,
    RuntimeError,
)
"""Exceptions that connecting, writing and reading may raise."""


class ConnectionAddress:
    """Address of one origin: connector request and Host header. Needs a running event loop."""

    __slots__ = ("_host", "request")

    def __init__(self, origin: str) -> None:
        url = URL(origin)
        # Only tells the connector where to connect; it is never sent.
        self.request = ClientRequest("GET", url, loop=asyncio.get_running_loop())
        self._host = f"Host: {url.authority if url.explicit_port else url.host_subcomponent}\r\n"

    def request_bytes(self, method: str, path: str, query: str, *, headers: Headers) -> bytes:
        """Return a request without body. `query` is already encoded and is copied unchanged."""
        target = f"{path}?{query}" if query else path
        length = "" if method == "GET" else "Content-Length: 0\r\n"
        return f"{method} {target} HTTP/1.1\r\n{self._host}{headers.text}{length}\r\n".encode("ascii")


def default_connector() -> aiohttp.TCPConnector:
    """Return a connector that always verifies TLS and keeps idle connections for 30 s."""
    return aiohttp.TCPConnector(limit=64, ttl_dns_cache=300, keepalive_timeout=KEEPALIVE_S)


class HttpConnection:
    """An open connection for sequential requests. Close or release it after use."""

    __slots__ = ("_connection", "_protocol", "_transport")

    def __init__(self, connection: Connection) -> None:
        """Raise ConnectionResetError if the connection is already broken."""
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            raise ConnectionResetError
        self._connection = connection
        self._protocol = protocol
        self._transport = transport

    @property
    def is_usable(self) -> bool:
        """Whether it appears open and has no unrequested response buffered."""
        return not (self._transport.is_closing() or self._protocol.should_close)

    def write(self, request: bytes) -> bool:
        """Write a request. False: the connection is unusable and no byte was sent."""
        if self._protocol.should_close:
            return False
        transport = self._transport
        transport.write(request)
        # A closing transport drops the bytes, and a transport closes if the system rejects the first write.
        return not transport.is_closing()

    async def read_response(self, cap_bytes: int) -> "RawResponse":
        """Return the response to the last request. Raises one of FAILURES: close the connection then."""
        protocol = self._protocol
        # Safe after the write: no byte can arrive before the event loop runs again.
        protocol.set_response_params(read_until_eof=True, auto_decompress=False)
        message, content = await protocol.read()
        while 100 <= message.code < 200 and message.code != 101:
            message, content = await protocol.read()
        body = await _read(message, content, cap_bytes)
        headers = message.headers
        return RawResponse(
            message.code, body, headers.get("Content-Type", ""), _retry_after_s(headers.get("Retry-After"))
        )

    def release(self) -> None:
        """Return it to the connector's pool."""
        self._connection.release()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Connections:
    """Opens connections through one connector, which the caller owns and closes."""

    def __init__(self, connector: aiohttp.BaseConnector, connect_s: float = CONNECT_S) -> None:
        self._connector = connector
        self._connect_s = connect_s

    async def open(self, address: ConnectionAddress) -> HttpConnection:
        """Return a connection that appears open. Raises one of FAILURES."""
        limit = asyncio.timeout(self._connect_s)
        try:
            async with limit:
                return await self._open(address)
        except TimeoutError:
            if not limit.expired():
                raise
            raise ConnectTimeout(f"no connection to the server within {self._connect_s:g} s") from None

    async def _open(self, address: ConnectionAddress) -> HttpConnection:
        for _ in range(STALE_ATTEMPTS):
            opened = await self._connector.connect(address.request, traces=[], timeout=_NO_TIMEOUT)
            if opened.protocol is not None and (connection := HttpConnection(opened)).is_usable:
                return connection
            opened.close()
        raise ConnectionResetError


def describe_failure(error: Exception, deadline_s: float) -> str:
    """Return a message for one of FAILURES. aiohttp's own texts contain addresses."""
    if isinstance(error, UnreadableResponse | ConnectTimeout):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"no complete response within {deadline_s:.3g} s"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "the server's certificate is invalid (TLS)"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name was not found"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection to the server"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError | aiohttp.ClientOSError):
        return "the connection broke before a response"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke during the response"
    if isinstance(error, HttpProcessingError):
        return "the response is not HTTP"
    return f"the request failed ({type(error).__name__})"


async def _read(message: RawResponseMessage, content: StreamReader, cap_bytes: int) -> bytes:
    body = await content.readany()
    if not content.at_eof():
        parts = [body]
        size = len(body)
        while part := await content.readany():
            size += len(part)
            if size > cap_bytes:
                raise UnreadableResponse(f"the response is larger than {cap_bytes} bytes")
            parts.append(part)
        body = b"".join(parts)
    if len(body) > cap_bytes:
        raise UnreadableResponse(f"the response is larger than {cap_bytes} bytes")
    encoding = message.headers.get("Content-Encoding", "identity").strip().lower()
    return body if encoding in ("identity", "") else _decompress(body, encoding, cap_bytes)


def _decompress(body: bytes, encoding: str, cap_bytes: int) -> bytes:
    """Decompress a body to at most `cap_bytes`. Compression was not requested, but is tolerated."""
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise UnreadableResponse("the response has an unsupported encoding")
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = inflate.decompress(body, cap_bytes + 1)
    except zlib.error:
        raise UnreadableResponse("the compressed response is corrupt") from None
    if len(plain) > cap_bytes:
        raise UnreadableResponse(f"the response decompresses to more than {cap_bytes} bytes")
    if not inflate.eof:
        raise UnreadableResponse("the compressed response is truncated")
    return plain


def _retry_after_s(text: str | None) -> float | None:
    """Parse Retry-After in seconds. Dates and invalid values return None."""
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and isfinite(seconds) and seconds >= 0 else None
