"""Connect an engine to the desk API: views, queries and audited commands.

Stored rows are read outside the event loop; current values come from the query classes of the engine.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from mexc_tui.desk import engine_requests
from mexc_tui.desk.answer_cache import ResponseCache
from mexc_tui.desk.api_types import CommandOutcome
from mexc_tui.desk.command_executor import AuditEntry, CommandExecutor, HandlerResult, ReceivedCommand
from mexc_tui.desk.screen_handlers import (
    MetricsSource,
    handle_process_metrics,
    handle_risk_monitor,
    handle_screens,
    viewer_rows,
)
from mexc_tui.desk.server import DeskParts, DeskServer
from mexc_tui.desk.trading_handlers import TradingViews, handle_trading, replace_rows
from mexc_tui.desk.view_kinds import LISTINGS, SIGNALS, STATUS
from mexc_tui.desk.views import View
from mexc_tui.desk.wire import CommandResponse, encode
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.views import stored_queries
from mexc_tui.engine.views.engine_queries import EngineQueries
from mexc_tui.engine.views.screen_queries import ScreenQueries
from mexc_tui.engine.views.trading_queries import TradingQueries
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.event import CommandBegun, CommandDone, Fact
from mexc_tui.model.text import clean
from mexc_tui.model.view import ListingRow, SettingRow, StatusRow
from mexc_tui.model.why import SnipeDetail, WhyRow
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Store

log = logging.getLogger(__name__)

REFRESH_S = 0.25
"""Interval of view updates."""

PAGE_BYTES = 200 * 1024
"""Maximum bytes of the rows of a response; a frame holds slightly more."""

T = TypeVar("T")
PagedRow = TypeVar("PagedRow", bound=msgspec.Struct)


class JournalFacts:
    """Journal as the source of events for viewers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def after(self, sequence: int, limit: int) -> Sequence[Fact]:
        """Return up to `limit` events after `sequence`, oldest first."""
        return await self._store.read("facts", lambda stored: stored.journal.after(sequence, limit))


class JournalAudit:
    """Audit of commands as events in the journal, found by command id."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def begin(self, command: ReceivedCommand) -> AuditEntry | None:
        """Store a command and return None, or return the existing entry of its id."""
        at_ms = self._clock.now_ms()
        event = CommandBegun(
            at_ms=at_ms,
            about=command.id,
            name=command.name,
            who=command.sender.who,
            pid=command.sender.pid,
            role=command.sender.role.value,
            digest=command.digest,
            args=command.args.decode("utf-8", "replace"),
        )
        facts = await self._store.read("command", lambda stored: stored.journal.about(command.id))
        begun = next((fact.event for fact in facts if isinstance(fact.event, CommandBegun)), None)
        if begun is None:
            await self._store.write("command begun", lambda unit: unit.record(event))
            return None
        done = next((fact.event for fact in facts if isinstance(fact.event, CommandDone)), None)
        return AuditEntry(begun.digest, None if done is None else _response(done))

    async def end(self, command: ReceivedCommand, response: CommandResponse) -> None:
        """Store its outcome."""
        event = CommandDone(
            at_ms=self._clock.now_ms(),
            about=command.id,
            name=command.name,
            outcome=response.outcome.value,
            text=response.words,
            digest=command.digest,
            result=bytes(response.result).decode("utf-8", "replace"),
        )
        await self._store.write("command done", lambda unit: unit.record(event))


def _response(done: CommandDone) -> CommandResponse:
    return CommandResponse(
        id=done.about,
        outcome=CommandOutcome(done.outcome),
        words=done.text,
        result=msgspec.Raw(done.result.encode()),
    )


@dataclass(frozen=True, slots=True)
class DeskServiceParts:
    """Dependencies of the service. `engine` is unique per start; `head` is the newest event number."""

    queries: EngineQueries
    store: Store
    clock: Clock
    detection: Callable[[], DetectionSettings]
    engine: str
    head: int
    responses: ResponseCache
    trading: TradingQueries | None = None
    """None: the engine runs without trading."""
    screens: ScreenQueries | None = None
    """None: queries of screens are refused."""
    machine: MetricsSource | None = None
    """None: no metrics are collected."""


class DeskService:
    """Desk API of one engine. Use only in the engine's event loop."""

    def __init__(self, parts: DeskServiceParts) -> None:
        status = parts.queries.status()
        self._parts = parts
        self._status, self._listings, self._signals = View(STATUS), View(LISTINGS), View(SIGNALS)
        self._trading_views = TradingViews(parts.trading)
        self._following: asyncio.Task[None] | None = None
        self.server = DeskServer(
            DeskParts(
                engine=parts.engine,
                profile=status.profile,
                mode=status.mode,
                views=[self._status, self._listings, self._signals, *self._trading_views.all()],
                facts=JournalFacts(parts.store),
                head=parts.head,
                audit=JournalAudit(parts.store, parts.clock),
                now_ms=parts.clock.now_ms,
                refresh=self.refresh,
            )
        )
        _handle_queries(self.server.commands, parts)
        _handle_commands(self.server.commands, parts.queries)
        handle_trading(self.server.commands, parts.trading, self.refresh)
        handle_risk_monitor(self.server.commands, parts.store, parts.responses)
        handle_screens(self.server.commands, parts.screens, parts.responses)
        handle_process_metrics(self.server.commands, parts.machine, lambda: viewer_rows(self.server))

    async def open(self, path: Path) -> None:
        """Listen at a path. Raises SocketInUse or FrontEndError."""
        await self.server.open(path)
        self._following = asyncio.create_task(self._follow(), name="desk views")

    def publish(self, fact: Fact) -> None:
        """Publish a committed event. Call in order."""
        self.server.publish(fact)

    def refresh(self) -> None:
        """Update the views from the engine.

        A failing row fails no command and does not stop the updates. The status is updated last:
        without it screens mark all their data as old.
        """
        queries = self._parts.queries
        try:
            self._trading_views.refresh()
            replace_rows(self._listings, {row.id: row for row in queries.listings()})
            replace_rows(
                self._signals, {f"{s.detector} {s.listing_id} {s.topic}": s for s in queries.signals()}
            )
            self._status.put("engine", queries.status())
        except Exception:
            log.exception("the views could not be updated")

    async def close(self, deadline_s: float = 5.0) -> None:
        """Disconnect all viewers."""
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


def _handle_queries(desk: CommandExecutor, parts: DeskServiceParts) -> None:
    queries, store, answers = parts.queries, parts.store, parts.responses

    async def status(_: engine_requests.NoArguments, __: ReceivedCommand) -> HandlerResult[StatusRow]:
        return HandlerResult("", queries.status())

    async def listings(
        args: engine_requests.ListingsQuery, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.ListingPage]:
        async def read() -> engine_requests.ListingPage:
            now_ms, detection = queries.status().now_ms, parts.detection()
            rows = await store.read(
                "listings",
                lambda stored: stored_queries.listings(
                    stored,
                    now_ms,
                    detection,
                    before_ms=args.before_ms,
                    before_id=args.before_id,
                    limit=args.limit,
                ),
            )
            return engine_requests.ListingPage(list(_first_page(rows)))

        page = await answers.get("listings", engine_requests.ListingPage, args, read=read)
        live = {listing_row.id: listing_row for listing_row in queries.listings()}
        rows = [live.get(listing_row.id, listing_row) for listing_row in page.value.rows]
        return HandlerResult("", engine_requests.ListingPage(rows), age_ms=page.age_ms)

    async def signals(
        args: engine_requests.SignalsQuery, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.SignalPage]:
        async def read() -> engine_requests.SignalPage:
            found = await store.read(
                "signals",
                lambda stored: stored_queries.signals(stored, args.before, args.limit, symbol=args.symbol),
            )
            return engine_requests.SignalPage(*found)

        page = await answers.get("signals", engine_requests.SignalPage, args, read=read)
        return HandlerResult("", page.value, age_ms=page.age_ms)

    async def why(args: engine_requests.WhyQuery, _: ReceivedCommand) -> HandlerResult[WhyRow]:
        async def read() -> WhyRow:
            now_ms, detection, liquidity = queries.status().now_ms, parts.detection(), queries.liquidity()
            return await store.read(
                "why",
                lambda stored: stored_queries.why(
                    stored, args.symbol, now_ms, settings=detection, liquidity=liquidity
                ),
            )

        found = await answers.get("why", WhyRow, args, read=read)
        row = found.value
        live = {listing_row.id: listing_row for listing_row in queries.listings()}
        stories = (
            msgspec.structs.replace(s, listing=live.get(s.listing.id, s.listing)) for s in row.listings
        )
        row = msgspec.structs.replace(row, listings=tuple(stories))
        return HandlerResult("", await _with_current_checks(row, parts.trading), age_ms=found.age_ms)

    async def journal(
        args: engine_requests.JournalQuery, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.FactPage]:
        rows = await store.read(
            "journal",
            lambda stored: stored_queries.journal(
                stored, args.before, args.limit, about=args.about, kind=args.kind, since_ms=args.since_ms
            ),
        )
        return HandlerResult("", engine_requests.FactPage(_first_page(rows)))

    desk.handle(engine_requests.STATUS, status)
    desk.handle(engine_requests.LISTINGS, listings)
    desk.handle(engine_requests.SIGNALS, signals)
    desk.handle(engine_requests.WHY, why)
    desk.handle(engine_requests.JOURNAL, journal)
    _handle_engine_queries(desk, queries)


def _handle_engine_queries(desk: CommandExecutor, queries: EngineQueries) -> None:
    async def alerts(
        args: engine_requests.AlertsQuery, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.AlertPage]:
        rows = await queries.alerts(args.limit, closed=args.closed)
        return HandlerResult("", engine_requests.AlertPage(list(_first_page(rows))))

    async def settings(
        _: engine_requests.NoArguments, __: ReceivedCommand
    ) -> HandlerResult[engine_requests.SettingList]:
        return HandlerResult("", engine_requests.SettingList(list(queries.settings())))

    desk.handle(engine_requests.ALERTS, alerts)
    desk.handle(engine_requests.SETTINGS, settings)


def _handle_commands(desk: CommandExecutor, queries: EngineQueries) -> None:
    async def add(args: engine_requests.AddListing, _: ReceivedCommand) -> HandlerResult[ListingRow]:
        row = await queries.add_listing(args.symbol, args.opens_ms, clean(args.note))
        return HandlerResult(f"Watching {row.symbol}: {row.stage}.", row)

    async def drop(args: engine_requests.DropListing, _: ReceivedCommand) -> HandlerResult[ListingRow]:
        row = await queries.drop_listing(args.symbol, clean(args.note))
        return HandlerResult(f"Dropped {row.symbol}.", row)

    async def change(
        args: engine_requests.SettingChange, command: ReceivedCommand
    ) -> HandlerResult[SettingRow]:
        row = await queries.change_setting(args.name, args.text, command.sender.who)
        waits = f", {row.pending} at the next start" if row.pending else ""
        return HandlerResult(f"{row.name} = {row.value}{waits}.", row)

    async def check(
        args: engine_requests.SettingChange, _: ReceivedCommand
    ) -> HandlerResult[engine_requests.CheckPassed]:
        return HandlerResult(await queries.check_setting(args.name, args.text), engine_requests.CheckPassed())

    async def undo(args: engine_requests.SettingUndo, command: ReceivedCommand) -> HandlerResult[SettingRow]:
        row, change = await queries.undo_setting(args.name, command.sender.who)
        waits = " at the next start" if row.pending else ""
        return HandlerResult(f"{row.name} = {change.old} again{waits}; it was {change.new}.", row)

    async def stop(
        _: engine_requests.NoArguments, command: ReceivedCommand
    ) -> HandlerResult[engine_requests.EngineStopping]:
        queries.stop(f"requested by {command.sender.who}")
        return HandlerResult("Stopping.", engine_requests.EngineStopping(queries.status().pid))

    desk.handle(engine_requests.ADD_LISTING, add)
    desk.handle(engine_requests.DROP_LISTING, drop)
    desk.handle(engine_requests.CHECK_SETTING, check)
    desk.handle(engine_requests.SET, change)
    desk.handle(engine_requests.UNDO, undo)
    desk.handle(engine_requests.STOP, stop)


def _first_page(rows: Sequence[PagedRow]) -> tuple[PagedRow, ...]:
    """Return the rows that fit into one response, at least one; the client requests the rest."""
    size, page = 0, list[PagedRow]()
    for row in rows:
        size += len(encode(row)) + 1
        if page and size > PAGE_BYTES:
            break
        page.append(row)
    return tuple(page)


async def _with_current_checks(row: WhyRow, trading: TradingQueries | None) -> WhyRow:
    """Add checklists and current pre-trade checks; a pair without data has none."""
    if trading is None:
        return row
    row = msgspec.structs.replace(row, snipes=tuple(_with_checklist(snipe, trading) for snipe in row.snipes))
    if not row.listings:
        return row
    try:
        return msgspec.structs.replace(row, what_if=await trading.what_if(row.listings[0].listing.symbol))
    except CommandRefused:
        return row


def _with_checklist(snipe_history: SnipeDetail, trading: TradingQueries) -> SnipeDetail:
    checked = trading.checklist(snipe_history.snipe.id)
    return msgspec.structs.replace(snipe_history, checklist=checked.verdicts, checked_ms=checked.at_ms)
