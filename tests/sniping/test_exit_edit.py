"""Edits of an open position's exits against the rules, as examples and properties."""

from decimal import Decimal as D

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.policy import Rung
from mexc_tui.model.verdict import refusals
from mexc_tui.sniping.exit_decision import higher_stops, remember
from mexc_tui.sniping.exit_edit import Edited, EditedPosition, ExitBounds, ExitUpdate, edit
from mexc_tui.sniping.ladder import RungSales
from tests.support.samples.position_samples import GRID, position

BOUNDS = ExitBounds(
    trailing_after=(D(0), D(1000)), trailing_distance=(D(1), D(90)), time_stop_s=(D(0), D(9999))
)
NOW_MS = 30_000


def held(bid: str = "2.1", sold: RungSales = (), **changes: object) -> EditedPosition:
    one = position(**changes)
    return EditedPosition(position=one, memory=remember(one), grid=GRID, sold=sold, bid=D(bid))


def refused(edited: Edited) -> list[str]:
    return [one.name for one in refusals(edited.verdicts)]


def test_an_edited_stop_leaves_the_other_exits_unchanged() -> None:
    one = held()
    edited = edit(one, ExitUpdate(stop_price=D("1.9")), BOUNDS, now_ms=NOW_MS)
    assert refused(edited) == []
    assert (edited.stop_price, edited.plan) == (D("1.9"), one.position.plan)


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        (ExitUpdate(stop_price=D("2.1")), "stop_below_bid"),
        (ExitUpdate(stop_price=D("0.99")), "stop_distance"),
        (ExitUpdate(stop_price=D("NaN")), "numbers"),
        (ExitUpdate(stop_price=D(-1)), "numbers"),
        (ExitUpdate(), "change"),
        (ExitUpdate(trailing_distance_pct=D("0.5")), "trailing_distance_pct"),
        (ExitUpdate(trailing_after_pct=D(1001)), "trailing_after_pct"),
        (ExitUpdate(ladder=(Rung(D(60), D(20)), Rung(D(60), D(30)))), "ladder"),
        (ExitUpdate(ladder=(Rung(D(30), D(30)), Rung(D(30), D(20)))), "ladder"),
        (ExitUpdate(ladder=(Rung(D(50), D(4)),)), "rung_1_price"),
        (ExitUpdate(ladder=(Rung(D("NaN"), D(4)),)), "numbers"),
        (ExitUpdate(break_even_rung=9), "break_even_rung"),
        (ExitUpdate(time_stop_s=10_000), "time_stop_s"),
        (ExitUpdate(time_stop_s=26), "time_stop_ahead"),
    ],
)
def test_an_edit_that_would_sell_immediately_or_breaks_a_rule_is_refused(wish: ExitUpdate, name: str) -> None:
    edited = edit(held(), wish, BOUNDS, now_ms=NOW_MS)
    assert name in refused(edited)
    assert all(one.value and one.limit for one in refusals(edited.verdicts))


def test_a_trailing_stop_that_would_move_above_the_bid_is_refused() -> None:
    one = held(high_price=D(3))
    wish = ExitUpdate(trailing=True, trailing_after_pct=D(20), trailing_distance_pct=D(15))
    assert refused(edit(one, wish, BOUNDS, now_ms=NOW_MS)) == ["stop_moves_to"]
    assert (
        refused(edit(one, ExitUpdate(trailing=True, trailing_distance_pct=D(40)), BOUNDS, now_ms=NOW_MS))
        == []
    )


def test_a_stop_below_the_trailing_stop_is_refused() -> None:
    plan = msgspec.structs.replace(position().plan, trailing=True, trailing_after_pct=D(0))
    one = held(plan=plan, high_price=D("2.3"), stop_price=D("1.955"))
    assert refused(edit(one, ExitUpdate(stop_price=D("1.9")), BOUNDS, now_ms=NOW_MS)) == ["stop_is_held"]
    assert refused(edit(one, ExitUpdate(stop_price=D("1.9"), trailing=False), BOUNDS, now_ms=NOW_MS)) == []


def test_rungs_with_sales_stay_before_the_new_ones() -> None:
    one = held(sold=((1, D("0.5")),))
    edited = edit(one, ExitUpdate(ladder=(Rung(D(10), D(50)),)), BOUNDS, now_ms=NOW_MS)
    assert refused(edited) == []
    assert edited.plan.ladder == (one.position.plan.ladder[0], Rung(D(10), D(50)))
    nothing = edit(held(), ExitUpdate(ladder=()), BOUNDS, now_ms=NOW_MS)
    assert (refused(nothing), nothing.plan.ladder) == ([], ())


prices = st.one_of(st.none(), st.decimals("0.5", "4", places=2))
shares = st.decimals("1", "60", places=0)
ladders = st.lists(st.builds(Rung, shares, st.decimals("0.5", "80", places=1)), max_size=7).map(tuple)


@given(
    st.builds(
        ExitUpdate,
        stop_price=prices,
        trailing=st.one_of(st.none(), st.booleans()),
        trailing_after_pct=st.one_of(st.none(), st.decimals(0, 40, places=0)),
        trailing_distance_pct=st.one_of(st.none(), st.decimals(0, 95, places=0)),
        ladder=st.one_of(st.none(), ladders),
        time_stop_s=st.one_of(st.none(), st.integers(-5, 20_000)),
    ),
    st.decimals("1.5", "3", places=2),
)
def test_accepted_exits_sell_nothing_at_the_current_bid(wish: ExitUpdate, bid: D) -> None:
    one = held(str(bid), high_price=max(D(2), bid))
    edited = edit(one, wish, BOUNDS, now_ms=NOW_MS)
    if refused(edited):
        return
    after = msgspec.structs.replace(one.position, plan=edited.plan)
    assert edited.stop_price < bid
    assert all(higher.price < bid for higher in higher_stops(after, one.memory.high_price, GRID))
    if wish.ladder is not None:
        assert all(2 * (1 + rung.gain_pct / 100) > bid - D("0.01") for rung in edited.plan.ladder)
        assert sum(rung.share_pct for rung in edited.plan.ladder) <= 100
