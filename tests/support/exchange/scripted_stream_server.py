"""A WebSocket server with scripted behaviour and without a market."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web


@dataclass(eq=False)
class StreamSession:
    """One socket as seen by the exchange."""

    ws: web.WebSocketResponse
    key: str
    opened_s: float
    topics: list[str] = field(default_factory=list[str])
    requests: list[str] = field(default_factory=list[str])
    request_s: list[float] = field(default_factory=list[float])
    pings: int = 0
    closed_s: float | None = None


@dataclass
class StreamBehaviour:
    """Behaviour of the exchange; a test may change it at any time."""

    answer_pings: bool = True
    answer_requests: bool = True
    refuse: set[str] = field(default_factory=set[str])
    ignore: set[str] = field(default_factory=set[str])
    """Topics silently dropped: neither subscribed nor named in the reply."""
    mute: set[str] = field(default_factory=set[str])
    """Topics acknowledged but never pushed on the socket that requested them first."""
    max_topics: int = 30
    reject_connections: int = 0
    reject_status: int = 503
    redirect_to: str = ""
    valid_keys: set[str] | None = None
    echo_ids: bool = True
    close_after_s: float = 0


class StreamServer:
    """Accepts subscriptions and pushes frames to its sockets."""

    def __init__(self) -> None:
        self.behaviour = StreamBehaviour()
        self.sessions: list[StreamSession] = []
        self.redirected = 0
        self.on_subscribed: Callable[[StreamSession, str], None] = lambda _session, _topic: None
        self._pushes: list[asyncio.Task[None]] = []

    @property
    def open(self) -> list[StreamSession]:
        """Return the open sockets, oldest first."""
        return [session for session in self.sessions if session.closed_s is None]

    def application(self) -> web.Application:
        """Return the server's application, for a real socket or in memory."""
        app = web.Application()
        app.router.add_get("/ws", self._serve)
        app.router.add_get("/elsewhere", self._redirect_target)
        return app

    async def push(self, topic: str, frame: bytes) -> int:
        """Send a frame to every socket subscribed to the topic; return their number."""
        bearers = [session for session in self.open if topic in session.topics]
        for session in bearers:
            if topic not in self.behaviour.mute:
                await session.ws.send_bytes(frame)
        return len(bearers)

    async def close_all(self) -> None:
        """Close every socket cleanly."""
        for session in self.open:
            await session.ws.close(code=1000)

    async def _redirect_target(self, _request: web.Request) -> web.Response:
        self.redirected += 1
        return web.Response(text="redirects must not be followed")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self.behaviour.redirect_to:
            raise web.HTTPTemporaryRedirect(self.behaviour.redirect_to)
        if self.behaviour.reject_connections:
            self.behaviour.reject_connections -= 1
            return web.Response(status=self.behaviour.reject_status)
        ws = web.WebSocketResponse(autoping=True)
        await ws.prepare(request)
        loop = asyncio.get_running_loop()
        session = StreamSession(ws, request.query.get("listenKey", ""), loop.time())
        self.sessions.append(session)
        try:
            keys = self.behaviour.valid_keys
            if keys is not None and session.key not in keys:
                await ws.send_str("Invalid listen key")
                await ws.close()
                return ws
            await self._serve_requests(session)
        finally:
            session.closed_s = loop.time()
        return ws

    async def _serve_requests(self, session: StreamSession) -> None:
        limit_s = self.behaviour.close_after_s or None
        try:
            async with asyncio.timeout(limit_s):
                async for message in session.ws:
                    if message.type is WSMsgType.TEXT:
                        await self._reply(session, message.data)
        except TimeoutError:
            await session.ws.close(code=1000)

    async def _reply(self, session: StreamSession, text: str) -> None:
        request = json.loads(text)
        if request["method"].upper() == "PING":
            session.pings += 1
            if self.behaviour.answer_pings:
                await session.ws.send_str('{"id":0,"code":0,"msg":"PONG"}')
            return
        session.requests.append(text)
        session.request_s.append(asyncio.get_running_loop().time())
        if not self.behaviour.answer_requests or self.behaviour.ignore.issuperset(request["params"]):
            return
        if request["method"] == "UNSUBSCRIPTION":
            session.topics = [topic for topic in session.topics if topic not in request["params"]]
            message, accepted = ",".join(request["params"]), []
        else:
            message, accepted = self._subscribe(session, request["params"])
        number = request.get("id", 0) if self.behaviour.echo_ids else 0
        await session.ws.send_str(json.dumps({"id": number, "code": 0, "msg": message}, ensure_ascii=False))
        for topic in accepted:
            self.on_subscribed(session, topic)

    def _subscribe(self, session: StreamSession, topics: list[str]) -> tuple[str, list[str]]:
        accepted: list[str] = []
        refused: list[str] = []
        for topic in topics:
            if topic in session.topics or topic in self.behaviour.ignore:
                continue
            if topic in self.behaviour.refuse or len(session.topics) >= self.behaviour.max_topics:
                refused.append(topic)
                continue
            session.topics.append(topic)
            accepted.append(topic)
        refusal = f"Not Subscribed successfully! [{','.join(refused)}]."
        if refused and accepted:
            return f"Subscribed successful! [{','.join(accepted)}]. {refusal} Reason： Blocked! ", accepted
        if refused:
            return f"{refusal}  Reason： Blocked! ", accepted
        return ",".join(reversed(accepted)), accepted


@asynccontextmanager
async def listening_server(server: StreamServer) -> AsyncGenerator[str]:
    """Serve on a real loopback socket; yield the WebSocket URL."""
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"ws://{host}:{port}/ws"
    finally:
        await runner.cleanup()
