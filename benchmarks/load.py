"""A real engine under load: 5,000 stream messages/s, a burst of 50,000, 500 pairs, 10 front ends.

`python -m benchmarks load [--minutes 10]`, one minute by default. Practice exchange, engine and front ends
are separate processes over loopback; two endless loops run for each core. The engine is stopped for the
burst: all that the exchange sends meanwhile arrives at once. One front end is stopped for most of the time.
An independent client records every quote and trade of a few pairs, to compare with what the engine shows.
`benchmarks/load_checks.py` holds the limits; a failed check is one sentence, and the exit code is 1.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeVar

import aiohttp
import msgspec

from benchmarks.common import Row, emit
from benchmarks.kills import check_commits
from benchmarks.load_checks import (
    VIEWERS,
    Measured,
    ShownPrices,
    Trade,
    age_ms,
    failures,
    growth_mb,
    missing_trades,
)
from benchmarks.load_processes import attached, busy_cores, reports
from benchmarks.load_truth import Truth
from benchmarks.real_processes import CampaignFailed, Day, LastLines, wait_until_ready
from mexc_tui.app.endpoints import SystemClock, read_endpoint
from mexc_tui.desk.api_types import CommandKind, Role
from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.engine_requests import ADD_LISTING, STATUS, AddListing, NoArguments
from mexc_tui.desk.screen_requests import MACHINE, MARKET, MarketQuery

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from subprocess import Popen

    from mexc_tui.model.view import StatusRow

Args = TypeVar("Args", bound=msgspec.Struct)
Result = TypeVar("Result")

SYMBOLS, ACTIVE, OBSERVED = 500, 60, 4
SCENARIO = f"""
name = "load"
[knobs]
ip_weight_per_10s = 100000
[market]
symbols = {SYMBOLS + 200}
active_pairs = {ACTIVE}
trades_per_s = 1.0
"""
PER_S, BURST = 5_000, 50_000
OPENS_IN_MS = 1_800_000
"""A listing so close to its opening is streamed."""
SETTLE_S = 15.0
"""The rest of the start: memory and caches fill."""
EDGE_MS = 12_000
"""Trades so close to the end of the load may not have been queried."""
DEADLINE_S = 60.0
CATCH_UP_S = 60.0
STOPPED_FROM, STOPPED_UNTIL, BURST_AT = 0.2, 0.8, 0.5
"""Shares of the time: one front end is stopped, and the burst begins."""


@dataclass(slots=True)
class Seen:
    """What the engine showed."""

    prices: list[ShownPrices] = field(default_factory=list[ShownPrices])
    trades: set[Trade] = field(default_factory=set[Trade])
    gaps: set[tuple[str, int, int]] = field(default_factory=set[tuple[str, int, int]])


class Load:
    """One run against one engine."""

    def __init__(self, client: DeskClient, engine: "Popen[bytes]", symbols: Sequence[str]) -> None:
        """`symbols`: the pairs to stream, active ones first."""
        self.found = Measured(symbols=len(symbols))
        self.seen = Seen()
        self._client, self._engine, self._symbols = client, engine, symbols

    async def status(self) -> "StatusRow":
        """Return the status of the engine."""
        return await self._ask(STATUS, NoArguments())

    async def _ask(self, kind: CommandKind[Args, Result], args: Args) -> Result:
        """Return the result of a query or command. Raises CampaignFailed if it is refused."""
        reply = await self._client.send(kind, args, deadline_s=DEADLINE_S)
        if reply.result is None:
            raise CampaignFailed(f"{kind.name}: {reply.message}")
        return reply.result

    async def stream_all(self) -> None:
        """Add each pair as a listing, and wait until its topics are live."""
        for number, symbol in enumerate(self._symbols):
            opens_ms = time.time_ns() // 1_000_000 + OPENS_IN_MS
            added = AddListing(symbol=symbol, opens_ms=opens_ms)
            await self._ask(ADD_LISTING, added)
            if number % 20 == 0:
                await asyncio.sleep(0.5)
        async with asyncio.timeout(DEADLINE_S * 3):
            while (await self.status()).streams.live < 3 * len(self._symbols):  # noqa: ASYNC110 - it is polled
                await asyncio.sleep(1)

    async def watch(self) -> None:
        """Query prices and trades, queues, and give commands, as screens do, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_repeat(self._query_machine, 1.0))
            group.create_task(_repeat(self._add_fact, 0.3))
            for symbol in self._symbols[:OBSERVED]:
                group.create_task(_repeat(lambda symbol=symbol: self._query_market(symbol), 0.15))

    async def measure(self, seconds: float, viewers: "Sequence[Process]") -> None:
        """Load for `seconds`, with the burst and the stopped front end."""
        self.found.connects = -sum((await self._connects()).values())
        before, began = (await self.status()).streams.messages, time.monotonic()
        await asyncio.sleep(seconds * STOPPED_FROM)
        viewers[-1].send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds * (BURST_AT - STOPPED_FROM))
        middle, middle_s = (await self.status()).streams.messages, time.monotonic()
        self.found.per_s = (middle - before) / (middle_s - began)
        await self._burst()
        after, after_s = (await self.status()).streams.messages, time.monotonic()
        await asyncio.sleep(seconds * (STOPPED_UNTIL - BURST_AT))
        viewers[-1].send_signal(signal.SIGCONT)
        await asyncio.sleep(seconds * (1 - STOPPED_UNTIL))
        status, end_s = await self.status(), time.monotonic()
        spent_s = middle_s - began + end_s - after_s
        self.found.per_s = (middle - before + status.streams.messages - after) / spent_s
        self.found.live, self.found.topics = status.streams.live, status.streams.topics
        self.found.connects += sum((await self._connects()).values())

    async def _burst(self) -> None:
        """Stop the engine until the exchange has sent enough, and let all of it arrive at once."""
        before = (await self.status()).streams.messages
        stopped_s = 1.2 * BURST / max(self.found.per_s, BURST / 30)
        self._engine.send_signal(signal.SIGSTOP)
        await asyncio.sleep(stopped_s)
        self._engine.send_signal(signal.SIGCONT)
        resumed_s = time.monotonic()
        await asyncio.sleep(5)
        received = (await self.status()).streams.messages - before
        self.found.burst = int(received - (time.monotonic() - resumed_s) * self.found.per_s)

    async def finish(self) -> None:
        """Wait until every front end has received the events so far."""
        self.found.head = (await self.status()).journal
        async with asyncio.timeout(CATCH_UP_S):
            while True:
                machine = await self._ask(MACHINE, NoArguments())
                if not any(viewer.facts_behind for viewer in machine.viewers):
                    break
                await asyncio.sleep(0.5)
        await asyncio.sleep(1)  # the last frames are read

    # ---- queries

    async def _query_market(self, symbol: str) -> None:
        query = MarketQuery(symbol=symbol, levels=1, spans=1)
        row = await self._ask(MARKET, query)
        self.seen.prices.append(ShownPrices(symbol, row.at_ms, row.priced_ms, row.bid, row.ask))
        self.seen.trades.update(Trade(symbol, one.at_ms, one.price, one.quantity) for one in row.trades)
        self.seen.gaps.update((symbol, since, until) for since, until in row.holes)

    async def _query_machine(self) -> None:
        machine = await self._ask(MACHINE, NoArguments())
        found = self.found
        if machine.rss_bytes is not None:
            found.memory.append((time.monotonic(), machine.rss_bytes / 1e6))
        found.stream_waiting = max(found.stream_waiting, machine.stream_waiting)
        found.stream_lost = machine.stream_lost
        found.store_waiting = max(found.store_waiting, machine.store.waiting)
        found.viewer_bytes = max(found.viewer_bytes, *(one.waiting_bytes for one in machine.viewers))
        found.subscriber_waiting = max(found.subscriber_waiting, *(one.waiting for one in machine.observers))

    async def _connects(self) -> dict[str, int]:
        machine = await self._ask(MACHINE, NoArguments())
        return {line.name: line.connects for line in machine.connections}

    async def _add_fact(self) -> None:
        """Give a command: its begin and end are events."""
        added = AddListing(symbol=self._symbols[-1], opens_ms=None, note=f"load {time.monotonic_ns()}")
        await self._ask(ADD_LISTING, added)


async def _repeat(query: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        await query()
        await asyncio.sleep(every_s)


async def run(day: Day, engine: "Popen[bytes]", seconds: float) -> Measured:
    """Load one engine, and return what was measured."""
    endpoint = read_endpoint(day.file)
    symbols = await most_traded(endpoint.rest)
    client = DeskClient(day.socket, who="load", role=Role.OPERATE, now_ms=SystemClock().now_ms, rng=Random(1))
    truth, load = Truth(endpoint, tuple(symbols[:OBSERVED])), Load(client, engine, symbols)
    tasks = [asyncio.create_task(client.run()), asyncio.create_task(truth.run())]
    try:
        await load.stream_all()
        async with attached(day.socket) as viewers:
            with busy_cores():
                watching = asyncio.create_task(load.watch())
                tasks.append(watching)
                await asyncio.sleep(SETTLE_S)
                load.found.memory.clear()
                begin_ms = time.time_ns() // 1_000_000
                await load.measure(seconds, viewers)
                end_ms = time.time_ns() // 1_000_000 - EDGE_MS
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            await load.finish()
            load.found.viewers = await reports(viewers)
        compare(load, truth, begin_ms, end_ms)
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return load.found


def compare(load: Load, truth: Truth, begin_ms: int, end_ms: int) -> None:
    """Compare what the engine showed with what the exchange sent."""
    found, seen = load.found, load.seen
    found.ages_ms = [
        age_ms(truth.quotes[one.symbol], one)
        for one in seen.prices
        if begin_ms <= one.at_ms and not one.is_marked
    ]
    found.marked = sum(one.is_marked for one in seen.prices if begin_ms <= one.at_ms)
    traded = [one for one in truth.trades if begin_ms <= one.at_ms <= end_ms]
    found.trades = len(traded)
    found.missing = missing_trades(traded, seen.trades, seen.gaps)


async def most_traded(rest: str) -> list[str]:
    """Return the pairs to stream."""
    async with aiohttp.ClientSession() as session, session.get(f"{rest}/api/v3/ticker/24hr") as response:
        rows: list[dict[str, str]] = await response.json()
    names = [row["symbol"] for row in rows if row["symbol"].isascii() and row["symbol"].endswith("USDT")]
    return names[:SYMBOLS]


def main() -> int:
    """Run, print the figures, and return 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    seconds = parser.parse_args().minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "load.toml"
        scenario.write_text(SCENARIO)
        day = Day(Path(folder), 1, str(scenario))
        engine = day.engine()
        try:
            wait_until_ready(engine)
            messages = LastLines(engine)
            messages.start()
            found = asyncio.run(run(day, engine, seconds))
            engine.terminate()
            engine.wait(timeout=DEADLINE_S)
            messages.join()
            check_commits(day.database, set(range(1, found.head + 1)))
        except (CampaignFailed, TimeoutError) as error:
            print(f"load: {error or 'a deadline passed'}.", file=sys.stderr)
            return 1
        finally:
            engine.kill()
            engine.wait()
            day.close()
    emit(rows(found, seconds))
    failed = failures(found, per_s=PER_S, burst=BURST)
    for sentence in failed:
        print(f"load: {sentence}", file=sys.stderr)
    if failed:
        print("Last messages of the engine:", *messages.lines, sep="\n", file=sys.stderr)
    return 1 if failed else 0


def rows(found: Measured, seconds: float) -> list[Row]:
    """Return the figures."""
    group = f"load, {seconds:.0f} s, {found.symbols} pairs, {VIEWERS} front ends, all cores busy"
    ages = sorted(age for age in found.ages_ms if age is not None) or [0]
    sizes = [size for _, size in found.memory] or [0.0]
    growth = growth_mb(found.memory)
    events = max((one.last - one.first for one in found.viewers), default=0)

    def one(name: str, value: float, unit: str, note: str = "") -> Row:
        return Row(group, name, value, value, unit, note=note)

    return [
        one("stream messages", found.per_s, "1/s", f"and a burst of {found.burst:,}"),
        one("events to each front end, no gap", events, "events", f"journal ends at {found.head}"),
        one("trades compared with the exchange", found.trades, "trades", f"{len(found.missing)} missing"),
        Row(
            group, "age of a price shown without a mark", ages[len(ages) // 2], ages[-1], "ms",
            note=f"{len(ages):,} prices, {found.marked:,} more with a mark; p99: the oldest",
        ),
        Row(group, "memory", sizes[0], sizes[-1], "MB", note=f"first and last; slope {growth:+.1f} MB"),
        one("stream messages waiting", found.stream_waiting, "messages", "high-water mark"),
        one("unsent to one front end", found.viewer_bytes / 1e3, "kB", "high-water mark"),
        one("units waiting for the database", found.store_waiting, "units", "high-water mark"),
        one("connections replaced", found.connects, ""),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
