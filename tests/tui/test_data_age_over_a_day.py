"""A listing day in virtual time on every screen: data older than 2 s is marked."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest
from msgspec.structs import replace

from mexc_tui.desk.api_types import Role
from mexc_tui.desk.client import DeskClient, Link
from mexc_tui.engine.views.engine_queries import EngineQueries
from mexc_tui.engine.views.screen_queries import ScreenQueries
from mexc_tui.engine.views.symbol_view import SymbolRequest
from mexc_tui.engine.views.trading_queries import TradingQueries, trading_queries
from mexc_tui.practice.scenario import ListingPlan, ListingShape
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.desk_source import source_of
from tests.support.engine.practice_day import DAY, OVERRIDES, PracticeDay
from tests.support.tui.counting_driver import RecordingDriver
from tests.support.tui.desk_app import THEMES, ZONE
from tests.support.tui.screen_ages import Age, TrueValues, ages, selected_pair
from tests.support.tui.virtual_terminal import VirtualTerminal

pytestmark = pytest.mark.timeout(120)  # drives the app

SIZE = 120, 40
LOOK_S, LOOKS_A_SCREEN = 0.1, 13
FROM_S, WATCHED_S = 37.0, 28.0
MOST_MS = 2_000
OPENS_S = (40.0, 52.0, 52.4, 53.1, 53.9, 54.6, 70.0)
"""Some are so close that their quiet times overlap."""
ARMING = {"armed_detectors": "ready_state,pre_ready,launch_sequence", "min_probability": 0.2, "max_snipes": 8}
LISTING_DAY = replace(
    DAY,
    duration_s=100,
    settings=OVERRIDES | ARMING,
    listings=tuple(
        ListingPlan(
            base=f"NEW{number}",
            opens_s=opens_s,
            visible_before_s=30,
            prepared_before_s=600,
            ready_before_s=15,
            shape=ListingShape.RUSH,
        )
        for number, opens_s in enumerate(OPENS_S)
    ),
)


class ScreenReader(RecordingDriver):
    """A terminal whose screen is read."""

    glass: ClassVar[VirtualTerminal]

    def write(self, data: str) -> None:
        """Write to the virtual screen too."""
        self.glass.write(data)


@asynccontextmanager
async def _shown_from(from_s: float, sim: Simulation, day: PracticeDay) -> AsyncGenerator[DeskApp]:
    """Show the desk of a day's engine after a while."""
    await asyncio.sleep(from_s)
    client = DeskClient(
        day.paths.socket, who="screen", role=Role.OPERATE, now_ms=sim.clock.now_ms, rng=Random(1)
    )
    ScreenReader.glass = VirtualTerminal(*SIZE)
    source = source_of(client, Role.OPERATE, sim.clock.now_ms, wire_per_s=lambda: None)
    app = DeskApp(source, THEMES, THEMES.by_name["dark"], zone=ZONE, driver_class=ScreenReader)
    connected = asyncio.Event()
    client.on_link(lambda state: connected.set() if state.link is Link.CONNECTED else None)
    listening = asyncio.create_task(client.run())
    showing = asyncio.create_task(app.run_async(size=SIZE))
    try:
        await connected.wait()
        yield app
    finally:
        app.exit()
        await showing
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class EngineTruth:
    """Values of the engine itself, for comparison with the screen."""

    face: EngineQueries
    trading: TradingQueries
    sight: ScreenQueries
    truth: TrueValues

    async def context(self, lines: Sequence[str]) -> None:
        """Record the current values, including those of the pair selected on the positions screen."""
        now_ms = self.face.status().now_ms
        self.truth.note_openings(self.face.listings())
        self.truth.note_openings(self.trading.snipes())
        self.truth.note_risk(self.trading.risk(), now_ms)
        self.truth.note_positions(self.trading.positions(), now_ms)
        if (symbol := selected_pair(lines)) is not None:
            self.truth.note_market(
                await self.sight.market(symbol, SymbolRequest(levels=1, trades=1, spans=1))
            )


def test_stale_data_is_marked_on_every_screen_over_a_listing_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textual._time.get_time", lambda: asyncio.get_running_loop().time())
    seen: defaultdict[str, list[Age]] = defaultdict(list)

    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path, LISTING_DAY)
        await day.open()
        async with day.engine() as running, _shown_from(FROM_S, sim, day) as app:
            trading = await trading_queries(running.engine)
            assert trading is not None
            knowing = EngineTruth(running.queries, trading, ScreenQueries(running.engine), TrueValues())
            for context in range(round(WATCHED_S / LOOK_S)):
                if context % LOOKS_A_SCREEN == 0:
                    app.simulate_key("123456789"[context // LOOKS_A_SCREEN % 9])
                await asyncio.sleep(LOOK_S)
                lines = ScreenReader.glass.lines
                for one in ages(lines, knowing.truth, sim.clock.now_ms()):
                    seen[one.name.split()[0]].append(one)
                await knowing.context(lines)

    simulate(main)
    assert seen.keys() >= {"clock", "countdown", "equity", "bid", "trade"}
    assert not [one for found in seen.values() for one in found if one.ms > MOST_MS and not one.is_marked]
