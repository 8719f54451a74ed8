"""Does commands: once for each id, written down before and after, answered in plain words."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Generic, Protocol

import msgspec

from mexc_tui.desk.api_types import Args, CommandKind, CommandOutcome, Result, Role
from mexc_tui.desk.wire import CommandAnswer, CommandMessage, encode
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.pair_names import AmbiguousName
from mexc_tui.model.storage import StorageError

log = logging.getLogger(__name__)

REMEMBERED = 1_024
REMEMBERED_BYTES = 1024 * 1024
LARGEST_RESULT = 240 * 1024
AUDIT_S = 0.5
"""Seconds after which the response to a risk-reducing command is sent, even if it is not stored yet."""
FULL = "All viewer slots are in use: only commands that reduce risk are accepted. Close a viewer."
STOPPING = "The engine is stopping: new commands are refused."


@dataclass(frozen=True, slots=True)
class CommandSender:
    """Sender of a command: its chosen name, and its process as reported by the system."""

    who: str
    pid: int
    role: Role
    is_reserved: bool = False
    """Whether it came in when all ordinary slots were taken: then it may only reduce risk."""


@dataclass(frozen=True, slots=True)
class ReceivedCommand:
    """A command as it goes into the audit and to its handler."""

    id: str
    name: str
    giver: CommandSender
    at_ms: int
    """When it was given, by its giver."""
    received_ms: int
    until_ms: int
    args: bytes
    """As JSON."""
    digest: str


@dataclass(frozen=True, slots=True)
class HandlerResult(Generic[Result]):
    """What a handler achieved, in words ("5 of 5 orders cancelled, 2 positions left") and as a value."""

    words: str
    result: Result
    outcome: CommandOutcome = CommandOutcome.DONE
    age_ms: int = 0
    """How old the result is."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What the audit knows of an id: the digest of its command, and the answer if it was given."""

    digest: str
    answer: CommandAnswer | None


class Audit(Protocol):
    """The durable, append-only list of commands that act."""

    async def begin(self, given: ReceivedCommand) -> AuditEntry | None:
        """Write a command down, durably, unless its id is there already: then return what is there."""
        ...

    async def end(self, given: ReceivedCommand, answer: CommandAnswer) -> None:
        """Store its outcome."""
        ...


@dataclass(slots=True)
class _Kept:
    digest: str
    task: "asyncio.Task[CommandAnswer] | None"
    answer: CommandAnswer | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Handler:
    kind: CommandKind[Any, Any]
    handle: Callable[[Any, ReceivedCommand], Awaitable[HandlerResult[Any]]]


@dataclass(slots=True)
class CommandDesk:
    """Every command that this engine knows."""

    audit: Audit
    now_ms: Callable[[], int]
    _handlers: dict[str, _Handler] = field(default_factory=dict[str, _Handler])
    _kept: OrderedDict[str, _Kept] = field(default_factory=OrderedDict[str, _Kept])
    _is_closing: bool = False
    _running: set["asyncio.Task[CommandAnswer]"] = field(default_factory=set["asyncio.Task[CommandAnswer]"])
    _auditing: set["asyncio.Task[str]"] = field(default_factory=set["asyncio.Task[str]"])
    _began_ms: int = 0

    def __post_init__(self) -> None:
        """Note when this engine began: what was given before may have been done by the one before it."""
        self._began_ms = self.now_ms()

    def handle(
        self,
        kind: CommandKind[Args, Result],
        handle: Callable[[Args, ReceivedCommand], Awaitable[HandlerResult[Result]]],
    ) -> None:
        """Let `handle` do the commands of a kind."""
        self._handlers[kind.name] = _Handler(kind, handle)

    async def do(self, give: CommandMessage, giver: CommandSender) -> CommandAnswer:
        """Do a command and return its answer; never raises. A caller who is cancelled does not stop it."""
        handler = self._handlers.get(give.name)
        if handler is None:
            known = ", ".join(sorted(self._handlers)) or "none"
            return refused(give.id, f"Unknown command {give.name!r}. Known commands: {known}.")
        kind = handler.kind
        if giver.is_reserved and not kind.reduces_risk:
            return refused(give.id, FULL)
        if kind.role is Role.OPERATE and giver.role is not Role.OPERATE:
            return refused(give.id, f"Read-only viewer: {give.name} needs the operate role.")
        try:
            args = msgspec.json.decode(give.args, type=kind.args)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return refused(give.id, f"{give.name}: {error}")
        body = encode(args)
        digest = blake2b(give.name.encode() + b"\0" + body, digest_size=16).hexdigest()
        given = ReceivedCommand(
            give.id, give.name, giver, give.at_ms, self.now_ms(), give.until_ms, body, digest
        )
        if not kind.acts:
            if self._is_closing:
                return refused(give.id, STOPPING)
            return await asyncio.shield(self._start(self._run(handler, args, given)))
        return await self._once(handler, args, given)

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

    async def _once(self, handler: _Handler, args: object, given: ReceivedCommand) -> CommandAnswer:
        kept = self._kept.get(given.id)
        if kept is None:
            if self._is_closing:
                return refused(given.id, STOPPING)
            kept = _Kept(given.digest, None)
            self._kept[given.id] = kept
            kept.task = self._start(self._act(handler, args, given, kept))
            return await asyncio.shield(kept.task)
        if kept.digest != given.digest:
            return refused(given.id, "This id was used for another command. Not executed.")
        if kept.task is not None:
            return repeated(await asyncio.shield(kept.task))
        assert kept.answer is not None
        return repeated(kept.answer)

    async def _act(
        self, handler: _Handler, args: object, given: ReceivedCommand, kept: _Kept
    ) -> CommandAnswer:
        """Store the command, execute it, store its outcome. Risk-reducing commands execute first."""
        if handler.kind.reduces_risk and given.at_ms >= self._began_ms:
            answer = await self._act_first(handler, args, given)
            self._keep(kept, answer)
            return answer
        note = ""
        try:
            before = await self.audit.begin(given)
        except Exception as error:
            _log_untaken(given.name, error)
            if not handler.kind.reduces_risk:
                del self._kept[given.id]  # nothing was done: the same id may try again
                return refused(given.id, f"{given.name} could not be stored ({error}). Not executed.")
            before, note = None, " It could not be stored."
        if before is not None:
            answer = _answer_of(before, given)
        else:
            is_late = given.received_ms > given.until_ms and not handler.kind.reduces_risk
            late = refused(given.id, f"{given.name} expired: its sender no longer waits for it.")
            answer = late if is_late else await self._run(handler, args, given)
            try:
                await self.audit.end(given, answer)
            except Exception as error:
                _log_untaken(f"response to {given.name}", error)
                note = " It could not be stored."
        if note:
            answer = msgspec.structs.replace(answer, words=answer.words + note)
        self._keep(kept, answer)
        return answer

    async def _act_first(self, handler: _Handler, args: object, given: ReceivedCommand) -> CommandAnswer:
        """Do at once what lowers risk; the audit is written beside it, and hardly waited for."""
        begun = asyncio.ensure_future(self.audit.begin(given))
        answer = await self._run(handler, args, given)
        auditing = asyncio.ensure_future(self._audit(begun, given, answer))
        self._auditing.add(auditing)
        auditing.add_done_callback(self._auditing.discard)
        await asyncio.wait((auditing,), timeout=AUDIT_S)
        note = auditing.result() if auditing.done() else " It is not stored yet."
        return msgspec.structs.replace(answer, words=answer.words + note)

    async def _audit(
        self, begun: "asyncio.Future[AuditEntry | None]", given: ReceivedCommand, answer: CommandAnswer
    ) -> str:
        """Store the outcome; return a note for the sender if that fails."""
        try:
            await begun
            await self.audit.end(given, answer)
        except Exception as error:
            _log_untaken(given.name, error)
            return " It could not be stored."
        return ""

    async def _run(self, handler: _Handler, args: object, given: ReceivedCommand) -> CommandAnswer:
        try:
            done = await handler.handle(args, given)
            result = encode(done.result)
        except (CommandRefused, AmbiguousName) as refusal:
            return refused(given.id, str(refusal))
        except StorageError as error:
            log.warning("%s failed: %s", given.name, error)
            words = f"{given.name} failed: {error} Check its effect before you retry."
            return CommandAnswer(id=given.id, outcome=CommandOutcome.FAILED, words=words)
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            log.exception("the command %s failed", given.name)
            words = f"{given.name} failed ({type(error).__name__}). Check its effect before you retry."
            return CommandAnswer(id=given.id, outcome=CommandOutcome.FAILED, words=words)
        if len(result) > LARGEST_RESULT:
            words = f"{done.words} The result is too large ({len(result):,} bytes): request fewer rows."
            return CommandAnswer(id=given.id, outcome=CommandOutcome.PARTLY, words=words)
        return CommandAnswer(
            id=given.id,
            outcome=done.outcome,
            words=done.words,
            result=msgspec.Raw(result),
            age_ms=done.age_ms,
        )

    def _start(self, work: "Awaitable[CommandAnswer]") -> "asyncio.Task[CommandAnswer]":
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _keep(self, kept: _Kept, answer: CommandAnswer) -> None:
        kept.answer, kept.task, kept.size = answer, None, len(bytes(answer.result)) + len(answer.words)
        total = sum(one.size for one in self._kept.values())
        for key, one in list(self._kept.items()):
            if len(self._kept) <= REMEMBERED and total <= REMEMBERED_BYTES:
                return
            if one.task is None and one is not kept:
                total -= one.size
                del self._kept[key]


def _log_untaken(what: str, error: Exception) -> None:
    """Log what the audit did not take: a store that refuses in one line, a defect with its place."""
    is_store = isinstance(error, StorageError)
    log.error("cannot store %s in the audit: %s", what, error, exc_info=None if is_store else error)


def refused(command_id: str, words: str) -> CommandAnswer:
    """Return the answer that nothing was done, and why."""
    return CommandAnswer(id=command_id, outcome=CommandOutcome.REFUSED, words=words)


def repeated(answer: CommandAnswer) -> CommandAnswer:
    """Return an answer as it is given a second time."""
    return msgspec.structs.replace(answer, is_repeated=True)


def _answer_of(before: AuditEntry, given: ReceivedCommand) -> CommandAnswer:
    if before.digest != given.digest:
        return refused(given.id, "This id was used for another command. Not executed.")
    if before.answer is not None:
        return repeated(before.answer)
    words = f"{given.name} was interrupted by an end of the engine. Check its effect before you retry."
    return CommandAnswer(id=given.id, outcome=CommandOutcome.UNKNOWN, words=words, is_repeated=True)
