"""The validation pipeline: every verdict, in the order of the stages, with what makes it pass."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace as changed

from mexc_tui.model.listing import ListingCategory
from mexc_tui.model.mode import Mode
from mexc_tui.model.order import OrderType
from mexc_tui.model.policy import AutoArm, Rung
from mexc_tui.model.signal import DetectorName
from mexc_tui.model.symbol import SymbolStatus
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.model.verdict import CheckStage
from mexc_tui.sniping import security_checks
from mexc_tui.sniping.key_pairs import KeyPermission
from mexc_tui.sniping.pre_trade_checks import judge
from mexc_tui.sniping.request import ArmFacts, KeyFacts, WorkerFact
from tests.support.samples.sniping_samples import PAIR, PLAN, T0, D, facts, listing, proposal

NOW = T0 - 60_000
HALTED = Trading(state=TradingState.HALTED, cause=Cause.MANUAL, text="by hand")


def with_pair(**changes: Any) -> ArmFacts:
    return replace(facts(), pair=replace(facts().pair, **changes))


def with_desk(**changes: Any) -> ArmFacts:
    return replace(facts(), desk=replace(facts().desk, **changes))


def with_live_key(*, is_bound: bool | None, is_required: bool = True) -> ArmFacts:
    key = KeyFacts(may_trade=True, is_ip_bound=is_bound)
    desk = replace(facts().desk, mode=Mode.LIVE, is_unlocked=True, key=key)
    return replace(facts(), desk=desk, rules=replace(facts().rules, require_bound_key=is_required))


def with_rules(**changes: Any) -> ArmFacts:
    return replace(facts(), rules=replace(facts().rules, **changes))


def test_a_valid_practice_proposal_passes_every_check() -> None:
    judgement = judge(proposal(), facts(), NOW)
    assert judgement.reason == ""
    assert judgement.approved


def test_stages_run_in_order_and_continue_after_a_failure() -> None:
    judgement = judge(proposal(symbol="", spend=D("NaN"), price=D("-Infinity")), facts(), NOW)
    stages = [verdict.stage for verdict in judgement.verdicts]
    assert stages == sorted(stages, key=list(CheckStage).index)
    assert set(stages) == set(CheckStage)
    assert judgement.first_refusal is not None
    assert judgement.first_refusal.stage is CheckStage.SCHEMA
    assert len(stages) == len(judge(proposal(), facts(), NOW).verdicts)


@pytest.mark.parametrize(
    ("at_ms", "words"),
    [
        (1_795_397_562_023, "2026-11-23 01:32:42.023 UTC"),
        (None, "none"),
        (10**18, f"{10**18} ms, not a valid date"),
    ],
)
def test_times_are_formatted_in_utc(at_ms: int | None, words: str) -> None:
    judged = judge(proposal(opens_ms=at_ms), facts(), NOW).verdicts
    said = {one.name: one.value for one in judged}
    assert said["opening_agreed"] == words
    assert words in said["opening_time"]


WISHES: list[tuple[str, dict[str, Any]]] = [
    ("symbol_name", {"symbol": "new usdt"}),
    ("signal_id", {"signal_id": ""}),
    ("spend", {"spend": D(0)}),
    ("spend", {"size_text": "too small"}),
    ("prices", {"price": D("NaN")}),
    ("opening_time", {"opens_ms": None}),
    ("opening_time", {"opens_ms": T0 // 1_000}),
    ("exit_plan", {"plan": None}),
    ("exit_plan", {"plan": changed(PLAN, stop_loss_pct=D(1))}),
    ("exit_plan", {"plan": changed(PLAN, ladder=(Rung(D(60), D(10)), Rung(D(60), D(20))))}),
    ("opening_agreed", {"opens_ms": T0 + 1}),
    ("detector", {"detector": DetectorName.LAUNCH_SEQUENCE}),
    ("probability", {"probability": 0.79}),
    ("probability", {"probability": 80}),
    ("order_type", {"type": OrderType.LIMIT_MAKER}),
    ("order_fits", {"spend": D(1)}),
]


@pytest.mark.parametrize(
    ("known", "equity", "flip"),
    [
        (False, D(1_000), "wait until exchangeInfo lists it"),
        (False, None, "wait until exchangeInfo lists it"),
        (True, None, "wait for prices of all positions"),
        (True, D(1_000), "change the sizing or its caps"),
    ],
)
def test_without_a_size_the_verdict_states_the_next_step(known: bool, equity: D | None, flip: str) -> None:
    seen = with_pair() if known else with_pair(symbol=None)
    seen = replace(seen, book=replace(seen.book, equity=equity))
    judgement = judge(proposal(spend=D(0), size_text="there is no size"), seen, NOW)
    assert next(one.flip for one in judgement.verdicts if one.name == "spend") == flip


@pytest.mark.parametrize(("name", "wishes"), WISHES)
def test_each_fault_of_a_proposal_fails_its_check(name: str, wishes: dict[str, Any]) -> None:
    known = with_pair(symbol=changed(PAIR, order_types=()))
    refused = {v.name: v for v in judge(proposal(**wishes), known, NOW).verdicts if not v.passed}
    assert name in refused
    assert refused[name].flip


FACTS: list[tuple[str, ArmFacts]] = [
    ("listing_stage", with_pair(listing=None)),
    ("calendar", with_pair(listing=listing(sightings=()))),
    ("allow_list", with_rules(allow=(re.compile("OLD.*"),))),
    ("deny_list", with_rules(deny=(re.compile("NEW.*"),))),
    ("time_to_opening", with_rules(advance_ms=59_999)),
    ("pair_known", with_pair(symbol=None)),
    ("pair_online", with_pair(symbol=changed(PAIR, status=SymbolStatus.PAUSED))),
    ("sides", with_pair(symbol=changed(PAIR, trade_side_type=2))),
    ("sides", with_pair(symbol=changed(PAIR, is_spot_trading_allowed=False))),
    ("key_may_trade", with_pair(key_permission=KeyPermission(False, "no"))),
    ("unlocked", with_desk(mode=Mode.LIVE)),
    ("key_rights", with_desk(key=None)),
    ("key_rights", with_desk(key=KeyFacts(may_trade=True, may_withdraw=True))),
    ("key_address", with_live_key(is_bound=False)),
    ("key_address", with_live_key(is_bound=None)),
    ("trading_state", with_desk(trading=HALTED)),
    ("halt_generation", with_desk(generation=-1)),
    ("automatic", with_desk(mode=Mode.PAPER)),
    ("automatic", with_rules(auto_arm=AutoArm.NEVER)),
    ("workers", with_desk(workers=(WorkerFact("orders", False, "restarting"),))),
    ("reconciled", with_desk(is_reconciled=False)),
    ("ban", with_desk(ban="banned for 2 minutes")),
]


@pytest.mark.parametrize(("name", "known"), FACTS)
def test_each_check_refuses_alone_and_states_what_would_pass(name: str, known: ArmFacts) -> None:
    refused = {v.name: v for v in judge(proposal(), known, NOW).verdicts if not v.passed}
    assert name in refused
    assert refused[name].flip


@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.LIVE])
def test_automatic_arming_outside_practice_needs_the_setting_and_100_outcomes(mode: Mode) -> None:
    def refused(outcomes: int, auto_arm: AutoArm) -> set[str]:
        known = with_desk(mode=mode, is_unlocked=True, outcomes=outcomes)
        known = replace(known, rules=replace(known.rules, auto_arm=auto_arm))
        return {v.name for v in judge(proposal(), known, NOW).verdicts if not v.passed}

    assert refused(100, AutoArm.EVERYWHERE) == set()
    assert refused(99, AutoArm.EVERYWHERE) == {"outcomes"}
    assert refused(100, AutoArm.PRACTICE) == {"automatic"}


def test_manual_arming_needs_no_detector() -> None:
    manual = proposal(detector=None, probability=None)
    assert judge(manual, with_desk(mode=Mode.PAPER), NOW).approved


def test_required_calendar_confirmation_is_checked() -> None:
    unconfirmed = with_pair(listing=listing(sightings=()))
    assert not judge(proposal(), unconfirmed, NOW).approved
    relaxed = replace(unconfirmed, rules=replace(unconfirmed.rules, require_calendar=False))
    assert judge(proposal(), relaxed, NOW).approved


def test_the_pipeline_always_checks_the_risk_limits() -> None:
    broke = replace(facts(), book=replace(facts().book, free_cash=Decimal(1)))
    judgement = judge(proposal(detector=None), broke, NOW)
    assert judgement.first_refusal is not None
    assert judgement.first_refusal.stage is CheckStage.RISK


def test_an_opening_far_ahead_states_when_it_can_be_armed() -> None:
    refusal = judge(proposal(), with_rules(advance_ms=1_000), NOW).first_refusal
    assert refusal is not None
    assert refusal.until_ms == T0 - 1_000


@pytest.mark.parametrize(("is_bound", "is_required"), [(True, True), (False, False), (None, False)])
def test_a_live_key_needs_an_ip_binding_only_where_required(is_bound: bool | None, is_required: bool) -> None:
    found = with_live_key(is_bound=is_bound, is_required=is_required)
    assert security_checks.key_address(proposal(), found, 0).passed


def test_a_signal_arms_coins_only_and_a_user_any_category() -> None:
    known = facts()
    leveraged = replace(known, pair=replace(known.pair, listing=listing(base="BTC3L")))
    for request, passes in ((proposal(), False), (proposal(detector=None, probability=None), True)):
        found = next(one for one in judge(request, leveraged, NOW).verdicts if one.name == "category")
        assert (found.passed, found.value.split(":")[0]) == (passes, "leveraged")
    named = replace(leveraged, rules=replace(known.rules, categories=tuple(ListingCategory)))
    assert next(one for one in judge(proposal(), named, NOW).verdicts if one.name == "category").passed
