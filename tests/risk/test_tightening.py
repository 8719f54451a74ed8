"""Entry limits lowered step by step by warnings, until they expire or the user restores them."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.trading import Tightening
from mexc_tui.risk.candidate import RiskLimits
from mexc_tui.risk.tightening import (
    MAX_STEPS,
    NOT_TIGHTENED,
    TighteningRules,
    in_force,
    tighten,
    tightened,
)

D = Decimal
RULES = TighteningRules(step_pct=D(50), lasts_ms=1_000)
LIMITS = RiskLimits(max_positions=3, position_cap_quote=D(100), position_cap_pct=D(5), exposure_cap_pct=D(20))


def after(*at_ms: int) -> Tightening:
    now = NOT_TIGHTENED
    for moment in at_ms:
        now = tighten(now, RULES, "daily loss", by="risk monitor", at_ms=moment)
    return now


def test_one_warning_lowers_each_entry_limit_by_one_step() -> None:
    now = tightened(LIMITS, after(0), RULES)
    assert (now.position_cap_quote, now.position_cap_pct, now.exposure_cap_pct) == (D(50), D("2.5"), D(10))
    assert (now.max_positions, now.max_trades_hour, now.max_trades_day) == (1, 2, 5)


def test_limits_that_halt_are_never_lowered() -> None:
    now = tightened(LIMITS, after(0, 1, 2), RULES)
    assert (now.daily_loss_pct, now.drawdown_pct) == (LIMITS.daily_loss_pct, LIMITS.drawdown_pct)


def test_the_next_warning_adds_a_step_and_restarts_the_timer() -> None:
    now = after(0, 900)
    assert (now.steps, now.since_ms, now.until_ms, now.cause) == (2, 900, 1_900, "daily loss")
    assert tightened(LIMITS, now, RULES).position_cap_quote == D(25)


def test_lowered_limits_expire_and_the_next_warning_starts_at_the_first_step() -> None:
    assert in_force(after(0), 999).steps == 1
    assert in_force(after(0), 1_000) == NOT_TIGHTENED
    assert tightened(LIMITS, in_force(after(0), 1_000), RULES) is LIMITS
    assert after(0, 1_000).steps == 1


@given(st.integers(1, 20), st.decimals(1, 90, places=2), st.integers(1, 50))
def test_a_lowered_limit_is_above_zero_and_no_higher_than_configured(
    warnings: int, step_pct: Decimal, positions: int
) -> None:
    rules = TighteningRules(step_pct=step_pct, lasts_ms=1_000)
    now = NOT_TIGHTENED
    for _ in range(warnings):
        now = tighten(now, rules, "", by="risk monitor", at_ms=0)
    limits = RiskLimits(max_positions=positions)
    lowered = tightened(limits, now, rules)
    assert now.steps <= MAX_STEPS
    assert 1 <= lowered.max_positions <= positions
    assert 0 < lowered.position_cap_quote < limits.position_cap_quote
    assert 0 <= lowered.position_cap_pct < limits.position_cap_pct
