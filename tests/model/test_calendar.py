"""Opening times in observed and other formats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.calendar import EARLIEST_MS, LATEST_MS, is_credible_opening, opening_ms

T0_MS = 1_790_003_600_000


@pytest.mark.parametrize("value", [T0_MS, float(T0_MS), str(T0_MS), f" {T0_MS} "])
def test_an_opening_is_read_from_numbers_and_text(value: object) -> None:
    assert opening_ms(value) == T0_MS


@pytest.mark.parametrize(
    "value", [None, True, "", "soon", {"hour": 10}, [], float("nan"), float("inf"), 1e300, -1, "٣" * 13]
)
def test_anything_else_is_no_opening(value: object) -> None:
    assert opening_ms(value) is None


def test_C5_seconds_instead_of_milliseconds_are_refused() -> None:
    assert opening_ms(T0_MS // 1_000) is None


def test_C5_an_opening_more_than_thirty_days_ahead_is_not_credible() -> None:
    month_ms = 30 * 86_400_000
    assert is_credible_opening(T0_MS, T0_MS - month_ms)
    assert not is_credible_opening(T0_MS, T0_MS - month_ms - 1)


@given(st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.binary()))
def test_no_value_returns_an_absurd_time(value: object) -> None:
    read = opening_ms(value)
    assert read is None or EARLIEST_MS <= read <= LATEST_MS
