"""An engine for screens to look at: a real desk socket, rows that change as often as asked, a stream load.

`python -m benchmarks.desk_engine SOCKET ROWS PER_S LOADED [screen]`: shows positions of which ROWS change
PER_S times a second, and handles 2,000 stream messages a second if LOADED is 1. With `screen` the desk is
shown in the same process, the engine in a thread of its own, as `mexc-tui` has it. Its loop's lag is written
beside the socket at the end.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec

from benchmarks.common import percentile
from mexc_tui.desk.commands import Audited, Given
from mexc_tui.desk.known import LISTINGS, SIGNALS, STATUS
from mexc_tui.desk.server import DeskParts, DeskServer
from mexc_tui.desk.trading import ORDERS, POSITIONS, RISK, SNIPES
from mexc_tui.desk.views import View
from mexc_tui.desk.wire import Answer
from mexc_tui.engine.thread import EngineThread
from mexc_tui.model.event import Fact
from mexc_tui.paths import Paths
from tests.tui.frozen import listing, position, risk, status

LAG_EVERY_S = 0.005


class NoAudit:
    """Nothing is told to this engine."""

    async def begin(self, given: Given) -> Audited | None:
        """Know nothing of it."""
        del given

    async def end(self, given: Given, answer: Answer) -> None:
        """Forget it."""


class NoFacts:
    """Nothing happens here."""

    async def after(self, sequence: int, limit: int) -> Sequence[Fact]:
        """Return nothing."""
        del sequence, limit
        return ()


class Lag:
    """How late a loop wakes, in milliseconds."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = time.perf_counter() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self.late_ms.append((time.perf_counter() - due) * 1_000)

    def said(self) -> str:
        """Return the percentiles as JSON."""
        late = self.late_ms or [0.0]
        return json.dumps({"p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "max": max(late)})


def now_ms() -> int:
    """Return Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Moving:
    """Views whose rows move."""

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
        """Say that the engine is alive."""
        self.status.put("engine", msgspec.structs.replace(status(), now_ms=now_ms()))

    def move(self, rows: int) -> None:
        """Change three cells of so many rows."""
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

    def all(self) -> list[View[msgspec.Struct]]:
        """Return every view."""
        return [self.status, self.risk, self.positions, self.listings, *self.others]  # pyright: ignore


async def run(path: Path, rows: int, per_s: float, *, is_loaded: bool, told: asyncio.Event) -> int:
    """Serve until told to end."""
    moving, lag = Moving(rows), Lag()
    server = DeskServer(
        DeskParts(
            engine="bench", profile="practice", mode="practice", views=moving.all(), facts=NoFacts(), head=0,
            audit=NoAudit(), now_ms=now_ms,
        )
    )  # fmt: skip
    await server.open(path)
    tasks = [asyncio.create_task(_move(moving, rows, per_s)), asyncio.create_task(lag.run())]
    async with _loaded(is_loaded=is_loaded):
        lag.late_ms.clear()
        await told.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await server.close(0.1)
    path.with_suffix(".lag").write_text(lag.said())
    return 0


async def _move(moving: Moving, rows: int, per_s: float) -> None:
    beat_s = 0.0
    while True:
        await asyncio.sleep(1 / per_s if per_s else 1.0)
        if per_s:
            moving.move(rows)
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
    """Run as the command line says."""
    path, rows, per_s, is_loaded = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "1"
    if "screen" not in sys.argv:
        return asyncio.run(_alone(path, rows, per_s, is_loaded=is_loaded))
    from mexc_tui.showing import Beside, Viewing, show
    from mexc_tui.sitting import SWITCH_S

    sys.setswitchinterval(SWITCH_S)
    thread = EngineThread(lambda told: run(path, rows, per_s, is_loaded=is_loaded, told=told))
    thread.start()
    paths = Paths("practice", path.parent, path.parent, path)
    show(paths, Viewing("dark"), os.environ, os.dup(1), Beside(thread.when_ended, thread.stop))
    thread.stop()
    thread.join()
    return 0


async def _alone(path: Path, rows: int, per_s: float, *, is_loaded: bool) -> int:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    return await run(path, rows, per_s, is_loaded=is_loaded, told=told)


if __name__ == "__main__":
    sys.exit(main())
