"""Blockers of the live unlock, and the confirmation phrase."""

from dataclasses import replace
from decimal import Decimal as D
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.sniping.request import DeskFacts, KeyFacts, WorkerFact
from mexc_tui.sniping.unlocking import phrase, unlock_blockers
from tests.support.samples.sniping_samples import READY_DESK

HALTED = Trading(state=TradingState.HALTED, cause=Cause.MANUAL, text="lunch")


def test_a_healthy_desk_has_no_unlock_blockers() -> None:
    assert unlock_blockers(READY_DESK) == ()


@pytest.mark.parametrize(
    ("desk", "says"),
    [
        (replace(READY_DESK, key=None), "key permissions unknown"),
        (replace(READY_DESK, key=KeyFacts(may_trade=True, may_withdraw=True)), "CAN WITHDRAW"),
        (replace(READY_DESK, key=KeyFacts(may_trade=False)), "cannot trade"),
        (replace(READY_DESK, trading=HALTED), "lunch"),
        (
            replace(READY_DESK, workers=(WorkerFact("exit monitor", False, "it broke"),)),
            "exit monitor is not healthy: it broke",
        ),
        (replace(READY_DESK, is_reconciled=False), "not reconciled"),
        (replace(READY_DESK, ban="the exchange does not serve us"), "does not serve us"),
    ],
)
def test_each_problem_is_an_unlock_blocker_with_a_text(desk: DeskFacts, says: str) -> None:
    (words,) = unlock_blockers(desk)
    assert says in words


@given(st.integers(0), st.decimals("0.01", "1000000", places=2), st.integers(1, 20))
def test_a_phrase_contains_the_risk_and_can_be_typed(seed: int, cap: D, positions: int) -> None:
    made = phrase(cap, positions, Random(seed))
    live, many, sign, each, first, second = made.split()
    assert (live, sign) == ("live", "x")
    assert int(many) == positions
    assert D(each) == cap
    assert "e" not in each.lower()
    assert first != second
    assert made.isascii()
    assert made == made.lower()
    assert len(made) <= 64  # what the screen takes


def test_phrases_differ() -> None:
    rng = Random(1)
    assert len({phrase(D(100), 3, rng) for _ in range(100)}) > 80
