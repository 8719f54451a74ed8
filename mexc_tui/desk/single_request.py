"""Single requests of the command line: connect, send, wait for the response, disconnect."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from mexc_tui.desk.api_types import (
    Args,
    CommandKind,
    EngineSilent,
    Reply,
    Result,
    Role,
    Row,
    ViewerRefused,
    ViewKind,
)
from mexc_tui.desk.connection import Connection, connect
from mexc_tui.desk.mirror import Mirror
from mexc_tui.desk.wire import Changes, CommandMessage, CommandResponse, RefusedMessage, raw, reply_to

_Response = TypeVar("_Response")


def send_command(
    path: Path,
    kind: CommandKind[Args, Result],
    args: Args,
    *,
    who: str,
    now_ms: int,
    deadline_s: float,
    silent_s: float | None = None,
    command_id: str | None = None,
) -> Reply[Result]:
    """Send one command and return its outcome. Do not call inside a running event loop.

    `silent_s` is the maximum time without any message of the engine, heartbeats included.
    Raises NoEngine, ViewerRefused or EngineSilent; after EngineSilent repeat the `command_id` to get the
    outcome.
    """
    message = CommandMessage(
        id=command_id or uuid4().hex,
        name=kind.name,
        at_ms=now_ms,
        until_ms=now_ms + int(deadline_s * 1_000),
        args=raw(args),
    )

    async def exchange(connection: Connection) -> Reply[Result]:
        await connection.send(message)
        while True:
            async with asyncio.timeout(silent_s):
                response = await connection.receive()
            if isinstance(response, CommandResponse) and response.id == message.id:
                return reply_to(response, kind)
            if isinstance(response, RefusedMessage):
                raise ViewerRefused(response.words)

    return asyncio.run(
        _within(path, who, kind.role, deadline_s=deadline_s, exchange=exchange, silent_s=silent_s)
    )


def fetch_view(path: Path, kind: ViewKind[Row], *, who: str, deadline_s: float) -> Mapping[str, Row]:
    """Return the current rows of a view. Not inside a running event loop. Raises like `send_command`."""

    async def exchange(connection: Connection) -> Mapping[str, Row]:
        mirror = Mirror(kind)
        await connection.send(mirror.subscription(connection.welcome.engine))
        while not mirror.is_complete:
            response = await connection.receive()
            if isinstance(response, Changes):
                mirror.apply(response)
            elif isinstance(response, RefusedMessage):
                raise ViewerRefused(response.words)
        return mirror.rows

    return asyncio.run(_within(path, who, Role.VIEW, deadline_s=deadline_s, exchange=exchange))


async def _within(
    path: Path,
    who: str,
    role: Role,
    *,
    deadline_s: float,
    exchange: Callable[[Connection], Awaitable[_Response]],
    silent_s: float | None = None,
) -> _Response:
    deadline = asyncio.timeout(deadline_s)
    try:
        async with deadline:
            async with asyncio.timeout(silent_s):
                connection = await connect(path, who, role)
            try:
                return await exchange(connection)
            finally:
                connection.close()
    except TimeoutError:
        waited_s = deadline_s if deadline.expired() or silent_s is None else silent_s
        raise EngineSilent(f"The engine at {path} did not respond within {waited_s:g} s.") from None
    except (ConnectionError, asyncio.IncompleteReadError):
        raise EngineSilent(f"The engine at {path} closed the connection without a response.") from None
