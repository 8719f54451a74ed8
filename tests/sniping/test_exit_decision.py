"""Exit decisions."""

from dataclasses import replace
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from mexc_tui.ledger.positions import recompute_position
from mexc_tui.model.intent import CloseReason, OrderRole, OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import Position
from mexc_tui.sniping.exit_decision import (
    Decision,
    ExitHolding,
    ExitMemory,
    break_even,
    decide,
    exit_fee,
    remember,
    stop_now,
)
from mexc_tui.sniping.ladder import RestingRung
from mexc_tui.sniping.stop_confirmation import Tick
from tests.support.samples import trading_samples as samples
from tests.support.samples.sniping_samples import GRID, PLAN, T0, D, holding, position

NONE = CloseReason.NONE
RESTING = (
    RestingRung(rung=1, client_order_id="a", price=D("1.1"), open_quantity=D(30)),
    RestingRung(rung=2, client_order_id="b", price=D("1.2"), open_quantity=D(40)),
    RestingRung(rung=3, client_order_id="c", price=D("1.3"), open_quantity=D(30)),
)


def run(held: ExitHolding, *ticks: tuple[str, int], trades: bool = False) -> Decision:
    """Return the last decision after bids (or trades) of (price, milliseconds after the opening)."""
    memory, last = remember(held.position), Decision(memory=remember(held.position))
    for price, after_ms in ticks:
        last = decide(
            held, memory, Tick(price=D(price), at_ms=T0 + after_ms, is_trade=trades), now_ms=T0 + after_ms
        )
        memory = last.memory
    return last


def bid(price: str, after_ms: int, *, version: int = 0, is_after_gap: bool = False) -> Tick:
    return Tick(price=D(price), at_ms=T0 + after_ms, is_after_gap=is_after_gap, version=version)


def trade(price: str, after_ms: int, *, time_ms: int | None = None) -> tuple[Tick, int]:
    """Return a trade received `after_ms` after the opening, and its time; `time_ms`: its own time."""
    made_ms = after_ms if time_ms is None else time_ms
    return Tick(price=D(price), at_ms=T0 + made_ms, is_trade=True), T0 + after_ms


def feed(held: ExitHolding, *ticks: Tick | tuple[Tick, int] | None, after_ms: int = 0) -> Decision:
    """Return the last decision; None evaluates time alone, `after_ms` after the opening."""
    last = Decision(memory=remember(held.position))
    for one in ticks:
        tick, now_ms = one if isinstance(one, tuple) else (one, T0 + after_ms if one is None else one.at_ms)
        last = decide(held, last.memory, tick, now_ms=now_ms)
    return last


def test_a_stop_waits_for_confirmation_from_its_first_touch() -> None:
    assert run(holding(), ("0.90", 0), ("0.89", 199)).memory.fired is NONE
    assert run(holding(), ("0.90", 0)).wake_ms == T0 + 200
    assert run(holding(), ("0.90", 0), ("0.89", 200)).memory.fired is CloseReason.STOP


def test_a_flicker_above_the_stop_does_not_restart_its_confirmation() -> None:
    ticks = (("0.89", 0), ("0.95", 90), ("0.89", 120), ("0.95", 180), ("0.89", 210))
    assert run(holding(), *ticks).memory.fired is not NONE


def test_a_full_confirmation_time_above_the_stop_resets_the_touch() -> None:
    assert run(holding(), ("0.89", 0), ("0.95", 50), ("0.95", 250), ("0.89", 300)).memory.fired is NONE


def test_three_trades_confirm_a_stop() -> None:
    assert run(holding(), ("0.9", 0), ("0.9", 1), trades=True).memory.fired is NONE
    assert run(holding(), ("0.9", 0), ("0.9", 1), ("0.9", 2), trades=True).memory.fired is not NONE


def test_twice_the_stop_distance_sells_immediately_when_two_observations_agree() -> None:
    assert run(holding(), ("0.8", 0)).memory.fired is NONE
    assert run(holding(), ("0.8", 0), ("0.79", 1)).memory.fired is not NONE
    assert run(holding(), ("0.81", 0), ("0.81", 1)).memory.fired is NONE
    assert feed(holding(), bid("0.8", 0), trade("0.79", 1)).memory.fired is not NONE


def test_two_prices_after_a_gap_sell_immediately() -> None:
    first = bid("0.89", 0, is_after_gap=True)
    assert feed(holding(), first).memory.fired is NONE
    assert feed(holding(), first, bid("0.89", 1)).memory.fired is not NONE


def test_a_trade_before_the_entry_is_ignored() -> None:
    early = [trade("0.5", number, time_ms=-60_000 + number) for number in range(5)]
    assert feed(holding(), *early).memory == remember(position())
    assert (
        feed(holding(), trade("0.5", 500, time_ms=-1), trade("0.9", 501), trade("0.9", 502)).memory.fired
        is NONE
    )


def test_late_and_future_trades_are_ignored() -> None:
    late = [trade("0.5", 60_000 + number, time_ms=number) for number in range(5)]
    assert feed(holding(), *late).memory == remember(position())
    ahead = trade("0.9", 0, time_ms=3_600_000)
    assert feed(holding(), ahead, trade("0.9", 1), trade("0.9", 2), trade("0.9", 3)).memory.fired is not NONE


def test_fills_of_one_sweep_and_repeated_trades_are_one_observation() -> None:
    sweep = [trade(price, 5, time_ms=5) for price in ("0.90", "0.85", "0.8", "0.7")]
    assert feed(holding(), *sweep).memory.fired is NONE
    again = (trade("0.9", 1), trade("0.9", 2), trade("0.9", 9, time_ms=1), trade("0.9", 10, time_ms=2))
    assert feed(holding(), *again).memory.fired is NONE
    assert feed(holding(), *again, trade("0.9", 11)).memory.fired is not NONE


def test_trades_below_the_stop_do_not_sell_against_an_intact_bid() -> None:
    ticks = [bid("1", 0), *(trade("0.0001", number) for number in range(1, 60))]
    assert feed(holding(), *ticks).memory.fired is NONE
    assert feed(holding(), *ticks, bid("0.9", 61)).memory.fired is not NONE


def test_trades_alone_trigger_the_stop_once_the_bid_is_old() -> None:
    assert feed(holding(), bid("1", 0), *(trade("0.9", 1_500 + n) for n in range(3))).memory.fired is not NONE


def test_a_single_trade_never_sells_whatever_the_settings() -> None:
    held = holding(position(plan=changed(PLAN, confirm_trades=1, confirm_ms=0, at_once_factor=D(1))))
    assert feed(held, trade("0.5", 0)).memory.fired is NONE
    assert feed(held, trade("0.5", 0), None, after_ms=1_900).memory.fired is NONE
    assert feed(held, trade("0.5", 0), trade("0.5", 1)).memory.fired is not NONE


def test_a_single_uncontradicted_bid_sells_after_a_second() -> None:
    assert feed(holding(), bid("0.89", 0), None, after_ms=999).memory.fired is NONE
    assert feed(holding(), bid("0.89", 0), None, after_ms=1_000).memory.fired is not NONE


def test_the_same_version_of_the_book_on_two_channels_is_one_observation() -> None:
    both = (bid("0.7", 0, version=7), bid("0.7", 1, version=7))
    assert feed(holding(), *both).memory.fired is NONE
    assert feed(holding(), *both, bid("0.7", 50, version=7)).memory.fired is not NONE
    assert feed(holding(), *both, bid("0.7", 2, version=8)).memory.fired is not NONE


def test_a_bid_below_a_quarter_of_the_stop_needs_a_trade_at_that_level_or_three_seconds() -> None:
    gone = [bid("0.00001", 100 * number) for number in range(30)]
    assert feed(holding(), bid("1", -100), *gone).memory.fired is NONE
    assert feed(holding(), *gone[:15], bid("1", 1_500), bid("1", 1_700)).memory.observed.touch is None
    assert feed(holding(), *gone, bid("0.00001", 3_000)).memory.fired is not NONE
    assert feed(holding(), *gone[:2], trade("0.3", 250)).memory.fired is not NONE


def test_one_print_or_one_bid_far_above_raises_no_trailing_stop() -> None:
    held = holding(replace_plan(trailing=True))
    prints = [trade("10", number) for number in range(1, 60)]
    for ticks in ([bid("1", 0), *prints], [bid("1", 0), bid("10", 1), bid("1", 2)]):
        memory = feed(held, *ticks).memory
        assert (memory.high_price, memory.stop_price) == (D(1), D("0.9"))
    assert feed(held, bid("1", 0), bid("10", 1), bid("9", 2)).memory.high_price == D(9)


def test_the_immediate_trigger_distance_moves_with_the_stop() -> None:
    stored = replace_plan(trailing=True, high_price=D(10), stop_price=D("8.5"))
    assert run(holding(stored), ("8.39", 0), ("8.39", 1)).memory.fired is NONE
    assert run(holding(stored), ("7.5", 0), ("7.5", 1)).memory.fired is not NONE


def test_a_position_without_fills_has_no_entry_price_and_no_instant_take_profit() -> None:
    unfilled = position(bought_quantity=D(0), bought_value=D(0))
    decision = decide(holding(unfilled), remember(unfilled), Tick(price=D(5), at_ms=T0), now_ms=T0)
    assert decision == Decision(memory=remember(unfilled))


def test_trailing_follows_the_stored_highest_price_over_a_restart() -> None:
    trailing = replace_plan(trailing=True)
    up = run(holding(trailing), ("1.5", 0), ("1.5", 100)).memory
    assert (up.high_price, up.stop_price) == (D("1.5"), D("1.275"))
    stored = replace_plan(trailing=True, high_price=up.high_price, stop_price=up.stop_price)
    assert run(holding(stored), ("1.27", 10), ("1.27", 210)).memory.fired is CloseReason.TRAILING


def replace_plan(
    trailing: bool = False, break_even_rung: int = 0, time_stop_s: int = 0, **rest: object
) -> Position:

    plan = changed(PLAN, trailing=trailing, break_even_rung=break_even_rung, time_stop_s=time_stop_s)
    return position(plan=plan, **rest)


def test_stop_moves_to_break_even_with_fees_after_its_rung() -> None:
    held = replace_plan(
        break_even_rung=1, rungs_done=(1,), remaining=D(70), sold_quantity=D(30), sold_value=D(33)
    )
    decision = run(holding(held), ("1.09", 0))
    assert decision.stop_move == "to break-even"
    assert decision.memory.stop_price == break_even(held, GRID) > 1


def test_break_even_covers_charged_fees_and_exit_slippage() -> None:
    held = replace_plan(break_even_rung=1, rungs_done=(1,), fees=D("0.2"))
    assert exit_fee(held, GRID) == D("0.002")
    even = break_even(held, GRID)
    sold = even * (1 - held.plan.break_even_slippage_pct / 100) * (1 - D("0.002"))
    assert sold >= held.entry_price * D("1.002")
    listed = replace_plan(fees=D("0.04"))
    assert exit_fee(listed, GRID) == GRID.taker_fee


def test_maker_fees_of_exits_do_not_lower_the_charged_entry_fee() -> None:
    sold = replace_plan(fees=D("0.2"), sold_quantity=D(30), sold_value=D(33), remaining=D(70))
    assert exit_fee(sold, GRID) == D("0.002")


def test_the_stop_does_not_move_to_an_unreached_break_even() -> None:
    held = replace_plan(break_even_rung=1, rungs_done=(1,), remaining=D(70), sold_quantity=D(30))
    assert run(holding(held), ("1.001", 0), ("1.001", 50)).stop_move == ""
    assert run(holding(held), ("1.001", 0), ("1.001", 50)).memory.stop_price < 1


@given(
    st.decimals(min_value="0.0000001", max_value="70000", places=9),
    st.decimals(min_value="0.001", max_value="900000", places=5),
    st.integers(2, 50),
)
def test_a_plain_stop_is_reported_as_a_stop_however_its_price_was_rounded(
    value: Decimal, quantity: Decimal, stop_pct: int
) -> None:
    plan = changed(PLAN, stop_loss_pct=D(stop_pct), break_even_rung=1, trailing=True)
    bought = position(plan=plan, bought_value=value, bought_quantity=quantity, remaining=quantity)
    order = msgspec.structs.replace(
        samples.order("buy", state=OrderState.FILLED, position_id="p1"),
        side=Side.BUY, role=OrderRole.ENTRY, quantity=quantity, filled_quantity=quantity, filled_value=value,
        fees=(),
    )  # fmt: skip
    stored, _ = recompute_position(bought, (order,), (), at_ms=T0)
    if not stored.stop_price:
        return
    tick = Tick(price=stored.stop_price / 2, at_ms=T0 + 1)
    memory, held = remember(stored), holding(stored)
    for after_ms in range(0, 2_000, 100):
        memory = decide(held, memory, replace(tick, at_ms=T0 + after_ms), now_ms=T0 + after_ms).memory
    assert memory.fired is CloseReason.STOP


def test_a_manually_raised_stop_is_reported_as_a_stop() -> None:
    held = replace_plan(break_even_rung=1, stop_price=D("0.97"), initial_stop=D("0.9"))
    assert run(holding(held), ("0.96", 0), ("0.96", 400)).memory.fired is CloseReason.STOP
    done = replace_plan(break_even_rung=1, rungs_done=(1,), stop_price=D("1.05"), initial_stop=D("0.9"))
    assert run(holding(done), ("1.04", 0), ("1.04", 400)).memory.fired is CloseReason.STOP


def test_a_break_even_stop_is_reported_as_such_before_and_after_a_restart() -> None:
    held = replace_plan(break_even_rung=1, rungs_done=(1,), remaining=D(70), sold_quantity=D(30))
    moved = run(holding(held), ("1.1", 0), ("1.1", 50), ("0.99", 60), ("0.99", 500))
    assert moved.memory.fired is CloseReason.BREAK_EVEN
    stored = changed(held, stop_price=moved.memory.stop_price, high_price=D("1.1"), initial_stop=D("0.9"))
    assert run(holding(stored), ("0.99", 60), ("0.99", 500)).memory.fired is CloseReason.BREAK_EVEN


def test_time_stop_closes_after_its_time() -> None:
    held = holding(replace_plan(time_stop_s=60))
    assert run(held, ("1", 59_999)).memory.fired is NONE
    assert run(held, ("1", 60_000)).memory.fired is CloseReason.TIME


def test_a_rung_without_a_resting_order_is_reached_at_its_price() -> None:
    held = holding(free=D(30), resting=RESTING[1:])
    assert run(held, ("1.25", 0)).is_rung_reached
    assert not run(held, ("1.05", 0)).is_rung_reached
    assert not run(holding(free=D(0), resting=RESTING), ("1.25", 0)).is_rung_reached


prices = st.decimals(min_value="0.5", max_value=2, places=3)
moves = st.lists(st.tuples(prices, st.integers(0, 400), st.booleans()), min_size=1, max_size=40)


@given(moves, st.booleans())
def test_a_stop_never_moves_down_and_a_triggered_stop_stays_triggered(
    ticks: list[tuple[Decimal, int, bool]], trailing: bool
) -> None:
    held = holding(replace_plan(trailing=trailing), free=D(30), resting=RESTING[1:])
    memory, now_ms, has_fired = remember(held.position), T0, NONE
    for price, later_ms, is_trade in ticks:
        now_ms += later_ms
        decision = decide(held, memory, Tick(price=price, at_ms=now_ms, is_trade=is_trade), now_ms=now_ms)
        assert decision.memory.stop_price >= memory.stop_price
        assert decision.memory.high_price >= memory.high_price
        assert has_fired in (NONE, decision.memory.fired)
        has_fired, memory = decision.memory.fired, decision.memory
        assert not (has_fired and decision.is_rung_reached)


def test_a_triggered_stop_keeps_its_reason() -> None:
    memory = stop_now(remember(position()), CloseReason.RISK_MONITOR, "critical")
    assert stop_now(memory, CloseReason.MANUAL, "by hand").fired is CloseReason.RISK_MONITOR
    assert isinstance(memory, ExitMemory)
    assert replace(memory, fired=NONE, fired_text="") == remember(position())  # nothing else changed
