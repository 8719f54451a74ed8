"""WebSocket connections: control protocol, listen keys, closing rules (protocol 7, 9)."""

import asyncio
from collections.abc import Callable

import msgspec
from aiohttp import WSMsgType, web

from mexc_tui.practice.clock import PracticeClock
from mexc_tui.practice.faults import Faults
from mexc_tui.practice.session import ExchangeSession
from mexc_tui.practice.streams.channels import (
    BAD_LISTEN_KEY,
    NO_SUBSCRIPTION,
    PONG,
    PRIVATE,
    ChannelKind,
    ChannelTopic,
    acknowledgement,
    parse,
)
from mexc_tui.practice.streams.connection import StreamConnection
from mexc_tui.practice.streams.listen_keys import PracticeListenKeys
from mexc_tui.practice.streams.publisher import Publisher

MAX_MESSAGE = 64 * 1024
BAD_MESSAGE = "msg format invalid"


class Command(msgspec.Struct):
    """A client's text frame (protocol 7.2)."""

    method: str
    params: list[str] = msgspec.field(default_factory=list[str])
    id: int = 0


class _Reply(msgspec.Struct):
    """Control replies always have code 0; only their text differs."""

    id: int
    code: int
    msg: str


class Sockets:
    """All WebSocket connections of the exchange."""

    def __init__(
        self,
        *,
        session: ExchangeSession,
        clock: PracticeClock,
        faults: Faults,
        publisher: Publisher,
        listen_keys: PracticeListenKeys,
        changed: Callable[[], None],
    ) -> None:
        self._session = session
        self._knobs = session.scenario.knobs
        self._clock = clock
        self._faults = faults
        self._publisher = publisher
        self._listen_keys = listen_keys
        self._changed = changed
        self._open: dict[StreamConnection, None] = {}

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._open)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until it closes."""
        response = web.WebSocketResponse(compress=False, autoping=False, max_msg_size=MAX_MESSAGE)
        await response.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return response
        listen_key = request.query.get("listenKey", "")
        socket = StreamConnection(
            transport=transport, now_ms=self._clock.now_ms, faults=self._faults, listen_key=listen_key
        )
        if listen_key and not self._listen_keys.attach(listen_key, self._clock.now_ms()):
            socket.answer(BAD_LISTEN_KEY)
            socket.close(with_frame=True)
            return response
        self._open[socket] = None
        self._changed()
        try:
            await self._listen(socket, response)
        finally:
            self._forget(socket)
        return response

    async def _listen(self, socket: StreamConnection, response: web.WebSocketResponse) -> None:
        async for message in response:
            if not socket.is_within_rate(self._knobs.messages_per_s):
                socket.close(with_frame=True)
                return
            if message.type is WSMsgType.PING:
                socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                socket.answer(self._reply(socket, message.data))
                self._changed()
            elif message.type is WSMsgType.ERROR:
                return

    def _forget(self, socket: StreamConnection) -> None:
        self._open.pop(socket, None)
        for topic in socket.topics.values():
            self._publisher.unsubscribe(socket, topic)
        if socket.listen_key:
            self._listen_keys.detach(socket.listen_key)

    def sweep(self) -> None:
        """Close idle connections, old ones and those with an expired listen key. Call it once a second."""
        now_ms = self._clock.now_ms()
        for socket in list(self._open):
            socket.release_delayed()
            expired = socket.listen_key and not self._listen_keys.is_live(socket.listen_key, now_ms)
            if expired or socket.is_over(self._knobs):
                self.drop(socket)

    def drop(self, socket: StreamConnection) -> None:
        """Close a connection, with a close frame or without (knob)."""
        socket.close(with_frame=self._knobs.close_frame)

    def close_all(self) -> None:
        """Close every connection when the exchange shuts down."""
        for socket in list(self._open):
            socket.close(with_frame=True, even_half_open=True)

    # The control protocol

    def _reply(self, socket: StreamConnection, text: str) -> str:
        try:
            command = msgspec.json.decode(text, type=Command)
        except msgspec.DecodeError:
            return _reply(0, BAD_MESSAGE)
        match command.method.upper():
            case "PING":
                return _reply(0, PONG)
            case "SUBSCRIPTION":
                return _reply(command.id, self._subscribe(socket, command.params))
            case "UNSUBSCRIPTION":
                return _reply(command.id, self._unsubscribe(socket, command.params))
            case _:
                return _reply(command.id, BAD_MESSAGE)

    def _subscribe(self, socket: StreamConnection, params: list[str]) -> str:
        accepted: list[str] = []
        refused: list[str] = []
        for text in params:
            if text in socket.topics:
                continue
            topic = self._allowed(socket, text)
            if topic is None:
                refused.append(text)
                continue
            accepted.append(text)
            socket.add(topic)
            self._publisher.subscribe(socket, topic)
        return acknowledgement(accepted, refused)

    def _allowed(self, socket: StreamConnection, text: str) -> ChannelTopic | None:
        """Parse a parameter; None: blocked, whatever the reason (protocol 7.4)."""
        topic = parse(text)
        if topic is None or len(socket.topics) >= self._knobs.subscriptions_per_socket:
            return None
        if topic.kind in PRIVATE:
            return topic if socket.listen_key else None
        if topic.kind is ChannelKind.MINI_TICKERS:
            return topic
        pair = self._session.pair(topic.symbol)
        return topic if pair is not None and not pair.blocked else None

    def _unsubscribe(self, socket: StreamConnection, params: list[str]) -> str:
        ended: list[str] = []
        for text in params:
            topic = socket.remove(text)
            if topic is not None:
                self._publisher.unsubscribe(socket, topic)
                ended.append(text)
        return ",".join(ended) if ended else NO_SUBSCRIPTION


def _reply(number: int, text: str) -> str:
    return msgspec.json.encode(_Reply(number, 0, text)).decode("utf-8")
