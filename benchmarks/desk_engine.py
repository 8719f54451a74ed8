"""An engine for screens: a real desk socket, rows that change at a given rate, a stream load.

`python -m benchmarks.desk_engine SOCKET ROWS PER_S LOADED [screen] [turnover]`: shows positions of which ROWS
change PER_S times a second, and handles 2,000 stream messages a second if LOADED is 1. With `screen` the desk
runs in the same process, the engine in a separate thread, as in `mexc-tui`. With `turnover` rows appear and
disappear, as over a day. Equity is the tenths of seconds since the start, so a screen shows its data age.
The loop lag and the longest queue of a viewer are written to a file beside the socket at the end.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

from benchmarks.common import percentile
from mexc_tui.desk import viewer
from mexc_tui.desk.command_executor import AuditEntry, ReceivedCommand
from mexc_tui.desk.server import DeskParts, DeskServer
from mexc_tui.desk.trading_requests import ORDERS, POSITIONS, RISK, SNIPES
from mexc_tui.desk.view_kinds import LISTINGS, SIGNALS, STATUS
from mexc_tui.desk.views import View
from mexc_tui.desk.wire import CommandResponse
from mexc_tui.engine.runtime.thread import EngineThread
from mexc_tui.host.paths import Paths
from mexc_tui.model.event import Fact
from tests.support.tui.frozen_desk import listing, position, risk, status

LAG_EVERY_S = 0.005
TURNOVER, KEPT = 50, 30
"""Moves between new rows, and number of rows that remain."""


class NoAudit:
    """Audit of an engine without commands."""

    async def begin(self, command: ReceivedCommand) -> AuditEntry | None:
        """Record nothing."""
        del command

    async def end(self, command: ReceivedCommand, response: CommandResponse) -> None:
        """Record nothing."""


class EmptyJournal:
    """A journal without facts."""

    async def after(self, sequence: int, limit: int) -> Sequence[Fact]:
        """Return nothing."""
        del sequence, limit
        return ()


class Lag:
    """Wake-up delay of the loop, in milliseconds."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self.waiting_bytes = 0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = time.perf_counter() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self.late_ms.append((time.perf_counter() - due) * 1_000)

    def to_json(self) -> str:
        """Return the percentiles as JSON, and the longest queue of a viewer."""
        late = self.late_ms or [0.0]
        figures = {"p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "max": max(late)}
        return json.dumps({**figures, "waiting_bytes": self.waiting_bytes})


def now_ms() -> int:
    """Return Unix milliseconds."""
    return time.time_ns() // 1_000_000


class ChangingViews:
    """Views with changing rows."""

    def __init__(self, shown: int) -> None:
        self.status, self.risk = View(STATUS), View(RISK)
        self.positions, self.listings = View(POSITIONS), View(LISTINGS)
        self.others = [View(SIGNALS), View(SNIPES), View(ORDERS)]
        self._bases = [position(f"S{number:03}USDT", "1.25", "1.31", "2.5", "4.8") for number in range(shown)]
        self._turn = 0
        self.risk.put("risk", risk())
        for row in self._bases:
            self.positions.put(row.id, row)
        for number in range(40):
            self.listings.put(
                f"L{number}", listing(f"L{number:02}USDT", "scheduled", 3_600 + number * 60, "calendar")
            )
        self.beat()

    def beat(self) -> None:
        """Update the heartbeat."""
        self.status.put("engine", msgspec.structs.replace(status(), now_ms=now_ms()))

    def move(self, rows: int) -> None:
        """Change three cells of `rows` rows."""
        self._turn += 1
        for row in self._bases[:rows]:
            tick = Decimal(self._turn % 90) / 1000
            changed = msgspec.structs.replace(
                row,
                bid=Decimal("1.31") + tick,
                unrealised=Decimal("2.5") + tick,
                unrealised_pct=Decimal("4.8") + tick,
            )
            self.positions.put(row.id, changed)

    def stamp(self, tenths: int) -> None:
        """Show the engine's running time as equity."""
        self.risk.put("risk", msgspec.structs.replace(risk(), equity=Decimal(tenths)))

    def turn_over(self) -> None:
        """Replace a listing, a signal and a position by others, as on a busy day."""
        number = self._turn // TURNOVER
        held = position(f"T{number:05}USDT", "1.25", "1.31", "2.5", "4.8")
        ahead = listing(held.symbol, "scheduled", 3_600 + number, "calendar")
        self.positions.put(held.id, held)
        self.listings.put(ahead.id, ahead)
        self.positions.drop(f"P-T{number - KEPT:05}USDT")
        self.listings.drop(f"L-T{number - KEPT:05}USDT")

    @property
    def turn(self) -> int:
        """Return the number of moves."""
        return self._turn

    def all(self) -> list[View[msgspec.Struct]]:
        """Return every view."""
        return [self.status, self.risk, self.positions, self.listings, *self.others]  # pyright: ignore


@dataclass(frozen=True, slots=True)
class Day:
    """Contents of the engine's views."""

    rows: int
    per_s: float
    is_loaded: bool
    has_turnover: bool


async def run(path: Path, day: Day, stop: asyncio.Event) -> int:
    """Serve until the event is set."""
    moving, lag = ChangingViews(day.rows), Lag()
    server = DeskServer(
        DeskParts(
            engine="bench", profile="practice", mode="practice", views=moving.all(), head=0,
            facts=EmptyJournal(), audit=NoAudit(), now_ms=now_ms,
        )
    )  # fmt: skip
    await server.open(path)
    tasks = [
        asyncio.create_task(_move(moving, day)),
        asyncio.create_task(lag.run()),
        asyncio.create_task(_weigh(server, lag)),
    ]
    async with _loaded(is_loaded=day.is_loaded):
        lag.late_ms.clear()
        await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await server.close(0.1)
    path.with_suffix(".lag").write_text(lag.to_json())
    return 0


async def _weigh(server: DeskServer, lag: Lag) -> None:
    while True:
        await asyncio.sleep(0.25)
        waiting = [one.waiting_bytes for one in server.viewers]
        lag.waiting_bytes = max([lag.waiting_bytes, *waiting])


async def _move(moving: ChangingViews, day: Day) -> None:
    began_s, beat_s = time.monotonic(), 0.0
    while True:
        await asyncio.sleep(1 / day.per_s if day.per_s else 1.0)
        if day.per_s:
            moving.move(day.rows)
            moving.stamp(int((time.monotonic() - began_s) * 10))
        if day.has_turnover and moving.turn % TURNOVER == 0:
            moving.turn_over()
        if time.monotonic() - beat_s >= 1:
            beat_s = time.monotonic()
            moving.beat()


@asynccontextmanager
async def _loaded(*, is_loaded: bool) -> AsyncGenerator[None]:
    if not is_loaded:
        yield
        return
    from benchmarks.firing import load

    async with load(lambda _: None):
        yield


def main() -> int:
    """Run with the arguments of the command line."""
    path = Path(sys.argv[1])
    day = Day(int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "1", "turnover" in sys.argv)
    if day.has_turnover:
        viewer.UPDATE_INTERVAL_S = 1 / day.per_s  # updates are faster than on a real day
    if "screen" not in sys.argv:
        return asyncio.run(_alone(path, day))
    from mexc_tui.app.run_desk import SWITCH_S
    from mexc_tui.app.run_screen import InProcessEngine, ScreenOptions, show
    from mexc_tui.host.detach import DetachedTerminal

    sys.setswitchinterval(SWITCH_S)
    thread = EngineThread(lambda stop: run(path, day, stop))
    thread.start()
    paths = Paths("practice", path.parent, path.parent, path)
    tether = DetachedTerminal(os.pipe()[1], path.parent / "screen.log")
    show(
        paths,
        ScreenOptions("dark"),
        os.environ,
        detached=tether,
        engine=InProcessEngine(thread.on_end, thread.stop),
    )
    thread.stop()
    thread.join()
    return 0


async def _alone(path: Path, day: Day) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return await run(path, day, stop)


if __name__ == "__main__":
    sys.exit(main())
