"""The take-profit ladder as orders."""

import dataclasses
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mexc_tui.model.policy import Rung
from mexc_tui.sniping.ladder import RestingRung, RungPlace, align, rungs, rungs_done
from mexc_tui.sniping.rounding import floored
from tests.support.samples.sniping_samples import GRID, PLAN, D, position

quantities = st.decimals(min_value=0, max_value=200, places=4)


def test_rungs_share_the_quantity_after_fees() -> None:
    plans = rungs(position(remaining=D("99.95")), GRID)
    assert [plan.quantity for plan in plans] == [D("29.98"), D("39.98"), D("29.99")]
    assert [plan.price for plan in plans] == [D("1.1"), D("1.2"), D("1.3")]


def test_a_partly_sold_rung_keeps_the_others_as_they_are() -> None:
    held = position(remaining=D(90), sold_quantity=D(10))
    plans = rungs(held, GRID, ((1, D(10)),))
    assert [plan.quantity for plan in plans] == [D(20), D(40), D(30)]


def test_a_rung_too_small_for_an_order_is_merged_into_the_next() -> None:
    small = position(bought_quantity=D(3), bought_value=D(3), remaining=D(3))
    plans = rungs(small, GRID)
    assert [plan.place for plan in plans] == [RungPlace.TOO_SMALL, RungPlace.EXCHANGE, RungPlace.EXCHANGE]
    assert plans[1].quantity == D("2.1")


def test_a_last_rung_too_small_for_an_order_is_merged_into_the_previous_one() -> None:
    plan = replace(PLAN, ladder=(Rung(D(90), D(10)), Rung(D(10), D(20))))
    small = position(bought_quantity=D(5), bought_value=D(5), remaining=D(5), plan=plan)
    plans = rungs(small, GRID)
    assert [plan.quantity for plan in plans] == [D(5), D(0)]


def test_a_ladder_below_100_percent_leaves_a_moonbag() -> None:
    plan = replace(PLAN, ladder=(Rung(D(25), D(50)), Rung(D(25), D(100))))
    assert sum(rung.quantity for rung in rungs(position(plan=plan), GRID)) == 50


def test_a_rung_is_done_only_when_its_share_is_sold() -> None:
    assert rungs_done(position(remaining=D(71), sold_quantity=D(29)), ((1, D(29)),), GRID) == ()
    assert rungs_done(position(remaining=D(70), sold_quantity=D(30)), ((1, D(30)),), GRID) == (1,)


def test_the_remainder_of_a_rung_keeps_resting_although_too_small_for_a_new_order() -> None:
    held = position(remaining=D("70.5"), sold_quantity=D("29.5"))
    rest = (RestingRung(rung=1, client_order_id="a", price=D("1.1"), open_quantity=D("0.5")),)
    assert rungs(held, GRID, ((1, D("29.5")),), resting=rest)[0].quantity == D("0.5")
    assert rungs_done(held, ((1, D("29.5")),), GRID, resting=rest) == ()
    assert rungs_done(held, ((1, D("29.5")),), GRID) == (1,)


def test_orders_that_do_not_fit_the_ladder_are_cancelled_before_others_are_placed() -> None:
    held = position()
    resting = (
        RestingRung(rung=1, client_order_id="a", price=D("1.1"), open_quantity=D(30)),
        RestingRung(rung=2, client_order_id="b", price=D("1.9"), open_quantity=D(40)),
    )
    alignment = align(rungs(held, GRID), resting, held, free=D(30), grid=GRID)
    assert alignment.cancel == ("b",)
    assert [plan.number for plan in alignment.place] == [3]


@given(quantities, quantities, st.lists(st.tuples(st.integers(1, 3), quantities), max_size=4))
def test_offers_never_exceed_the_free_quantity(
    remaining: Decimal, free: Decimal, orders: list[tuple[int, Decimal]]
) -> None:
    held = position(remaining=remaining)
    plans = rungs(held, GRID)
    assert sum(plan.quantity for plan in plans) <= remaining
    resting = tuple(
        RestingRung(rung=rung, client_order_id=f"o{i}", price=D("1.1"), open_quantity=size)
        for i, (rung, size) in enumerate(orders)
    )
    alignment = align(plans, resting, held, free=free, grid=GRID)
    placed = sum((plan.quantity for plan in alignment.place), D(0))
    assert placed <= free
    if placed:
        assert placed + sum(size for _, size in orders) <= remaining


ladders = st.lists(st.integers(1, 60), min_size=1, max_size=4)
fills_of_rungs = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 100)), max_size=6)


def test_a_rung_above_the_maximum_order_rests_as_several_orders() -> None:
    grid, held = dataclasses.replace(GRID, max_value=D(20)), position()
    plans = rungs(held, grid)
    assert [plan.place for plan in plans] == [RungPlace.EXCHANGE] * 3
    placed = align(plans, (), held, free=D(100), grid=grid).place
    assert [(one.number, one.quantity) for one in placed] == [
        (1, D(15)), (1, D(15)), (2, D("13.34")), (2, D("13.33")), (2, D("13.33")), (3, D(15)), (3, D(15)),
    ]  # fmt: skip
    assert all(one.quantity * one.price <= 20 for one in placed)


def test_a_missing_slice_is_placed_and_an_excess_slice_is_cancelled() -> None:
    grid, held = dataclasses.replace(GRID, max_value=D(20)), position()
    plans = rungs(held, grid)
    one = RestingRung(rung=1, client_order_id="a", price=D("1.1"), open_quantity=D(15))
    missing = align(plans, (one,), held, free=D(85), grid=grid)
    assert missing.cancel == ()
    assert [part.quantity for part in missing.place if part.number == 1] == [D(15)]
    three = tuple(
        RestingRung(rung=1, client_order_id=name, price=D("1.1"), open_quantity=D(15))
        for name in ("a", "b", "c")
    )
    assert align(plans, three, held, free=D(55), grid=grid).cancel == ("c",)


def test_a_changed_filter_that_allows_no_rung_cancels_no_resting_one() -> None:
    held = position()
    resting = tuple(
        RestingRung(
            rung=plan.number, client_order_id=str(plan.number), price=plan.price, open_quantity=plan.quantity
        )
        for plan in rungs(held, GRID)
    )
    for grid in (
        dataclasses.replace(GRID, min_quantity=D(500), quantity_step=D(500)),
        dataclasses.replace(GRID, min_value=D(5_000)),
        dataclasses.replace(GRID, max_value=D("0.5")),
    ):
        plans = rungs(held, grid, resting=resting)
        alignment = align(plans, resting, held, free=D(0), grid=grid)
        assert (alignment.cancel, alignment.place) == ((), ())
    small = position(remaining=D("0.9"))
    left = align(rungs(small, GRID, resting=resting), resting, small, free=D(0), grid=GRID)
    assert left.cancel == ("1", "2", "3")


def test_a_changed_rule_completes_no_rung_with_quantity_left() -> None:
    held, sold = position(remaining=D(90), sold_quantity=D(10)), ((1, D(10)),)
    grid = dataclasses.replace(GRID, min_quantity=D(500), quantity_step=D(500))
    assert rungs_done(held, sold, grid) == ()
    assert rungs_done(held, sold, dataclasses.replace(GRID, min_value=D(5_000))) == ()


def test_a_maximum_below_the_minimum_lets_no_rung_rest() -> None:
    grid = dataclasses.replace(GRID, max_value=D("0.5"))
    assert {plan.place for plan in rungs(position(), grid)} == {RungPlace.TOO_SMALL}


@given(
    st.decimals(min_value=30, max_value=400, places=4),
    ladders,
    st.booleans(),
    fills_of_rungs,
    st.sampled_from([None, D(20), D(3)]),
)
def test_a_resting_ladder_stays_unchanged_however_its_rungs_are_filled(
    owned: Decimal, weights: list[int], is_whole: bool, fills: list[tuple[int, int]], most: Decimal | None
) -> None:
    grid = dataclasses.replace(GRID, max_value=most)
    top = 100 if is_whole else 90
    shares = [max(weight * top // sum(weights), 1) for weight in weights]
    shares[-1] += top - sum(shares)
    ladder = tuple(Rung(D(share), D(10 * number)) for number, share in enumerate(shares, 1))
    held = position(
        bought_quantity=owned, bought_value=owned, remaining=owned, plan=replace(PLAN, ladder=ladder)
    )
    first = align(rungs(held, grid), (), held, free=held.remaining, grid=grid)
    resting = {
        index: RestingRung(
            rung=plan.number, client_order_id=str(index), price=plan.price, open_quantity=plan.quantity
        )
        for index, plan in enumerate(first.place)
    }
    sold = dict[int, Decimal]()
    for index, percent in fills:
        if not resting:
            break
        name, order = list(resting.items())[index % len(resting)]
        filled = floored(order.open_quantity * percent / 100, GRID.quantity_step)
        sold[order.rung] = sold.get(order.rung, D(0)) + filled
        resting[name] = dataclasses.replace(order, open_quantity=order.open_quantity - filled)
        if not resting[name].open_quantity:
            del resting[name]
        held = replace(held, remaining=held.remaining - filled, sold_quantity=held.sold_quantity + filled)
        told, live = tuple(sold.items()), tuple(resting.values())
        held = replace(held, rungs_done=rungs_done(held, told, grid, resting=live))
        free = held.remaining - sum((one.open_quantity for one in live), D(0))
        alignment = align(rungs(held, grid, told, resting=live), live, held, free=free, grid=grid)
        assert (alignment.cancel, alignment.place) == ((), ())
