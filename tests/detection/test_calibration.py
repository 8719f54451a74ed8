"""Probabilities from outcomes, shrunk to the base rate, with n and interval; missing history is stated."""

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.detection.calibration import CalibrationHistory, CaseKey, Tally, shrunk
from mexc_tui.model.signal import ClaimKind, DetectorName
from tests.support.samples.detection_samples import DetectionBench
from tests.support.samples.listing_sources import before, row, web

READY = CaseKey(DetectorName.READY_STATE, 1, "web only")


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    """Draw a tally of cases."""
    n = draw(st.integers(0, 500))
    return Tally(n, draw(st.integers(0, n)))


def ready_with(history: CalibrationHistory | None) -> str:
    """Return the confidence of the ready state with this history, as text."""
    desk = DetectionBench(history=history)
    desk.knowledge.read_web_symbols(web(row((2, 2, 4))), before(900))
    desk.run_pass(899)
    return str(desk.raised(DetectorName.READY_STATE)[0].probability)


def test_confidence_follows_the_recorded_outcomes() -> None:
    base = {ClaimKind.OPENS_BY: Tally(200, 100)}
    assert ready_with(CalibrationHistory({READY: Tally(60, 54)}, base)) == "80% (71%–88%), n 60"
    assert ready_with(CalibrationHistory({READY: Tally(60, 3)}, base)) == "16% (9%–25%), n 60"


def test_missing_history_is_stated() -> None:
    assert ready_with(None) == "no history (95 % interval 3%–97%)"


def test_a_case_without_history_uses_the_base_rate_and_states_it() -> None:
    history = CalibrationHistory({}, {ClaimKind.OPENS_BY: Tally(98, 79)})
    assert ready_with(history) == "80% (60%–94%), n 0 for this case; base rate of 98 cases"


def test_few_cases_are_reported_as_too_few() -> None:
    history = CalibrationHistory({READY: Tally(7, 7)}, {ClaimKind.OPENS_BY: Tally(10, 8)})
    assert ready_with(history).endswith("n 7, small sample")


def test_a_new_version_of_a_detector_starts_without_history() -> None:
    history = CalibrationHistory(
        {READY._replace(version=0): Tally(500, 500)}, {ClaimKind.OPENS_BY: Tally(98, 49)}
    )
    assert history.probability(*READY, claim=ClaimKind.OPENS_BY, kappa=20).n == 0


def test_the_formula_of_a_worked_example() -> None:
    # m = (30 + 1) / (58 + 2), weight 20: (9 + 20 * 31 / 60) / (10 + 20)
    known = shrunk(Tally(10, 9), Tally(58, 30), 20)
    assert abs(known.value - (9 + 20 * 31 / 60) / 30) < 1e-12
    # Nothing but 3 hits of 3: uniform before, Beta(4, 1) after; its quantiles are fourth roots.
    alone = shrunk(Tally(3, 3), Tally(), 20)
    assert abs(alone.value - 0.8) < 1e-12
    assert abs(alone.low - 0.025**0.25) < 1e-9
    assert abs(alone.high - 0.975**0.25) < 1e-9


@given(tallies(), tallies(), st.floats(1, 100))
def test_the_probability_is_between_prior_and_rate_and_within_its_interval(
    case: Tally, base: Tally, kappa: float
) -> None:
    known = shrunk(case, base, kappa)
    mean = (base.hits + 1) / (base.n + 2)
    rate = case.hits / case.n if case.n else mean
    assert min(mean, rate) - 1e-9 <= known.value <= max(mean, rate) + 1e-9
    assert 0 <= known.low <= known.high <= 1


@given(tallies())
def test_more_cases_of_the_same_rate_narrow_the_interval(case: Tally) -> None:
    base = Tally(10, 5)
    some = shrunk(Tally(case.n + 1, case.hits), base, 20)
    many = shrunk(Tally((case.n + 1) * 8, case.hits * 8), base, 20)
    assert many.high - many.low < some.high - some.low + 0.05
