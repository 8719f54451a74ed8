"""Drawdowns of worked examples and against the quadratic definition."""

import math
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.risk.metrics.drawdown import Moment, max_drawdown, ulcer_index
from tests.support.rounding import near


def path(*levels: int) -> list[Moment]:
    """Return one moment per second."""
    return [Moment(place * 1000, D(level)) for place, level in enumerate(levels)]


paths = st.lists(st.integers(0, 1000), min_size=2, max_size=40).map(lambda levels: path(*levels))


def test_the_deepest_drawdown_counts() -> None:
    found = max_drawdown(path(100, 120, 90, 110, 60, 119, 120, 130, 125))
    assert found.value == 0.5


def test_the_deepest_share_is_not_always_the_largest_amount() -> None:
    found = max_drawdown(path(10, 5, 10, 1000, 900))
    assert found.value == 0.5


def test_a_rising_series_has_no_drawdown() -> None:
    found = max_drawdown(path(1, 2, 2, 3))
    assert found.value == 0
    assert ulcer_index(path(1, 2, 2, 3)).value == 0


def test_a_single_point_has_no_drawdown() -> None:
    assert str(max_drawdown(path(5))) == "not enough data (1 of 2)"
    assert str(ulcer_index([])) == "not enough data (0 of 2)"


def test_ulcer_index_of_a_worked_example() -> None:
    # Drawdowns 0, 10 %, 20 %, 0.
    assert ulcer_index(path(100, 90, 80, 100)).value == near(math.sqrt((0.01 + 0.04) / 4))


def quadratic(moments: list[Moment]) -> float:
    """Return the largest relative fall over all pairs of moments."""
    levels = [float(moment.equity) for moment in moments]
    falls = [
        1 - later / earlier for place, earlier in enumerate(levels) for later in levels[place:] if earlier > 0
    ]
    return max(falls, default=0.0)


@given(paths)
def test_max_drawdown_is_the_largest_fall_of_all_pairs(moments: list[Moment]) -> None:
    found = max_drawdown(moments)
    assert found.value == near(quadratic(moments), abs=1e-12)
    assert found.value is not None
    assert 0 <= found.value <= 1
    ulcer = ulcer_index(moments).value
    assert ulcer is not None
    assert ulcer <= found.value + 1e-12


@given(paths, st.integers(1, 1000))
def test_drawdown_does_not_depend_on_the_currency(moments: list[Moment], factor: int) -> None:
    scaled = [Moment(moment.at_ms, moment.equity * factor) for moment in moments]
    assert max_drawdown(scaled).value == near(max_drawdown(moments).value, abs=1e-12)
