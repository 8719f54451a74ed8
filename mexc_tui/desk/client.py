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
    CommandAnswer,
    CommandMessage,
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
NEWS = -1
"""Behind whatever the journal ends with once it is known."""
BACK_OFF_S = 0.5
BACK_OFF_CAP_S = 5.0
MOST_BACK_OFFS = 10
"""So many times the first wait is the longest one."""


class Link(StrEnum):
    """How fresh everything is that came through a client."""

    CONNECTED = "connected"
    STALE = "stale"  # the connection is open, and silent for longer than the engine ever is
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class LinkState:
    """The link for display. `words` says why it is not connected; `heard_s` is on the loop's clock."""

    link: Link
    words: str
    heard_s: float | None
    tries: int
    welcome: Welcome | None


class DeskClient:
    """Mirrors, facts and commands over one connection. Everything here belongs to the loop that runs it."""

    def __init__(
        self,
        path: Path,
        who: str,
        role: Role,
        now_ms: Callable[[], int],
        rng: Random,
        *,
        back_off_s: float = BACK_OFF_S,
    ) -> None:
        """Say what to show with `mirror` and `follow`, then `run`."""
        self._back_off_s = back_off_s
        self._path, self._who, self._role, self._now_ms, self._rng = path, who, role, now_ms, rng
        self._mirrors: dict[str, Mirror[Any]] = {}
        self._on_fact: Callable[[Fact], None] | None = None
        self._fact = 0
        self._is_for_news = False
        self._waiting: dict[str, tuple[CommandMessage, asyncio.Future[CommandAnswer]]] = {}
        self._connection: Connection | None = None
        self._listeners: list[Callable[[LinkState], None]] = []
        self.state = LinkState(Link.DISCONNECTED, "Not connected yet.", None, 0, None)

    def on_link(self, listener: Callable[[LinkState], None]) -> None:
        """Call `listener` whenever the link is another."""
        self._listeners.append(listener)

    def mirror(self, kind: ViewKind[Row]) -> Mirror[Row]:
        """Show a view from the next connection on."""
        mirror = Mirror(kind)
        self._mirrors[kind.name] = mirror
        return mirror

    def follow(self, after: int, on_fact: Callable[[Fact], None]) -> None:
        """Hand over every fact behind `after`, in order and once, from the next connection on."""
        self._fact, self._on_fact = after, on_fact

    def follow_news(self, on_fact: Callable[[Fact], None]) -> None:
        """Pass on every event from the first connection on; a journal may restart."""
        self._fact, self._on_fact, self._is_for_news = NEWS, on_fact, True

    async def run(self) -> None:
        """Connect, and again whenever the connection ends, until cancelled."""
        tries = 0
        while True:
            words = "The engine closed the connection."
            try:
                connection = await self._connect()
                tries = 0
                await self._attend(connection)
            except FrontEndError as error:
                words = str(error)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass  # already reported
            except TimeoutError:
                words = "The connection ended in the middle of a message."
            finally:
                self._drop_connection()
            tries += 1
            self._set(Link.DISCONNECTED, words, tries)
            most_s = min(self._back_off_s * MOST_BACK_OFFS, self._back_off_s * 2 ** min(tries - 1, 8))
            await asyncio.sleep(most_s * self._rng.uniform(0.5, 1.0))

    async def give(
        self, kind: CommandKind[Args, Result], args: Args, *, deadline_s: float, command_id: str | None = None
    ) -> Reply[Result]:
        """Send a command and return its outcome; it is executed once, also across reconnects.

        Raises EngineSilent at the deadline; then give it again with the same `command_id`.
        """
        now_ms = self._now_ms()
        give = CommandMessage(
            id=command_id or uuid4().hex,
            name=kind.name,
            at_ms=now_ms,
            until_ms=now_ms + int(deadline_s * 1_000),
            args=raw(args),
        )
        answered: asyncio.Future[CommandAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[give.id] = give, answered
        try:
            async with asyncio.timeout(deadline_s):
                if self._connection is not None:
                    await self._send(self._connection.send(give))
                return reply_to(await answered, kind)
        except TimeoutError:
            raise EngineSilent(
                f"{kind.name} got no response within {deadline_s:g} s: its outcome is unknown."
            ) from None
        finally:
            self._waiting.pop(give.id, None)

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
                await connection.send(mirror.ask(connection.welcome.engine))
            if self._on_fact is not None:
                head = connection.welcome.head
                if self._fact == NEWS or (self._is_for_news and self._fact > head):
                    self._fact = head
                await connection.send(Follow(after=self._fact))
            for give, _ in list(self._waiting.values()):
                await connection.send(give)
        except BaseException:
            self._drop_connection()
            raise
        self._set(Link.CONNECTED, "", 0)
        return connection

    async def _attend(self, connection: Connection) -> None:
        """Take in what comes; notice when nothing does."""
        loop = asyncio.get_running_loop()
        watch = loop.call_later(STALE_S, self._go_stale)
        try:
            while True:
                said = await connection.receive()
                watch.cancel()
                watch = loop.call_later(STALE_S, self._go_stale)
                self._set(Link.CONNECTED, "", 0)
                await self._hear(connection, said)
        finally:
            watch.cancel()

    async def _hear(self, connection: Connection, said: EngineMessage) -> None:
        match said:
            case Changes():
                mirror = self._mirrors.get(said.view)
                if mirror is not None and not mirror.apply(said):
                    await connection.send(mirror.ask(connection.welcome.engine, anew=True))
            case Facts():
                self._take_facts(said)
            case CommandAnswer():
                _, answered = self._waiting.get(said.id, (None, None))
                if answered is not None and not answered.done():
                    answered.set_result(said)
            case RefusedMessage():
                raise FrontEndError(f"{said.about}: {said.words}")
            case _:
                pass  # a heartbeat without content

    def _take_facts(self, said: Facts) -> None:
        for told in said.facts:
            if told.sequence != self._fact + 1:
                raise ProtocolError(f"Received event {told.sequence}, expected {self._fact + 1}.")
            try:
                fact = Fact(told.sequence, events.decode(bytes(told.event)))
            except events.BadEvent as error:
                raise ProtocolError(f"Event {told.sequence}: {error}") from None
            self._fact = told.sequence
            if self._on_fact is not None:
                self._on_fact(fact)

    def _go_stale(self) -> None:
        self._set(Link.STALE, f"No message from the engine for {STALE_S:g} s.", 0)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _set(self, link: Link, words: str, tries: int) -> None:
        before = self.state
        heard_s = asyncio.get_running_loop().time() if link is Link.CONNECTED else before.heard_s
        welcome = self._connection.welcome if self._connection is not None else None
        self.state = LinkState(link, words, heard_s, tries, welcome)
        if (before.link, before.words) != (link, words):
            for listener in self._listeners:
                listener(self.state)
