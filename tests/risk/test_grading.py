"""Risk levels and the actions of each."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mexc_tui.model.trading import Cause, RiskLevel, TradingState
from mexc_tui.risk.grading import (
    RiskAction,
    RiskFinding,
    RiskGrade,
    RiskReadings,
    RiskRules,
    confirmed,
    findings,
    grade,
)

D = Decimal
CALM = RiskReadings(daily_loss_pct=D(0), drawdown_pct=D(0), losses_in_a_row=0, exposure_pct=D(0))


def graded(**changes: Any) -> RiskGrade:
    return grade(replace(CALM, **changes), RiskRules())


def test_no_finding_is_normal_and_requires_no_action() -> None:
    found = graded()
    assert (found.level, found.actions, found.state) == (RiskLevel.NORMAL, (), TradingState.ACTIVE)


@pytest.mark.parametrize(
    ("loss", "level", "state"),
    [
        ("0.99", RiskLevel.NORMAL, TradingState.ACTIVE),
        ("1", RiskLevel.MEDIUM, TradingState.ACTIVE),
        ("1.5", RiskLevel.HIGH, TradingState.REDUCE_ONLY),
        ("2", RiskLevel.CRITICAL, TradingState.FLATTENING),
    ],
)
def test_a_daily_loss_is_graded_by_its_share_of_the_limit(
    loss: str, level: RiskLevel, state: TradingState
) -> None:
    found = graded(daily_loss_pct=D(loss))
    assert (found.level, found.state) == (level, state)


def test_medium_trims_a_part_and_high_closes() -> None:
    assert graded(drawdown_pct=D(5)).trim_pct == 30
    high = graded(drawdown_pct=D("7.5"))
    assert RiskAction.CLOSE in high.actions
    assert high.trim_pct == 0


def test_a_breach_of_an_invariant_halts_and_sells_nothing() -> None:
    found = graded(breaches=("the ledger differs",), daily_loss_pct=D(9))
    assert found.state is TradingState.HALTED
    assert RiskAction.EMERGENCY not in found.actions
    assert found.level is RiskLevel.CRITICAL


def found(**changes: Any) -> tuple[RiskFinding, ...]:
    return findings(replace(CALM, **changes), RiskRules())


def test_findings_from_prices_count_at_their_mildest_reading() -> None:
    readings_taken = [found(daily_loss_pct=D(1)), found(daily_loss_pct=D(9)), found(daily_loss_pct=D("1.6"))]
    (confirmed_finding,) = confirmed(readings_taken)
    assert (confirmed_finding.level, confirmed_finding.cause) == (RiskLevel.MEDIUM, Cause.DAILY_LOSS)
    assert confirmed([found(), found(daily_loss_pct=D(9))]) == ()
    assert confirmed([found(daily_loss_pct=D(9)), found()]) == ()
    assert confirmed([found(drawdown_pct=D(90)), found(daily_loss_pct=D(9))]) == ()


def test_a_breach_and_a_missing_protection_count_at_once() -> None:
    readings_taken = [found(), found(breaches=("the ledger differs",), unprotected=("NEWUSDT: no price",))]
    assert [item.level for item in confirmed(readings_taken)] == [RiskLevel.CRITICAL, RiskLevel.MEDIUM]


def test_losses_in_a_row_halt_with_their_cause() -> None:
    assert graded(losses_in_a_row=5).halt is Cause.LOSSES_IN_A_ROW
    assert graded(losses_in_a_row=4).halt is Cause.NONE


def test_a_missing_protection_alerts_and_stops_entries_but_trims_nothing() -> None:
    found = graded(unprotected=("NEWUSDT: no price",))
    assert found.actions == (RiskAction.ALERT, RiskAction.PAUSE)
    assert found.trim_pct == 0


def test_a_medium_warning_trims_and_lowers_limits_while_entries_continue_within_them() -> None:
    found = graded(daily_loss_pct=D(1))
    assert found.actions == (RiskAction.ALERT, RiskAction.TRIM, RiskAction.TIGHTEN)
    assert found.state is TradingState.ACTIVE


def test_a_missing_protection_with_a_medium_warning_pauses_entries_too() -> None:
    found = graded(daily_loss_pct=D(1), unprotected=("NEWUSDT: no price",))
    assert {RiskAction.PAUSE, RiskAction.TIGHTEN, RiskAction.TRIM} <= set(found.actions)
    assert found.state is TradingState.REDUCE_ONLY


@pytest.mark.parametrize(
    "critical", [{"daily_loss_pct": D(2)}, {"drawdown_pct": D(10)}, {"losses_in_a_row": 5}]
)
def test_a_critical_finding_flattens_or_only_halts_as_configured(critical: dict[str, Any]) -> None:
    readings = replace(CALM, **critical)
    assert grade(readings, RiskRules(flattens=True)).state is TradingState.FLATTENING
    assert grade(readings, RiskRules(flattens=False)).state is TradingState.HALTED


def test_prices_that_carry_exposure_over_its_cap_trim() -> None:
    assert graded(exposure_pct=D(21)).trim_pct == 30
