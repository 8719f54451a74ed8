"""Verdicts, the calibration history of detectors, and scorecards."""

import msgspec
import pytest

from mexc_tui.detection.score import lead_times, score, wilson
from mexc_tui.detection.verdicts import ClaimVerdict, base_tally, judge
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Probability, Signal, SignalKey
from tests.support.samples.listing_sources import OPENS_MS, before

HOUR = 3_600


def signal(
    subject: str = "A", *, seconds: float = HOUR, kind: ClaimKind = ClaimKind.OPENS_BY,
    due_s: float | None = 0, p: float = 0.5, detector: DetectorName = DetectorName.READY_STATE,
) -> Signal:  # fmt: skip
    """Return a signal raised this long before the opening."""
    return Signal(
        key=SignalKey(detector, subject, "triple"),
        state="on",
        at_ms=before(seconds),
        version=1,
        config_hash="x",
        symbol=subject,
        severity=Severity.INFO,
        claim=Claim(kind, None if due_s is None else before(due_s)),
        stratum="web only",
        probability=Probability(value=p, low=0, high=1, n=0, hits=0),
        reasons=(),
        inputs=(),
    )


def outcome(
    subject: str = "A",
    end: OutcomeEnd = OutcomeEnd.OPENED,
    *,
    late_s: float = 0,
    moved_ms: tuple[int, ...] = (),
    gain: float | None = 0.1,
    cluster_size: int = 1,
) -> ListingOutcome:
    """Return the outcome of a listing."""
    opened_ms = before(-late_s) if end is OutcomeEnd.OPENED else None
    return ListingOutcome(
        listing_id=subject,
        symbol=subject,
        label_version="1",
        labelled_ms=before(-HOUR),
        first_seen_ms=before(23 * HOUR),
        end=end,
        planned_ms=OPENS_MS,
        opened_ms=opened_ms,
        api_ms=opened_ms,
        moved_ms=moved_ms,
        reference_return=gain if end is OutcomeEnd.OPENED else None,
        cluster_size=cluster_size,
    )


@pytest.mark.parametrize(
    ("kind", "expected", "verdict"),
    [
        (ClaimKind.OPENS_BY, outcome(), ClaimVerdict.HIT),
        (ClaimKind.OPENS_BY, outcome(late_s=1), ClaimVerdict.MISS),
        (ClaimKind.OPENS_BY, outcome(end=OutcomeEnd.CANCELLED), ClaimVerdict.MISS),
        (ClaimKind.OPENS_BY, outcome(moved_ms=(before(60),)), ClaimVerdict.CENSORED),
        (ClaimKind.OPENS_BY, outcome(moved_ms=(before(2 * HOUR),)), ClaimVerdict.HIT),
        (ClaimKind.OPENS_BY, outcome(end=OutcomeEnd.NEVER_API), ClaimVerdict.CENSORED),
        (ClaimKind.OPENS_BY, outcome(end=OutcomeEnd.UNKNOWN), ClaimVerdict.CENSORED),
        (ClaimKind.PROFITS, outcome(gain=0.01), ClaimVerdict.HIT),
        (ClaimKind.PROFITS, outcome(gain=0.0), ClaimVerdict.MISS),
        (ClaimKind.PROFITS, outcome(gain=None), ClaimVerdict.CENSORED),
        (ClaimKind.GOES_WRONG, outcome(end=OutcomeEnd.CANCELLED), ClaimVerdict.HIT),
        (ClaimKind.GOES_WRONG, outcome(end=OutcomeEnd.NEVER_API), ClaimVerdict.HIT),
        (ClaimKind.GOES_WRONG, outcome(late_s=901, gain=1.0), ClaimVerdict.HIT),
        (ClaimKind.GOES_WRONG, outcome(gain=-0.1), ClaimVerdict.HIT),
        (ClaimKind.GOES_WRONG, outcome(gain=0.1), ClaimVerdict.MISS),
        (ClaimKind.GOES_WRONG, outcome(gain=None), ClaimVerdict.CENSORED),
        (ClaimKind.OPENS_TOGETHER, outcome(cluster_size=3), ClaimVerdict.HIT),
        (ClaimKind.OPENS_TOGETHER, outcome(), ClaimVerdict.MISS),
        (ClaimKind.OPENS_TOGETHER, outcome(end=OutcomeEnd.UNKNOWN), ClaimVerdict.CENSORED),
    ],
)
def test_a_claim_is_judged_against_the_outcome(
    kind: ClaimKind, expected: ListingOutcome, verdict: ClaimVerdict
) -> None:
    assert judge(signal(kind=kind), expected) is verdict


def test_success_rates_are_counted_from_outcomes_and_have_no_default() -> None:
    signals = [signal(str(n)) for n in range(30)]
    none = score(DetectorName.READY_STATE, signals, {})
    assert (none.precision.value, none.brier, none.lead.median_ms, none.waiting) == (None, None, None, 30)
    good = {str(n): outcome(str(n)) for n in range(30)}
    bad = {str(n): outcome(str(n), OutcomeEnd.CANCELLED) for n in range(30)}
    assert score(DetectorName.READY_STATE, signals, good).precision.value == 1.0
    assert score(DetectorName.READY_STATE, signals, bad).precision.value == 0.0


def test_the_base_rate_includes_listings_without_a_signal() -> None:
    outcomes = [outcome(str(n), gain=0.1 if n < 3 else -0.1) for n in range(10)]
    assert base_tally(ClaimKind.PROFITS, outcomes) == (10, 3)


def test_a_scorecard_counts_censored_and_missed_cases() -> None:
    outcomes = {
        "hit": outcome("hit"),
        "late": outcome("late", late_s=1_000),
        "gone": outcome("gone", OutcomeEnd.CANCELLED),
        "never": outcome("never", OutcomeEnd.NEVER_API),
        "unseen": outcome("unseen"),
    }
    card = score(
        DetectorName.READY_STATE,
        [signal(name) for name in ("hit", "late", "gone", "never", "open")],
        outcomes,
    )
    assert (card.precision.hits, card.precision.n) == (1, 3)
    assert (card.recall.hits, card.recall.n) == (2, 3)
    assert (card.base.hits, card.base.n) == (2, 4)
    assert (card.censored, card.waiting) == (1, 1)
    assert (card.lead.n, card.lead.median_ms) == (2, (HOUR + 500) * 1_000)
    assert card.verdict == "only 3 of 20 listings"


def test_a_constant_base_rate_has_no_skill_and_correct_forecasts_have() -> None:
    outcomes = {
        str(n): outcome(str(n), OutcomeEnd.OPENED if n % 2 else OutcomeEnd.CANCELLED) for n in range(40)
    }
    constant = score(DetectorName.READY_STATE, [signal(str(n), p=0.5) for n in range(40)], outcomes)
    accurate = score(
        DetectorName.READY_STATE, [signal(str(n), p=0.9 if n % 2 else 0.1) for n in range(40)], outcomes
    )
    assert (constant.brier_skill, constant.verdict) == (0.0, "not better than the base rate")
    assert accurate.brier is not None
    assert accurate.brier_skill is not None
    assert abs(accurate.brier - 0.01) < 1e-12
    assert abs(accurate.brier_skill - 0.96) < 1e-12
    assert accurate.verdict == "better than the base rate"


def test_a_detector_that_signals_only_openings_beats_the_rate_of_all_listings() -> None:
    outcomes = {
        str(n): outcome(str(n), OutcomeEnd.OPENED if n < 36 else OutcomeEnd.CANCELLED) for n in range(80)
    }
    signals = [signal(str(n), p=0.9) for n in range(40)]
    card = score(DetectorName.READY_STATE, signals, outcomes)
    only_signalled = score(DetectorName.READY_STATE, signals, {n: outcomes[n] for n in map(str, range(40))})
    assert (card.base.hits, card.base.n) == (36, 80)
    assert card.brier_skill is not None
    assert abs(card.brier_skill - (1 - 0.09 / (0.9 * 0.55**2 + 0.1 * 0.45**2))) < 1e-12
    assert card.verdict == "better than the base rate"
    assert only_signalled.verdict == "not better than the base rate"


def test_recall_counts_openings_signalled_late_or_not_at_all() -> None:
    outcomes = {name: outcome(name) for name in ("ahead", "at", "after", "unseen")}
    outcomes["late"] = outcome("late", late_s=5_000)
    outcomes["gone"] = outcome("gone", OutcomeEnd.CANCELLED)
    known_late = msgspec.structs.replace(outcome("old"), first_seen_ms=before(-1))
    signals = [
        signal("ahead", seconds=1), signal("at", seconds=0), signal("after", seconds=-1),
        signal("late", seconds=60), signal("gone"), signal("old", seconds=-2),
    ]  # fmt: skip
    card = score(DetectorName.READY_STATE, signals, {**outcomes, "old": known_late})
    assert (card.recall.hits, card.recall.n) == (2, 5)


@pytest.mark.parametrize(
    ("detector", "seconds", "hits"),
    [
        (DetectorName.OPENING, -0.5, 1),
        (DetectorName.OPENING, -0.6, 0),
        (DetectorName.RISK_WARNING, 1, 1),
        (DetectorName.RISK_WARNING, -1, 0),
        (DetectorName.LAUNCH_SEQUENCE, -0.1, 0),
    ],
)
def test_a_signal_is_in_time_while_action_is_still_possible(
    detector: DetectorName, seconds: float, hits: int
) -> None:
    expected = outcome(gain=-0.1 if detector is DetectorName.RISK_WARNING else 0.1)
    card = score(detector, [signal(seconds=seconds, kind=detector.claim, detector=detector)], {"A": expected})
    assert (card.recall.hits, card.recall.n) == (hits, 1)


def test_a_warning_about_a_listing_that_never_opened_is_in_time() -> None:
    card = score(
        DetectorName.RISK_WARNING,
        [signal(kind=ClaimKind.GOES_WRONG, detector=DetectorName.RISK_WARNING)],
        {"A": outcome(end=OutcomeEnd.CANCELLED), "B": outcome("B", OutcomeEnd.NEVER_API)},
    )
    assert (card.recall.hits, card.recall.n) == (1, 2)


def test_a_signal_about_a_cluster_counts_for_each_of_its_members() -> None:
    raised = signal("A", kind=ClaimKind.OPENS_TOGETHER, detector=DetectorName.CLUSTER)
    outcomes = {name: outcome(name, cluster_size=3) for name in "ABC"}
    card = score(DetectorName.CLUSTER, [msgspec.structs.replace(raised, state="A B C")], outcomes)
    assert (card.recall.hits, card.recall.n) == (3, 3)
    assert (card.precision.hits, card.precision.n) == (1, 1)


def test_a_detector_without_a_signal_misses_every_opening() -> None:
    card = score(DetectorName.PRE_READY, [], {str(n): outcome(str(n)) for n in range(25)})
    assert (card.recall.hits, card.recall.n) == (0, 25)


def test_without_varying_outcomes_nothing_can_be_compared() -> None:
    outcomes = {str(n): outcome(str(n)) for n in range(25)}
    card = score(DetectorName.READY_STATE, [signal(str(n)) for n in range(25)], outcomes)
    assert (card.brier_skill, card.verdict) == (None, "not comparable: all outcomes are equal")


@pytest.mark.parametrize(("n", "shown"), [(99, False), (100, True)])
def test_calibration_needs_a_hundred_cases(n: int, shown: bool) -> None:
    outcomes = {str(number): outcome(str(number)) for number in range(n)}
    card = score(DetectorName.READY_STATE, [signal(str(number)) for number in range(n)], outcomes)
    assert (card.calibration_error is not None) is shown


def test_lead_times_include_late_signals() -> None:
    leads = lead_times([-1_000, 0, 1_000, 2_000, 3_000])
    assert (leads.median_ms, leads.p10_ms, leads.p90_ms, leads.share_ahead) == (1_000, -600, 2_600, 0.6)


def test_wilson_intervals_match_published_values() -> None:
    # Newcombe 1998, example of 81 of 263 (0.2553 to 0.3662), and 0 of 20 by hand: z²/(n + z²).
    rate = wilson(81, 263)
    assert rate.low is not None
    assert rate.high is not None
    assert (round(rate.low, 4), round(rate.high, 4)) == (0.2553, 0.3662)
    none = wilson(0, 20)
    assert none.high is not None
    assert abs(none.high - 3.8414588 / 23.8414588) < 1e-6
    assert str(wilson(3, 4)) == "3 of 4 (too few for a rate)"
