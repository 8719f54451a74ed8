"""Fills become entries, lots, positions, intents and days; every cent is accounted for."""

from decimal import ROUND_UP, Decimal
from itertools import permutations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.ledger.accounts import sum_balances, sum_flows
from mexc_tui.ledger.booking import Booking, StaleOrder, book, recompute, revalue, write_off_dust
from mexc_tui.ledger.checks import equity_identity, lots_agree, solvent
from mexc_tui.ledger.equity import PriceMark, equity_point, unrealised
from mexc_tui.ledger.evidence import Evidence, from_fence, from_report, from_trades
from mexc_tui.ledger.orders import advance
from mexc_tui.ledger.positions import sellable
from mexc_tui.model.intent import ZERO, CloseReason, Order, OrderRole, OrderState
from mexc_tui.model.order import OrderStatus, Side
from mexc_tui.model.position import EntryKind, LedgerAccount, Position, PositionState
from tests.support.samples.ledger_samples import (
    NOON_MS,
    RULES,
    D,
    LedgerBench,
    imbalances,
    intent,
    order,
    report,
    trade,
)

DAY_MS = 86_400_000


def bought(name: str = "buy-1", quantity: str = "10", value: str = "20", at_ms: int = NOON_MS) -> Evidence:
    told = report(name, quantity, value, OrderStatus.FILLED, quantity=quantity, at_ms=at_ms)
    return from_report(told, at_ms)


def sold(name: str, quantity: str, value: str, status: OrderStatus = OrderStatus.FILLED) -> Evidence:
    told = report(name, quantity, value, status, Side.SELL, quantity, at_ms=NOON_MS + 1_000)
    return from_report(told, NOON_MS)


def fee(name: str, quantity: str, amount: str, asset: str = "USDT") -> Evidence:
    return from_trades((trade(name, 1, quantity, amount, asset, buys=name.startswith("buy")),))


def sell_order(name: str = "stop-1", quantity: str = "10", role: OrderRole = OrderRole.STOP) -> Order:
    return order(name, Side.SELL, D(quantity), role=role, created_ms=NOON_MS + 500)


def a_desk(**assets: str) -> LedgerBench:
    """A desk that is about to buy; its entry ended, so that what it bought is open."""
    stop = intent("stop", OrderRole.STOP)
    return (
        LedgerBench(prices={"MX": D(3)})
        .start(**(assets or {"USDT": "1000"}))
        .expect(intent(), order(price=D(20)), stop)
    )


def done(desk: LedgerBench) -> None:
    """End the entry."""
    desk.expect(msgspec.structs.replace(desk.intents["buy"], ended_ms=NOON_MS, reserved=ZERO))
    desk.apply(recompute(desk.rows_of("p1"), NOON_MS))


def the(desk: LedgerBench) -> Position:
    return desk.positions["p1"]


def held(desk: LedgerBench, asset: str, account: LedgerAccount = LedgerAccount.DESK) -> Decimal:
    return desk.held.get((account, asset), ZERO)


def assert_sound(desk: LedgerBench) -> None:
    """Postings balance, lots, positions and accounts agree, and equity is explained to the last digit."""
    assert [words for entry in desk.entries.values() for words in imbalances(entry)] == []
    assert lots_agree(desk.held, desk.positions.values(), RULES.quote_assets) == ()
    for position in desk.positions.values():
        lots = [lot for lot in desk.lots.values() if lot.position_id == position.id]
        assert sum((lot.remaining for lot in lots), ZERO) == position.remaining
        assert sum((lot.remaining_cost for lot in lots), ZERO) == position.remaining_cost
    marks = [PriceMark(position, D("1.7"), D("0.0005")) for position in desk.positions.values()]
    point = equity_point(
        held(desk, "USDT"), marks, sum_flows(desk.entries.values()), previous=None, at_ms=NOON_MS
    )
    realised = sum((position.realised for position in desk.positions.values()), ZERO)
    open_profit = sum((unrealised(mark) or ZERO for mark in marks), ZERO)
    start = sum_balances([desk.entries["start"]])[LedgerAccount.DESK, "USDT"]
    assert equity_identity(start, point, realised, unrealised=open_profit, tolerance=ZERO) == ()
    assert sum((day.realised for day in desk.days.values()), ZERO) == realised


def test_a_buy_becomes_a_lot_a_position_and_balanced_postings() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought(), fee("buy-1", "10", "0.01"))
    done(desk)
    assert the(desk).state is PositionState.OPEN
    assert (the(desk).remaining, the(desk).remaining_cost) == (10, D("20.01"))
    assert held(desk, "USDT") == D("979.99")
    assert held(desk, "ABC") == 10
    assert_sound(desk)


def test_entry_price_comes_from_fills_and_never_from_the_response() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought(value="25"))
    assert the(desk).entry_price == D("2.5")
    assert (the(desk).initial_stop, the(desk).stop_price) == (D("2.25"), D("2.25"))


def test_a_moved_stop_is_not_lowered_by_further_fills() -> None:
    desk = a_desk()
    desk.apply_evidence(
        "buy-1", from_report(report("buy-1", "5", "10", OrderStatus.PARTIALLY_FILLED), NOON_MS)
    )
    desk.positions["p1"] = msgspec.structs.replace(the(desk), stop_price=D("1.99"))
    desk.apply_evidence("buy-1", bought(value="19"))
    assert (the(desk).initial_stop, the(desk).stop_price) == (D("1.71"), D("1.99"))


def test_an_order_without_a_fill_makes_no_position() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", from_report(report("buy-1"), NOON_MS))
    assert desk.positions == {}
    assert list(desk.entries) == ["start"]


def test_a_resting_order_realises_nothing_and_has_no_fee() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought())
    desk.expect(sell_order("take-1", role=OrderRole.TAKE_PROFIT))
    desk.apply_evidence("take-1", sold("take-1", "0", "0", OrderStatus.NEW))
    assert (the(desk).realised, the(desk).fees, the(desk).remaining) == (0, 0, 10)


def test_a_booking_survives_a_serialization_round_trip() -> None:
    desk = a_desk(USDT="1000", MX="5")
    desk.apply_evidence("buy-1", bought(), fee("buy-1", "10", "0.01", "MX"))
    for row in (the(desk), desk.orders["buy-1"], desk.intents["stop"], desk.lots["buy-1"]):
        assert msgspec.json.decode(msgspec.json.encode(row), type=type(row)) == row
    for entry in desk.entries.values():
        assert msgspec.json.decode(msgspec.json.encode(entry), type=type(entry)) == entry


def test_a_position_is_opening_while_the_entry_may_fill_further() -> None:
    desk = a_desk()
    desk.apply_evidence(
        "buy-1", from_report(report("buy-1", "4", "8", OrderStatus.PARTIALLY_CANCELED), NOON_MS)
    )
    assert the(desk).state is PositionState.OPENING
    done(desk)
    assert the(desk).state is PositionState.OPEN


def test_a_reservation_shrinks_by_fills_and_fees() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought(), fee("buy-1", "10", "0.01"))
    assert desk.intents["buy"].reserved == D("79.99")
    done(desk)
    assert desk.intents["buy"].reserved == 0


def test_the_stop_covers_the_remaining_quantity_after_each_fill() -> None:
    desk = a_desk()
    desk.apply_evidence(
        "buy-1", from_report(report("buy-1", "4", "8", OrderStatus.PARTIALLY_FILLED), NOON_MS)
    )
    assert desk.intents["stop"].quantity == 4
    desk.apply_evidence("buy-1", bought())
    assert desk.intents["stop"].quantity == 10
    desk.expect(sell_order("take-1", "3", OrderRole.TAKE_PROFIT))
    desk.apply_evidence("take-1", sold("take-1", "3", "6.6"))
    assert desk.intents["stop"].quantity == 7


def test_a_partial_take_profit_leaves_the_rest_open_and_protected() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought())
    done(desk)
    desk.expect(sell_order("take-1", "3", OrderRole.TAKE_PROFIT))
    desk.apply_evidence("take-1", sold("take-1", "3", "6.6"))
    assert (the(desk).state, the(desk).remaining) == (PositionState.OPEN, 7)
    assert desk.intents["stop"].is_open
    assert the(desk).realised == D("0.6")
    assert_sound(desk)


def test_a_sale_closes_the_position_with_profit_net_of_both_fees() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought(), fee("buy-1", "10", "0.01"))
    done(desk)
    desk.expect(sell_order())
    desk.apply_evidence("stop-1", sold("stop-1", "10", "18"), fee("stop-1", "10", "0.009"))
    closed = the(desk)
    assert (closed.state, closed.close_reason) == (PositionState.CLOSED, CloseReason.STOP)
    assert closed.realised == D("-2.019")
    assert closed.fees == D("0.019")
    assert desk.intents["stop"].ended_ms == NOON_MS
    assert_sound(desk)


@pytest.mark.parametrize(
    ("said", "role", "reason"),
    [
        (CloseReason.TRAILING, OrderRole.STOP, CloseReason.TRAILING),
        (CloseReason.TIME, OrderRole.CLOSE, CloseReason.TIME),
        (CloseReason.NONE, OrderRole.CLOSE, CloseReason.MANUAL),
        (CloseReason.NONE, OrderRole.FLATTEN, CloseReason.FLATTEN),
    ],
)
def test_the_last_sale_sets_the_close_reason(said: CloseReason, role: OrderRole, reason: CloseReason) -> None:
    desk = a_desk().expect(intent("exit", role, close_reason=said))
    desk.apply_evidence("buy-1", bought())
    done(desk)
    desk.expect(sell_order("exit-1", role=role))
    desk.apply_evidence("exit-1", sold("exit-1", "10", "18"))
    assert the(desk).close_reason is reason


def test_a_position_is_reducing_while_a_stop_is_in_progress() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought())
    done(desk)
    desk.expect(sell_order())
    desk.apply_evidence("stop-1", sold("stop-1", "4", "7", OrderStatus.PARTIALLY_FILLED))
    assert the(desk).state is PositionState.REDUCING
    desk.apply_evidence("stop-1", sold("stop-1", "4", "7", OrderStatus.PARTIALLY_CANCELED))
    assert the(desk).state is PositionState.OPEN


def test_lots_are_used_first_in_first_out() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought())
    desk.expect(order("buy-2", price=D(20), created_ms=NOON_MS + 1))
    desk.apply_evidence("buy-2", bought("buy-2", "10", "30"))
    desk.expect(sell_order(quantity="12"))
    desk.apply_evidence("stop-1", sold("stop-1", "12", "36"))
    assert the(desk).realised == 36 - 20 - 6
    assert [desk.lots[name].remaining for name in ("buy-1", "buy-2")] == [0, 8]


def test_an_indivisible_cost_loses_no_cent() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought(quantity="3", value="10"))
    for number in (1, 2, 3):
        desk.expect(sell_order(f"take-{number}", "1", OrderRole.TAKE_PROFIT))
        desk.apply_evidence(f"take-{number}", sold(f"take-{number}", "1", "3"))
    assert the(desk).realised == -1
    assert the(desk).remaining_cost == 0


def test_a_fee_in_the_bought_coin_leaves_fewer_coins_to_sell() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought(), fee("buy-1", "10", "0.02", "ABC"))
    assert the(desk).remaining == D("9.98")
    assert the(desk).remaining_cost == 20
    assert the(desk).fees == D("0.04")
    assert sellable(the(desk).remaining, D(10), D("0.1")) == D("9.9")
    assert_sound(desk)


def test_a_fee_in_mx_is_valued_when_charged_and_reduces_no_position() -> None:
    desk = a_desk(USDT="1000", MX="5")
    desk.apply_evidence("buy-1", bought(), fee("buy-1", "10", "0.01", "MX"))
    assert the(desk).remaining_cost == D("20.03")
    assert held(desk, "MX", LedgerAccount.OWN) == D("4.99")
    assert held(desk, "USDT") == 980
    assert sum_flows(desk.entries.values()) == D("0.03")
    assert_sound(desk)


def test_a_fee_without_a_price_stays_unvalued_with_an_alert_until_a_price_is_known() -> None:
    desk = a_desk()
    desk.prices = {}
    desk.apply_evidence("buy-1", bought(), fee("buy-1", "10", "0.01", "MX"))
    assert desk.orders["buy-1"].fees[0].unvalued == D("0.01")
    assert desk.words == ["buy-1: the value of a fee of 0.01 MX is unknown"]
    assert the(desk).remaining_cost == 20
    desk.apply(revalue(desk.rows_of("p1"), desk.orders["buy-1"], {"MX": D(3)}, at_ms=NOON_MS))
    assert the(desk).remaining_cost == D("20.03")
    desk.apply(revalue(desk.rows_of("p1"), desk.orders["buy-1"], {"MX": D(9)}, at_ms=NOON_MS))
    assert the(desk).remaining_cost == D("20.03"), "a fee is valued once"
    assert_sound(desk)


def test_each_part_of_a_fee_is_valued_at_the_time_of_its_payment() -> None:
    desk = a_desk(USDT="1000", MX="5")
    desk.apply_evidence("buy-1", bought(), fee("buy-1", "9", "0.01", "MX"))
    desk.prices = {"MX": D(4)}
    desk.apply_evidence("buy-1", from_trades((trade("buy-1", 2, "1", "0.01", "MX"),)))
    assert the(desk).remaining_cost == D("20.07")
    assert sum_flows(desk.entries.values()) == D("0.07")
    assert_sound(desk)


@pytest.mark.parametrize("asset", ["USDT", "ABC", "MX"])
def test_a_fee_reported_before_its_fill_waits_for_it(asset: str) -> None:
    desk = a_desk(USDT="1000", MX="5")
    early = fee("buy-1", "10", "0.02", asset)
    desk.apply_evidence("buy-1", early)
    assert list(desk.entries) == ["start"]
    assert_sound(desk)
    desk.apply_evidence("buy-1", bought(), early)
    assert desk.orders["buy-1"].fee_in(asset) == D("0.02")
    assert desk.held[LedgerAccount.FEES, asset] == D("0.02")
    assert the(desk).fees == {"USDT": D("0.02"), "ABC": D("0.04"), "MX": D("0.06")}[asset]
    assert_sound(desk)


@pytest.mark.parametrize("asset", ["USDT", "ABC", "MX"])
def test_a_fee_beyond_the_known_fill_keeps_the_ledger_consistent(asset: str) -> None:
    desk = a_desk(USDT="1000", MX="5")
    desk.apply_evidence(
        "buy-1", from_report(report("buy-1", "0.01", "0.02", OrderStatus.PARTIALLY_FILLED), NOON_MS)
    )
    desk.apply_evidence("buy-1", fee("buy-1", "10", "0.02", asset))
    assert_sound(desk)
    assert solvent(desk.held) == ()
    desk.apply_evidence("buy-1", bought())
    assert_sound(desk)
    assert desk.held[LedgerAccount.FEES, asset] == D("0.02")


def test_a_fee_of_a_second_buy_and_of_a_sale_wait_for_their_own_fills() -> None:
    desk = a_desk(USDT="1000")
    desk.apply_evidence("buy-1", bought())
    desk.expect(order("buy-2", created_ms=NOON_MS + 1), sell_order())
    desk.apply_evidence("buy-2", fee("buy-2", "10", "0.02"))
    desk.apply_evidence("stop-1", fee("stop-1", "10", "0.01"))
    assert (the(desk).fees, the(desk).realised) == (0, 0)
    assert_sound(desk)


def test_a_late_fee_of_a_buy_is_shared_with_coins_already_sold() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought())
    desk.expect(sell_order(quantity="5"))
    desk.apply_evidence("stop-1", sold("stop-1", "5", "10"))
    assert the(desk).realised == 0
    desk.apply_evidence("buy-1", fee("buy-1", "10", "0.02"))
    assert (the(desk).realised, the(desk).remaining_cost) == (D("-0.01"), D("10.01"))
    assert_sound(desk)


def test_a_sale_beyond_the_position_uses_the_users_coins_with_an_alert() -> None:
    desk = a_desk(USDT="1000", ABC="7")
    desk.apply_evidence("buy-1", bought())
    done(desk)
    desk.expect(sell_order(quantity="11"))
    desk.apply_evidence("stop-1", sold("stop-1", "11", "22"))
    assert the(desk).remaining == 0
    assert held(desk, "ABC") == 0
    assert held(desk, "ABC", LedgerAccount.OWN) == 6
    assert desk.words == ["1 ABC more sold than the desk owned: own coins of the user"]
    assert solvent(desk.held) == ()
    assert_sound(desk)


def test_the_users_own_coins_are_never_counted_or_sold() -> None:
    desk = a_desk(USDT="1000", ABC="500")
    desk.apply_evidence("buy-1", bought())
    assert (the(desk).remaining, held(desk, "ABC")) == (10, 10)
    assert sellable(the(desk).remaining, free=D(510), step=D("0.01")) == 10


def test_a_sell_is_floored_to_the_owned_and_free_quantity() -> None:
    assert sellable(D("10.057"), D("10.049"), D("0.01")) == D("10.04")
    assert sellable(D("10.057"), D("100"), D("0.01")) == D("10.05")
    assert sellable(D(10), D(-1), D(1)) == 0


def test_dust_is_written_off_once_and_ends_the_position() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought(), fee("buy-1", "10", "0.02", "ABC"))
    done(desk)
    desk.expect(sell_order(quantity="9.9"))
    desk.apply_evidence("stop-1", sold("stop-1", "9.9", "25"))
    desk.apply(write_off_dust(desk.rows_of("p1"), NOON_MS + 5, "0.08 ABC are too small to be sold"))
    closed = the(desk)
    assert (closed.state, closed.remaining, closed.dust) == (PositionState.CLOSED, 0, D("0.08"))
    assert (closed.close_reason, closed.closed_ms) == (CloseReason.STOP, NOON_MS + 5)
    assert closed.realised == 5
    assert held(desk, "ABC", LedgerAccount.OWN) == D("0.08")
    assert desk.entries["p1/dust/0.08"].kind is EntryKind.DUST
    assert_sound(desk)


def test_a_late_fill_opens_a_closed_position_again() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought())
    done(desk)
    desk.expect(sell_order(), order("buy-2", state=OrderState.UNKNOWN, created_ms=NOON_MS + 1))
    desk.apply_evidence("buy-2", from_fence(OrderState.ABSENT, "not there", NOON_MS))
    desk.apply_evidence("stop-1", sold("stop-1", "10", "18"))
    assert the(desk).state is PositionState.CLOSED
    desk.apply_evidence("buy-2", bought("buy-2", "5", "10"))
    assert (the(desk).state, the(desk).remaining, the(desk).closed_ms) == (PositionState.OPEN, 5, None)
    day = next(iter(desk.days.values()))
    assert (day.opened, day.closed, day.losses) == (1, 0, 0)
    assert_sound(desk)


def test_a_new_day_starts_at_zero_and_days_add_up() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought())
    done(desk)
    desk.now_ms += DAY_MS
    desk.expect(sell_order())
    desk.apply_evidence("stop-1", sold("stop-1", "10", "25"), fee("stop-1", "10", "0.01"))
    first, second = (desk.days[name] for name in sorted(desk.days))
    assert (first.opened, first.closed, first.bought_value) == (1, 0, 20)
    assert (second.opened, second.closed, second.wins, second.realised) == (0, 1, 1, D("4.99"))
    assert_sound(desk)


def test_breaking_even_is_neither_a_win_nor_a_loss() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought())
    done(desk)
    desk.expect(sell_order())
    desk.apply_evidence("stop-1", sold("stop-1", "10", "20"))
    (day,) = desk.days.values()
    assert (day.closed, day.wins, day.losses) == (1, 0, 0)


def test_evidence_merged_into_an_old_row_is_not_booked() -> None:
    desk = a_desk()
    old = desk.orders["buy-1"]
    desk.apply_evidence("buy-1", bought(quantity="4", value="8"))
    with pytest.raises(StaleOrder):
        book(desk.rows_of("p1"), advance(old, bought()), {}, at_ms=NOON_MS)


def test_sums_longer_than_28_digits_are_exact() -> None:
    desk = a_desk(USDT="123456789012345678901")
    desk.apply_evidence("buy-1", bought(value="0.000000000000000001"))
    assert held(desk, "USDT") == D("123456789012345678900.999999999999999999")


STEP = st.decimals(min_value="0.001", max_value="50", places=3)
WORTH = st.decimals(min_value="0.01", max_value="500", places=6)
FEE_ASSETS = st.sampled_from(["USDT", "ABC", "MX"])


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, Evidence]]:
    """Evidence of buys and of sells up to the bought quantity, with fees in any asset."""
    told: list[tuple[str, Evidence]] = []
    bought_so_far, sold_so_far = ZERO, ZERO
    for number in (1, 2):
        quantity, value = draw(STEP), draw(WORTH)
        bought_so_far += quantity
        told += _in_slices(draw, f"buy-{number}", Side.BUY, quantity, value)
    for number in (1, 2, 3):
        share = draw(st.decimals(min_value=0, max_value=1, places=2))
        quantity = ((bought_so_far * D("0.9") - sold_so_far) * share).quantize(D("0.001"))
        if quantity > 0:
            sold_so_far += quantity
            told += _in_slices(draw, f"stop-{number}", Side.SELL, quantity, draw(WORTH))
    return told


def _in_slices(
    draw: st.DrawFn, name: str, side: Side, quantity: Decimal, value: Decimal
) -> list[tuple[str, Evidence]]:
    slices = draw(st.integers(1, 3))
    statuses = [OrderStatus.PARTIALLY_FILLED] * (slices - 1) + [OrderStatus.FILLED]
    told: list[tuple[str, Evidence]] = []
    for number, status in enumerate(statuses, 1):
        filled = quantity if number == slices else (quantity * number / slices).quantize(D("0.0001"))
        worth = value if number == slices else (value * number / slices).quantize(D("0.00000001"))
        row = report(name, filled, worth, status, side, quantity)
        limit = (value / quantity * 2).quantize(D("0.01"), ROUND_UP)
        told.append((name, from_report(msgspec.structs.replace(row, price=limit), NOON_MS)))
    asset = draw(FEE_ASSETS)
    amount = (quantity if asset == "ABC" else value) * D("0.001")
    told.append((name, from_trades((trade(name, 1, quantity, amount, asset, side is Side.BUY),))))
    return told


def lived(told: list[tuple[str, Evidence]]) -> LedgerBench:
    desk = a_desk(USDT="100000", ABC="1000", MX="1000")
    for number in (1, 2):
        desk.expect(order(f"buy-{number}", quantity=None, created_ms=NOON_MS + number))
    for number in (1, 2, 3):
        desk.expect(order(f"stop-{number}", Side.SELL, None, created_ms=NOON_MS + 10 + number))
    for name, piece in told:
        desk.apply_evidence(name, piece)
    return desk


@settings(max_examples=120)
@given(st.data(), lives())
def test_any_order_of_arrival_gives_the_same_ledger(
    data: st.DataObject, told: list[tuple[str, Evidence]]
) -> None:
    repeated = told + told[: data.draw(st.integers(0, len(told)))]
    one, other = lived(told), lived(data.draw(st.permutations(repeated)))
    assert the(one) == the(other)
    assert one.lots == other.lots
    assert {place: amount for place, amount in one.held.items() if amount} == {
        place: amount for place, amount in other.held.items() if amount
    }
    (first,), (second,) = one.days.values(), other.days.values()
    assert first == second


@settings(max_examples=120)
@given(lives())
def test_at_every_step_the_ledger_balances_and_equity_is_explained(told: list[tuple[str, Evidence]]) -> None:
    desk = lived([])
    for name, piece in told:
        desk.apply_evidence(name, piece)
        assert_sound(desk)
        assert solvent(desk.held) == ()


@settings(max_examples=120)
@given(lives(), st.decimals(min_value=0, max_value=200, places=3), st.sampled_from(["0.001", "0.1", "1"]))
def test_a_sell_never_exceeds_the_owned_quantity(
    told: list[tuple[str, Evidence]], free: Decimal, step: str
) -> None:
    desk = lived(told)
    quantity = sellable(the(desk).remaining, free, D(step))
    assert 0 <= quantity <= held(desk, "ABC")
    assert quantity <= free
    assert quantity % D(step) == 0


def test_a_fill_its_fee_and_its_sale_give_the_same_result_in_any_order() -> None:
    told = [
        ("buy-1", bought()),
        ("buy-1", fee("buy-1", "10", "0.02", "ABC")),
        ("stop-1", sold("stop-1", "9", "27")),
        ("stop-1", fee("stop-1", "9", "0.03")),
    ]
    ends = [the(lived(list(way))) for way in permutations(told)]
    assert all(end == ends[0] for end in ends)


def test_a_booking_that_changes_nothing_writes_no_entry() -> None:
    desk = a_desk()
    desk.apply_evidence("buy-1", bought())
    again: Booking = book(desk.rows_of("p1"), advance(desk.orders["buy-1"], bought()), {}, at_ms=NOON_MS)
    assert (again.entries, again.intents, again.realised) == ((), (), 0)
    assert again.position == the(desk)
