"""A desk server backed by a small engine, and clients connected to its socket."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import msgspec

from mexc_tui.desk.api_types import CommandKind, Role, ViewKind
from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.command_executor import AuditEntry, HandlerResult, ReceivedCommand
from mexc_tui.desk.private_socket import Peer, peer_of
from mexc_tui.desk.server import DeskParts, DeskServer
from mexc_tui.desk.views import View
from mexc_tui.desk.wire import CommandResponse
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.event import Alert, Fact
from mexc_tui.model.severity import Severity


class Quote(msgspec.Struct, frozen=True):
    price: int
    note: str = ""


class Amount(msgspec.Struct, frozen=True):
    of: int


QUOTES = ViewKind("quotes", Quote)
BUY = CommandKind("buy", Amount, Amount)
HALT = CommandKind("halt", Amount, Amount, reduces_risk=True)
STOP = CommandKind("stop", Amount, Amount, reduces_risk=True, needs_operator=True)
COUNT = CommandKind("count", Amount, Amount, changes_state=False)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class MemoryAudit:
    """An audit that outlives an engine, like the persistent one."""

    rows: dict[str, tuple[ReceivedCommand, CommandResponse | None]] = field(
        default_factory=dict[str, tuple[ReceivedCommand, "CommandResponse | None"]]
    )
    is_broken: bool = False

    async def begin(self, command: ReceivedCommand) -> AuditEntry | None:
        if self.is_broken:
            raise OSError("disk full")
        if command.id in self.rows:
            known, response = self.rows[command.id]
            return AuditEntry(known.digest, response)
        self.rows[command.id] = command, None
        return None

    async def end(self, command: ReceivedCommand, response: CommandResponse) -> None:
        if self.is_broken:
            raise OSError("disk full")
        self.rows[command.id] = command, response


class MemoryJournal:
    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.is_broken = False

    def add(self) -> Fact:
        number = len(self.facts) + 1
        event = Alert(at_ms=number, about="AUSDT", severity=Severity.INFO, rule="test", text=f"fact {number}")
        self.facts.append(Fact(number, event))
        return self.facts[-1]

    async def after(self, sequence: int, limit: int) -> Sequence[Fact]:
        if self.is_broken:
            self.is_broken = False
            raise OSError("disk gone")
        return self.facts[sequence : sequence + limit]


class Engine:
    """Records its purchases, so that a repeated command is visible."""

    def __init__(
        self,
        *,
        audit: MemoryAudit,
        journal: MemoryJournal,
        engine: str,
        highest: Role,
        peer: Callable[..., Peer],
    ) -> None:
        self.quotes = View(QUOTES)
        self.audit, self.journal = audit, journal
        self.bought: list[int] = []
        self.senders: list[str] = []
        self.may_continue = asyncio.Event()
        self.may_continue.set()
        self.server = DeskServer(
            DeskParts(
                engine=engine,
                profile="practice",
                mode="practice",
                views=[self.quotes],
                facts=journal,
                head=len(journal.facts),
                audit=audit,
                now_ms=now_ms,
                highest=highest,
                peer_of=peer,
            )
        )
        self.server.commands.handle(BUY, self.buy)
        self.server.commands.handle(HALT, self.buy)
        self.server.commands.handle(STOP, self.buy)
        self.server.commands.handle(COUNT, self.count)

    async def buy(self, args: Amount, command: ReceivedCommand) -> HandlerResult[Amount]:
        if args.of < 0:
            raise CommandRefused("The amount must be positive.")
        if args.of == 0:
            raise ZeroDivisionError("secret-canary")
        if args.of == 13:
            raise asyncio.CancelledError
        await self.may_continue.wait()
        self.bought.append(args.of)
        self.senders.append(command.sender.who)
        return HandlerResult(f"{args.of} bought.", args)

    async def count(self, args: Amount, command: ReceivedCommand) -> HandlerResult[Amount]:
        return HandlerResult("Counted.", Amount(len(self.bought)))

    def fact(self) -> None:
        self.server.publish(self.journal.add())


@asynccontextmanager
async def serving_engine(
    path: Path,
    audit: MemoryAudit | None = None,
    journal: MemoryJournal | None = None,
    *,
    name: str = "one",
    highest: Role = Role.ADMIN,
    peer: Callable[..., Peer] = peer_of,
) -> AsyncGenerator[Engine]:
    engine = Engine(
        audit=audit or MemoryAudit(),
        journal=journal or MemoryJournal(),
        engine=name,
        highest=highest,
        peer=peer,
    )
    await engine.server.open(path)
    try:
        yield engine
    finally:
        await engine.server.close(deadline_s=0.5)  # also after an earlier close


def client_of(path: Path, role: Role = Role.ADMIN, who: str = "tester") -> DeskClient:
    return DeskClient(path, who=who, role=role, now_ms=now_ms, rng=Random(1))


@asynccontextmanager
async def running_client(client: DeskClient) -> AsyncGenerator[DeskClient]:
    task = asyncio.create_task(client.run())
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(is_so: Callable[[], bool], of_s: float = 20.0) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(of_s):
        while not is_so():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.002)


OWN_UID = os.geteuid()
