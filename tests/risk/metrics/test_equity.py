"""Returns from stored equity, adjusted for flows."""

from decimal import Decimal as D

from mexc_tui.model.position import EquityPoint
from mexc_tui.risk.metrics.equity import DAY_MS, daily, index_of, period_returns
from tests.support.rounding import near


def point(day: float, equity: str, flows: str = "0", *, is_complete: bool = True) -> EquityPoint:
    return EquityPoint(
        at_ms=int(day * DAY_MS), cash=D(equity), holdings=D(0), flows=D(flows), is_complete=is_complete
    )


def test_the_value_of_a_day_is_its_last_complete_point() -> None:
    late_but_unpriced = point(0.9, "1", is_complete=False)
    points = [point(0.0, "100"), point(0.5, "105"), late_but_unpriced, point(1.2, "110")]
    assert [day.equity for day in daily(points)] == [105, 110]


def test_days_without_a_point_count_as_unchanged() -> None:
    points = daily([point(20.5, "100"), point(23.5, "110")])
    assert period_returns(points) == near([0, 0, 0.1])


def test_no_points_give_no_days() -> None:
    assert daily([]) == ()
    assert period_returns([]) == ()


def test_deposits_are_no_gains_and_withdrawals_no_losses() -> None:
    # (250 - 100) / 100 - 1 = 50 %; (130 + 120) / 250 - 1 = 0.
    points = [point(0, "100"), point(1, "250", "100"), point(2, "130", "-20")]
    assert period_returns(points) == near([0.5, 0.0])


def test_a_period_that_starts_at_zero_has_no_return() -> None:
    assert period_returns([point(0, "0"), point(1, "100", "100"), point(2, "110", "100")]) == near([0.1])


def test_the_index_is_the_growth_of_one() -> None:
    assert index_of([0.1, -0.5, 1.0]) == near([1.0, 1.1, 0.55, 1.1])
    assert index_of([]) == (1.0,)
