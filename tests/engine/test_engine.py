"""The engine on the practice exchange: listings, signals, outcomes and restarts."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.host.lock import EngineRuns
from mexc_tui.model.event import EngineStarted, Fact, ListingChanged, ListingSeen, SignalRaised
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.outcome_of_listing import OutcomeEnd
from mexc_tui.model.signal import ClaimKind, DetectorName
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import PracticeDay, every_listing, setting_text

pytestmark = pytest.mark.timeout(120)  # runs whole engines


async def facts_of(running: RunningEngine) -> list[Fact]:
    return await running.store.read("facts", lambda stored: stored.journal.after(0, 10_000))


def stage_of(running: RunningEngine, symbol: str) -> str:
    rows = {row.symbol: row for row in running.queries.listings()}
    return rows[symbol].stage


def test_listings_of_a_day_are_tracked_signalled_and_labelled(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            reason = await running.engine.wait(until_done=True)
            assert reason == "the practice day is over"
            rows = {row.symbol: row for row in await every_listing(running)}
            facts = await facts_of(running)
            passes = await running.store.read("passes", lambda stored: stored.passes.latest(10))
        assert rows["CLEANUSDT"].outcome == OutcomeEnd.OPENED
        assert rows["CLEANUSDT"].stage == ListingStage.MATURED
        assert rows["GONEUSDT"].outcome == OutcomeEnd.CANCELLED
        assert rows["CLOSEDUSDT"].outcome == OutcomeEnd.NEVER_API
        raised = {
            (fact.event.signal.symbol, fact.event.signal.key.detector)
            for fact in facts
            if isinstance(fact.event, SignalRaised)
        }
        assert ("CLEANUSDT", DetectorName.READY_STATE) in raised
        assert ("CLEANUSDT", DetectorName.OPENING) in raised
        assert passes[0].looked_at >= 0

    simulate(main)


def test_facts_are_numbered_without_gaps_and_sightings_precede_changes(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(45)
            facts = await facts_of(running)
        assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))
        seen: set[str] = set()
        for fact in facts:
            if isinstance(fact.event, ListingSeen):
                seen.add(fact.event.listing_id)
            if isinstance(fact.event, ListingChanged):
                assert fact.event.listing_id in seen

    simulate(main)


def test_a_restart_repeats_no_signal_and_loses_no_listing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(30)
            before = {
                (row.listing_id, row.detector, row.topic, row.state) for row in running.queries.signals()
            }
            known = {row.id for row in running.queries.listings()}
        await asyncio.sleep(5)
        async with day.engine() as running:
            assert {row.id for row in running.queries.listings()} >= known
            after = {
                (row.listing_id, row.detector, row.topic, row.state) for row in running.queries.signals()
            }
            assert before
            assert before <= after | {one for one in before if one[0] not in known}
            await running.engine.wait(until_done=True)
            raised = [
                (fact.event.signal.key, fact.event.signal.state)
                for fact in await facts_of(running)
                if isinstance(fact.event, SignalRaised)
            ]
            outcomes = {row.symbol: row.outcome for row in await every_listing(running)}
        assert [key for key, times in Counter(raised).items() if times > 1] == []
        assert outcomes["CLEANUSDT"] == OutcomeEnd.OPENED
        assert outcomes["GONEUSDT"] == OutcomeEnd.CANCELLED

    simulate(main)


def test_concurrent_passes_raise_a_new_signal_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            opens_ms = running.engine.parts.market.now_ms() + 600_000
            await running.queries.add_listing("HANDUSDT", opens_ms)
            await asyncio.gather(*(running.engine.detection.run_pass() for _ in range(3)))
            raised = [
                fact.event.signal.key.detector
                for fact in await facts_of(running)
                if isinstance(fact.event, SignalRaised) and fact.event.about == "HANDUSDT"
            ]
        assert raised == [DetectorName.LAUNCH_SEQUENCE]

    simulate(main)


def test_a_manual_listing_is_stored_and_can_be_dropped(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            opens_ms = running.engine.parts.market.now_ms() + 600_000
            row = await running.queries.add_listing("HANDUSDT", opens_ms)
            assert row.stage == ListingStage.SCHEDULED
        async with day.engine() as running:
            assert stage_of(running, "HANDUSDT") == ListingStage.SCHEDULED
            dropped = await running.queries.drop_listing("HANDUSDT")
            assert dropped.stage == ListingStage.CANCELLED

    simulate(main)


def test_signals_start_event_and_status_share_one_config_hash(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await running.queries.add_listing("HANDUSDT", running.engine.parts.market.now_ms() + 600_000)
            await running.engine.detection.run_pass()
            events = [fact.event for fact in await facts_of(running)]
            shown = running.queries.status().config_hash
        started = {event.config_hash for event in events if isinstance(event, EngineStarted)}
        signals = {event.signal.config_hash for event in events if isinstance(event, SignalRaised)}
        assert started == signals == {shown}

    simulate(main)


def test_a_dropped_listing_that_is_added_again_is_relabelled_and_counted_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await running.queries.drop_listing("CLEANUSDT")
            await asyncio.sleep(6)
            known = running.engine.knowledge_store
            (dropped,) = (one for one in known.outcomes.values() if one.symbol == "CLEANUSDT")
            await running.queries.add_listing("CLEANUSDT", None)
            await running.engine.wait(until_done=True)
            (opened,) = (one for one in known.outcomes.values() if one.symbol == "CLEANUSDT")
            counted = await running.store.read(
                "verdicts", lambda stored: stored.verdicts(opened.label_version).base()
            )
        assert (dropped.end, opened.end) == (OutcomeEnd.UNKNOWN, OutcomeEnd.OPENED)
        assert counted[ClaimKind.OPENS_BY] == (2, 1)  # GONE missed, CLOSED is censored

    simulate(main)


def test_a_changed_setting_applies_at_once_and_is_journalled(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            row = await running.queries.change_setting("detection_pass_s", "2.5", "ann")
            assert row.value == "2.5"
            assert setting_text(running, "detection_pass_s") == "2.5"
            day.paths.settings.write_text("detection_pass_s = 4.0\n")
            await asyncio.sleep(3)
            assert setting_text(running, "detection_pass_s") == "4"
            kinds = Counter(fact.event.kind for fact in await facts_of(running))
        assert kinds["setting_changed"] == 2

    simulate(main)


def test_a_second_engine_of_the_same_profile_is_rejected(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine():
            with pytest.raises(EngineRuns, match="is already running"):
                async with day.engine():
                    pass

    simulate(main)
