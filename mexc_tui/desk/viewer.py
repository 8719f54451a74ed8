"""Engine side of one viewer's connection. A slow or broken viewer affects no other.

Only its own two tasks wait for a viewer. Unsent updates are not queued: views and events are read again
when the last frame was sent.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mexc_tui.desk.command_executor import FULL, CommandExecutor, CommandSender, refused
from mexc_tui.desk.fact_feed import FactFeed
from mexc_tui.desk.views import Cursor, View
from mexc_tui.desk.wire import (
    Beat,
    Changes,
    CommandMessage,
    CommandResponse,
    Follow,
    FromEngine,
    Hello,
    ProtocolError,
    RefusedMessage,
    Subscribe,
    frame,
    from_viewer,
    read_frame,
)

log = logging.getLogger(__name__)

COMMANDS_PER_S = 50
MAX_RUNNING = 64
"""Maximum commands of one viewer in progress."""
RESERVED_SILENCE_S = 2.0
"""Maximum silence of a viewer in a reserved slot."""
BEAT_S = 1.0
UPDATE_INTERVAL_S = 0.1
"""Smallest interval of view updates; the first change after a pause is sent at once."""
OUTBOX_BYTES = 64 * 1024
"""Unread bytes above which a viewer's messages are not read."""


@dataclass(frozen=True, slots=True)
class ViewerContext:
    """Shared state of all viewers of an engine."""

    views: Mapping[str, View[Any]]
    facts: FactFeed
    commands: CommandExecutor
    engine: str
    now_ms: Callable[[], int]


class Viewer:
    """Reads a viewer's messages, and writes updates once it has read the earlier ones."""

    def __init__(
        self,
        context: ViewerContext,
        *,
        sender: CommandSender,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.sender = sender
        self._context = context
        self._reader = reader
        self._writer = writer
        self._wake = asyncio.Event()
        self._has_space = asyncio.Event()
        self._has_space.set()
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._cursors: dict[str, Cursor] = {}
        self._fact: int | None = None
        self._views_due_s = 0.0
        self._received: deque[float] = deque(maxlen=COMMANDS_PER_S)
        self._running: set[asyncio.Task[None]] = set()
        writer.transport.set_write_buffer_limits(high=0)  # drained means: everything was passed to the system

    @property
    def waiting_bytes(self) -> int:
        """Return the unsent bytes."""
        return self._outbox_bytes + self._writer.transport.get_write_buffer_size()

    @property
    def facts_behind(self) -> int:
        """Return the number of events not sent yet."""
        return 0 if self._fact is None else max(self._context.facts.head - self._fact, 0)

    @property
    def views(self) -> int:
        """Return the number of subscribed views."""
        return len(self._cursors)

    def wake(self) -> None:
        """Wake the writer to check for updates."""
        self._wake.set()

    async def serve(self) -> None:
        """Serve until the connection ends or the viewer violates the protocol."""
        writing = asyncio.create_task(self._write_all(), name=f"desk to {self.sender.pid}")
        writing.add_done_callback(self._end_if_broken)
        try:
            await self._read_all()
        except ProtocolError as error:
            self._enqueue(RefusedMessage(about="frame", words=str(error)))
        except TimeoutError:
            self._enqueue(RefusedMessage(about="frame", words="A message was not completed in time."))
        finally:
            writing.cancel()
            for task in self._running:
                task.cancel()  # the command itself continues: the executor owns it
            for name in self._cursors:
                self._context.views[name].listeners.discard(self.wake)
            self._writer.writelines(self._outbox)
            await asyncio.gather(writing, *self._running, return_exceptions=True)

    async def wait_for_commands(self) -> None:
        """Wait until the responses to its commands are queued."""
        await asyncio.gather(*self._running, return_exceptions=True)

    def _end_if_broken(self, writing: "asyncio.Task[None]") -> None:
        """Close the connection after a failed update, so that the viewer reconnects."""
        if not writing.cancelled():
            error = writing.exception()
            if not isinstance(error, ConnectionError):
                log.error("sending to viewer %d failed", self.sender.pid, exc_info=error)
            self._writer.transport.abort()

    async def _read_all(self) -> None:
        while True:
            self._handle(from_viewer(await self._next_frame()))
            await self._limit_rate()
            await self._has_space.wait()

    async def _next_frame(self) -> bytes:
        """Return the next frame. Raises TimeoutError for a silent viewer in a reserved slot."""
        while True:
            try:
                return await read_frame(self._reader, RESERVED_SILENCE_S if self.sender.is_reserved else None)
            except TimeoutError:
                if not (self.sender.is_reserved and self._running):
                    raise

    async def _limit_rate(self) -> None:
        """Rate-limit a viewer: every message counts."""
        now_s = asyncio.get_running_loop().time()
        is_fast = len(self._received) == COMMANDS_PER_S and now_s - self._received[0] < 1.0
        self._received.append(now_s)
        await asyncio.sleep(1 / COMMANDS_PER_S if is_fast else 0)

    def _is_over_limit(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        return len(self._received) == COMMANDS_PER_S and now_s - self._received[0] < 1.0

    def _handle(self, message: Hello | Subscribe | Follow | CommandMessage) -> None:
        match message:
            case Hello():
                self._enqueue(RefusedMessage(about="hello", words="Hello was already received."))
            case Subscribe() | Follow() if self.sender.is_reserved:
                raise ProtocolError(FULL)
            case Subscribe():
                self._subscribe(message)
            case Follow():
                self._follow(message)
            case CommandMessage():
                self._start_command(message)

    def _subscribe(self, message: Subscribe) -> None:
        view = self._context.views.get(message.view)
        if view is None:
            known = ", ".join(sorted(self._context.views)) or "none"
            text = f"Unknown view {message.view!r}. Known views: {known}."
            self._enqueue(RefusedMessage(about=message.view, words=text))
            return
        is_same = message.of == self._context.engine
        self._cursors[message.view] = view.resume(message.after if is_same else 0)
        view.listeners.add(self.wake)
        self.wake()

    def _follow(self, message: Follow) -> None:
        head = self._context.facts.head
        if message.after > head:
            text = f"The journal ends at {head}: no events after {message.after}."
            self._enqueue(RefusedMessage(about="facts", words=text))
            return
        self._fact = message.after
        self.wake()

    def _start_command(self, command: CommandMessage) -> None:
        if self._is_over_limit():
            text = f"More than {COMMANDS_PER_S} messages in a second: refused. Wait a second."
            self._enqueue(refused(command.id, text))
        elif len(self._running) >= MAX_RUNNING:
            self._enqueue(
                refused(command.id, f"{MAX_RUNNING} of your commands are still in progress. Wait for them.")
            )
        else:
            task = asyncio.create_task(self._execute(command), name=f"command {command.name}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _execute(self, command: CommandMessage) -> None:
        self._enqueue(await self._context.commands.execute(command, self.sender))

    def _enqueue(self, message: CommandResponse | RefusedMessage) -> None:
        body = frame(message)
        self._outbox.append(body)
        self._outbox_bytes += len(body)
        if self._outbox_bytes >= OUTBOX_BYTES:
            self._has_space.clear()
        self.wake()

    async def _write_all(self) -> None:
        while True:
            body = self._next_response() or await self._next_facts() or self._next_changes()
            if body is None:
                body = await self._wait_for_updates()
            if body:
                self._writer.write(body)
            await self._writer.drain()
            await asyncio.sleep(0)

    def _next_response(self) -> bytes | None:
        if not self._outbox:
            return None
        body = self._outbox.popleft()
        self._outbox_bytes -= len(body)
        if self._outbox_bytes < OUTBOX_BYTES:
            self._has_space.set()
        return body

    async def _next_facts(self) -> bytes | None:
        after = self._fact
        if after is None or after >= self._context.facts.head:
            return None
        page = await self._context.facts.page(after)
        if not page.facts or self._fact != after:
            return None
        self._fact = page.facts[-1].sequence
        return frame(page)

    def _next_changes(self) -> bytes | None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._views_due_s:
            return None
        for name, cursor in self._cursors.items():
            view = self._context.views[name]
            if view.has_changes(cursor):
                changes: Changes = view.page(cursor)
                if not changes.more and not self._has_changes():
                    self._views_due_s = loop.time() + UPDATE_INTERVAL_S
                return frame(changes)
        return None

    def _has_changes(self) -> bool:
        return any(self._context.views[name].has_changes(cursor) for name, cursor in self._cursors.items())

    async def _wait_for_updates(self) -> bytes | None:
        """Wait for updates; return a heartbeat if there are none for a while."""
        loop = asyncio.get_running_loop()
        self._wake.clear()
        if self._outbox:
            return None
        until_s = loop.time() + BEAT_S
        is_paced = self._has_changes()
        if is_paced:
            until_s = min(until_s, self._views_due_s)
        try:
            async with asyncio.timeout_at(until_s):
                await self._wake.wait()
        except TimeoutError:
            return None if is_paced else _beat(self._context.now_ms())
        return None


def _beat(at_ms: int) -> bytes:
    message: FromEngine = Beat(at_ms=at_ms)
    return frame(message)
