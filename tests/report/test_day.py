"""Report of a day: timeline, signals and outcome of each listing."""

from dataclasses import replace
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.market.listing_derivation import listing_from
from mexc_tui.model.listing import ChangeKind, ListingSource, ListingStage
from mexc_tui.model.outcome_of_listing import OutcomeEnd
from mexc_tui.model.signal import DetectorName, Probability
from mexc_tui.report.day import DayReport, ListingReport, to_json
from mexc_tui.report.day_builder import report_of
from mexc_tui.report.inputs import DayInputs, ReportSignal
from tests.support.samples.report_samples import (
    DAY,
    FROM_MS,
    alert,
    cancelled_listing,
    detection_pass,
    future_listing,
    opened_listing,
    outcome,
    reported,
    signal,
    unfolded_text,
)


def whole() -> DayInputs:
    new, gone, later = opened_listing(), cancelled_listing(), future_listing()
    return DayInputs(
        listings=(later, gone, new),
        signals=(
            ReportSignal(signal(new, 4_100), True),
            ReportSignal(
                signal(
                    new,
                    20_500,
                    DetectorName.OPENING,
                    Probability(value=0.7, low=0.6, high=0.8, n=30, hits=21),
                ),
                None,
            ),
            ReportSignal(signal(gone, 2_000, DetectorName.LAUNCH_SEQUENCE), False),
            ReportSignal(signal(later, 2_000, DetectorName.LAUNCH_SEQUENCE), None),
        ),
        outcomes=(outcome(new), outcome(gone, OutcomeEnd.CANCELLED)),
        passes=(detection_pass(5_000), detection_pass(5_500), detection_pass(8_000)),
        alerts=(alert(7_000, times=3, closed_ms=FROM_MS + 9_000),),
    )


def of(report: DayReport, symbol: str) -> ListingReport:
    return next(one for one in report.listings if one.symbol == symbol)


def test_detections_have_time_and_source() -> None:
    new = of(report_of(DAY, whole()), "NEWUSDT")
    first = [(one.source, one.at_ms - FROM_MS) for one in new.timeline if one.kind is None]
    assert first == [
        (ListingSource.CALENDAR, 1_000),
        (ListingSource.SYMBOLS_V2, 2_000),
        (ListingSource.EXCHANGE_INFO, 4_000),
        (ListingSource.STREAM, 20_200),
    ]
    moved = next(one for one in new.timeline if one.kind is ChangeKind.MOVED)
    assert (moved.source, moved.at_ms - FROM_MS, moved.text) == (
        ListingSource.CALENDAR,
        3_000,
        "opening moved by +5.0 s",
    )
    assert new.timeline[-1].source is None
    assert new.stage is ListingStage.MATURED


def test_a_signal_has_probability_sample_and_lead_time() -> None:
    ready, opening = of(report_of(DAY, whole()), "NEWUSDT").signals
    assert (ready.lead_ms, ready.is_lead_to_plan, ready.is_correct) == (16_000, False, True)
    assert ready.probability_text.startswith("no history")
    assert (opening.lead_ms, opening.probability, opening.n, opening.hits) == (-400, 0.7, 30, 21)


def test_without_an_opening_the_lead_time_is_to_the_schedule() -> None:
    (only,) = of(report_of(DAY, whole()), "GONEUSDT").signals
    assert (only.lead_ms, only.is_lead_to_plan) == (48_000, True)
    assert "48.0 s before the scheduled opening" in unfolded_text(report_of(DAY, whole()))


def test_the_outcome_is_the_stored_one() -> None:
    happened = of(report_of(DAY, whole()), "NEWUSDT").outcome
    assert (happened.end, happened.late_ms, happened.trades) == (OutcomeEnd.OPENED, 100, 321)
    assert (happened.reference_return, happened.unknown) == (0.12, ())
    assert of(report_of(DAY, whole()), "GONEUSDT").outcome.end is OutcomeEnd.CANCELLED


def test_unknown_facts_are_listed_with_reasons() -> None:
    report = report_of(DAY, whole())
    later = of(report, "LATERUSDT").outcome
    assert later.end is None
    assert later.unknown == ("outcome: its opening is scheduled after the end of the day",)
    assert "Undecided at the end of the day: LATERUSDT." in report.unknown


def test_an_opening_just_before_the_end_is_undecided() -> None:
    report = report_of(DAY, DayInputs(listings=(opened_listing(opens=90_000),)))
    assert of(report, "NEWUSDT").outcome.unknown == ("outcome: the day ended within 30 s of its opening",)


def test_a_missing_due_outcome_is_reported() -> None:
    report = report_of(DAY, DayInputs(listings=(opened_listing(),)))
    assert "due, but not recorded" in of(report, "NEWUSDT").outcome.unknown[0]


def test_missing_market_data_is_reported() -> None:
    report = report_of(
        DAY, DayInputs(listings=(opened_listing(),), outcomes=(outcome(opened_listing(), has_gap=True),))
    )
    assert "market data has gaps" in of(report, "NEWUSDT").outcome.unknown[0]
    assert "Market data was missing for: NEWUSDT." in report.unknown


def test_never_api_follows_from_elapsed_time() -> None:
    closed = listing_from(
        "WEBUSDT-1",
        (
            reported(ListingSource.EXCHANGE_INFO, 1_000, "WEBUSDT", opens=10_000, api_allowed=False),
            reported(ListingSource.STREAM, 10_100, "WEBUSDT", traded_ms=FROM_MS + 10_050),
        ),
    )
    web = of(
        report_of(DAY, DayInputs(listings=(closed,), outcomes=(outcome(closed, OutcomeEnd.NEVER_API),))),
        "WEBUSDT",
    )
    assert web.timeline[-1].text == "open → never_api, by elapsed time"
    assert web.outcome.end is OutcomeEnd.NEVER_API


def test_a_signal_under_a_former_id_belongs_to_its_listing() -> None:
    twin, new = opened_listing(), opened_listing()
    joined = msgspec.structs.replace(new, id="other", also_ids=(new.id,))
    report = report_of(DAY, DayInputs(listings=(joined,), signals=(ReportSignal(signal(twin, 4_000), None),)))
    assert len(report.listings[0].signals) == 1
    assert report.totals.signals == 1


def test_other_days_are_left_out() -> None:
    other = replace(DAY, from_ms=FROM_MS + 200_000, to_ms=FROM_MS + 300_000)
    report = report_of(other, whole())
    assert (report.listings, report.alerts, report.passes.count) == ((), (), 0)
    assert report.unknown[0] == "No listings."


def test_totals_count_every_listing_once() -> None:
    totals = report_of(DAY, whole()).totals
    assert (totals.listings, totals.opened, totals.cancelled, totals.undecided) == (3, 1, 1, 1)
    assert (totals.moved, totals.renamed, totals.signals, totals.alerts) == (1, 0, 4, 1)
    claims = {one.detector: one for one in report_of(DAY, whole()).claims}
    launch = claims[DetectorName.LAUNCH_SEQUENCE]
    assert (launch.signals, launch.correct, launch.wrong, launch.undecided) == (2, 0, 1, 1)
    assert claims[DetectorName.CLUSTER].signals == 0


def test_passes_show_the_longest_interval_and_unread_sources() -> None:
    kept = replace(
        whole(),
        passes=(detection_pass(5_000, None), detection_pass(6_000, None), detection_pass(9_000, None)),
    )
    passes = report_of(DAY, kept).passes
    assert (passes.count, passes.longest_pause_ms, passes.slowest_ms) == (3, 3_000, 1.5)
    assert "Never polled: calendar." in report_of(DAY, kept).unknown


def test_a_rate_of_a_small_sample_is_not_shown() -> None:
    text = unfolded_text(report_of(DAY, whole()))
    assert "1 raised: 1 correct, 0 wrong, 0 undecided, too few for a rate (< 20)" in text


@pytest.mark.parametrize(
    "words",
    [
        "Report of short-1-1790000000000 (practice)",
        "maturity_s = 30",
        "NEWUSDT  New Token  [matured]",
        "20.1 s, 0.1 s after schedule",
        "321 trades from 0.05; highest ×1.90, lowest ×0.95, last ×1.40; reference return +12.0%",
        "16.0 s before the opening",
        "0.4 s after the opening",
        "no history",
        "70% (60%–80%), n 30; undecided",
        "calendar: the calendar cannot be read, 3 times until 8.0 s, closed",
        "1 opened, 1 cancelled, 0 never open to API keys, 0 unknown, 1 undecided",
    ],
)
def test_the_text_contains(words: str) -> None:
    assert words in unfolded_text(report_of(DAY, whole()))


def test_json_round_trips_the_whole_report() -> None:
    report = report_of(DAY, whole())
    assert msgspec.json.decode(to_json(report), type=DayReport) == report
    assert b'"first_price":"0.05"' in to_json(report)


@given(st.integers())
def test_the_order_of_stored_data_does_not_matter(seed: int) -> None:
    kept, shuffle = whole(), Random(seed)
    mixed = DayInputs(
        listings=tuple(shuffle.sample(kept.listings, 3)),
        signals=tuple(shuffle.sample(kept.signals, 4)),
        outcomes=tuple(shuffle.sample(kept.outcomes, 2)),
        passes=tuple(shuffle.sample(kept.passes, 3)),
        alerts=kept.alerts,
    )
    assert report_of(DAY, mixed) == report_of(DAY, kept)
