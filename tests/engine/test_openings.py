"""Openings at bad moments: seen late, between two engines, or not at all."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from mexc_tui.joining import Joined
from mexc_tui.model.listing import Listing, Source
from mexc_tui.practice.scenario import ListingPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.engine.days import DAY, PracticeDay


def listing(running: Joined, symbol: str) -> Listing:
    found = running.engine.known.knowledge.listings.named(symbol)
    assert found is not None, symbol
    return found


def test_a_pair_that_appears_half_a_second_before_its_opening_is_noticed_within_a_second(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        plan = ListingPlan(base="LAST", opens_s=40, visible_before_s=0.5)
        day = PracticeDay(sim, tmp_path, replace(DAY, listings=(plan,)))
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(50)
            late = listing(running, "LASTUSDT")
        seen = next(one for one in late.sightings if one.source is Source.STREAM)
        assert late.opens_ms is not None
        assert seen.at_ms - late.opens_ms < 1_000

    simulate(main)
