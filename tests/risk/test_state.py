"""Transitions of the trading state, and the conditions of resuming."""

from msgspec.structs import replace

from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.risk.state import flattened, restrict, resume

ACTIVE = Trading(generation=3)
HALTED = Trading(state=TradingState.HALTED, cause=Cause.DAILY_LOSS, text="2 %", generation=4)
REDUCED = Trading(state=TradingState.REDUCE_ONLY, cause=Cause.ORDER_WORKER, text="restarting")


def test_a_halt_starts_a_new_generation_and_keeps_its_cause() -> None:
    now = restrict(ACTIVE, TradingState.HALTED, Cause.MANUAL, text="by hand", by="me", at_ms=1).trading
    assert (now.state, now.cause, now.generation, now.by) == (TradingState.HALTED, Cause.MANUAL, 4, "me")


def test_a_breach_halts() -> None:
    now = restrict(
        REDUCED, TradingState.HALTED, Cause.INVARIANT, text="I7", by="risk monitor", at_ms=1
    ).trading
    assert (now.state, now.cause) == (TradingState.HALTED, Cause.INVARIANT)


def test_a_weaker_restriction_does_not_replace_a_halt() -> None:
    change = restrict(
        HALTED, TradingState.REDUCE_ONLY, Cause.STORAGE, text="slow", by="risk monitor", at_ms=1
    )
    assert (change.changed, change.trading) == (False, HALTED)


def test_a_manual_halt_does_not_hide_the_cause_of_a_loss_halt() -> None:
    change = restrict(HALTED, TradingState.HALTED, Cause.MANUAL, text="by hand", by="me", at_ms=1)
    assert change.trading.cause is Cause.DAILY_LOSS


def test_a_loss_halt_replaces_a_manual_halt() -> None:
    manual = replace(HALTED, cause=Cause.MANUAL)
    change = restrict(manual, TradingState.HALTED, Cause.DRAWDOWN, text="10 %", by="risk monitor", at_ms=1)
    assert change.trading.cause is Cause.DRAWDOWN


def test_flattening_after_a_loss_keeps_the_loss_as_its_cause() -> None:
    change = restrict(HALTED, TradingState.FLATTENING, Cause.MANUAL, text="flatten", by="me", at_ms=1)
    assert (change.trading.state, change.trading.cause) == (TradingState.FLATTENING, Cause.DAILY_LOSS)
    after = flattened(change.trading, at_ms=2).trading
    assert (after.state, after.cause) == (TradingState.HALTED, Cause.DAILY_LOSS)


def test_resuming_after_a_loss_requires_the_typed_word() -> None:
    assert not resume(HALTED, user="me", word="yes", blockers=(), at_ms=1).changed
    now = resume(HALTED, user="me", word="Resume", blockers=(), at_ms=1).trading
    assert (now.state, now.generation) == (TradingState.ACTIVE, HALTED.generation)


def test_unsettled_orders_prevent_resuming() -> None:
    change = resume(HALTED, user="me", word="resume", blockers=("an unknown order",), at_ms=1)
    assert "unknown order" in change.refused


def test_flattening_prevents_resuming() -> None:
    flattening = replace(HALTED, state=TradingState.FLATTENING)
    assert not resume(flattening, user="me", word="resume", blockers=(), at_ms=1).changed
