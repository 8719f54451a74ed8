"""The report of a day, read from a real store."""

from pathlib import Path

from mexc_tui.app.day_report import report_day, reported_day
from mexc_tui.model.outcome_of_listing import OutcomeEnd
from mexc_tui.model.storage import Durability
from mexc_tui.settings.layers import scenario_layer
from mexc_tui.settings.load import Layers, load
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.samples.report_samples import (
    DAY,
    FROM_MS,
    cancelled_listing,
    detection_pass,
    future_listing,
    opened_listing,
    outcome,
    signal,
)
from tests.support.store_parts import ManualClock


def fill(unit: UnitOfWork) -> None:
    new, gone, later = opened_listing(), cancelled_listing(), future_listing()
    for listing in (new, gone, later):
        unit.listings.save(listing, listing.stage)
    unit.outcomes.save(outcome(new))
    unit.outcomes.save(outcome(gone, OutcomeEnd.CANCELLED))
    unit.signals.add(signal(new, 4_100))
    unit.signals.add(signal(gone, 2_000))
    unit.passes.add(detection_pass(5_000))


async def test_the_report_is_read_from_the_store_and_signals_are_evaluated(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "profile" / "desk.sqlite3", ManualClock())
    try:
        await store.write("fill", fill, durability=Durability.NORMAL)
        report = await report_day(store, DAY)
    finally:
        await store.close()
    verdicts = {one.symbol: [signal.is_correct for signal in one.signals] for one in report.listings}
    assert verdicts == {"NEWUSDT": [True], "GONEUSDT": [False], "LATERUSDT": []}
    assert [one.outcome.end for one in report.listings] == [OutcomeEnd.OPENED, OutcomeEnd.CANCELLED, None]
    assert report.passes.count == 1


def test_a_day_lists_the_overrides_of_its_scenario() -> None:
    loaded = load(Layers(scenario=scenario_layer({"maturity_s": 30, "detection_pass_s": 0.5}, "listing-day")))
    day = reported_day(loaded, "listing-day-1", FROM_MS, to_ms=FROM_MS + 1)
    assert day.overrides == (("detection_pass_s", "0.5"), ("maturity_s", "30"))
    assert day.maturity_ms == 30_000
