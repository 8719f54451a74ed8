"""Statistics of closed trades: worked examples and invariants."""

import math
from dataclasses import replace
from decimal import Decimal as D
from random import Random
from statistics import fmean, stdev

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.model.figure import Figure
from mexc_tui.model.position import Position, PositionState
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.risk.metrics.trades import (
    ClosedTrade,
    bootstrap_interval,
    excursions,
    expectancy,
    expectancy_r,
    fee_drag,
    holding_time,
    kelly,
    payoff_ratio,
    profit_factor,
    sqn,
    time_in_market,
    trade_of,
    turnover,
    win_rate,
)
from tests.support.rounding import near

PLAIN = ClosedTrade(
    profit=D(0),
    fees=D(1),
    notional=D(200),
    planned_risk=D(10),
    entry=D(100),
    lowest=D(95),
    highest=D(120),
    opened_ms=0,
    closed_ms=1000,
)


def trades(*profits: float) -> list[ClosedTrade]:
    return [replace(PLAIN, profit=D(str(profit))) for profit in profits]


results = st.lists(st.integers(-100, 100), min_size=50, max_size=120).map(lambda found: trades(*found))


def number(figure: Figure) -> float:
    assert figure.value is not None, str(figure)
    return figure.value


def closed(**changes: object) -> Position:
    plain = Position(
        id="p1",
        symbol="ABCUSDT",
        base_asset="ABC",
        quote_asset="USDT",
        state=PositionState.CLOSED,
        snipe_id="s1",
        signal_id="g1",
        config_hash="c1",
        plan=ExitPlan(stop_loss_pct=D(10)),
        opened_ms=1000,
        closed_ms=61_000,
        bought_quantity=D(10),
        bought_value=D(100),
        sold_quantity=D(10),
        sold_value=D(120),
        fees=D("0.5"),
        realised=D("19.5"),
        initial_stop=D(9),
        high_price=D(13),
        low_price=D("9.5"),
    )
    return msgspec.structs.replace(plain, **changes)


def test_a_closed_position_is_a_trade() -> None:
    trade = trade_of(closed())
    assert trade is not None
    assert (trade.profit, trade.notional, trade.entry) == (D("19.5"), 220, 10)
    # 10 units to a stop 1 below the entry, plus costs.
    assert trade.planned_risk == D("10.5")
    assert trade.multiple == near(19.5 / 10.5)


def test_a_sale_beyond_every_observed_price_extends_the_excursion() -> None:
    above = trade_of(closed(high_price=D(10), sold_value=D(120)))
    below = trade_of(closed(low_price=D(10), sold_value=D(85)))
    unknown = trade_of(closed(high_price=D(0), low_price=D(0)))
    assert above is not None
    assert below is not None
    assert unknown is not None
    assert (above.highest, below.lowest) == (12, D("8.5"))
    assert (unknown.highest, unknown.lowest) == (0, 0)


def test_an_open_or_empty_position_is_not_a_trade() -> None:
    assert trade_of(closed(state=PositionState.OPEN)) is None
    assert trade_of(closed(closed_ms=None)) is None
    assert trade_of(closed(bought_quantity=D(0))) is None


def test_a_trade_without_a_stop_has_no_planned_risk() -> None:
    for stop in (D(0), D(11)):
        trade = trade_of(closed(initial_stop=stop))
        assert trade is not None
        assert trade.multiple is None


def test_breaking_even_is_not_a_win() -> None:
    found = win_rate(trades(*[5] * 12, *[0] * 4, *[-5] * 8))
    assert (found.value, found.n) == (0.5, 24)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.5 < found.high
    assert win_rate(trades(*[5] * 20)).value == 1
    assert str(win_rate(trades(*[5] * 19))) == "not enough data (19 of 20)"


def test_the_profit_factor_of_a_worked_example() -> None:
    assert number(profit_factor(trades(*[30] * 10, *[-20] * 10, 0))) == near(1.5)
    assert number(profit_factor(trades(*[-20] * 20))) == 0


@pytest.mark.parametrize("profits", [[5], [5] * 30, [0, 5]])
def test_profit_without_loss_has_no_factor_and_states_the_reason(profits: list[int]) -> None:
    assert str(profit_factor(trades(*profits))) == "n/a (no losses yet)"
    assert str(payoff_ratio(trades(*profits))) == "n/a (no losses yet)"


def test_the_profit_factor_needs_twenty_trades() -> None:
    assert str(profit_factor(trades(5, -1))) == "not enough data (2 of 20)"
    assert str(profit_factor([])) == "not enough data (0 of 20)"


def test_payoff_is_mean_win_over_mean_loss() -> None:
    assert number(payoff_ratio(trades(*[30] * 5, *[-20] * 15))) == near(1.5)


@given(results)
def test_the_profit_factor_is_the_payoff_times_the_odds(found: list[ClosedTrade]) -> None:
    wins, losses = sum(item.profit > 0 for item in found), sum(item.profit < 0 for item in found)
    if wins and losses:
        odds = number(payoff_ratio(found)) * wins / losses
        assert number(profit_factor(found)) == near(odds)


@settings(max_examples=20)
@given(results, st.integers(0, 2**32))
def test_expectancy_combines_rates_and_means_and_is_within_its_interval(
    found: list[ClosedTrade], seed: int
) -> None:
    wins = [float(item.profit) for item in found if item.profit > 0]
    losses = [float(item.profit) for item in found if item.profit < 0]
    figure = expectancy(found, Random(seed), resamples=400)
    assert figure.value == near((sum(wins) + sum(losses)) / len(found), abs=1e-9)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low - 1e-9 <= number(figure) <= figure.high + 1e-9


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [float(item) for item in range(40)]
    assert bootstrap_interval(values, Random(7)) == bootstrap_interval(values, Random(7))
    assert bootstrap_interval(values, Random(7)) != bootstrap_interval(values, Random(8))


def test_the_bootstrap_agrees_with_the_normal_interval_of_a_mean() -> None:
    random = Random(3)
    values = [random.gauss(5, 20) for _ in range(100)]
    low, high = bootstrap_interval(values, Random(1))
    half = 1.96 * stdev(values) / math.sqrt(100)
    assert (low, high) == near((fmean(values) - half, fmean(values) + half), abs=0.05 * half)


def test_the_bootstrap_of_a_coin_toss_agrees_with_the_binomial() -> None:
    # 20 losses and 20 wins of 1: the mean of 40 is 2 B/40 - 1, B's 2.5 % quantile is 14.
    low, high = bootstrap_interval([-1.0, 1.0] * 20, Random(1))
    assert (low, high) == near((-0.3, 0.3), abs=1e-9)


def test_expectancy_in_r_excludes_trades_without_planned_risk() -> None:
    planned, unplanned = trades(*[20] * 15, *[-10] * 15), [replace(PLAIN, planned_risk=D(0))] * 10
    found = expectancy_r([*planned, *unplanned], Random(1), resamples=200)
    assert (found.value, found.n) == (near(0.5), 30)
    assert str(expectancy_r(unplanned, Random(1))) == "not enough data (0 of 20)"


def test_sqn_of_a_worked_example() -> None:
    # R: 15 times 2, 15 times -1; mean 0.5, 30 deviations of 1.5 over 29.
    found = trades(*[20] * 15, *[-10] * 15)
    assert number(sqn(found)) == near(math.sqrt(30) * 0.5 / math.sqrt(30 * 2.25 / 29))
    assert str(sqn(found[:29])) == "not enough data (29 of 30)"
    assert str(sqn(trades(*[10] * 30))) == "n/a (no variation)"


def test_sqn_is_capped_at_a_hundred_trades() -> None:
    hundred, thousand = trades(*[20, -10] * 50), trades(*[20, -10] * 500)
    assert number(sqn(thousand)) == near(number(sqn(hundred)), rel=0.01)


def test_kelly_uses_the_lower_bound_and_applies_a_quarter() -> None:
    # 60 of 100 won: Wilson's lower bound 0.5020; payoff 2.
    found = kelly(trades(*[20] * 60, *[-10] * 40))
    assert number(found.full) == near(0.5020 - 0.4980 / 2, abs=1e-4)
    assert number(found.applied) == near(number(found.full) / 4)


def test_kelly_stakes_nothing_on_a_losing_record() -> None:
    found = kelly(trades(*[10] * 20, *[-10] * 40))
    assert number(found.full) < 0
    assert number(found.applied) == 0


def test_kelly_needs_fifty_trades_with_wins_and_losses() -> None:
    assert str(kelly(trades(*[20] * 30, *[-10] * 19)).applied) == "not enough data (49 of 50)"
    assert str(kelly(trades(*[20] * 50)).full) == "n/a (no losses yet)"
    assert str(kelly(trades(*[-20] * 50)).full) == "n/a (no wins yet)"


@given(results)
def test_the_applied_kelly_fraction_is_between_zero_and_a_quarter(found: list[ClosedTrade]) -> None:
    applied = kelly(found).applied.value
    assert applied is None or 0 <= applied <= 0.25


def test_excursions_are_shares_of_the_entry_price() -> None:
    other = replace(PLAIN, lowest=D(99), highest=D(140))
    unknown = replace(PLAIN, highest=D(0))
    found = excursions([PLAIN, other, unknown])
    assert (found.adverse.value, found.favourable.value) == (near(-0.03), near(0.3))
    assert found.adverse.n == 2
    assert excursions([]).adverse.value is None


def test_a_trade_that_only_rose_has_no_adverse_excursion() -> None:
    assert excursions([replace(PLAIN, lowest=D(101))]).adverse.value == 0
    assert excursions([replace(PLAIN, highest=D(99))]).favourable.value == 0


def span(opened_ms: int, closed_ms: int) -> ClosedTrade:
    return replace(PLAIN, opened_ms=opened_ms, closed_ms=closed_ms)


def test_holding_time_is_the_median() -> None:
    assert holding_time([span(0, 10), span(0, 30), span(5, 1005)]).value == 30
    assert holding_time([]).value is None


def test_time_in_market_counts_overlaps_once_and_stays_within_its_window() -> None:
    found = [(0, 30), (20, 50), (22, 25), (90, 300), (300, 400), (-50, -10)]
    assert time_in_market(found, 10, 110).value == near((50 - 10 + 110 - 90) / 100)
    assert time_in_market([], 0, 100).value == 0
    assert time_in_market(found, 5, 5).value is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=12))
def test_time_in_market_is_the_count_of_covered_milliseconds(spans: list[tuple[int, int]]) -> None:
    found = [(start, start + length) for start, length in spans]
    covered = {ms for start, length in spans for ms in range(start, start + length) if ms < 60}
    assert time_in_market(found, 0, 60).value == near(len(covered) / 60)


def test_turnover_and_fee_drag_of_a_worked_example() -> None:
    found = trades(9, -11)
    assert turnover(found, D(1000)).value == 0.4
    # Before fees: +10 and -10.
    assert fee_drag(found).value == 0.1
    assert turnover(found, D(0)).value is None
    assert str(fee_drag([])) == "n/a (nothing gained or lost before fees)"
