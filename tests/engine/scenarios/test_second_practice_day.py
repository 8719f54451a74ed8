"""A second practice day on the same profile: the first one is history, not knowledge."""

from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from mexc_tui.app.composition import RunningEngine
from mexc_tui.app.day_report import report_day, reported_day
from mexc_tui.detection.calibration import CalibrationHistory
from mexc_tui.model.event import ListingLabelled
from mexc_tui.model.outcome_of_listing import OutcomeEnd
from mexc_tui.model.signal import ClaimKind, DetectorName, Probability
from mexc_tui.practice.scenario import ListingPlan
from mexc_tui.report.day import DayReport, ListingReport, Totals
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import DAY, PracticeDay, every_listing

pytestmark = pytest.mark.timeout(120)  # runs whole engines


async def whole_day(sim: Simulation, folder: Path) -> DayReport:
    """Run a session from its beginning to its end; return its report."""
    day = PracticeDay(sim, folder)
    await day.open()
    async with day.engine() as running:
        await running.engine.wait(until_done=True)
        now_ms = running.engine.parts.market.now_ms()
        reported = reported_day(
            running.loaded, running.day.exchange_session, running.day.start_ms, to_ms=now_ms
        )
        return await report_day(running.store, reported)


def of(report: DayReport, symbol: str) -> ListingReport:
    return next(one for one in report.listings if one.symbol == symbol)


def ends(report: DayReport) -> Totals:
    """Return how many listings ended how. Signals are left out: a state that no poll meets raises none."""
    return replace(report.totals, signals=0, alerts=0)


def test_a_repeated_day_is_detected_signalled_and_reported_again(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        first = await whole_day(sim, tmp_path)
        second = await whole_day(sim, tmp_path)
        assert ends(first) == ends(second)
        assert first.totals.moved == 0
        assert {one.outcome.end for one in second.listings} == {
            OutcomeEnd.OPENED,
            OutcomeEnd.CANCELLED,
            OutcomeEnd.NEVER_API,
        }
        assert {one.id for one in first.listings} & {one.id for one in second.listings} == set()

        def detectors(report: DayReport) -> dict[str, set[DetectorName]]:
            return {one.symbol: {signal.detector for signal in one.signals} for one in report.listings}

        assert detectors(first) == detectors(second)
        assert DetectorName.OPENING in detectors(second)["CLEANUSDT"]

    simulate(main)


def test_outcomes_of_the_first_day_count_in_probabilities_of_the_second(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        first = await whole_day(sim, tmp_path)
        second = await whole_day(sim, tmp_path)
        assert of(first, "CLEANUSDT").signals[0].probability_text.startswith("no history")
        assert of(second, "CLEANUSDT").signals[0].n > 0

    simulate(main)


async def outcomes_of(running: RunningEngine) -> dict[str, str]:
    """Return the outcome of each stored listing, without the engine."""
    return {f"{row.symbol} {row.stage}": row.outcome for row in await every_listing(running)}


def test_positions_left_open_on_the_first_day_end_with_it_and_are_not_outcomes(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        later = ListingPlan(base="LATER", opens_s=100_000, visible_before_s=60)
        open_ended = ListingPlan(base="OPEN", opens_s=118, visible_before_s=60)
        first = PracticeDay(sim, tmp_path, replace(DAY, listings=(*DAY.listings, later, open_ended)))
        await first.open()
        async with first.engine() as running:
            await running.engine.wait(until_done=True)
            before = await outcomes_of(running)
            taught = running.engine.knowledge_store.history
        assert (before["LATERUSDT scheduled"], before["OPENUSDT open"]) == ("", "")
        second = PracticeDay(sim, tmp_path, replace(DAY, listings=()))
        await second.open()
        async with second.engine():
            pass
        async with second.engine() as running:
            after = await outcomes_of(running)
            unfinished = await running.store.read("left", lambda stored: stored.listings.unfinished())
            facts = await running.store.read("facts", lambda stored: stored.journal.latest(10_000))
        assert after == before | {"LATERUSDT scheduled": "session_ended", "OPENUSDT open": "session_ended"}
        assert unfinished == []
        labelled = Counter(one.event.about for one in facts if isinstance(one.event, ListingLabelled))
        assert set(labelled.values()) == {1}
        assert len(labelled) == len(after)
        assert said_by(running.engine.knowledge_store.history) == said_by(taught)

    simulate(main)


def said_by(history: CalibrationHistory) -> list[Probability]:
    """Return the probabilities of a history for every kind of claim."""
    return [history.probability(DetectorName.OPENING, 1, "api", claim=kind, kappa=20.0) for kind in ClaimKind]


def test_the_second_day_starts_without_state_of_the_first(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        await whole_day(sim, tmp_path)
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            stored = await running.store.read("signals", lambda stored: stored.signals.active())
            alerts = await running.store.read("alerts", lambda stored: stored.alerts.open())
        assert [one.symbol for one in stored if one.at_ms < running.day.start_ms] == []
        assert [one.alert.about for one in alerts if one.last_ms < running.day.start_ms] == []

    simulate(main)
