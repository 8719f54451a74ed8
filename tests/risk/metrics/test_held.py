"""VaR of holdings from the prices of past minutes."""

from decimal import Decimal as D

from mexc_tui.model.position import EquityPoint, HeldPrice
from mexc_tui.risk.metrics.held import MINUTE_MS, holdings_tail, minute_returns
from mexc_tui.risk.metrics.value_at_risk import ConfidenceLevel


def point(minute: float, **prices: str) -> EquityPoint:
    held = tuple(HeldPrice(symbol, D(bid)) for symbol, bid in prices.items())
    return EquityPoint(at_ms=int(minute * MINUTE_MS), cash=D(0), holdings=D(0), prices=held)


def test_a_return_is_measured_between_the_last_bids_of_two_consecutive_minutes() -> None:
    points = [point(1, A="1"), point(1.5, A="2"), point(2, A="3"), point(3, B="9"), point(4, A="6"),
              point(5, A="3")]  # fmt: skip
    assert minute_returns(points, "A") == {2: 0.5, 5: -0.5}
    assert minute_returns(points, "C") == {}


def test_a_coin_with_fewer_than_200_minutes_leaves_the_figure_without_a_value() -> None:
    points = [point(minute, A="1", B="1" if minute > 100 else "0") for minute in range(300)]
    tail, _ = holdings_tail({"A": D(10), "B": D(10)}, points, ConfidenceLevel.P95)
    assert (tail.value, tail.n, tail.text) == (None, 198, "not enough data (198 of 200 minutes of B)")


def test_only_minutes_with_prices_of_all_coins_count() -> None:
    both = [point(minute, A=str(100 + minute % 2), B=str(101 - minute % 2)) for minute in range(210)]
    loss, worse = holdings_tail({"A": D(100), "B": D(100)}, both, ConfidenceLevel.P95)
    alone, _ = holdings_tail({"A": D(100)}, both, ConfidenceLevel.P95)
    assert loss.n == 209
    assert loss.value is not None
    assert worse.value is not None
    assert alone.value is not None
    assert loss.value < 0.02  # gains and losses of the two offset each other
    assert abs(alone.value - 100 / 101) < 1e-9


def test_without_holdings_there_is_no_value_at_risk() -> None:
    loss, worse = holdings_tail({}, [], ConfidenceLevel.P99)
    assert (loss.value, worse.value, loss.text) == (None, None, "n/a (nothing held)")
