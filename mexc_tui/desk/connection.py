"""One connection of a front end: handshake, then messages in both directions."""

import asyncio
import os
import socket
from pathlib import Path

from mexc_tui.desk.api_types import FrontEndError, NoEngine, Role, ViewerRefused
from mexc_tui.desk.private_socket import peer_of
from mexc_tui.desk.wire import (
    PROTOCOL,
    SAME_RELEASE,
    EngineMessage,
    FromViewer,
    Hello,
    RefusedMessage,
    Welcome,
    frame,
    from_engine,
    read_frame,
)


class Connection:
    """An open connection, created by `connect`. Its loss raises ConnectionError or IncompleteReadError."""

    def __init__(self, welcome: Welcome, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.welcome = welcome
        self._reader = reader
        self._writer = writer

    async def send(self, message: FromViewer) -> None:
        """Send one message."""
        self._writer.write(frame(message))
        await self._writer.drain()

    async def receive(self) -> EngineMessage:
        """Return the next message. Raises ProtocolError; TimeoutError if it is not completed in time."""
        return from_engine(await read_frame(self._reader))

    def close(self) -> None:
        """Close it at once."""
        self._writer.transport.abort()


async def connect(path: Path, who: str, role: Role) -> Connection:
    """Connect to an engine and complete the handshake.

    Raises NoEngine, ViewerRefused, ProtocolError or TimeoutError.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, str(path))
        if peer_of(connection).uid != os.geteuid():
            raise ViewerRefused(f"The engine at {path} belongs to another user.")
        reader, writer = await asyncio.open_unix_connection(sock=connection)
    except OSError as error:
        connection.close()
        problem = error.strerror or error
        text = f"No engine responds at {path} ({problem}). Start one with: {_start_command(path.stem)}"
        raise NoEngine(text) from None
    except BaseException:
        connection.close()
        raise
    try:
        writer.write(frame(Hello(protocol=PROTOCOL, role=role, who=who)))
        reply = from_engine(await read_frame(reader))
        if isinstance(reply, RefusedMessage):
            raise ViewerRefused(reply.words)
        if not isinstance(reply, Welcome):
            raise FrontEndError(f"The engine did not send a welcome message. {SAME_RELEASE}")
    except (ConnectionError, asyncio.IncompleteReadError):
        writer.transport.abort()
        raise NoEngine(f"The engine at {path} closed the connection. Try again.") from None
    except BaseException:
        writer.transport.abort()
        raise
    return Connection(reply, reader, writer)


def _start_command(profile: str) -> str:
    """Return the command that starts an engine of this profile; the socket is named after it."""
    modes = {"practice": "", "paper": " --mode paper", "live": " --mode live"}
    return f"mexc-tui --headless{modes.get(profile, f' --profile {profile}')}"
