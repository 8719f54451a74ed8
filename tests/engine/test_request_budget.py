"""What the workers ask of the exchange fits the request budget, and nobody is warned of waiting."""

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest

from mexc_tui.engine.allowance import Allowance
from mexc_tui.practice.scenario import MarketPlan, Scenario, load
from mexc_tui.simulation.run import Simulation, simulate
from tests.engine.days import PracticeDay

BUSY = load("listing-day")


def small(scenario: Scenario, weight: int) -> Scenario:
    """Return the same day with few pairs besides its listings, on an exchange that allows this weight."""
    market = MarketPlan(symbols=40, active_pairs=2, trades_per_s=0.5)
    settings = {**scenario.settings, "weight_per_10s": weight}
    knobs = msgspec.structs.replace(scenario.knobs, ip_weight_per_10s=weight)
    return msgspec.structs.replace(scenario, market=market, knobs=knobs, settings=settings)


@pytest.mark.parametrize(("weight", "day_s"), [(300, 90), (150, 45)])
def test_no_poll_waits_and_no_limit_is_met_over_a_listing_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, weight: int, day_s: int
) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path, small(BUSY, weight))
        await day.open()
        async with day.engine() as running:
            market = running.engine.parts.market
            for _ in range(day_s):
                await asyncio.sleep(1)
                assert all(lane.used <= lane.limit for lane in market.budget_row().lanes)
            rows = {row.source: row for row in running.engine.polls.rows()}
            assert all(row.failures == 0 and not row.problem for row in rows.values()), rows

    with caplog.at_level(logging.WARNING):
        simulate(main, seed=5)
    told = [record.getMessage() for record in caplog.records]
    assert not [words for words in told if "wait" in words or "room" in words or "429" in words], told


def test_an_allowance_grants_a_burst_and_then_what_grows_again() -> None:
    async def main(sim: Simulation) -> None:
        allowance = Allowance(sim.clock, burst=30, per_s=10)
        began_s = sim.clock.monotonic_ns() / 1e9
        taken_s: list[int] = []
        for _ in range(6):
            await allowance.take(10)
            taken_s.append(round(sim.clock.monotonic_ns() / 1e9 - began_s))
        assert taken_s == [0, 0, 0, 1, 2, 3]
        await asyncio.sleep(60)
        for _ in range(4):
            await allowance.take(10)
        assert round(sim.clock.monotonic_ns() / 1e9 - began_s) == 64

    simulate(main, seed=1)
