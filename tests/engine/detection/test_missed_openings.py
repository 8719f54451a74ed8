"""Openings at bad moments: seen late, between two engines, or not at all."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from mexc_tui.app.composition import RunningEngine
from mexc_tui.model.listing import Listing, ListingSource
from mexc_tui.model.outcome_of_listing import OutcomeEnd
from mexc_tui.model.stream import BestQuote
from mexc_tui.practice.scenario import FaultKind, FaultPlan, ListingPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import DAY, PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines


def listing(running: RunningEngine, symbol: str) -> Listing:
    found = running.engine.knowledge_store.knowledge.listings.named(symbol)
    assert found is not None, symbol
    return found


def test_pairs_that_have_not_opened_or_do_not_exist_are_quiet_and_not_stale(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        plan = ListingPlan(base="SOON", opens_s=90, visible_before_s=85)
        later = ListingPlan(base="LATER", opens_s=95, visible_before_s=5)
        day = PracticeDay(sim, tmp_path, replace(DAY, listings=(plan, later)))
        await day.open()
        async with day.engine() as running:
            watched = running.engine.watched
            watched.watch("GHOSTUSDT")  # a pair that does not exist
            await asyncio.sleep(50)
            watched.watch("GHOSTUSDT")
            await asyncio.sleep(25)
            before = running.queries.status().streams
            watched.watch("GHOSTUSDT")
            await asyncio.sleep(25)
            after = running.queries.status().streams
        assert before.quiet >= 3
        assert (before.stale, before.refused) == (0, 6)
        assert (after.quiet, after.refused) == (3, 3), "of all pairs only the one that does not exist"

    simulate(main)


def test_a_book_that_empties_after_the_opening_is_warned_of(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(45)
            assert listing(running, "CLEANUSDT").opened_ms is not None
            before = {row.topic for row in running.queries.signals() if row.symbol == "CLEANUSDT"}
            nothing = BestQuote(
                symbol="CLEANUSDT",
                bid_price=None,
                bid_quantity=Decimal(0),
                ask_price=None,
                ask_quantity=Decimal(0),
                version=1,
            )
            running.engine.streams.on_quote(nothing)
            await running.engine.detection.run_pass()
            after = {row.topic for row in running.queries.signals() if row.symbol == "CLEANUSDT"}
        assert after - before >= {"wide_spread"}

    simulate(main)


def test_what_opened_while_no_engine_ran_opened_then_and_its_unseen_trades_are_a_gap(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine():
            await asyncio.sleep(30)
        await asyncio.sleep(15)
        async with day.engine() as running:
            await asyncio.sleep(5)
            late = listing(running, "CLEANUSDT")
            await asyncio.sleep(25)
            outcome = running.engine.knowledge_store.outcomes[late.id]
        assert late.opens_ms is not None
        assert late.traded_ms is not None
        assert abs(late.traded_ms - late.opens_ms) < 1_000
        assert (outcome.end, outcome.has_gap, outcome.reference_return) == (OutcomeEnd.OPENED, True, None)

    simulate(main)


def test_an_opening_during_an_outage_is_learned_when_the_exchange_is_back(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        faults = (FaultPlan(kind=FaultKind.MAINTENANCE, at_s=30, for_s=22, path="/api/v3/trades"),)
        day = PracticeDay(sim, tmp_path, replace(DAY, faults=faults))
        await day.open()
        async with day.engine():
            await asyncio.sleep(30)
        await asyncio.sleep(15)
        async with day.engine() as running:
            await asyncio.sleep(4)
            early = listing(running, "CLEANUSDT")
            await asyncio.sleep(30)
            late = listing(running, "CLEANUSDT")
        assert early.opened_ms is not None
        assert late.opened_ms is not None
        assert late.opens_ms is not None
        assert late.opened_ms < early.opened_ms
        assert late.opened_ms - late.opens_ms < 1_000

    simulate(main)


def noticed_late_ms(one: Listing) -> int:
    seen = next(seen for seen in one.sightings if seen.source is ListingSource.STREAM)
    assert one.opens_ms is not None
    return seen.at_ms - one.opens_ms


def test_a_pair_that_appears_half_a_second_before_its_opening_is_noticed_within_a_second(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        plans = tuple(
            ListingPlan(base=f"LAST{second}", opens_s=second, visible_before_s=0.5)
            for second in range(40, 45)
        )
        day = PracticeDay(sim, tmp_path, replace(DAY, listings=plans))
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(55)
            late = [listing(running, f"{plan.base}USDT") for plan in plans]
        assert max(noticed_late_ms(one) for one in late) < 1_000

    simulate(main)
