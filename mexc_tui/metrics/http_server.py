"""A small HTTP server for one page, `GET /metrics`, on a private Unix socket or a loopback port."""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from mexc_tui.desk.private_socket import DeskSocket
from mexc_tui.metrics.exposition import CONTENT_TYPE

HOST = "127.0.0.1"
HEAD_BYTES = 8 * 1024
DEADLINE_S = 5.0
MOST_CONNECTIONS = 8
Page = Callable[[], Awaitable[str]]

log = logging.getLogger(__name__)


class MetricsServer:
    """Serves one page; each connection gets one response. A failing page is a 500, never an exception."""

    def __init__(self, page: Page) -> None:
        """Serve what `page` returns."""
        self._page = page
        self._servers: list[asyncio.Server] = []
        self._sockets: list[DeskSocket] = []
        self._connections = 0

    async def open_socket(self, socket: DeskSocket) -> None:
        """Serve on a listening private socket, and close it with the server."""
        self._sockets.append(socket)
        self._servers.append(await asyncio.start_unix_server(self._connected, sock=socket.socket))

    async def open_port(self, port: int) -> int:
        """Serve on a port of 127.0.0.1 (0: any free one); return the port. Raises OSError."""
        server = await asyncio.start_server(self._connected, HOST, port)
        self._servers.append(server)
        address: tuple[str, int] = server.sockets[0].getsockname()
        return address[1]

    async def close(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.close()
        for socket in self._sockets:
            socket.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= MOST_CONNECTIONS:
                async with asyncio.timeout(DEADLINE_S):
                    writer.write(await self._response(await reader.readuntil(b"\r\n\r\n")))
                    await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # a client that sends no request, too long a one, or leaves
        finally:
            self._connections -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _response(self, request: bytes) -> bytes:
        lines = request.decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if not _is_local(lines[1:]):
            return _answer("403 Forbidden", "Use the name localhost.\n")
        if path != "/metrics":
            return _answer("404 Not Found", "The metrics are at /metrics.\n")
        if method not in ("GET", "HEAD"):
            return _answer("405 Method Not Allowed", "Use GET.\n")
        try:
            text = await self._page()
        except Exception:
            log.exception("the metrics could not be collected")
            return _answer("500 Internal Server Error", "See the log of the engine.\n")
        return _answer("200 OK", text, has_body=method == "GET")


def _is_local(headers: list[str]) -> bool:
    """Whether the request names this machine: a web page of another name must not read the metrics."""
    named = [line.partition(":")[2].strip() for line in headers if line.lower().startswith("host:")]
    host = named[0].rpartition(":")[0] or named[0] if named else "localhost"
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _answer(status: str, text: str, *, has_body: bool = True) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (body if has_body else b"")
