"""`kill --direct`: stops without an engine. It writes the halt file and cancels every order of this desk.

It needs a key and the network, nothing else: the engine may be dead, frozen or hold its database. Coins are
not sold: what they cost and whose they are only the engine's books know.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import msgspec

from mexc_tui.bootstrap import Lent, SystemClock
from mexc_tui.engine.ports import Stored
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.signing import Credentials, Secret
from mexc_tui.halt_file import FileOfHalt
from mexc_tui.ledger.ids import PREFIX
from mexc_tui.lock import scope_of
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.outcome import SETTLE_MS, Purpose
from mexc_tui.model.report import OrderReport
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.paths import Paths
from mexc_tui.store.looking import look_into
from mexc_tui.store.opening import Limits

DEADLINE_S = 45.0
LOOK_S = 0.5
QUIET_MS = SETTLE_MS + 2_000
"""An order that was on its way when this began is seen within this time."""
STORE_S = 2.0
RECENT = 200
NOT_SOLD = "Coins are not sold: start the engine, which is halted and protects them, then `mexc-tui flatten`."

NOTHING_CANCELLED = (
    "NO ORDER WAS CANCELLED: do that on the exchange's own site. An engine of this profile that runs, or "
    "wakes, reads the halt."
)
IN_THE_ENGINE = "Paper orders live in the engine's own process: one that runs, or wakes, reads the halt."


class Killed(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen and done."""

    is_done: bool
    """The halt is written down, and no order of this desk is seen any more."""
    halt_file: str
    """Why it could not be written; empty: it was."""
    seen: int
    cancelled: int
    left: int
    words: tuple[str, ...]
    """All of it for people, line by line."""


@dataclass(slots=True)
class _Sight:
    """Orders of this desk: every one seen, and those seen at the last look."""

    every: dict[str, OrderReport] = field(default_factory=dict[str, OrderReport])
    open: dict[str, OrderReport] = field(default_factory=dict[str, OrderReport])
    problem: str = ""


async def kill_direct(lent: Lent, paths: Paths, by: str, deadline_s: float = DEADLINE_S) -> Killed:
    """Halt durably, then cancel until nothing of this desk is seen for as long as a request may travel."""
    clock, endpoint = SystemClock(), lent.endpoint
    problem = _write_halt(scope_of(endpoint), paths, by, clock.now_ms())
    symbols, blind = await asyncio.to_thread(touched_symbols, paths.store, scope_of(endpoint))
    sight = _Sight()
    async with MexcClient(
        endpoint.rest,
        clock=clock,
        rng=Random(),
        credentials=_credentials(lent),
    ) as client:
        await client.measure_clock()
        is_quiet = await _cancel_all(client, symbols, sight, deadline_s)
    return _killed(problem, blind, sight, is_quiet=is_quiet)


def _credentials(lent: Lent) -> Credentials:
    if lent.key is not None:
        return lent.key.credentials
    return Credentials(lent.endpoint.api_key, Secret(lent.endpoint.api_secret))


def kill_paper(scope: str, paths: Paths, by: str) -> Killed:
    """Halt durably. Paper orders live in the engine's own process: none else reaches them."""
    problem = _write_halt(scope, paths, by, SystemClock().now_ms())
    lines = (_halt_words(problem), IN_THE_ENGINE, NOT_SOLD)
    return Killed(is_done=not problem, halt_file=problem, seen=0, cancelled=0, left=0, words=lines)


def halt_alone(paths: Paths, by: str) -> tuple[str, ...]:
    """Halt the newest books of a profile durably, where no key is at hand to cancel with; return words."""
    try:
        limits = Limits(busy_timeout_s=STORE_S, deadline_s=STORE_S)
        scope = look_into(paths.store, SystemClock(), lambda stored: stored.newest_scope(), limits)
    except StorageError as error:
        return (f"NO HALT IS WRITTEN: the desk's books cannot be read: {error}",)
    if not scope:
        return ("NO HALT IS WRITTEN: this profile has no books yet.",)
    return (_halt_words(_write_halt(scope, paths, by, SystemClock().now_ms())), NOTHING_CANCELLED)


def touched_symbols(store: Path, scope: str) -> tuple[frozenset[str], str]:
    """Return the pairs that stored books have to do with, and why they cannot be read. It changes nothing."""

    def read(stored: Stored) -> frozenset[str]:
        tables = stored.trading(scope)
        rows = (*tables.orders.page(limit=RECENT), *tables.intents.open(), *tables.positions.open())
        return frozenset(row.symbol for row in rows)

    try:
        limits = Limits(busy_timeout_s=STORE_S, deadline_s=STORE_S)
        return look_into(store, SystemClock(), read, limits), ""
    except StorageError as error:
        return frozenset(), f"The desk's books cannot be read: {error}"


def _write_halt(scope: str, paths: Paths, by: str, now_ms: int) -> str:
    halt = Trading(
        state=TradingState.HALTED, cause=Cause.EMERGENCY, words="kill --direct", since_ms=now_ms, by=by
    )
    try:
        FileOfHalt(paths.state, scope).write(halt)
    except OSError as error:
        return f"{error.strerror or error}"
    return ""


async def _cancel_all(client: MexcClient, symbols: Iterable[str], sight: _Sight, deadline_s: float) -> bool:
    """Look and cancel again and again; return whether nothing was seen for long enough."""
    clock = asyncio.get_running_loop()
    until_s, empty_s = clock.time() + deadline_s, 0.0
    while clock.time() < until_s:
        await _look(client, symbols, sight)
        if sight.open or sight.problem:
            empty_s = 0.0
            await asyncio.gather(
                *(
                    client.orders.cancel(one.symbol, order_id=one.order_id, purpose=Purpose.STOP)
                    for one in sight.open.values()
                )
            )
        elif not empty_s:
            empty_s = clock.time()
        elif clock.time() - empty_s >= QUIET_MS / 1_000:
            return True
        await asyncio.sleep(LOOK_S)
    return False


async def _look(client: MexcClient, symbols: Iterable[str], sight: _Sight) -> None:
    """Ask for open orders, of all pairs and of each that was touched: some answers name only asked pairs."""
    found, sight.problem = list[OrderReport](), ""
    for asked in ((), *((symbol,) for symbol in sorted({*symbols, *_symbols(sight)}))):
        try:
            found += await client.orders.open_orders(asked, purpose=Purpose.STOP)
        except ExchangeError as error:
            sight.problem = str(error)
    ours = {one.order_id: one for one in found if (one.client_order_id or "").startswith(PREFIX)}
    sight.open = ours
    sight.every |= ours


def _symbols(sight: _Sight) -> set[str]:
    return {one.symbol for one in sight.every.values()}


def _halt_words(problem: str) -> str:
    if problem:
        return f"The halt CANNOT BE WRITTEN ({problem}): do not start an engine before a person has looked."
    return "The halt is written down: no engine of these books buys before a person resumes."


def _killed(problem: str, blind: str, sight: _Sight, *, is_quiet: bool) -> Killed:
    gone, left = len(sight.every) - len(sight.open), len(sight.open)
    lines = [_halt_words(problem)]
    lines += [blind] if blind else []
    lines += [
        f"{one.symbol} {one.side} {one.client_order_id}: "
        + ("STILL OPEN" if one.order_id in sight.open else "gone")
        for one in sight.every.values()
    ]
    lines.append(f"{len(sight.every)} orders of this desk seen, {gone} gone, {left} left.")
    if is_quiet:
        lines.append("No order of this desk is seen any more.")
    else:
        lines.append(f"It is NOT certain that nothing is left: {sight.problem or 'orders are still seen'}.")
    lines.append(NOT_SOLD)
    return Killed(
        is_done=is_quiet and not problem,
        halt_file=problem,
        seen=len(sight.every),
        cancelled=gone,
        left=left,
        words=tuple(lines),
    )
