"""Client connection of a front end: reconnects automatically and reports the age of its data."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from mexc_tui.desk.api_types import (
    Args,
    CommandKind,
    EngineSilent,
    FrontEndError,
    Reply,
    Result,
    Role,
    Row,
    ViewKind,
)
from mexc_tui.desk.connection import Connection, connect
from mexc_tui.desk.mirror import Mirror
from mexc_tui.desk.wire import (
    Changes,
    CommandMessage,
    CommandResponse,
    EngineMessage,
    Facts,
    Follow,
    ProtocolError,
    RefusedMessage,
    Welcome,
    raw,
    reply_to,
)
from mexc_tui.model import event as events
from mexc_tui.model.event import Fact

log = logging.getLogger(__name__)

STALE_S = 3.0
FROM_NOW = -1
"""Start after the newest event at the time of the connection."""
BACK_OFF_S = 0.5
BACK_OFF_CAP_S = 5.0
MAX_BACK_OFF_FACTOR = 10
"""The longest wait, as a multiple of the first."""


class Link(StrEnum):
    """State of the connection to the engine."""

    CONNECTED = "connected"
    STALE = "stale"  # connected, but no message for longer than the heartbeat interval
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class LinkState:
    """Connection state. `words` is the cause if not connected; `last_message_s` is loop time."""

    link: Link
    cause: str
    last_message_s: float | None
    attempts: int
    welcome: Welcome | None


class DeskClient:
    """Mirrors, events and commands over one connection. Use only in the event loop that runs it."""

    def __init__(
        self,
        path: Path,
        *,
        who: str,
        role: Role,
        now_ms: Callable[[], int],
        rng: Random,
        back_off_s: float = BACK_OFF_S,
    ) -> None:
        """Register views with `mirror` and events with `follow`, then `run`."""
        self._back_off_s = back_off_s
        self._path, self._who, self._role, self._now_ms, self._rng = path, who, role, now_ms, rng
        self._mirrors: dict[str, Mirror[Any]] = {}
        self._on_fact: Callable[[Fact], None] | None = None
        self._fact = 0
        self._starts_now = False
        self._waiting: dict[str, tuple[CommandMessage, asyncio.Future[CommandResponse]]] = {}
        self._connection: Connection | None = None
        self._listeners: list[Callable[[LinkState], None]] = []
        self.state = LinkState(Link.DISCONNECTED, "Not connected yet.", None, 0, None)

    def on_link(self, listener: Callable[[LinkState], None]) -> None:
        """Call `listener` when the connection state changes."""
        self._listeners.append(listener)

    def mirror(self, kind: ViewKind[Row]) -> Mirror[Row]:
        """Subscribe to a view from the next connection on; return its mirror."""
        mirror = Mirror(kind)
        self._mirrors[kind.name] = mirror
        return mirror

    def follow(self, after: int, on_fact: Callable[[Fact], None]) -> None:
        """Call `on_fact` once for each event after number `after`, in order, from the next connection on."""
        self._fact, self._on_fact = after, on_fact

    def follow_new_events(self, on_fact: Callable[[Fact], None]) -> None:
        """Call `on_fact` for each event from the first connection on, also after a restart of the journal."""
        self._fact, self._on_fact, self._starts_now = FROM_NOW, on_fact, True

    async def run(self) -> None:
        """Connect, and reconnect after each disconnection, until cancelled."""
        attempts = 0
        while True:
            text = "The engine closed the connection."
            try:
                connection = await self._connect()
                attempts = 0
                await self._receive_all(connection)
            except FrontEndError as error:
                text = str(error)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass  # already reported
            except TimeoutError:
                text = "The connection ended in the middle of a message."
            finally:
                self._drop_connection()
            attempts += 1
            self._set(Link.DISCONNECTED, text, attempts)
            longest_s = min(
                self._back_off_s * MAX_BACK_OFF_FACTOR, self._back_off_s * 2 ** min(attempts - 1, 8)
            )
            await asyncio.sleep(longest_s * self._rng.uniform(0.5, 1.0))

    async def send(
        self, kind: CommandKind[Args, Result], args: Args, *, deadline_s: float, command_id: str | None = None
    ) -> Reply[Result]:
        """Send a command and return its outcome; it is executed once, also across reconnects.

        Raises EngineSilent at the deadline; retry with the same `command_id`.
        """
        now_ms = self._now_ms()
        message = CommandMessage(
            id=command_id or uuid4().hex,
            name=kind.name,
            at_ms=now_ms,
            until_ms=now_ms + int(deadline_s * 1_000),
            args=raw(args),
        )
        response: asyncio.Future[CommandResponse] = asyncio.get_running_loop().create_future()
        self._waiting[message.id] = message, response
        try:
            async with asyncio.timeout(deadline_s):
                if self._connection is not None:
                    await self._send(self._connection.send(message))
                return reply_to(await response, kind)
        except TimeoutError:
            raise EngineSilent(
                f"{kind.name} got no response within {deadline_s:g} s: its outcome is unknown."
            ) from None
        finally:
            self._waiting.pop(message.id, None)

    async def _send(self, sending: Awaitable[None]) -> None:
        try:
            await sending
        except ConnectionError:
            log.debug("the connection ended during a message: resending on the next one")

    async def _connect(self) -> Connection:
        async with asyncio.timeout(BACK_OFF_CAP_S):
            connection = await connect(self._path, self._who, self._role)
        self._connection = connection
        try:
            for mirror in self._mirrors.values():
                await connection.send(mirror.subscription(connection.welcome.engine))
            if self._on_fact is not None:
                head = connection.welcome.head
                if self._fact == FROM_NOW or (self._starts_now and self._fact > head):
                    self._fact = head
                await connection.send(Follow(after=self._fact))
            for message, _ in list(self._waiting.values()):
                await connection.send(message)
        except BaseException:
            self._drop_connection()
            raise
        self._set(Link.CONNECTED, "", 0)
        return connection

    async def _receive_all(self, connection: Connection) -> None:
        """Dispatch incoming messages; report the connection as stale without them."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(STALE_S, self._go_stale)
        try:
            while True:
                message = await connection.receive()
                timer.cancel()
                timer = loop.call_later(STALE_S, self._go_stale)
                self._set(Link.CONNECTED, "", 0)
                await self._dispatch(connection, message)
        finally:
            timer.cancel()

    async def _dispatch(self, connection: Connection, message: EngineMessage) -> None:
        match message:
            case Changes():
                mirror = self._mirrors.get(message.view)
                if mirror is not None and not mirror.apply(message):
                    await connection.send(mirror.subscription(connection.welcome.engine, restart=True))
            case Facts():
                self._publish_facts(message)
            case CommandResponse():
                _, response = self._waiting.get(message.id, (None, None))
                if response is not None and not response.done():
                    response.set_result(message)
            case RefusedMessage():
                raise FrontEndError(f"{message.about}: {message.words}")
            case _:
                pass  # a heartbeat without content

    def _publish_facts(self, message: Facts) -> None:
        for item in message.facts:
            if item.sequence != self._fact + 1:
                raise ProtocolError(f"Received event {item.sequence}, expected {self._fact + 1}.")
            try:
                fact = Fact(item.sequence, events.decode(bytes(item.event)))
            except events.BadEvent as error:
                raise ProtocolError(f"Event {item.sequence}: {error}") from None
            self._fact = item.sequence
            if self._on_fact is not None:
                self._on_fact(fact)

    def _go_stale(self) -> None:
        self._set(Link.STALE, f"No message from the engine for {STALE_S:g} s.", 0)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _set(self, link: Link, text: str, attempts: int) -> None:
        before = self.state
        last_message_s = (
            asyncio.get_running_loop().time() if link is Link.CONNECTED else before.last_message_s
        )
        welcome = self._connection.welcome if self._connection is not None else None
        self.state = LinkState(link, text, last_message_s, attempts, welcome)
        if (before.link, before.cause) != (link, text):
            for listener in self._listeners:
                listener(self.state)
