"""Calibration and the components of the Brier score, checked against their definitions."""

from collections.abc import Sequence
from random import Random
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.detection.forecasts import Forecast, calibration_error, murphy

VALUES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.55, 0.9, 1.0])
FORECASTS = st.lists(st.tuples(VALUES, st.booleans()), min_size=1, max_size=60)


@given(FORECASTS)
def test_the_components_add_up_to_the_brier_score(forecasts: Sequence[Forecast]) -> None:
    parts = murphy(forecasts)
    assert parts is not None
    brier = fmean((value - hit) ** 2 for value, hit in forecasts)
    assert abs(parts.reliability - parts.resolution + parts.uncertainty - brier) < 1e-12


@given(FORECASTS)
def test_the_error_is_between_those_of_one_bin_and_of_one_bin_per_value(
    forecasts: Sequence[Forecast],
) -> None:
    n = len(forecasts)
    one_bin = abs(sum(value - hit for value, hit in forecasts)) / n
    each = [[v - hit for v, hit in forecasts if v == value] for value in {v for v, _ in forecasts}]
    found = calibration_error(forecasts)
    assert found is not None
    assert one_bin - 1e-12 <= found <= sum(abs(sum(gaps)) for gaps in each) / n + 1e-12


@given(FORECASTS, st.randoms())
def test_the_order_of_cases_does_not_matter(forecasts: list[Forecast], random: Random) -> None:
    before = calibration_error(forecasts)
    random.shuffle(forecasts)
    assert calibration_error(forecasts) == before


def test_bins_hold_about_equal_numbers_of_cases() -> None:
    low = [(0.1, False)] * 9 + [(0.1, True)]
    high = [(0.8, True)] * 5 + [(0.8, False)] * 5
    assert abs((calibration_error(low + high) or 0) - 0.15) < 1e-12


def test_correct_forecasts_are_perfect_and_inverted_ones_are_not() -> None:
    assert calibration_error([(1.0, True), (0.0, False)]) == 0
    assert calibration_error([(1.0, False), (0.0, True)]) == 1


def test_forecasting_the_base_rate_is_calibrated_and_without_resolution() -> None:
    parts = murphy([(0.5, True), (0.5, False)])
    assert parts is not None
    assert (parts.reliability, parts.resolution, parts.uncertainty) == (0, 0, 0.25)


def test_without_a_case_there_is_no_figure() -> None:
    assert (calibration_error([]), murphy([])) == (None, None)
