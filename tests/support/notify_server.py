"""A server on loopback that stands in for ntfy, Telegram, Discord, Slack and a webhook."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class NotifyServer:
    """Records requests; answers with `statuses` in turn, then 200."""

    origin: str = ""
    statuses: list[int] = field(default_factory=list[int])
    answer_headers: dict[str, str] = field(default_factory=dict[str, str])
    received: list[Received] = field(default_factory=list[Received])
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    is_silent: bool = False
    """Whether requests are never answered."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record a request and answer it."""
        self.received.append(Received(request.path, dict(request.headers), await request.read()))
        self.arrived.set()
        if self.is_silent:
            await asyncio.Event().wait()
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers=self.answer_headers)

    def application(self) -> web.Application:
        """Return the application that records the requests."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.handle)
        return application

    async def next(self) -> Received:
        """Wait for a request, and return the newest."""
        await self.arrived.wait()
        self.arrived.clear()
        return self.received[-1]


@asynccontextmanager
async def notify_server() -> AsyncGenerator[NotifyServer]:
    """Serve on a free port of loopback during the block."""
    server = NotifyServer()
    runner = web.AppRunner(server.application(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.origin = f"http://{host}:{port}"
        yield server
    finally:
        await runner.cleanup()
