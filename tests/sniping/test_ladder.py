"""The ladder as orders."""

import dataclasses
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mexc_tui.model.policy import Rung
from mexc_tui.sniping.ladder import Resting, RungPlace, align, rungs, rungs_done
from mexc_tui.sniping.rounding import floored
from tests.sniping.making import GRID, PLAN, D, position

quantities = st.decimals(min_value=0, max_value=200, places=4)


def test_rungs_share_what_is_owned_after_fees() -> None:
    plans = rungs(position(remaining=D("99.95")), GRID)
    assert [plan.quantity for plan in plans] == [D("29.98"), D("39.98"), D("29.99")]
    assert [plan.price for plan in plans] == [D("1.1"), D("1.2"), D("1.3")]


def test_a_partly_sold_rung_keeps_the_others_as_they_are() -> None:
    held = position(remaining=D(90), sold_quantity=D(10))
    plans = rungs(held, GRID, ((1, D(10)),))
    assert [plan.quantity for plan in plans] == [D(20), D(40), D(30)]


def test_a_rung_too_small_for_an_order_goes_to_the_next() -> None:
    small = position(bought_quantity=D(3), bought_value=D(3), remaining=D(3))
    plans = rungs(small, GRID)
    assert [plan.place for plan in plans] == [RungPlace.TOO_SMALL, RungPlace.EXCHANGE, RungPlace.EXCHANGE]
    assert plans[1].quantity == D("2.1")


def test_a_last_rung_too_small_for_an_order_goes_to_the_one_before_and_leaves_no_dust() -> None:
    plan = replace(PLAN, ladder=(Rung(D(90), D(10)), Rung(D(10), D(20))))
    small = position(bought_quantity=D(5), bought_value=D(5), remaining=D(5), plan=plan)
    plans = rungs(small, GRID)
    assert [plan.quantity for plan in plans] == [D(5), D(0)]


def test_a_moonbag_is_left_over() -> None:
    plan = replace(PLAN, ladder=(Rung(D(25), D(50)), Rung(D(25), D(100))))
    assert sum(rung.quantity for rung in rungs(position(plan=plan), GRID)) == 50


def test_a_rung_is_done_only_when_its_share_is_sold() -> None:
    assert rungs_done(position(remaining=D(71), sold_quantity=D(29)), ((1, D(29)),), GRID) == ()
    assert rungs_done(position(remaining=D(70), sold_quantity=D(30)), ((1, D(30)),), GRID) == (1,)


def test_what_is_left_of_a_rung_rests_on_although_it_is_too_small_for_a_new_order() -> None:
    held = position(remaining=D("70.5"), sold_quantity=D("29.5"))
    rest = (Resting(1, "a", D("1.1"), D("0.5")),)
    assert rungs(held, GRID, ((1, D("29.5")),), resting=rest)[0].quantity == D("0.5")
    assert rungs_done(held, ((1, D("29.5")),), GRID, rest) == ()
    assert rungs_done(held, ((1, D("29.5")),), GRID) == (1,)


def test_orders_that_do_not_fit_the_ladder_are_cancelled_before_others_are_placed() -> None:
    held = position()
    resting = (Resting(1, "a", D("1.1"), D(30)), Resting(2, "b", D("1.9"), D(40)))
    alignment = align(rungs(held, GRID), resting, held, D(30), GRID)
    assert alignment.cancel == ("b",)
    assert [plan.number for plan in alignment.place] == [3]


@given(quantities, quantities, st.lists(st.tuples(st.integers(1, 3), quantities), max_size=4))
def test_no_more_is_ever_offered_than_is_owned_and_free(
    remaining: Decimal, free: Decimal, orders: list[tuple[int, Decimal]]
) -> None:
    held = position(remaining=remaining)
    plans = rungs(held, GRID)
    assert sum(plan.quantity for plan in plans) <= remaining
    resting = tuple(Resting(rung, f"o{i}", D("1.1"), size) for i, (rung, size) in enumerate(orders))
    alignment = align(plans, resting, held, free, GRID)
    placed = sum((plan.quantity for plan in alignment.place), D(0))
    assert placed <= free
    if placed:
        assert placed + sum(size for _, size in orders) <= remaining


ladders = st.lists(st.integers(1, 60), min_size=1, max_size=4)
fills_of_rungs = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 100)), max_size=6)


@given(st.decimals(min_value=30, max_value=400, places=4), ladders, st.booleans(), fills_of_rungs)
def test_a_ladder_that_rests_stays_as_it_is_however_its_rungs_are_filled(
    owned: Decimal, weights: list[int], is_whole: bool, fills: list[tuple[int, int]]
) -> None:
    top = 100 if is_whole else 90
    shares = [max(weight * top // sum(weights), 1) for weight in weights]
    shares[-1] += top - sum(shares)
    ladder = tuple(Rung(D(share), D(10 * number)) for number, share in enumerate(shares, 1))
    held = position(
        bought_quantity=owned, bought_value=owned, remaining=owned, plan=replace(PLAN, ladder=ladder)
    )
    resting = {
        plan.number: Resting(plan.number, str(plan.number), plan.price, plan.quantity)
        for plan in rungs(held, GRID)
        if plan.quantity
    }
    sold = dict[int, Decimal]()
    for index, percent in fills:
        if not resting:
            break
        number, order = list(resting.items())[index % len(resting)]
        filled = floored(order.open_quantity * percent / 100, GRID.quantity_step)
        sold[number] = sold.get(number, D(0)) + filled
        resting[number] = dataclasses.replace(order, open_quantity=order.open_quantity - filled)
        if not resting[number].open_quantity:
            del resting[number]
        held = replace(held, remaining=held.remaining - filled, sold_quantity=held.sold_quantity + filled)
        told, live = tuple(sold.items()), tuple(resting.values())
        held = replace(held, rungs_done=rungs_done(held, told, GRID, live))
        free = held.remaining - sum((one.open_quantity for one in live), D(0))
        alignment = align(rungs(held, GRID, told, resting=live), live, held, free, GRID)
        assert (alignment.cancel, alignment.place) == ((), ())
