"""A day's report says of each listing what was seen, what was signalled, and what then happened."""

from dataclasses import replace
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.market.life import listing_from
from mexc_tui.model.listing import ChangeKind, ListingSource, ListingStage
from mexc_tui.model.outcome_of_listing import OutcomeEnd
from mexc_tui.model.signal import DetectorName, Probability
from mexc_tui.report.day import DayReport, ListingReport, to_json
from mexc_tui.report.day_builder import report_of
from mexc_tui.report.inputs import Kept, KeptSignal
from tests.support.samples.report_samples import (
    DAY,
    FROM_MS,
    alert,
    cancelled,
    look,
    opened,
    outcome,
    read,
    said,
    signal,
    waiting,
)


def whole() -> Kept:
    new, gone, later = opened(), cancelled(), waiting()
    return Kept(
        listings=(later, gone, new),
        signals=(
            KeptSignal(signal(new, 4_100), True),
            KeptSignal(signal(new, 20_500, DetectorName.OPENING, Probability(0.7, 0.6, 0.8, 30, 21)), None),
            KeptSignal(signal(gone, 2_000, DetectorName.LAUNCH_SEQUENCE), False),
            KeptSignal(signal(later, 2_000, DetectorName.LAUNCH_SEQUENCE), None),
        ),
        outcomes=(outcome(new), outcome(gone, OutcomeEnd.CANCELLED)),
        passes=(look(5_000), look(5_500), look(8_000)),
        alerts=(alert(7_000, times=3, closed_ms=FROM_MS + 9_000),),
    )


def of(report: DayReport, symbol: str) -> ListingReport:
    return next(one for one in report.listings if one.symbol == symbol)


def test_what_was_seen_stands_with_its_time_and_its_source() -> None:
    new = of(report_of(DAY, whole()), "NEWUSDT")
    first = [(one.source, one.at_ms - FROM_MS) for one in new.seen if one.kind is None]
    assert first == [
        (ListingSource.CALENDAR, 1_000),
        (ListingSource.SYMBOLS_V2, 2_000),
        (ListingSource.EXCHANGE_INFO, 4_000),
        (ListingSource.STREAM, 20_200),
    ]
    moved = next(one for one in new.seen if one.kind is ChangeKind.MOVED)
    assert (moved.source, moved.at_ms - FROM_MS, moved.words) == (
        ListingSource.CALENDAR,
        3_000,
        "opening moved by +5.0 s",
    )
    assert new.seen[-1].source is None
    assert new.stage is ListingStage.MATURED


def test_a_signal_stands_with_its_probability_its_n_and_its_lead_time() -> None:
    ready, opening = of(report_of(DAY, whole()), "NEWUSDT").signalled
    assert (ready.lead_ms, ready.is_lead_to_plan, ready.came_true) == (16_000, False, True)
    assert ready.words.startswith("no history")
    assert (opening.lead_ms, opening.probability, opening.n, opening.hits) == (-400, 0.7, 30, 21)


def test_without_an_opening_the_lead_is_to_the_plan_and_says_so() -> None:
    (only,) = of(report_of(DAY, whole()), "GONEUSDT").signalled
    assert (only.lead_ms, only.is_lead_to_plan) == (48_000, True)
    assert "48.0 s before the scheduled opening" in read(report_of(DAY, whole()))


def test_what_happened_is_the_stored_outcome() -> None:
    happened = of(report_of(DAY, whole()), "NEWUSDT").happened
    assert (happened.end, happened.late_ms, happened.trades) == (OutcomeEnd.OPENED, 100, 321)
    assert (happened.reference_return, happened.not_known) == (0.12, ())
    assert of(report_of(DAY, whole()), "GONEUSDT").happened.end is OutcomeEnd.CANCELLED


def test_what_is_not_known_says_so_and_why() -> None:
    report = report_of(DAY, whole())
    later = of(report, "LATERUSDT").happened
    assert later.end is None
    assert later.not_known == ("outcome: its opening is scheduled after the end of the day",)
    assert "Undecided at the end of the day: LATERUSDT." in report.not_known


def test_an_opening_just_before_the_end_is_not_decided_yet() -> None:
    report = report_of(DAY, Kept(listings=(opened(opens=90_000),)))
    assert of(report, "NEWUSDT").happened.not_known == ("outcome: the day ended within 30 s of its opening",)


def test_a_missing_outcome_that_was_due_is_said_to_be_missing() -> None:
    report = report_of(DAY, Kept(listings=(opened(),)))
    assert "due, but not recorded" in of(report, "NEWUSDT").happened.not_known[0]


def test_missing_market_data_is_said() -> None:
    report = report_of(DAY, Kept(listings=(opened(),), outcomes=(outcome(opened(), has_gap=True),)))
    assert "market data has gaps" in of(report, "NEWUSDT").happened.not_known[0]
    assert "Market data was missing for: NEWUSDT." in report.not_known


def test_never_open_to_keys_is_told_by_time() -> None:
    closed = listing_from(
        "WEBUSDT-1",
        (
            said(ListingSource.EXCHANGE_INFO, 1_000, "WEBUSDT", opens=10_000, api_allowed=False),
            said(ListingSource.STREAM, 10_100, "WEBUSDT", traded_ms=FROM_MS + 10_050),
        ),
    )
    web = of(
        report_of(DAY, Kept(listings=(closed,), outcomes=(outcome(closed, OutcomeEnd.NEVER_API),))), "WEBUSDT"
    )
    assert web.seen[-1].words == "open → never_api, by elapsed time"
    assert web.happened.end is OutcomeEnd.NEVER_API


def test_a_signal_under_an_id_that_was_given_up_belongs_to_its_listing() -> None:
    twin, new = opened(), opened()
    joined = msgspec.structs.replace(new, id="other", also_ids=(new.id,))
    report = report_of(DAY, Kept(listings=(joined,), signals=(KeptSignal(signal(twin, 4_000), None),)))
    assert len(report.listings[0].signalled) == 1
    assert report.totals.signals == 1


def test_other_days_are_left_out() -> None:
    other = replace(DAY, from_ms=FROM_MS + 200_000, to_ms=FROM_MS + 300_000)
    report = report_of(other, whole())
    assert (report.listings, report.alerts, report.passes.count) == ((), (), 0)
    assert report.not_known[0] == "No listings."


def test_totals_count_every_listing_once() -> None:
    totals = report_of(DAY, whole()).totals
    assert (totals.listings, totals.opened, totals.cancelled, totals.undecided) == (3, 1, 1, 1)
    assert (totals.moved, totals.renamed, totals.signals, totals.alerts) == (1, 0, 4, 1)
    claims = {one.detector: one for one in report_of(DAY, whole()).claims}
    launch = claims[DetectorName.LAUNCH_SEQUENCE]
    assert (launch.signals, launch.came_true, launch.did_not, launch.untold) == (2, 0, 1, 1)
    assert claims[DetectorName.CLUSTER].signals == 0


def test_passes_tell_their_longest_pause_and_what_was_never_read() -> None:
    kept = replace(whole(), passes=(look(5_000, None), look(6_000, None), look(9_000, None)))
    passes = report_of(DAY, kept).passes
    assert (passes.count, passes.longest_pause_ms, passes.slowest_ms) == (3, 3_000, 1.5)
    assert "Never polled: calendar." in report_of(DAY, kept).not_known


def test_a_rate_of_few_cases_is_not_shown_as_a_number() -> None:
    text = read(report_of(DAY, whole()))
    assert "1 raised: 1 correct, 0 wrong, 0 undecided, n too small for a rate (< 20)" in text


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
def test_the_text_says(words: str) -> None:
    assert words in read(report_of(DAY, whole()))


def test_json_holds_all_of_it_and_comes_back() -> None:
    report = report_of(DAY, whole())
    assert msgspec.json.decode(to_json(report), type=DayReport) == report
    assert b'"first_price":"0.05"' in to_json(report)


@given(st.integers())
def test_order_of_what_was_kept_does_not_matter(seed: int) -> None:
    kept, shuffle = whole(), Random(seed)
    mixed = Kept(
        listings=tuple(shuffle.sample(kept.listings, 3)),
        signals=tuple(shuffle.sample(kept.signals, 4)),
        outcomes=tuple(shuffle.sample(kept.outcomes, 2)),
        passes=tuple(shuffle.sample(kept.passes, 3)),
        alerts=kept.alerts,
    )
    assert report_of(DAY, mixed) == report_of(DAY, kept)
