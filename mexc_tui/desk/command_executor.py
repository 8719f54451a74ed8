"""Execute commands once per id, audit them before and after, and report the outcome as text."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Generic, Protocol

import msgspec

from mexc_tui.desk.api_types import Args, CommandKind, CommandOutcome, Result, Role
from mexc_tui.desk.wire import CommandMessage, CommandResponse, encode
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.pair_names import AmbiguousName
from mexc_tui.model.storage import StorageError

log = logging.getLogger(__name__)

MAX_REMEMBERED = 1_024
MAX_REMEMBERED_BYTES = 1024 * 1024
MAX_RESULT_BYTES = 240 * 1024
AUDIT_WAIT_S = 0.5
"""Seconds after which the response to a risk-reducing command is sent, even if it is not stored yet."""
FULL = "All client slots are in use: only commands that reduce risk are accepted. Close a client."
STOPPING = "The engine is stopping: new commands are refused."


@dataclass(frozen=True, slots=True)
class CommandSender:
    """Sender of a command: its chosen name, and its process as reported by the system."""

    who: str
    pid: int
    role: Role
    is_reserved: bool = False
    """Whether it has a reserved slot: all others are in use, and only risk-reducing commands are allowed."""


@dataclass(frozen=True, slots=True)
class ReceivedCommand:
    """A command as passed to the audit and to its handler."""

    id: str
    name: str
    sender: CommandSender
    at_ms: int
    """When its sender sent it."""
    received_ms: int
    until_ms: int
    args: bytes
    """JSON."""
    digest: str


@dataclass(frozen=True, slots=True)
class HandlerResult(Generic[Result]):
    """Outcome of a handler, as text ("5 of 5 orders cancelled, 2 positions left") and as a value."""

    message: str
    result: Result
    outcome: CommandOutcome = CommandOutcome.DONE
    age_ms: int = 0
    """Age of the result."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Audit entry of a command id: digest of the command, and its response if it was completed."""

    digest: str
    response: CommandResponse | None


class Audit(Protocol):
    """Durable, append-only log of commands that change state."""

    async def begin(self, command: ReceivedCommand) -> AuditEntry | None:
        """Store a command durably and return None, or return the existing entry of its id."""
        ...

    async def end(self, command: ReceivedCommand, response: CommandResponse) -> None:
        """Store its outcome."""
        ...


@dataclass(slots=True)
class _RecentCommand:
    digest: str
    task: "asyncio.Task[CommandResponse] | None"
    response: CommandResponse | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Handler:
    kind: CommandKind[Any, Any]
    handle: Callable[[Any, ReceivedCommand], Awaitable[HandlerResult[Any]]]


@dataclass(slots=True)
class CommandExecutor:
    """Commands of an engine, with their handlers."""

    audit: Audit
    now_ms: Callable[[], int]
    _handlers: dict[str, _Handler] = field(default_factory=dict[str, _Handler])
    _remembered: OrderedDict[str, _RecentCommand] = field(default_factory=OrderedDict[str, _RecentCommand])
    _is_closing: bool = False
    _running: set["asyncio.Task[CommandResponse]"] = field(
        default_factory=set["asyncio.Task[CommandResponse]"]
    )
    _auditing: set["asyncio.Task[str]"] = field(default_factory=set["asyncio.Task[str]"])
    _started_ms: int = 0

    def __post_init__(self) -> None:
        """Record the start time: an earlier engine may have executed older commands."""
        self._started_ms = self.now_ms()

    def handle(
        self,
        kind: CommandKind[Args, Result],
        handle: Callable[[Args, ReceivedCommand], Awaitable[HandlerResult[Result]]],
    ) -> None:
        """Register the handler of a kind of command."""
        self._handlers[kind.name] = _Handler(kind, handle)

    async def execute(self, message: CommandMessage, sender: CommandSender) -> CommandResponse:
        """Execute a command and return its response. Never raises; continues if the caller is cancelled."""
        handler = self._handlers.get(message.name)
        if handler is None:
            known = ", ".join(sorted(self._handlers)) or "none"
            return refused(message.id, f"Unknown command {message.name!r}. Known commands: {known}.")
        kind = handler.kind
        if sender.is_reserved and not kind.reduces_risk:
            return refused(message.id, FULL)
        if not sender.role.includes(kind.role):
            return refused(message.id, missing_role(sender.role, kind.role, message.name))
        try:
            args = msgspec.json.decode(message.args, type=kind.args)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return refused(message.id, f"{message.name}: {error}")
        body = encode(args)
        digest = blake2b(message.name.encode() + b"\0" + body, digest_size=16).hexdigest()
        command = ReceivedCommand(
            message.id, message.name, sender, message.at_ms, self.now_ms(), message.until_ms, body, digest
        )
        if not kind.changes_state:
            if self._is_closing:
                return refused(message.id, STOPPING)
            return await asyncio.shield(self._start(self._run(handler, args, command)))
        return await self._execute_once(handler, args, command)

    async def close(self, deadline_s: float) -> None:
        """Wait this long for running commands, then cancel them; the audit shows them as begun."""
        self._is_closing = True
        running: list[asyncio.Task[Any]] = [*self._running, *self._auditing]
        try:
            async with asyncio.timeout(deadline_s):
                await asyncio.gather(*map(asyncio.shield, running), return_exceptions=True)
        except TimeoutError:
            log.warning("%d commands did not finish in time", len(self._running))
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _execute_once(
        self, handler: _Handler, args: object, command: ReceivedCommand
    ) -> CommandResponse:
        remembered = self._remembered.get(command.id)
        if remembered is None:
            if self._is_closing:
                return refused(command.id, STOPPING)
            remembered = _RecentCommand(command.digest, None)
            self._remembered[command.id] = remembered
            remembered.task = self._start(
                self._execute_audited(handler, args, command, remembered=remembered)
            )
            return await asyncio.shield(remembered.task)
        if remembered.digest != command.digest:
            return refused(command.id, "This id was used for another command. Not executed.")
        if remembered.task is not None:
            return repeated(await asyncio.shield(remembered.task))
        assert remembered.response is not None
        return repeated(remembered.response)

    async def _execute_audited(
        self, handler: _Handler, args: object, command: ReceivedCommand, *, remembered: _RecentCommand
    ) -> CommandResponse:
        """Store the command, execute it, store its outcome. Risk-reducing commands execute first."""
        if handler.kind.reduces_risk and command.at_ms >= self._started_ms:
            response = await self._execute_before_audit(handler, args, command)
            self._remember(remembered, response)
            return response
        note = ""
        try:
            earlier = await self.audit.begin(command)
        except Exception as error:
            _log_audit_failure(command.name, error)
            if not handler.kind.reduces_risk:
                del self._remembered[command.id]  # not executed: the same id may be retried
                return refused(command.id, f"{command.name} could not be stored ({error}). Not executed.")
            earlier, note = None, " It could not be stored."
        if earlier is not None:
            response = _earlier_response(earlier, command)
        else:
            is_expired = command.received_ms > command.until_ms and not handler.kind.reduces_risk
            expired = refused(command.id, f"{command.name} expired: its sender no longer waits for it.")
            response = expired if is_expired else await self._run(handler, args, command)
            try:
                await self.audit.end(command, response)
            except Exception as error:
                _log_audit_failure(f"response to {command.name}", error)
                note = " It could not be stored."
        if note:
            response = msgspec.structs.replace(response, words=response.words + note)
        self._remember(remembered, response)
        return response

    async def _execute_before_audit(
        self, handler: _Handler, args: object, command: ReceivedCommand
    ) -> CommandResponse:
        """Execute a risk-reducing command at once and store it in parallel; wait for the store briefly."""
        begun = asyncio.ensure_future(self.audit.begin(command))
        response = await self._run(handler, args, command)
        auditing = asyncio.ensure_future(self._store_outcome(begun, command, response))
        self._auditing.add(auditing)
        auditing.add_done_callback(self._auditing.discard)
        await asyncio.wait((auditing,), timeout=AUDIT_WAIT_S)
        note = auditing.result() if auditing.done() else " It is not stored yet."
        return msgspec.structs.replace(response, words=response.words + note)

    async def _store_outcome(
        self, begun: "asyncio.Future[AuditEntry | None]", command: ReceivedCommand, response: CommandResponse
    ) -> str:
        """Store the outcome; return a note for the sender if that fails."""
        try:
            await begun
            await self.audit.end(command, response)
        except Exception as error:
            _log_audit_failure(command.name, error)
            return " It could not be stored."
        return ""

    async def _run(self, handler: _Handler, args: object, command: ReceivedCommand) -> CommandResponse:
        try:
            done = await handler.handle(args, command)
            result = encode(done.result)
        except (CommandRefused, AmbiguousName) as refusal:
            return refused(command.id, str(refusal))
        except StorageError as error:
            log.warning("%s failed: %s", command.name, error)
            text = f"{command.name} failed: {error} Check its effect before you retry."
            return CommandResponse(id=command.id, outcome=CommandOutcome.FAILED, words=text)
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            log.exception("the command %s failed", command.name)
            text = f"{command.name} failed ({type(error).__name__}). Check its effect before you retry."
            return CommandResponse(id=command.id, outcome=CommandOutcome.FAILED, words=text)
        if len(result) > MAX_RESULT_BYTES:
            text = f"{done.message} The result is too large ({len(result):,} bytes): request fewer rows."
            return CommandResponse(id=command.id, outcome=CommandOutcome.PARTLY, words=text)
        return CommandResponse(
            id=command.id,
            outcome=done.outcome,
            words=done.message,
            result=msgspec.Raw(result),
            age_ms=done.age_ms,
        )

    def _start(self, work: "Awaitable[CommandResponse]") -> "asyncio.Task[CommandResponse]":
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _remember(self, remembered: _RecentCommand, response: CommandResponse) -> None:
        remembered.response, remembered.task, remembered.size = (
            response,
            None,
            len(bytes(response.result)) + len(response.words),
        )
        total = sum(command.size for command in self._remembered.values())
        for key, command in list(self._remembered.items()):
            if len(self._remembered) <= MAX_REMEMBERED and total <= MAX_REMEMBERED_BYTES:
                return
            if command.task is None and command is not remembered:
                total -= command.size
                del self._remembered[key]


def _log_audit_failure(subject: str, error: Exception) -> None:
    """Log a failed audit write: a storage error in one line, any other error with its traceback."""
    is_store = isinstance(error, StorageError)
    log.error("cannot store %s in the audit: %s", subject, error, exc_info=None if is_store else error)


def refused(command_id: str, text: str) -> CommandResponse:
    """Return the response to a command that was not executed."""
    return CommandResponse(id=command_id, outcome=CommandOutcome.REFUSED, words=text)


def missing_role(role: Role, needed: Role, name: str) -> str:
    """Return why a client with this role may not give a command."""
    client = "Read-only client" if role is Role.VIEW else f"Client with the {role.value} role"
    return f"{client}: {name} needs the {needed.value} role."


def repeated(response: CommandResponse) -> CommandResponse:
    """Return a response marked as a repetition."""
    return msgspec.structs.replace(response, is_repeated=True)


def _earlier_response(earlier: AuditEntry, command: ReceivedCommand) -> CommandResponse:
    if earlier.digest != command.digest:
        return refused(command.id, "This id was used for another command. Not executed.")
    if earlier.response is not None:
        return repeated(earlier.response)
    text = f"{command.name} was interrupted by an engine stop. Check its effect before you retry."
    return CommandResponse(id=command.id, outcome=CommandOutcome.UNKNOWN, words=text, is_repeated=True)
