"""Behaviour and alerts of the engine when sources, settings or the store fail."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from mexc_tui.app.composition import RunningEngine
from mexc_tui.model.event import ListingSeen
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.storage import StorageFailed
from mexc_tui.model.view import TradingState
from mexc_tui.practice.scenario import FaultKind, FaultPlan, Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import DAY, PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines


async def open_alerts(running: RunningEngine) -> dict[str, str]:
    return {f"{row.rule} {row.about}": row.text for row in await running.queries.alerts()}


def test_a_blocked_web_site_is_alerted_and_other_sources_continue(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path, replace(DAY, knobs=Knobs(web_blocked=True)))
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(42)
            alerts = await open_alerts(running)
            rows = {row.symbol: row for row in running.queries.listings()}
            status = running.queries.status()
        assert "engine:source calendar" in alerts
        assert rows["CLEANUSDT"].first_source == ListingSource.ANNOUNCEMENT
        assert rows["CLEANUSDT"].opened_ms is not None
        problems = {row.source: row.problem for row in status.sources}
        assert "403" in problems["calendar"]
        assert problems["exchangeInfo"] == ""

    simulate(main)


def test_an_outage_is_alerted_and_the_alert_closes_after_it(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        faults = (FaultPlan(kind=FaultKind.MAINTENANCE, at_s=10, for_s=20, path="/api/v3/defaultSymbols"),)
        day = PracticeDay(sim, tmp_path, replace(DAY, faults=faults))
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(28)
            assert "engine:source defaultSymbols" in await open_alerts(running)
            await asyncio.sleep(52)
            assert "engine:source defaultSymbols" not in await open_alerts(running)

    simulate(main)


def test_an_invalid_settings_file_is_not_applied_and_is_alerted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            before = running.engine.parts.settings.rows()
            day.paths.settings.write_text("detection_pass_s = 9000\n")
            await asyncio.sleep(8)
            assert running.engine.parts.settings.rows() == before
            assert "detection_pass_s" in (await open_alerts(running))["engine:settings settings"]
            day.paths.settings.write_text("")
            await asyncio.sleep(8)
            assert "engine:settings settings" not in await open_alerts(running)

    simulate(main)


def test_a_clock_that_was_an_hour_ahead_stops_no_poll_and_ends_no_listing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            market = running.engine.parts.market
            real_now_ms = market.now_ms
            listed = {row.id for row in running.queries.listings()}
            market.now_ms = lambda: real_now_ms() + 3_600_000
            await asyncio.sleep(6)
            market.now_ms = real_now_ms
            await asyncio.sleep(31)
            status = running.queries.status()
            assert {row.id for row in running.queries.listings()} >= listed
        late = {row.source: row.read_ms for row in status.sources if (row.read_ms or 0) > status.now_ms}
        assert late.keys() <= {"announcement"}  # not due again within half a minute

    simulate(main)


def test_polls_stay_within_their_request_budget(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            worst = 0
            for _ in range(90):
                await asyncio.sleep(1)
                lanes = {lane.name: lane for lane in running.queries.status().budget.lanes}
                worst = max(worst, lanes["weight"].used)
            assert running.queries.status().budget.ban == ""
        assert 0 < worst <= 200

    simulate(main)


def test_knowledge_lost_to_a_failed_write_is_recovered_and_stored(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            known = running.engine.knowledge_store
            write = running.store.write

            async def fail(*_: object, **__: object) -> None:
                raise StorageFailed("disk error")

            await asyncio.sleep(5)
            running.store.write = fail
            await asyncio.sleep(20)
            running.store.write = write
            await asyncio.sleep(60)
            facts = await running.store.read("facts", lambda stored: stored.journal.after(0, 10_000))
            stored = await running.store.read("listings", lambda found: found.listings.latest(100))
            assert {one.id: one.stage for one in stored} == {
                one.id: one.stage for one in known.knowledge.listings
            }
            recorded = {fact.event.listing_id for fact in facts if isinstance(fact.event, ListingSeen)}
            assert {one.id for one in stored} <= recorded
            assert running.queries.status().trading_state in (TradingState.ACTIVE, TradingState.REDUCE_ONLY)

    simulate(main)
