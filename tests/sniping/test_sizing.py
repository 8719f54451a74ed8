"""Sizes: every cap only lowers them, and no minimum raises one."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.policy import Sizing
from mexc_tui.sniping.rounding import buy_quantity, cost
from mexc_tui.sniping.sizing import HARD_CAP_QUOTE, SizeFacts, SizeRules, loss_at_stop, size
from tests.support.samples.sniping_samples import GRID, D

RULES = SizeRules(
    sizing=Sizing.FIXED, fixed_quote=D(10), equity_pct=D(1), risk_pct=D("0.5"), cap_quote=D(100), cap_pct=D(5)
)
FACTS = SizeFacts(equity=D(1_000), free_cash=D(1_000), stop_pct=D(10), exit_slippage_pct=D(1), grid=GRID)
money = st.decimals(min_value=0, max_value=10**7, places=4)


def test_fixed_size_is_quote_units_to_spend_and_not_a_quantity() -> None:
    assert size(RULES, FACTS).spend == 10
    assert buy_quantity(D(10), D("0.004"), GRID.taker_fee, grid=GRID) == D("2498.75")


def test_sizing_by_equity_spends_its_share() -> None:
    assert size(replace(RULES, sizing=Sizing.EQUITY), FACTS).spend == 10


def test_sizing_by_risk_loses_exactly_the_risk_at_the_stop_with_exit_costs() -> None:
    sized = size(replace(RULES, sizing=Sizing.RISK), FACTS)
    bought = sized.spend / (1 + GRID.taker_fee)
    back = bought * D("0.9") * D("0.99") * (1 - GRID.taker_fee)
    assert abs(sized.spend - back - 5) < D("1e-20")


def test_size_below_the_minimum_is_refused_and_never_raised_above_its_own_risk() -> None:
    sized = size(replace(RULES, sizing=Sizing.RISK, risk_pct=D("0.01")), FACTS)
    assert sized.spend == 0
    assert "minimum notional" in sized.refused


def test_size_whose_stop_would_leave_unsellable_dust_is_refused() -> None:
    sized = size(replace(RULES, fixed_quote=D("1.05")), FACTS)
    assert "below the minimum notional" in sized.refused


def test_the_hard_cap_applies_whatever_the_settings() -> None:
    wild = replace(RULES, fixed_quote=D(10**9), cap_quote=D(10**9), cap_pct=D(10**9))
    rich = replace(FACTS, equity=D(10**9), free_cash=D(10**9))
    sized = size(wild, rich)
    assert sized.spend == HARD_CAP_QUOTE
    assert "hard cap" in sized.limited_by


def test_unknown_equity_refuses_dependent_sizes() -> None:
    sized = size(replace(RULES, sizing=Sizing.EQUITY), replace(FACTS, equity=None))
    assert (sized.spend, "unknown" in sized.refused) == (0, True)


@given(st.sampled_from(Sizing), money, money, money, money)
def test_no_size_exceeds_any_cap(
    kind: Sizing, fixed: Decimal, cap: Decimal, equity: Decimal, cash: Decimal
) -> None:
    rules = replace(RULES, sizing=kind, fixed_quote=fixed, cap_quote=cap)
    known = replace(FACTS, equity=equity, free_cash=cash)
    sized = size(rules, known)
    assert sized.spend <= min(cap, cash, equity * 5 / 100, HARD_CAP_QUOTE)
    assert sized.spend <= sized.wanted
    if kind is Sizing.RISK:
        assert sized.spend * loss_at_stop(known) <= equity * D("0.005") + D("1e-15")


@given(
    st.decimals(min_value="0.01", max_value=10_000, places=6),
    st.decimals(min_value="0.00001", max_value=100_000, places=5),
)
def test_a_quantity_never_costs_more_than_its_spend(spend: Decimal, price: Decimal) -> None:
    quantity = buy_quantity(spend, price, GRID.taker_fee, grid=GRID)
    assert quantity >= 0
    assert cost(quantity, price, GRID.taker_fee) <= spend
    assert quantity % GRID.quantity_step == 0
