"""`kill --direct`: stops without an engine. Writes the halt file and cancels every order of this desk.

Needs a key and the network only: the engine may be dead, frozen or holding its database. Positions are not
sold, because only the engine's ledger has their cost and owner.
"""

import asyncio
import errno
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp
import msgspec

from mexc_tui.app.endpoints import ExchangeHandle, SystemClock
from mexc_tui.app.order_sweep import DeskOrders, OrderSweep, Report
from mexc_tui.desk.api_types import CommandOutcome, FrontEndError
from mexc_tui.desk.single_request import send_command
from mexc_tui.desk.trading_requests import KILL, EmergencyStopRequest
from mexc_tui.exchange.client import MexcClient
from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.host.lock import is_held, recorded_holder, scope_of, socket_of
from mexc_tui.host.paths import Paths
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Stored
from mexc_tui.store.sqlite.connections import StoreLimits
from mexc_tui.store.sqlite.offline_read import read_offline
from mexc_tui.store.sqlite.reserve import Reserve

DEADLINE_S = 45.0
CLOCK_SAMPLES = 2
ENGINE_FIRST_S = 1.5
"""Seconds that a running engine cancels alone first: both share one rate limit."""
ENGINE_DEADLINE_S = 40.0
SILENT_S = 4.0
STORE_S = 2.0
RECENT_ORDERS = 200
NOT_SOLD = "Positions are not sold. Start the engine (halted, it protects them), then run `mexc-tui flatten`."
NOT_SOLD_YET = "Positions are not sold: the halted engine protects them. To sell them: `mexc-tui flatten`."

NOTHING_CANCELLED = (
    "NO ORDER WAS CANCELLED: cancel on the exchange's site. An engine of this profile reads the halt when "
    "it runs."
)
IN_THE_ENGINE = "Paper orders exist in the engine's process only; it reads the halt when it runs."


class DirectKillResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result of `kill --direct`."""

    is_done: bool
    """Whether the halt is stored and no order of this desk is open."""
    halt_file: str
    """Reason why the halt was not stored; empty: it was."""
    seen: int
    cancelled: int
    left: int
    words: tuple[str, ...]
    """The result as text, line by line."""


@dataclass(frozen=True, slots=True)
class KillEnvironment:
    """Clock and randomness; a simulation provides its own."""

    clock: Clock
    rng: Random
    connector: aiohttp.BaseConnector | None = None


@dataclass(frozen=True, slots=True)
class _EngineReply:
    """Reply of a running engine to the stop command; `words` is empty if no engine runs."""

    words: str = ""
    is_done: bool = False
    """Whether it halted and has no open order left."""


async def kill_direct(
    exchange: ExchangeHandle,
    paths: Paths,
    by: str,
    *,
    report: Report,
    environment: KillEnvironment | None = None,
    deadline_s: float = DEADLINE_S,
) -> DirectKillResult:
    """Halt durably, command a running engine, and cancel until no order of this desk is open.

    `report` receives each line of progress at once, including each part that cannot be reached.
    """
    environment, endpoint = environment or KillEnvironment(SystemClock(), Random()), exchange.endpoint
    problem = _write_halt(scope_of(endpoint), paths, by, now_ms=environment.clock.now_ms())
    report(_halt_message(problem))
    commanded = asyncio.ensure_future(asyncio.to_thread(_command_engine, paths, by, report))
    await asyncio.wait((commanded,), timeout=ENGINE_FIRST_S)
    touched = asyncio.ensure_future(asyncio.to_thread(touched_symbols, paths.store, scope_of(endpoint)))
    async with MexcClient(
        endpoint.rest,
        clock=environment.clock,
        rng=environment.rng,
        credentials=_credentials(exchange),
        connector=environment.connector,
    ) as client:
        await client.measure_clock(CLOCK_SAMPLES)
        sweep = OrderSweep(client, report)
        is_quiet = await sweep.run(touched, deadline_s)
    notes = ((await commanded).words, (await touched)[1])
    return _result(problem, notes, sweep.orders, is_quiet=is_quiet)


def _command_engine(paths: Paths, by: str, report: Report) -> _EngineReply:
    """Command the engine of this profile to halt and cancel; return the outcome."""
    if not is_held(paths.lock):
        return _EngineReply()
    holder = recorded_holder(paths.lock)
    who = "The engine" if holder is None else f"The engine (process {holder.pid})"
    now_ms = SystemClock().now_ms()
    try:
        reply = send_command(
            socket_of(paths),
            KILL,
            EmergencyStopRequest(sell=False),
            who=by,
            now_ms=now_ms,
            deadline_s=ENGINE_DEADLINE_S,
            silent_s=SILENT_S,
        )
    except FrontEndError as error:
        text = f"Cannot command {who}: {error} It reads the halt before it places an order."
        engine = _EngineReply(text)
    else:
        engine = _EngineReply(f"{who}: {reply.message}", is_done=reply.outcome is CommandOutcome.DONE)
    report(engine.words)
    return engine


def _credentials(exchange: ExchangeHandle) -> Credentials:
    if exchange.key is not None:
        return exchange.key.credentials
    return Credentials(exchange.endpoint.api_key, Secret(exchange.endpoint.api_secret))


def kill_paper(scope: str, paths: Paths, by: str) -> DirectKillResult:
    """Halt durably. Paper orders exist in the engine's process only and are not cancelled from here."""
    problem = _write_halt(scope, paths, by, now_ms=SystemClock().now_ms())
    lines = (_halt_message(problem), IN_THE_ENGINE, NOT_SOLD)
    return DirectKillResult(is_done=not problem, halt_file=problem, seen=0, cancelled=0, left=0, words=lines)


def halt_without_key(paths: Paths, by: str, report: Report) -> tuple[bool, tuple[str, ...]]:
    """Halt durably and command a running engine, when no key is available to cancel orders.

    `report` receives each line of progress at once. Returns whether the engine cancelled every order, and the
    result as text, line by line.
    """
    halted, *rest = _halt_newest(paths, by)
    report(halted)
    engine = _command_engine(paths, by, report)
    lines = (halted, engine.words, *(() if engine.is_done else rest), NOT_SOLD_YET if engine.is_done else "")
    return engine.is_done, tuple(line for line in lines if line)


def _halt_newest(paths: Paths, by: str) -> tuple[str, ...]:
    """Halt the newest ledger of a profile durably; return the result as text, line by line."""
    try:
        limits = StoreLimits(busy_timeout_s=STORE_S, deadline_s=STORE_S)
        scope = read_offline(paths.store, SystemClock(), lambda stored: stored.newest_scope(), limits=limits)
    except StorageError as error:
        return (f"HALT NOT WRITTEN: cannot read the ledger: {error}",)
    if not scope:
        return ("HALT NOT WRITTEN: this profile has no ledger yet.",)
    return (_halt_message(_write_halt(scope, paths, by, now_ms=SystemClock().now_ms())), NOTHING_CANCELLED)


def touched_symbols(store: Path, scope: str) -> tuple[frozenset[str], str]:
    """Return the pairs of recent orders and open positions in a stored ledger, and why it cannot be read."""

    def read(stored: Stored) -> frozenset[str]:
        tables = stored.trading(scope)
        rows = (*tables.orders.page(limit=RECENT_ORDERS), *tables.intents.open(), *tables.positions.open())
        return frozenset(row.symbol for row in rows)

    try:
        limits = StoreLimits(busy_timeout_s=STORE_S, deadline_s=STORE_S)
        return read_offline(store, SystemClock(), read, limits=limits), ""
    except StorageError as error:
        return frozenset(), f"Cannot read the ledger: {error}"


def _write_halt(scope: str, paths: Paths, by: str, *, now_ms: int) -> str:
    halt = Trading(
        state=TradingState.HALTED, cause=Cause.EMERGENCY, text="kill --direct", since_ms=now_ms, by=by
    )
    file = HaltFileOnDisk(paths.state, scope)
    try:
        try:
            file.write(halt)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            Reserve(paths.store).release()  # reserved for this case
            file.write(halt)
    except OSError as error:
        return f"{error.strerror or error}"
    return ""


def _halt_message(problem: str) -> str:
    if problem:
        return f"HALT NOT WRITTEN ({problem}). Check the orders manually before you start an engine."
    return "Halt written: no engine of this ledger buys until you resume."


def _result(problem: str, notes: tuple[str, ...], orders: DeskOrders, *, is_quiet: bool) -> DirectKillResult:
    found, left = len(orders.found), len(orders.open)
    lines = [_halt_message(problem), *(note for note in notes if note)]
    lines += [
        f"{order.symbol} {order.side} {order.client_order_id}: "
        + ("STILL OPEN" if order.order_id in orders.open else "closed")
        for order in orders.found.values()
    ]
    lines.append(f"{found} orders of this desk found, {found - left} closed, {left} still open.")
    if is_quiet:
        lines.append("No open orders of this desk.")
    else:
        why = orders.problem or orders.unreadable or "orders are still open"
        lines.append(f"NOT CONFIRMED that no order is open: {why}.")
    lines.append(NOT_SOLD)
    return DirectKillResult(
        is_done=is_quiet and not problem,
        halt_file=problem,
        seen=found,
        cancelled=found - left,
        left=left,
        words=tuple(lines),
    )
