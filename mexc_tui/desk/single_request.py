"""One query from the command line: connect, send, wait for the response until the deadline, disconnect."""

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
from mexc_tui.desk.wire import Changes, CommandAnswer, CommandMessage, RefusedMessage, raw, reply_to

_Said = TypeVar("_Said")


def ask(
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
    """Send one command and return its outcome. Not for use inside a running loop.

    `silent_s`: an engine that says nothing at all for so long, not even that it lives, is given up.
    Raises NoEngine, ViewerRefused or EngineSilent; then repeat the `command_id` to learn what was done.
    """
    give = CommandMessage(
        id=command_id or uuid4().hex,
        name=kind.name,
        at_ms=now_ms,
        until_ms=now_ms + int(deadline_s * 1_000),
        args=raw(args),
    )

    async def talk(connection: Connection) -> Reply[Result]:
        await connection.send(give)
        while True:
            async with asyncio.timeout(silent_s):
                said = await connection.receive()
            if isinstance(said, CommandAnswer) and said.id == give.id:
                return reply_to(said, kind)
            if isinstance(said, RefusedMessage):
                raise ViewerRefused(said.words)

    return asyncio.run(_within(path, who, Role.OPERATE, deadline_s, talk, silent_s))


def look(path: Path, kind: ViewKind[Row], *, who: str, deadline_s: float) -> Mapping[str, Row]:
    """Return a view as it is now. Not for use inside a running loop. Raises as `ask` does."""

    async def talk(connection: Connection) -> Mapping[str, Row]:
        mirror = Mirror(kind)
        await connection.send(mirror.ask(connection.welcome.engine))
        while not mirror.is_complete:
            said = await connection.receive()
            if isinstance(said, Changes):
                mirror.apply(said)
            elif isinstance(said, RefusedMessage):
                raise ViewerRefused(said.words)
        return mirror.rows

    return asyncio.run(_within(path, who, Role.VIEW, deadline_s, talk))


async def _within(
    path: Path,
    who: str,
    role: Role,
    deadline_s: float,
    talk: Callable[[Connection], Awaitable[_Said]],
    silent_s: float | None = None,
) -> _Said:
    waited = asyncio.timeout(deadline_s)
    try:
        async with waited:
            async with asyncio.timeout(silent_s):
                connection = await connect(path, who, role)
            try:
                return await talk(connection)
            finally:
                connection.close()
    except TimeoutError:
        late_s = deadline_s if waited.expired() or silent_s is None else silent_s
        raise EngineSilent(f"The engine at {path} did not respond within {late_s:g} s.") from None
    except (ConnectionError, asyncio.IncompleteReadError):
        raise EngineSilent(f"The engine at {path} closed the connection without a response.") from None
