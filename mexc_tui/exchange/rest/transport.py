"""HTTP transport: one request, one response up to a size cap, or NothingSent or NoResponse.

Redirects are never followed, nothing is sent twice, and no error text contains a URL or a header. An order
takes half the time of an aiohttp session (docs/benchmarks.md).
"""

import asyncio
from types import TracebackType
from typing import Self

import aiohttp

from mexc_tui.exchange.rest.connection import (
    CONNECT_S,
    FAILURES,
    ConnectionAddress,
    Connections,
    Headers,
    RawResponse,
    default_connector,
    describe_failure,
)
from mexc_tui.model.errors import NoResponse, NothingSent

CAP_BYTES = 8 * 1024 * 1024
"""Response size limit. The largest response, exchangeInfo, is about 1.6 MB (protocol 1)."""


class _SentRequest:
    """A request with key and signature (not in its repr), and whether bytes of it may have been sent."""

    __slots__ = ("may_have_left", "request")

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.may_have_left = False


class HttpTransport:
    """Sends requests through one connector. Close it, or use it as an async context manager."""

    def __init__(self, connector: aiohttp.BaseConnector | None = None, connect_s: float = CONNECT_S) -> None:
        """Own `connector`, or a default one, and close it with the transport. Needs a running event loop."""
        self._connector = connector or default_connector()
        self._addresses: dict[str, ConnectionAddress] = {}
        self.connections = Connections(self._connector, connect_s)

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
        *,
        query: str,
        headers: Headers,
        deadline_s: float,
        cap_bytes: int = CAP_BYTES,
    ) -> RawResponse:
        """Send `query`, already encoded, byte for byte; return the response within `deadline_s`.

        Raises NothingSent if no byte was sent, NoResponse if some may have been.
        """
        address = self._addresses.get(origin) or self._add_address(origin)
        sent = _SentRequest(address.request_bytes(method, path, query, headers=headers))
        del query  # a crash report may print locals (reliability 4.4)
        try:
            async with asyncio.timeout(deadline_s):
                return await self._exchange(address, sent, cap_bytes)
        except FAILURES as error:
            problem = describe_failure(error, deadline_s)
        if sent.may_have_left:
            raise NoResponse(method, path, problem) from None
        raise NothingSent(method, path, f"not sent: {problem}") from None

    async def _exchange(self, address: ConnectionAddress, sent: _SentRequest, cap_bytes: int) -> RawResponse:
        connection = await self.connections.open(address)
        try:
            sent.may_have_left = connection.write(sent.request)
            if not sent.may_have_left:
                raise ConnectionResetError
            response = await connection.read_response(cap_bytes)
        except BaseException:
            connection.close()
            raise
        connection.release()
        return response

    def _add_address(self, origin: str) -> ConnectionAddress:
        address = self._addresses[origin] = ConnectionAddress(origin)
        return address
