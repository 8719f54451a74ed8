"""`kill --direct`: stops without an engine. It writes the halt file and cancels every order of this desk.

It needs a key and the network, nothing else: the engine may be dead, frozen or hold its database. Coins are
not sold: what they cost and whose they are only the engine's books know.
"""

import asyncio
import errno
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp
import msgspec

from mexc_tui.app.endpoints import ExchangeHandle, SystemClock
from mexc_tui.desk.api_types import CommandOutcome, FrontEndError
from mexc_tui.desk.single_request import ask
from mexc_tui.desk.trading_requests import KILL, Killing
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.rest.orders import CANCEL_SYMBOLS
from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.host.lock import is_held, noted_holder, scope_of, socket_of
from mexc_tui.host.paths import Paths
from mexc_tui.ledger.ids import PREFIX
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.outcome import SETTLE_MS, Accepted, Purpose
from mexc_tui.model.report import OrderReport
from mexc_tui.model.rows import SkippedRow, skipped_words
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Stored
from mexc_tui.store.looking import look_into
from mexc_tui.store.opening import StoreLimits
from mexc_tui.store.reserve import Reserve

DEADLINE_S = 45.0
LOOK_S = 0.5
QUIET_MS = SETTLE_MS + 2_000
"""Seconds within which an order in flight at the start becomes visible."""
LOOKS_PER_S = 6.0
"""Questions of a look are no more than this, so that cancels never wait for weight."""
ASKED_AT_ONCE = 5
BY_ID = 10
"""So many orders are cancelled one by one at once; more would wait for the order limit."""
CLOCK_SAMPLES = 2
FIRST_S = 1.5
"""Seconds that a running engine may cancel alone first: both share one rate limit."""
ENGINE_S = 40.0
SILENT_S = 4.0
STORE_S = 2.0
RECENT = 200
NOT_SOLD = "Positions are not sold. Start the engine (halted, it protects them), then run `mexc-tui flatten`."
NOT_SOLD_YET = "Positions are not sold: the halted engine protects them. To sell them: `mexc-tui flatten`."

NOTHING_CANCELLED = (
    "NO ORDER WAS CANCELLED: cancel on the exchange's site. An engine of this profile reads the halt when "
    "it runs."
)
IN_THE_ENGINE = "Paper orders live in the engine's process, which reads the halt when it runs."


class Killed(msgspec.Struct, frozen=True, kw_only=True):
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


Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class KillEnvironment:
    """Clock and randomness; a simulation provides its own."""

    clock: Clock
    rng: Random
    connector: aiohttp.BaseConnector | None = None


@dataclass(frozen=True, slots=True)
class _Commanded:
    """What a running engine did when it was commanded; `words` are empty if none runs."""

    words: str = ""
    is_done: bool = False
    """It halted, and sees no open order of its own any more."""


@dataclass(slots=True)
class _Sight:
    """Orders of this desk: all found, and those open at the last query."""

    tell: Tell
    every: dict[str, OrderReport] = field(default_factory=dict[str, OrderReport])
    open: dict[str, OrderReport] = field(default_factory=dict[str, OrderReport])
    others: set[str] = field(default_factory=set[str])
    """Pairs that also have unknown open orders."""
    problem: str = ""
    unread: str = ""
    """Rows of the last look that could not be read; empty: none."""
    said: set[str] = field(default_factory=set[str])

    def take(self, found: Sequence[OrderReport], skipped: Sequence[SkippedRow]) -> list[OrderReport]:
        """Apply the result of a query; orders missing from a partial result may still be open.

        So may one that a row of its pair or without a name may hide: those are returned, to be asked for.
        """
        unread = {row.name for row in skipped}
        ours, others = dict[str, OrderReport](), set(unread)
        self.unread = skipped_words(skipped, len(found) + len(skipped))
        for one in found:
            if (one.client_order_id or "").startswith(PREFIX):
                ours[one.order_id] = one
            else:
                others.add(one.symbol)
        before = [one for one in self.open.values() if one.order_id not in ours]
        hidden = [one for one in before if not unread.isdisjoint(("", one.symbol))]
        self.open = ours | {one.order_id: one for one in (before if self.problem else hidden)}
        self.others = self.others | others if self.problem else others
        self.every |= ours
        return hidden

    def say(self, words: str) -> None:
        """Tell a problem once, at once."""
        if words not in self.said:
            self.said.add(words)
            self.tell(words)


async def kill_direct(
    exchange: ExchangeHandle,
    paths: Paths,
    by: str,
    tell: Tell,
    outside: KillEnvironment | None = None,
    deadline_s: float = DEADLINE_S,
) -> Killed:
    """Halt durably, command a running engine, and cancel until no order of this desk is open.

    `tell` gets a line as soon as there is something to say: above all, what cannot be reached.
    """
    outside, endpoint = outside or KillEnvironment(SystemClock(), Random()), exchange.endpoint
    problem = _write_halt(scope_of(endpoint), paths, by, outside.clock.now_ms())
    tell(_halt_words(problem))
    commanded = asyncio.ensure_future(asyncio.to_thread(_command_engine, paths, by, tell))
    await asyncio.wait((commanded,), timeout=FIRST_S)
    sight = _Sight(tell)
    reading = asyncio.ensure_future(asyncio.to_thread(touched_symbols, paths.store, scope_of(endpoint)))
    async with MexcClient(
        endpoint.rest,
        clock=outside.clock,
        rng=outside.rng,
        credentials=_credentials(exchange),
        connector=outside.connector,
    ) as client:
        await client.measure_clock(CLOCK_SAMPLES)
        is_quiet = await _cancel_all(client, reading, sight, deadline_s)
    engine = (await commanded).words
    return _killed(problem, (await reading)[1], sight, engine, is_quiet=is_quiet)


def _command_engine(paths: Paths, by: str, tell: Tell) -> _Commanded:
    """Command the engine of this profile to halt and cancel; return the outcome."""
    if not is_held(paths.lock):
        return _Commanded()
    holder = noted_holder(paths.lock)
    who = "The engine" if holder is None else f"The engine (process {holder.pid})"
    now_ms = SystemClock().now_ms()
    try:
        reply = ask(
            socket_of(paths),
            KILL,
            Killing(sell=False),
            who=by,
            now_ms=now_ms,
            deadline_s=ENGINE_S,
            silent_s=SILENT_S,
        )
    except FrontEndError as error:
        words = f"Cannot command {who}: {error} It reads the halt before it places an order."
        commanded = _Commanded(words)
    else:
        commanded = _Commanded(f"{who}: {reply.words}", is_done=reply.outcome is CommandOutcome.DONE)
    tell(commanded.words)
    return commanded


def _credentials(exchange: ExchangeHandle) -> Credentials:
    if exchange.key is not None:
        return exchange.key.credentials
    return Credentials(exchange.endpoint.api_key, Secret(exchange.endpoint.api_secret))


def kill_paper(scope: str, paths: Paths, by: str) -> Killed:
    """Halt durably. Paper orders live in the engine's own process: none else reaches them."""
    problem = _write_halt(scope, paths, by, SystemClock().now_ms())
    lines = (_halt_words(problem), IN_THE_ENGINE, NOT_SOLD)
    return Killed(is_done=not problem, halt_file=problem, seen=0, cancelled=0, left=0, words=lines)


def halt_without_key(paths: Paths, by: str, tell: Tell) -> tuple[bool, tuple[str, ...]]:
    """Halt durably and command the engine that runs, where no key is at hand to cancel with.

    `tell` gets a line as soon as there is something to say. Returns whether the engine cancelled every order,
    and everything in words.
    """
    halted, *rest = _halt_newest(paths, by)
    tell(halted)
    engine = _command_engine(paths, by, tell)
    lines = (halted, engine.words, *(() if engine.is_done else rest), NOT_SOLD_YET if engine.is_done else "")
    return engine.is_done, tuple(line for line in lines if line)


def _halt_newest(paths: Paths, by: str) -> tuple[str, ...]:
    """Halt the newest books of a profile durably; return what was written, and what was not done."""
    try:
        limits = StoreLimits(busy_timeout_s=STORE_S, deadline_s=STORE_S)
        scope = look_into(paths.store, SystemClock(), lambda stored: stored.newest_scope(), limits)
    except StorageError as error:
        return (f"HALT NOT WRITTEN: cannot read the ledger: {error}",)
    if not scope:
        return ("HALT NOT WRITTEN: this profile has no ledger yet.",)
    return (_halt_words(_write_halt(scope, paths, by, SystemClock().now_ms())), NOTHING_CANCELLED)


def touched_symbols(store: Path, scope: str) -> tuple[frozenset[str], str]:
    """Return the pairs that stored books have to do with, and why they cannot be read. It changes nothing."""

    def read(stored: Stored) -> frozenset[str]:
        tables = stored.trading(scope)
        rows = (*tables.orders.page(limit=RECENT), *tables.intents.open(), *tables.positions.open())
        return frozenset(row.symbol for row in rows)

    try:
        limits = StoreLimits(busy_timeout_s=STORE_S, deadline_s=STORE_S)
        return look_into(store, SystemClock(), read, limits), ""
    except StorageError as error:
        return frozenset(), f"Cannot read the ledger: {error}"


def _write_halt(scope: str, paths: Paths, by: str, now_ms: int) -> str:
    halt = Trading(
        state=TradingState.HALTED, cause=Cause.EMERGENCY, words="kill --direct", since_ms=now_ms, by=by
    )
    file = HaltFileOnDisk(paths.state, scope)
    try:
        try:
            file.write(halt)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            Reserve(paths.store).release()  # kept for this
            file.write(halt)
    except OSError as error:
        return f"{error.strerror or error}"
    return ""


async def _cancel_all(
    client: MexcClient,
    reading: "asyncio.Future[tuple[frozenset[str], str]]",
    sight: _Sight,
    deadline_s: float,
) -> bool:
    """Query and cancel repeatedly; return whether no order was open for long enough, twice at least."""
    clock = asyncio.get_running_loop()
    until_s, empty_s, at_once = clock.time() + deadline_s, 0.0, CANCEL_SYMBOLS
    while clock.time() < until_s:
        requests = await _look(client, reading.result()[0] if reading.done() else frozenset(), sight)
        if sight.unread:
            sight.say(f"Cannot read every open order: {sight.unread}")
        if sight.open:
            empty_s = 0.0
            await _cancel(client, sight, at_once)
            at_once = 1
        elif sight.problem:
            sight.say(f"Cannot reach the exchange: {sight.problem}")
        elif sight.unread:
            empty_s = 0.0
        elif not empty_s or not reading.done():
            empty_s = clock.time()
        elif clock.time() - empty_s >= QUIET_MS / 1_000:
            return True
        await asyncio.sleep(max(LOOK_S, requests / LOOKS_PER_S))
    return False


async def _cancel(client: MexcClient, sight: _Sight, at_once: int) -> None:
    """Cancel pair by pair where only orders of ours are open and there are many, the others by id."""
    pairs = (
        {one.symbol for one in sight.open.values()} - sight.others
        if len(sight.open) > BY_ID and "" not in sight.others
        else set[str]()
    )
    whole = sorted(pairs)
    groups = [whole[first : first + at_once] for first in range(0, len(whole), at_once)]
    done = await asyncio.gather(
        *(client.orders.cancel_open(group, purpose=Purpose.STOP) for group in groups),
    )
    for group, outcome in zip(groups, done, strict=True):
        if not isinstance(outcome, Accepted):
            pairs -= set(group)
    alone = [one for one in sight.open.values() if one.symbol not in pairs]
    await asyncio.gather(
        *(client.orders.cancel(one.symbol, order_id=one.order_id, purpose=Purpose.STOP) for one in alone)
    )


async def _look(client: MexcClient, symbols: Iterable[str], sight: _Sight) -> int:
    """Ask for open orders, of all pairs and of those that were touched: some answers name only asked pairs.

    Returns how many requests it took.
    """
    found, skipped, sight.problem = list[OrderReport](), list[SkippedRow](), ""
    named = sorted({*symbols, *(one.symbol for one in sight.every.values())})
    asked = [(), *(named[first : first + ASKED_AT_ONCE] for first in range(0, len(named), ASKED_AT_ONCE))]
    for pairs in asked:
        try:
            listed = await client.orders.open_orders(pairs, purpose=Purpose.STOP)
        except ExchangeError as error:
            sight.problem = str(error)
            break
        found += listed.rows
        skipped += listed.skipped
    hidden = sight.take(found, skipped)
    for one in hidden:
        try:
            report = await client.orders.order(one.symbol, order_id=one.order_id, purpose=Purpose.STOP)
        except ExchangeError as error:
            sight.say(f"{one.symbol} {one.client_order_id}: {error}")
        else:
            if report.status.is_terminal:
                del sight.open[one.order_id]
    return len(asked) + len(hidden)


def _halt_words(problem: str) -> str:
    if problem:
        return f"HALT NOT WRITTEN ({problem}). Check the orders by hand before you start an engine."
    return "Halt written: no engine of this ledger buys before a manual resume."


def _killed(problem: str, blind: str, sight: _Sight, engine: str, *, is_quiet: bool) -> Killed:
    gone, left = len(sight.every) - len(sight.open), len(sight.open)
    lines = [_halt_words(problem)]
    lines += [words for words in (engine, blind) if words]
    lines += [
        f"{one.symbol} {one.side} {one.client_order_id}: "
        + ("STILL OPEN" if one.order_id in sight.open else "closed")
        for one in sight.every.values()
    ]
    lines.append(f"{len(sight.every)} orders of this desk found, {gone} closed, {left} still open.")
    if is_quiet:
        lines.append("No open orders of this desk.")
    else:
        why = sight.problem or sight.unread or "orders are still open"
        lines.append(f"NOT CONFIRMED that no order is open: {why}.")
    lines.append(NOT_SOLD)
    return Killed(
        is_done=is_quiet and not problem,
        halt_file=problem,
        seen=len(sight.every),
        cancelled=gone,
        left=left,
        words=tuple(lines),
    )
