"""Listings that are renamed or merged with a listing of another name."""

import asyncio
from collections import Counter
from pathlib import Path

from msgspec.structs import replace

from mexc_tui.model.event import SignalEnded, SignalRaised
from mexc_tui.model.signal import DetectorName
from mexc_tui.practice.scenario import ListingPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import DAY, PracticeDay

RENAMED = ListingPlan(
    base="OLD", opens_s=60, visible_before_s=30, renamed_before_s=20, renamed_to="NEXT", ready_before_s=25
)


def test_signals_of_a_merged_listing_are_active_once_and_raised_once(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path, replace(DAY, listings=(RENAMED,)))
        await day.open()
        async with day.engine() as running:
            opens_ms = running.day.start_ms + 60_000
            twin = await running.queries.add_listing("NEXTUSDT", opens_ms, "from the forum")
            await asyncio.sleep(50)
            (listing,) = running.engine.knowledge_store.knowledge.live(running.engine.parts.market.now_ms())
            active = await running.store.read("active signals", lambda stored: stored.signals.active())
            facts = await running.store.read("facts", lambda stored: stored.journal.after(0, 10_000))
            in_memory = set(running.engine.knowledge_store.signals)
        async with day.engine() as running:
            again = set(running.engine.knowledge_store.signals)
        assert listing.also_ids == (twin.id,)
        assert {one.key.subject for one in active} == {listing.id}
        assert in_memory == {one.key for one in active} == again
        raised = Counter(
            (one.event.signal.key, one.event.signal.state)
            for one in facts
            if isinstance(one.event, SignalRaised)
        )
        assert max(raised.values()) == 1
        ended = [
            one.event.ended
            for one in facts
            if isinstance(one.event, SignalEnded) and one.event.ended.key.subject == twin.id
        ]
        assert {one.reason for one in ended} == {f"its listing was joined to {listing.id}"}
        assert DetectorName.LAUNCH_SEQUENCE in {one.key.detector for one in ended}

    simulate(main)


def test_an_alert_under_the_old_name_is_closed(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        plan = replace(RENAMED, api_allowed=False)
        day = PracticeDay(sim, tmp_path, replace(DAY, listings=(plan,)))
        await day.open()
        async with day.engine() as running:
            await running.engine.wait(until_done=True)
            alerts = await running.queries.alerts()
            active = {(f"{row.detector}:{row.topic}", row.symbol) for row in running.queries.signals()}
        assert {(one.rule, one.about) for one in alerts if not one.rule.startswith("engine:")} <= active

    simulate(main)
