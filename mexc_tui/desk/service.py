"""Connects an engine to the desk API: views, queries and audited commands.

Stored rows are read beside the loop; current values come from the engine's query classes.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from mexc_tui.desk import engine_requests
from mexc_tui.desk.answer_cache import AnswerCache
from mexc_tui.desk.api_types import CommandOutcome
from mexc_tui.desk.command_executor import AuditEntry, CommandDesk, HandlerResult, ReceivedCommand
from mexc_tui.desk.screen_handlers import (
    MetricsSource,
    handle_guard,
    handle_machine,
    handle_screens,
    viewer_rows,
)
from mexc_tui.desk.server import DeskParts, DeskServer
from mexc_tui.desk.trading_handlers import TradingViews, handle_trading, show
from mexc_tui.desk.view_kinds import LISTINGS, SIGNALS, STATUS
from mexc_tui.desk.views import View
from mexc_tui.desk.wire import CommandAnswer, encode
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.views import stored_queries
from mexc_tui.engine.views.engine_queries import EngineQueries
from mexc_tui.engine.views.screen_queries import ScreenQueries
from mexc_tui.engine.views.trading_queries import TradingQueries
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.event import CommandBegun, CommandDone, Fact
from mexc_tui.model.text import clean
from mexc_tui.model.view import ListingRow, SettingRow, StatusRow
from mexc_tui.model.why import SnipeSays, WhyRow
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Store

log = logging.getLogger(__name__)

REFRESH_S = 0.25
"""Views follow the engine so closely."""

PAGE_BYTES = 200 * 1024
"""An answer's rows end here: a frame holds a little more."""

T = TypeVar("T")
Shown = TypeVar("Shown", bound=msgspec.Struct)


class JournalFacts:
    """The journal as the desk hands it to viewers."""

    def __init__(self, books: Store) -> None:
        self._books = books

    async def after(self, sequence: int, limit: int) -> Sequence[Fact]:
        """Return up to `limit` facts behind `sequence`, oldest first."""
        return await self._books.read("facts", lambda stored: stored.journal.after(sequence, limit))


class JournalAudit:
    """Commands that act, as facts of the journal: durable, append-only, found by their id."""

    def __init__(self, books: Store, clock: Clock) -> None:
        self._books = books
        self._clock = clock

    async def begin(self, given: ReceivedCommand) -> AuditEntry | None:
        """Write a command down unless its id is there already: then return what is there."""
        at_ms = self._clock.now_ms()
        event = CommandBegun(
            at_ms=at_ms,
            about=given.id,
            name=given.name,
            who=given.giver.who,
            pid=given.giver.pid,
            role=given.giver.role.value,
            digest=given.digest,
            args=given.args.decode("utf-8", "replace"),
        )
        facts = await self._books.read("command", lambda stored: stored.journal.about(given.id))
        begun = next((fact.event for fact in facts if isinstance(fact.event, CommandBegun)), None)
        if begun is None:
            await self._books.write("command begun", lambda unit: unit.record(event))
            return None
        done = next((fact.event for fact in facts if isinstance(fact.event, CommandDone)), None)
        return AuditEntry(begun.digest, None if done is None else _answer(done))

    async def end(self, given: ReceivedCommand, answer: CommandAnswer) -> None:
        """Store its outcome."""
        event = CommandDone(
            at_ms=self._clock.now_ms(),
            about=given.id,
            name=given.name,
            outcome=answer.outcome.value,
            words=answer.words,
            digest=given.digest,
            result=bytes(answer.result).decode("utf-8", "replace"),
        )
        await self._books.write("command done", lambda unit: unit.record(event))


def _answer(done: CommandDone) -> CommandAnswer:
    return CommandAnswer(
        id=done.about,
        outcome=CommandOutcome(done.outcome),
        words=done.words,
        result=msgspec.Raw(done.result.encode()),
    )


@dataclass(frozen=True, slots=True)
class DeskServiceParts:
    """What a door needs. `engine` is another text for each start, `head` the journal's newest number."""

    queries: EngineQueries
    books: Store
    clock: Clock
    detection: Callable[[], DetectionSettings]
    engine: str
    head: int
    answers: AnswerCache
    trading: TradingQueries | None = None
    """None: a read-only engine."""
    screens: ScreenQueries | None = None
    """None: nothing is drawn of it."""
    machine: MetricsSource | None = None
    """None: not measured."""


class DeskService:
    """The desk of one engine. Everything here belongs to the engine's loop."""

    def __init__(self, parts: DeskServiceParts) -> None:
        status = parts.queries.status()
        self._parts = parts
        self._status, self._listings, self._signals = View(STATUS), View(LISTINGS), View(SIGNALS)
        self._money = TradingViews(parts.trading)
        self._following: asyncio.Task[None] | None = None
        self.server = DeskServer(
            DeskParts(
                engine=parts.engine,
                profile=status.profile,
                mode=status.mode,
                views=[self._status, self._listings, self._signals, *self._money.all()],
                facts=JournalFacts(parts.books),
                head=parts.head,
                audit=JournalAudit(parts.books, parts.clock),
                now_ms=parts.clock.now_ms,
                refresh=self.refresh,
            )
        )
        _answer_questions(self.server.commands, parts)
        _take_commands(self.server.commands, parts.queries)
        handle_trading(self.server.commands, parts.trading, self.refresh)
        handle_guard(self.server.commands, parts.books, parts.answers)
        handle_screens(self.server.commands, parts.screens, parts.answers)
        handle_machine(self.server.commands, parts.machine, lambda: viewer_rows(self.server))

    async def open(self, path: Path) -> None:
        """Serve at a socket's path. Raises SocketInUse or FrontEndError."""
        await self.server.open(path)
        self._following = asyncio.create_task(self._follow(), name="desk views")

    def tell(self, fact: Fact) -> None:
        """Take a committed fact, in order."""
        self.server.tell(fact)

    def refresh(self) -> None:
        """Bring the views up to what the engine knows now.

        A row that cannot be made fails no command and does not end the updates. The status is updated last:
        without it screens mark all their data as old.
        """
        queries = self._parts.queries
        try:
            self._money.refresh()
            show(self._listings, {row.id: row for row in queries.listings()})
            show(self._signals, {f"{s.detector} {s.listing_id} {s.topic}": s for s in queries.signals()})
            self._status.put("engine", queries.status())
        except Exception:
            log.exception("the views could not be updated")

    async def close(self, deadline_s: float = 5.0) -> None:
        """See everybody out."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self.server.close(deadline_s)

    async def _follow(self) -> None:
        loop, machine = asyncio.get_running_loop(), self._parts.machine
        while True:
            due_s = loop.time() + REFRESH_S
            await asyncio.sleep(REFRESH_S)
            if machine is not None:
                machine.beat(loop.time() - due_s)
            if self.server.viewers:
                self.refresh()


def _answer_questions(desk: CommandDesk, parts: DeskServiceParts) -> None:
    queries, books, answers = parts.queries, parts.books, parts.answers

    async def status(_: engine_requests.Nothing, __: ReceivedCommand) -> HandlerResult[StatusRow]:
        return HandlerResult("", queries.status())

    async def listings(
        args: engine_requests.ListingsAsked, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.ListingPage]:
        async def read() -> engine_requests.ListingPage:
            now_ms, detection = queries.status().now_ms, parts.detection()
            rows = await books.read(
                "listings",
                lambda stored: stored_queries.listings(
                    stored, now_ms, detection, args.before_ms, args.before_id, args.limit
                ),
            )
            return engine_requests.ListingPage(list(_fitting(rows)))

        page = await answers.of("listings", engine_requests.ListingPage, args, read)
        live = {one.id: one for one in queries.listings()}
        rows = [live.get(one.id, one) for one in page.value.rows]
        return HandlerResult("", engine_requests.ListingPage(rows), age_ms=page.age_ms)

    async def signals(
        args: engine_requests.SignalsAsked, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.SignalPage]:
        async def read() -> engine_requests.SignalPage:
            found = await books.read(
                "signals", lambda stored: stored_queries.signals(stored, args.before, args.limit, args.symbol)
            )
            return engine_requests.SignalPage(*found)

        page = await answers.of("signals", engine_requests.SignalPage, args, read)
        return HandlerResult("", page.value, age_ms=page.age_ms)

    async def why(args: engine_requests.WhyAsked, _: ReceivedCommand) -> HandlerResult[WhyRow]:
        async def read() -> WhyRow:
            now_ms, detection, books_now = queries.status().now_ms, parts.detection(), queries.liquidity()
            return await books.read(
                "why", lambda stored: stored_queries.why(stored, args.symbol, now_ms, detection, books_now)
            )

        found = await answers.of("why", WhyRow, args, read)
        row = found.value
        live = {one.id: one for one in queries.listings()}
        stories = (
            msgspec.structs.replace(s, listing=live.get(s.listing.id, s.listing)) for s in row.listings
        )
        row = msgspec.structs.replace(row, listings=tuple(stories))
        return HandlerResult("", await _as_of_now(row, parts.trading), age_ms=found.age_ms)

    async def journal(
        args: engine_requests.JournalAsked, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.FactPage]:
        rows = await books.read(
            "journal",
            lambda stored: stored_queries.journal(
                stored, args.before, args.limit, args.about, args.kind, args.since_ms
            ),
        )
        return HandlerResult("", engine_requests.FactPage(_fitting(rows)))

    desk.handle(engine_requests.STATUS, status)
    desk.handle(engine_requests.LISTINGS, listings)
    desk.handle(engine_requests.SIGNALS, signals)
    desk.handle(engine_requests.WHY, why)
    desk.handle(engine_requests.JOURNAL, journal)
    _answer_about_itself(desk, queries)


def _answer_about_itself(desk: CommandDesk, queries: EngineQueries) -> None:
    async def alerts(
        args: engine_requests.AlertsAsked, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.AlertPage]:
        rows = await queries.alerts(args.limit, closed=args.closed)
        return HandlerResult("", engine_requests.AlertPage(list(_fitting(rows))))

    async def settings(
        _: engine_requests.Nothing, __: ReceivedCommand
    ) -> HandlerResult[engine_requests.SettingList]:
        return HandlerResult("", engine_requests.SettingList(list(queries.settings())))

    desk.handle(engine_requests.ALERTS, alerts)
    desk.handle(engine_requests.SETTINGS, settings)


def _take_commands(desk: CommandDesk, queries: EngineQueries) -> None:
    async def add(args: engine_requests.ListingAdded, _: ReceivedCommand) -> HandlerResult[ListingRow]:
        row = await queries.add_listing(args.symbol, args.opens_ms, clean(args.note))
        return HandlerResult(f"Watching {row.symbol}: {row.stage}.", row)

    async def drop(args: engine_requests.ListingDropped, _: ReceivedCommand) -> HandlerResult[ListingRow]:
        row = await queries.drop_listing(args.symbol, clean(args.note))
        return HandlerResult(f"Dropped {row.symbol}.", row)

    async def change(
        args: engine_requests.SettingChange, given: ReceivedCommand
    ) -> HandlerResult[SettingRow]:
        row = await queries.change_setting(args.name, args.text, given.giver.who)
        waits = f", {row.pending} at the next start" if row.pending else ""
        return HandlerResult(f"{row.name} = {row.value}{waits}.", row)

    async def check(
        args: engine_requests.SettingChange, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.Agreed]:
        return HandlerResult(await queries.check_setting(args.name, args.text), engine_requests.Agreed())

    async def undo(args: engine_requests.SettingUndo, given: ReceivedCommand) -> HandlerResult[SettingRow]:
        row, change = await queries.undo_setting(args.name, given.giver.who)
        waits = " at the next start" if row.pending else ""
        return HandlerResult(f"{row.name} = {change.old} again{waits}; it was {change.new}.", row)

    async def stop(
        _: engine_requests.Nothing, given: ReceivedCommand
    ) -> HandlerResult[engine_requests.EngineStopping]:
        queries.stop(f"requested by {given.giver.who}")
        return HandlerResult("Stopping.", engine_requests.EngineStopping(queries.status().pid))

    desk.handle(engine_requests.ADD_LISTING, add)
    desk.handle(engine_requests.DROP_LISTING, drop)
    desk.handle(engine_requests.CHECK_SETTING, check)
    desk.handle(engine_requests.SET, change)
    desk.handle(engine_requests.UNDO, undo)
    desk.handle(engine_requests.STOP, stop)


def _fitting(rows: Sequence[Shown]) -> tuple[Shown, ...]:
    """Return as many rows as fit into one response, at least one; the client requests the rest."""
    size, kept = 0, list[Shown]()
    for row in rows:
        size += len(encode(row)) + 1
        if kept and size > PAGE_BYTES:
            break
        kept.append(row)
    return tuple(kept)


async def _as_of_now(row: WhyRow, trading: TradingQueries | None) -> WhyRow:
    """Add checklists and current pre-trade checks; a pair without data has none."""
    if trading is None:
        return row
    row = msgspec.structs.replace(row, snipes=tuple(_checked(one, trading) for one in row.snipes))
    if not row.listings:
        return row
    try:
        return msgspec.structs.replace(row, what_if=await trading.what_if(row.listings[0].listing.symbol))
    except CommandRefused:
        return row


def _checked(says: SnipeSays, trading: TradingQueries) -> SnipeSays:
    checked = trading.checklist(says.snipe.id)
    return msgspec.structs.replace(says, checklist=checked.verdicts, checked_ms=checked.at_ms)
