"""One WebSocket connection: receiving, JSON PING, watchdog and paced sending (protocol 7.1)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

import aiohttp

from mexc_tui.exchange.origins import OriginRefused, is_loopback_host
from mexc_tui.exchange.streams.replies import Ack, InvalidListenKey, Pong, Reply, parse_reply
from mexc_tui.model.errors import DeskError

RECEIVE_BATCH = 32
"""Frames received before other tasks run: well under 250 µs."""
LATE_S = 0.5
"""Timer delay from which the event loop counts as stalled."""
SEND_GAP_S = 0.02
"""Pause between sends: at most 50 a second. The exchange disconnects above 100."""


StreamConnector: TypeAlias = aiohttp.BaseConnector
"""Opens stream connections. All streams share one."""

STREAM_HOSTS = frozenset({"wbs-api.mexc.com"})
"""The only remote hosts that streams connect to (reliability 4.6)."""


def stream_connector() -> StreamConnector:
    """Return a TCP connector. Needs a running event loop; use it as an async context manager."""
    return aiohttp.TCPConnector()


def checked_stream_url(url: str) -> str:
    """Return a `wss://` URL of the exchange or a `ws(s)://` URL of this machine.

    Raises OriginRefused for any other address.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_exchange = parts.scheme == "wss" and host in STREAM_HOSTS
    is_local = parts.scheme in ("ws", "wss") and is_loopback_host(host)
    if (is_exchange or is_local) and not (parts.query or parts.fragment or parts.username):
        return url
    raise OriginRefused(
        f"{host or 'This address'} is not allowed: use wss:// of {', '.join(sorted(STREAM_HOSTS))}, "
        "or this machine, without a query."
    )


class SocketEnded(DeskError):
    """A stream connection ended or could not be established.

    Raised by a socket. Connect again after a pause. The message omits the URL, which may contain a listen
    key. `http_status` is the status of a refused handshake; None for other failures.
    """

    def __init__(self, reason: str, http_status: int | None = None) -> None:
        super().__init__(reason)
        self.http_status = http_status


def ignore_refusal(_http_status: int) -> None:
    """Ignore a refused connection: there is no rate budget."""


class ListenKeyRefused(SocketEnded):
    """The exchange rejected the listen key in the URL.

    Raised by a socket of the user stream. Create a new listen key, then connect again.
    """


@dataclass(frozen=True, slots=True)
class SocketTimings:
    """Intervals and deadlines of a socket."""

    ping_every_s: float = 5
    silence_factor: float = 1.5
    """Ping intervals without a message after which the connection counts as dead (reliability M2): 7.5 s."""
    open_within_s: float = 10
    ack_within_s: float = 5
    refused_retry_s: float = 5
    rotate_after_s: float = 23 * 3600
    """Age limit of a connection, shortened by up to 5 % of jitter. The exchange closes it at 24 h."""
    overlap_s: float = 2
    backoff_base_s: float = 1
    backoff_cap_s: float = 30

    @property
    def silence_s(self) -> float:
        """Seconds without a message after which a connection counts as dead."""
        return self.ping_every_s * self.silence_factor


def refuse_redirects() -> aiohttp.TraceConfig:
    """Return a trace that refuses redirects: aiohttp would follow them with all headers."""
    trace = aiohttp.TraceConfig()

    async def refuse(_session: object, _context: object, _params: object) -> None:
        raise SocketEnded("the server redirects the stream: refused")

    trace.on_request_redirect.append(refuse)
    return trace


async def open_socket(
    session: aiohttp.ClientSession, url: str, timings: SocketTimings, *, max_bytes: int
) -> aiohttp.ClientWebSocketResponse:
    """Connect. Raises SocketEnded. No protocol-level heartbeat: the exchange may not respond to it."""
    status = None
    try:
        async with asyncio.timeout(timings.open_within_s):
            return await session.ws_connect(
                url,
                max_msg_size=max_bytes,
                heartbeat=None,
                compress=0,
                autoping=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=1.0),  # pyright: ignore[reportCallIssue]
            )
    except TimeoutError:
        problem = f"no connection within {timings.open_within_s:g} s"
    except aiohttp.WSServerHandshakeError as error:
        status = error.status
        problem = f"the server refused the stream with HTTP {status}"
    except (aiohttp.ClientError, OSError) as error:
        problem = f"no connection: {type(error).__name__}"
    # Raised here, because aiohttp's error contains the URL with the listen key and must not be chained.
    raise SocketEnded(problem, status)


class StreamSocket:
    """An open WebSocket. `run` receives until it ends and raises the reason."""

    def __init__(
        self,
        ws: aiohttp.ClientWebSocketResponse,
        *,
        timings: SocketTimings,
        on_frame: Callable[[bytes], None],
        on_ack: Callable[[Ack], None],
        on_unknown: Callable[[str], None],
    ) -> None:
        """Pass binary frames, acknowledgements and unknown text frames to the callbacks."""
        self._ws = ws
        self._timings = timings
        self._on_frame = on_frame
        self._on_ack = on_ack
        self._on_unknown = on_unknown
        self._loop = asyncio.get_running_loop()
        self.last_received_s = self._loop.time()
        """Loop time of the last received frame."""
        self._close_reason: str | None = None
        self._closing = asyncio.Event()
        self._probing = asyncio.Event()
        self._next_send_s = 0.0

    async def run(self) -> None:
        """Receive until the connection ends. Always raises SocketEnded (or is cancelled)."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive())
                group.create_task(self._keep_alive())
                group.create_task(self._wait_for_close())
        except* SocketEnded as ended:
            reason = _first(ended)
        else:
            reason = SocketEnded("the connection ended")
        finally:
            await self._ws.close()
        raise reason

    def close(self, reason: str) -> None:
        """Close the connection; `run` raises `reason`."""
        self._close_reason = self._close_reason or reason
        self._closing.set()

    def probe(self) -> None:
        """Ping immediately."""
        self._probing.set()

    async def send(self, text: str) -> None:
        """Send one text frame, paced by SEND_GAP_S. Raises SocketEnded."""
        now_s = self._loop.time()
        wait_s = self._next_send_s - now_s
        self._next_send_s = max(now_s, self._next_send_s) + SEND_GAP_S
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        try:
            await self._ws.send_str(text)
        except (aiohttp.ClientError, OSError) as error:
            raise SocketEnded(f"sending failed: {type(error).__name__}") from None

    async def _receive(self) -> None:
        """Dispatch received frames; let other tasks run after each batch."""
        received = 0
        while True:
            message = await self._ws.receive()
            self.last_received_s = self._loop.time()
            if message.type is aiohttp.WSMsgType.BINARY:
                self._on_frame(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                self._handle_text(message.data)
            elif message.type is aiohttp.WSMsgType.PING:
                await self._ws.pong(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                raise SocketEnded(self._end_reason(message))
            received += 1
            if received % RECEIVE_BATCH == 0:
                await asyncio.sleep(0)

    def _handle_text(self, text: str) -> None:
        reply: Reply = parse_reply(text)
        match reply:
            case Pong():
                pass
            case Ack():
                self._on_ack(reply)
            case InvalidListenKey():
                raise ListenKeyRefused("the exchange does not know the listen key")
            case _:
                self._on_unknown(f"a text frame {reply.text!a}")

    def _end_reason(self, message: aiohttp.WSMessage) -> str:
        if message.type is aiohttp.WSMsgType.ERROR:
            return f"the connection broke: {type(message.data).__name__}"
        return f"the exchange closed the connection with code {self._ws.close_code}"

    async def _keep_alive(self) -> None:
        """Ping periodically; raise SocketEnded after `silence_s` without any frame.

        After a stall of the event loop, received frames are still unread: the count restarts.
        """
        every_s, silence_s = self._timings.ping_every_s, self._timings.silence_s
        ping_s, counted_s = self._loop.time() + every_s, self.last_received_s
        while True:
            counted_s = max(counted_s, self.last_received_s)
            wake_s = min(ping_s, counted_s + silence_s)
            await self._sleep_until(wake_s)
            now_s = self._loop.time()
            if self._probing.is_set():
                self._probing.clear()
                ping_s = now_s
            if now_s - wake_s > LATE_S:
                counted_s, ping_s = now_s - every_s, now_s
            if now_s >= max(counted_s, self.last_received_s) + silence_s:
                raise SocketEnded(f"nothing received for {silence_s:g} s: the connection is dead")
            if now_s >= ping_s:
                ping_s = now_s + every_s
                await self.send('{"method":"PING"}')

    async def _sleep_until(self, wake_s: float) -> None:
        """Sleep until the next ping is due or requested."""
        try:
            async with asyncio.timeout(max(wake_s - self._loop.time(), 0.001)):
                await self._probing.wait()
        except TimeoutError:
            return

    async def _wait_for_close(self) -> None:
        await self._closing.wait()
        raise SocketEnded(self._close_reason or "closed")


def _first(group: BaseExceptionGroup[SocketEnded]) -> SocketEnded:
    """Return the most specific of several simultaneous errors."""
    ends = [error for error in group.exceptions if isinstance(error, SocketEnded)]
    refused = [end for end in ends if isinstance(end, ListenKeyRefused)]
    return (refused or ends)[0]
