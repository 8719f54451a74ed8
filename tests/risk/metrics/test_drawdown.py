"""Drawdowns by hand and against the quadratic definition."""

import math
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.risk.metrics.drawdown import Moment, day_change, live_drawdown, max_drawdown, ulcer_index
from tests.support.rounding import near


def path(*levels: int) -> list[Moment]:
    """Return one moment a second."""
    return [Moment(place * 1000, D(level)) for place, level in enumerate(levels)]


paths = st.lists(st.integers(0, 1000), min_size=2, max_size=40).map(lambda levels: path(*levels))


def test_live_drawdown_is_measured_from_the_stored_peak() -> None:
    live = live_drawdown(D(900), D(1200))
    assert (live.share.value, live.amount, live.peak) == (0.25, 300, 1200)


def test_a_new_high_becomes_the_peak_to_be_stored() -> None:
    live = live_drawdown(D(1300), D(1200))
    assert (live.share.value, live.amount, live.peak) == (0, 0, 1300)


def test_without_equity_there_is_no_drawdown_to_tell() -> None:
    assert str(live_drawdown(D(0), D(0)).share) == "n/a (no equity)"
    assert live_drawdown(D(0), D(100)).share.value == 1


def test_the_deepest_fall_is_told_with_its_story() -> None:
    found = max_drawdown(path(100, 120, 90, 110, 60, 119, 120, 130, 125))
    assert found.share.value == 0.5
    assert found.amount == 60
    assert (found.start_ms, found.trough_ms, found.recovered_ms) == (1000, 4000, 6000)
    assert found.recovery_ms == 2000
    assert found.longest_under_water_ms == 5000


def test_a_fall_that_is_not_over_has_no_recovery() -> None:
    found = max_drawdown(path(100, 50, 80, 99))
    assert (found.recovered_ms, found.recovery_ms) == (None, None)
    assert found.longest_under_water_ms == 3000


def test_the_longest_time_under_water_may_be_another_fall() -> None:
    found = max_drawdown(path(100, 99, 99, 99, 99, 100, 50, 100))
    assert (found.share.value, found.start_ms, found.trough_ms) == (0.5, 5000, 6000)
    assert found.longest_under_water_ms == 5000


def test_the_deepest_share_is_not_always_the_largest_amount() -> None:
    found = max_drawdown(path(10, 5, 10, 1000, 900))
    assert (found.share.value, found.amount) == (0.5, 5)


def test_what_only_rises_was_never_under_water() -> None:
    found = max_drawdown(path(1, 2, 2, 3))
    assert (found.share.value, found.amount, found.start_ms) == (0, 0, None)
    assert found.longest_under_water_ms == 0
    assert ulcer_index(path(1, 2, 2, 3)).value == 0


def test_points_of_one_millisecond_may_fall_and_recover() -> None:
    found = max_drawdown([Moment(5, D(10)), Moment(5, D(8)), Moment(5, D(10))])
    assert (found.share.value, found.recovered_ms) == (0.2, 5)


def test_one_point_is_no_path() -> None:
    assert str(max_drawdown(path(5)).share) == "not enough data (1 of 2)"
    assert str(ulcer_index([])) == "not enough data (0 of 2)"


def test_ulcer_index_by_hand() -> None:
    # Drawdowns 0, 10 %, 20 %, 0.
    assert ulcer_index(path(100, 90, 80, 100)).value == near(math.sqrt((0.01 + 0.04) / 4))


def quadratic(moments: list[Moment]) -> float:
    """Return the largest relative fall over all pairs of moments."""
    levels = [float(one.equity) for one in moments]
    falls = [
        1 - later / earlier for place, earlier in enumerate(levels) for later in levels[place:] if earlier > 0
    ]
    return max(falls, default=0.0)


@given(paths)
def test_max_drawdown_is_the_largest_fall_of_all_pairs(moments: list[Moment]) -> None:
    found = max_drawdown(moments)
    assert found.share.value == near(quadratic(moments), abs=1e-12)
    assert found.share.value is not None
    assert 0 <= found.share.value <= 1
    ulcer = ulcer_index(moments).value
    assert ulcer is not None
    assert ulcer <= found.share.value + 1e-12
    assert found.longest_under_water_ms <= moments[-1].at_ms - moments[0].at_ms


@given(paths, st.integers(1, 1000))
def test_drawdown_does_not_depend_on_the_currency(moments: list[Moment], factor: int) -> None:
    scaled = [Moment(one.at_ms, one.equity * factor) for one in moments]
    assert max_drawdown(scaled).share.value == near(max_drawdown(moments).share.value, abs=1e-12)
    assert max_drawdown(scaled).longest_under_water_ms == max_drawdown(moments).longest_under_water_ms


def test_the_days_change_leaves_flows_out() -> None:
    assert day_change(D(980), D(1000)).value == near(-0.02)
    assert day_change(D(1480), D(1000), net_flow=D(500)).value == near(-0.02)
    assert str(day_change(D(980), D(0))) == "n/a (no equity at midnight)"
