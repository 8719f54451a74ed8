"""Age of displayed data over a listing day: `python -m benchmarks.screen_age [BUSY [SECONDS]]`.

A desk with its engine and exchange in one process runs in a real terminal. Every screen is shown in turn, and
the terminal is read ten times a second. Its clock is compared with the true time, and countdowns, equity,
bids and trades with the data of a second viewer of the same engine, while BUSY processes use the
processor. Prints the greatest age without a stale mark for each, and the number over 2 s. Exit code 1 if any.
"""

import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing import Process
from pathlib import Path
from random import Random

from benchmarks.at_terminal import READY, environ, new_home, stop
from mexc_tui.desk.api_types import FrontEndError, Role
from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.mirror import Mirror
from mexc_tui.desk.screen_requests import MARKET, MarketQuery
from mexc_tui.desk.trading_requests import POSITIONS, RISK, SNIPES
from mexc_tui.desk.view_kinds import LISTINGS, STATUS
from mexc_tui.host.paths import paths_of
from mexc_tui.model.trading_view import PositionRow, RiskRow, SnipeRow
from mexc_tui.model.view import ListingRow, StatusRow
from tests.support.processes.pseudo_terminal import Terminal
from tests.support.tui.screen_ages import Age, TrueValues, ages, selected_pair
from tests.support.tui.virtual_terminal import VirtualTerminal

SIZE = 120, 40
DAY_S, LOOK_S, STAY_S, ASK_S = 240.0, 0.1, 1.3, 0.3
SCREENS = "141" + "123456789"
"""Alternating screens, then all of them."""
LIMIT_MS = 2_000


@dataclass(slots=True)
class Viewer:
    """A second viewer of the engine that records values with their times."""

    client: DeskClient
    status: Mirror[StatusRow]
    listings: Mirror[ListingRow]
    snipes: Mirror[SnipeRow]
    positions: Mirror[PositionRow]
    risk: Mirror[RiskRow]
    truth: TrueValues = field(default_factory=TrueValues)
    _asked_s: float = 0.0
    _asking: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def __post_init__(self) -> None:
        """Subscribe to every change: a figure can be current for only a quarter of a second."""
        for mirror in (self.status, self.listings, self.snipes, self.positions, self.risk):
            mirror.on_change(lambda _: self.note())

    def note(self) -> None:
        """Record the engine's latest values with their time."""
        status = next(iter(self.status.rows.values()), None)
        if status is None:
            return
        self.truth.note_openings(self.listings.rows.values())
        self.truth.note_openings(self.snipes.rows.values())
        self.truth.note_positions(self.positions.rows.values(), status.now_ms)
        for row in self.risk.rows.values():
            self.truth.note_risk(row, status.now_ms)

    def ask(self, symbol: str | None) -> None:
        """Query the latest trade of a pair, at a limited rate."""
        if symbol is not None and not self._asking and time.monotonic() - self._asked_s > ASK_S:
            self._asked_s = time.monotonic()
            task = asyncio.create_task(self._ask(symbol))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask(self, symbol: str) -> None:
        try:
            reply = await self.client.send(
                MARKET, MarketQuery(symbol=symbol, levels=1, trades=1, spans=1), deadline_s=5
            )
        except FrontEndError:
            return
        if reply.result is not None:
            self.truth.note_market(reply.result)

    @property
    def offset_ms(self) -> float:
        """Return the exchange's time minus this machine's."""
        row = next(iter(self.status.rows.values()), None)
        return 0.0 if row is None else row.clock.offset_ms or 0.0


def viewer(socket: Path) -> Viewer:
    """Return a viewer that is not connected yet."""
    client = DeskClient(socket, who="truth", role=Role.VIEW, now_ms=_now_ms, rng=Random(1))
    return Viewer(
        client,
        client.mirror(STATUS),
        client.mirror(LISTINGS),
        client.mirror(SNIPES),
        client.mirror(POSITIONS),
        client.mirror(RISK),
    )


async def watch(terminal: Terminal, seeing: Viewer, for_s: float) -> dict[str, list[Age]]:
    """Cycle through the screens for a time; return the ages of all displayed values."""
    glass, read = VirtualTerminal(*SIZE), 0
    seen: defaultdict[str, list[Age]] = defaultdict(list)
    listening = asyncio.create_task(seeing.client.run())
    begun_s, turn = time.monotonic(), 0
    while time.monotonic() - begun_s < for_s:
        if time.monotonic() - begun_s >= turn * STAY_S:
            terminal.press(SCREENS[turn % len(SCREENS)])
            turn += 1
        await asyncio.sleep(LOOK_S)
        while terminal.read(0):
            pass
        glass.write(terminal.said[read:].decode("utf-8", "ignore"))
        read = len(terminal.said)
        lines = glass.lines
        for one in ages(lines, seeing.truth, round(_now_ms() + seeing.offset_ms)):
            seen[one.name.split()[0]].append(one)
        seeing.ask(selected_pair(lines))
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    return seen


def report(seen: Mapping[str, Iterable[Age]]) -> bool:
    """Print the ages; return whether every old value was marked."""
    is_good = True
    print(f"{'what':<12}{'seen':>8}{'marked':>8}{'p99 ms':>9}{'max ms':>9}{'over 2 s':>10}  of the unmarked")
    for what, found in seen.items():
        all_of = list(found)
        plain = sorted(one.ms for one in all_of if not one.is_marked) or [0.0]
        over = sum(one > LIMIT_MS for one in plain)
        is_good = is_good and not over
        p99 = plain[round((len(plain) - 1) * 0.99)]
        marked = sum(one.is_marked for one in all_of)
        print(f"{what:<12}{len(all_of):>8}{marked:>8}{p99:>9.0f}{plain[-1]:>9.0f}{over:>10}")
    return is_good


def _spin() -> None:
    while True:
        pass


def _now_ms() -> int:
    return round(time.time() * 1_000)


def main(busy: int, for_s: float) -> int:
    """Measure a day; return 1 if an old value was not marked."""
    others = [Process(target=_spin, daemon=True) for _ in range(busy)]
    with tempfile.TemporaryDirectory() as folder:
        home = new_home(Path(folder) / "home")
        socket = paths_of("practice", environ(home)).socket
        with Terminal(environ(home), "--scenario", "listing-day", size=SIZE) as terminal:
            terminal.until(READY)
            for one in others:
                one.start()
            try:
                seen = asyncio.run(watch(terminal, viewer(socket), for_s))
            finally:
                for one in others:
                    one.kill()
                stop(home)
    print(f"listing day, {for_s:.0f} s, {busy} busy processes beside it")
    return 0 if report(seen) else 1


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(int(words[0]) if words else 0, float(words[1]) if len(words) > 1 else DAY_S))
