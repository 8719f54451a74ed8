"""A failed order and an entry that a risk limit refused each raise one alert, counted when they repeat."""

from pathlib import Path

import pytest

from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.view import AlertRow
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.opening_day import NAME, OpeningBench, listing, opening_engine, scenario

pytestmark = pytest.mark.timeout(120)  # runs whole engines


async def alerts_of(watcher: OpeningBench, rule: str) -> list[AlertRow]:
    return [one for one in await watcher.running.queries.alerts() if one.rule == rule]


def test_an_entry_refused_by_a_risk_limit_raises_one_alert_naming_the_limit(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        plan = scenario(listing(), listing("SECOND", opens_s=80.0), max_trades_hour=1)
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(75)
            assert (await watcher.last()).state is SnipeState.FILLED
            assert await watcher.snipes("SECONDUSDT") == []
            (alert,) = await alerts_of(watcher, "risk:refused")
            assert alert.about == "SECONDUSDT"
            assert alert.text.startswith("Entry refused by risk limits: trades hour: 2 in 60 minutes")

    simulate(main)


def test_a_pair_not_open_for_buying_raises_no_risk_alert(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(listing(api_allowed=False))) as watcher:
            await watcher.at(60)
            assert await watcher.refused()
            assert await alerts_of(watcher, "risk:refused") == []

    simulate(main)


def test_an_entry_that_the_exchange_rejects_raises_an_alert_with_its_reason(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        refusal = PracticeRefusal(30002, "The minimum transaction volume cannot be less than:500USDT")
        async with opening_engine(sim, tmp_path, scenario(), refusal) as watcher:
            await watcher.at(60)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.REJECTED
            (alert,) = await alerts_of(watcher, "order:failed")
            assert alert.about == NAME
            assert snipe.reason in alert.text

    simulate(main)
