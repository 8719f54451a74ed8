"""A second practice day on the same profile: the first one is history, not knowledge."""

from pathlib import Path

from mexc_tui.model.outcome_of_listing import End
from mexc_tui.model.signal import DetectorName
from mexc_tui.report.day import DayReport, ListingReport
from mexc_tui.reporting import day_of, report_day
from mexc_tui.simulation.run import Simulation, simulate
from tests.engine.days import PracticeDay


async def whole_day(sim: Simulation, folder: Path) -> DayReport:
    """Run a world from its beginning to its end; return its report."""
    day = PracticeDay(sim, folder)
    await day.open()
    async with day.engine() as running:
        await running.engine.wait(until_done=True)
        now_ms = running.engine.parts.market.now_ms()
        reported = day_of(running.loaded, running.day.world, running.day.start_ms, now_ms)
        return await report_day(running.store, reported)


def of(report: DayReport, symbol: str) -> ListingReport:
    return next(one for one in report.listings if one.symbol == symbol)


def test_the_same_day_again_is_seen_signalled_and_told_anew(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        first = await whole_day(sim, tmp_path)
        second = await whole_day(sim, tmp_path)
        assert first.totals == second.totals
        assert first.totals.moved == 0
        assert {one.happened.end for one in second.listings} == {End.OPENED, End.CANCELLED, End.NEVER_API}
        assert {one.id for one in first.listings} & {one.id for one in second.listings} == set()

        def detectors(report: DayReport) -> set[DetectorName]:
            return {signal.detector for signal in of(report, "CLEANUSDT").signalled}

        assert detectors(first) == detectors(second)
        assert DetectorName.OPENING in detectors(second)

    simulate(main)


def test_what_the_first_day_taught_stands_behind_the_second_one_s_probabilities(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        first = await whole_day(sim, tmp_path)
        second = await whole_day(sim, tmp_path)
        assert of(first, "CLEANUSDT").signalled[0].words.startswith("no history yet")
        assert of(second, "CLEANUSDT").signalled[0].n > 0

    simulate(main)


def test_nothing_of_the_first_day_stands_on_the_second(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        await whole_day(sim, tmp_path)
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            stored = await running.store.read("signals", lambda stored: stored.signals.standing())
            alerts = await running.store.read("alerts", lambda stored: stored.alerts.open())
        assert [one.symbol for one in stored if one.at_ms < running.day.start_ms] == []
        assert [one.alert.about for one in alerts if one.last_ms < running.day.start_ms] == []

    simulate(main)
