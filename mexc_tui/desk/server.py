"""Accept viewers at the socket, one task each, and disconnect them when the engine stops."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mexc_tui.desk.api_types import Role, lower_role
from mexc_tui.desk.command_executor import FULL, Audit, CommandExecutor, CommandSender
from mexc_tui.desk.fact_feed import FactFeed, FactSource
from mexc_tui.desk.private_socket import BACKLOG, DeskSocket, Peer, peer_of
from mexc_tui.desk.viewer import Viewer, ViewerContext
from mexc_tui.desk.views import View
from mexc_tui.desk.wire import (
    PROTOCOL,
    SAME_RELEASE,
    Hello,
    ProtocolError,
    RefusedMessage,
    Welcome,
    frame,
    from_viewer,
    read_frame,
)
from mexc_tui.model.event import Fact
from mexc_tui.model.text import clean_name

log = logging.getLogger(__name__)

MAX_VIEWERS = 32
RESERVED = 8
"""Additional slots for risk-reducing commands: a halt is possible however many viewers are connected."""
MAX_HANDSHAKES = 256
"""Maximum connections in the handshake; beyond it the oldest is closed."""
HELLO_S = 5.0
DISCONNECT_S = 1.0


@dataclass(frozen=True, slots=True)
class DeskParts:
    """Dependencies of the server, supplied by the engine."""

    engine: str
    """Unique per start: version numbers of views are valid for one engine only."""
    profile: str
    mode: str
    views: Sequence[View[Any]]
    facts: FactSource
    head: int
    """Number of the newest event in the journal."""
    audit: Audit
    now_ms: Callable[[], int]
    highest: Role = Role.ADMIN
    """Highest role that a viewer gets."""
    peer_of: Callable[[socket.socket], Peer] = peer_of
    refresh: Callable[[], None] = lambda: None
    """Refresh the views; called before the first viewer is served."""


ACCEPT_TURNS = 5
"""Loop turns at shutdown in which just accepted connections are registered and then closed."""


class DeskServer:
    """Serves views, events and commands of one engine. Use only in the event loop that opened it."""

    def __init__(self, parts: DeskParts) -> None:
        self.commands = CommandExecutor(parts.audit, parts.now_ms)
        self._parts = parts
        self._facts = FactFeed(parts.facts, parts.head)
        views = {view.kind.name: view for view in parts.views}
        self._context = ViewerContext(views, self._facts, self.commands, parts.engine, parts.now_ms)
        self._viewers: set[Viewer] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._handshakes: dict[asyncio.Task[None], None] = {}
        self._socket: DeskSocket | None = None
        self._server: asyncio.Server | None = None

    @property
    def viewers(self) -> Sequence[Viewer]:
        """Return the connected viewers."""
        return tuple(self._viewers)

    async def open(self, path: Path) -> None:
        """Listen at a path in an existing folder.

        Raises SocketInUse; FrontEndError if the socket cannot be created.
        """
        self._socket = DeskSocket(path)
        self._server = await asyncio.start_unix_server(
            self._accept, sock=self._socket.socket, backlog=BACKLOG
        )

    def publish(self, fact: Fact) -> None:
        """Publish a committed event to all viewers. Call in order."""
        self._facts.add(fact)
        for viewer in self._viewers:
            viewer.wake()

    async def close(self, deadline_s: float = 5.0) -> None:
        """Accept no viewer, let running commands end within the deadline, then disconnect all viewers."""
        if self._server is not None and self._socket is not None:
            # A just accepted connection has no transport yet: asyncio would lose it if the server closed.
            asyncio.get_running_loop().remove_reader(self._socket.socket)
            for _ in range(ACCEPT_TURNS):
                await asyncio.sleep(0)
            self._server.close()
        await self.commands.close(deadline_s)
        await asyncio.gather(*[viewer.wait_for_commands() for viewer in self._viewers])
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._handshakes[task] = None
        if len(self._handshakes) > MAX_HANDSHAKES:
            next(iter(self._handshakes)).cancel()
        try:
            await self._serve_viewer(task, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            log.debug("a viewer has disconnected")
        except Exception:
            log.exception("a viewer was disconnected by an internal error")
        finally:
            self._handshakes.pop(task, None)
            await _disconnect(writer)
            self._tasks.discard(task)

    async def _serve_viewer(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        sender = await self._handshake(reader, writer)
        self._handshakes.pop(task, None)
        if isinstance(sender, RefusedMessage):
            writer.write(frame(sender))
            return
        viewer = Viewer(self._context, sender=sender, reader=reader, writer=writer)
        if not self._viewers:
            self._parts.refresh()
        self._viewers.add(viewer)
        try:
            await viewer.serve()
        finally:
            self._viewers.discard(viewer)

    async def _handshake(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> CommandSender | RefusedMessage:
        """Complete the handshake; return the sender, or the refusal."""
        parts = self._parts
        # asyncio returns a proxy of the socket; a duplicate descriptor refers to the same connection.
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as connection:
            peer = parts.peer_of(connection)
        if peer.uid != os.geteuid():
            return RefusedMessage(about="hello", words="This desk belongs to another user.")
        try:
            hello = from_viewer(await read_frame(reader, HELLO_S))
        except ProtocolError as error:
            return RefusedMessage(about="frame", words=str(error))
        except TimeoutError:
            return RefusedMessage(about="hello", words="No hello message in time.")
        if not isinstance(hello, Hello):
            return RefusedMessage(about="hello", words="The first message must be a hello.")
        if hello.protocol != PROTOCOL:
            text = f"Protocol version mismatch: engine {PROTOCOL}, front end {hello.protocol}."
            return RefusedMessage(about="hello", words=f"{text} {SAME_RELEASE}")
        reserved = sum(viewer.sender.is_reserved for viewer in self._viewers)
        is_reserved = len(self._viewers) - reserved >= MAX_VIEWERS
        if is_reserved and reserved >= RESERVED:
            return RefusedMessage(about="hello", words=FULL)
        role = lower_role(hello.role, parts.highest)
        welcome = Welcome(
            protocol=PROTOCOL,
            engine=parts.engine,
            pid=os.getpid(),
            profile=parts.profile,
            mode=parts.mode,
            role=role,
            head=self._facts.head,
        )
        writer.write(frame(welcome))
        return CommandSender(clean_name(hello.who), peer.pid, role, is_reserved)


async def _disconnect(writer: asyncio.StreamWriter) -> None:
    """Close the connection; pending messages are dropped after a timeout."""
    writer.close()
    try:
        async with asyncio.timeout(DISCONNECT_S):
            await writer.wait_closed()
    except (ConnectionError, TimeoutError, asyncio.CancelledError):
        writer.transport.abort()
