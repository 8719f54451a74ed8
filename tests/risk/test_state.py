"""Who may change the trading state, and who may lift it."""

from msgspec.structs import replace

from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.risk.state import flattened, restrict, resume

ACTIVE = Trading(generation=3)
HALTED = Trading(state=TradingState.HALTED, cause=Cause.DAILY_LOSS, words="2 %", generation=4)
REDUCED = Trading(state=TradingState.REDUCE_ONLY, cause=Cause.ORDER_WORKER, words="restarting")


def test_a_halt_starts_a_new_generation_and_keeps_its_cause() -> None:
    now = restrict(ACTIVE, TradingState.HALTED, Cause.MANUAL, "by hand", by="me", at_ms=1).trading
    assert (now.state, now.cause, now.generation, now.by) == (TradingState.HALTED, Cause.MANUAL, 4, "me")


def test_a_breach_halts() -> None:
    now = restrict(REDUCED, TradingState.HALTED, Cause.INVARIANT, "I7", by="guard", at_ms=1).trading
    assert (now.state, now.cause) == (TradingState.HALTED, Cause.INVARIANT)


def test_nothing_weaker_replaces_a_halt() -> None:
    change = restrict(HALTED, TradingState.REDUCE_ONLY, Cause.STORAGE, "slow", by="guard", at_ms=1)
    assert (change.changed, change.trading) == (False, HALTED)


def test_a_persons_halt_over_a_loss_halt_does_not_hide_the_loss() -> None:
    change = restrict(HALTED, TradingState.HALTED, Cause.MANUAL, "by hand", by="me", at_ms=1)
    assert change.trading.cause is Cause.DAILY_LOSS


def test_a_loss_over_a_persons_halt_takes_its_place() -> None:
    by_hand = replace(HALTED, cause=Cause.MANUAL)
    change = restrict(by_hand, TradingState.HALTED, Cause.DRAWDOWN, "10 %", by="guard", at_ms=1)
    assert change.trading.cause is Cause.DRAWDOWN


def test_flattening_after_a_loss_keeps_the_loss_as_its_cause() -> None:
    change = restrict(HALTED, TradingState.FLATTENING, Cause.MANUAL, "flatten", by="me", at_ms=1)
    assert (change.trading.state, change.trading.cause) == (TradingState.FLATTENING, Cause.DAILY_LOSS)
    after = flattened(change.trading, at_ms=2).trading
    assert (after.state, after.cause) == (TradingState.HALTED, Cause.DAILY_LOSS)


def test_after_a_loss_a_person_types_the_word() -> None:
    assert not resume(HALTED, person="me", word="yes", blockers=(), at_ms=1).changed
    now = resume(HALTED, person="me", word="Resume", blockers=(), at_ms=1).trading
    assert (now.state, now.generation) == (TradingState.ACTIVE, HALTED.generation)


def test_unsettled_orders_stand_in_the_way_of_resuming() -> None:
    change = resume(HALTED, person="me", word="resume", blockers=("an unknown order",), at_ms=1)
    assert "unknown order" in change.refused


def test_what_is_being_flattened_cannot_be_resumed() -> None:
    flattening = replace(HALTED, state=TradingState.FLATTENING)
    assert not resume(flattening, person="me", word="resume", blockers=(), at_ms=1).changed
