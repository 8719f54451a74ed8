"""What faces are shown of snipes, orders and positions, as examples."""

from decimal import Decimal as D

import msgspec
import pytest

from mexc_tui.engine.accounting.ledger_state import LedgerState
from mexc_tui.engine.views.trading_rows import (
    offline_context,
    order_rows,
    position_rows,
    reconciliation_row,
    snipe_rows,
)
from mexc_tui.model.intent import Fee, OrderState
from mexc_tui.model.position import CloseReason, PositionState, Protection
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from tests.support.samples import position_samples
from tests.support.samples import trading_samples as samples


def test_a_position_is_worth_the_bid_less_the_fee_of_selling() -> None:
    row = position_rows(position_samples.ledger_state(), position_samples.row_context())[0]
    assert (row.bid, row.bid_age_ms, row.value) == (D("2.1"), 40, D("20.979"))
    assert (row.cost, row.unrealised) == (D("20.02"), D("0.959"))
    assert row.unrealised_pct is not None
    assert round(row.unrealised_pct, 2) == D("4.79")
    assert (row.entry_price, row.time_stop_ms) == (D(2), 63_000)


def test_rows_have_the_precision_of_their_pair_and_the_second_of_its_price() -> None:
    books = position_samples.ledger_state(None, position_samples.take_profit())
    books.snipes["s1"] = samples.snipe()
    position, snipe = (
        position_rows(books, position_samples.row_context())[0],
        snipe_rows(books, position_samples.row_context())[0],
    )
    order = order_rows(books, position_samples.row_context())[0]
    for row in (position, snipe, order):
        assert (row.price_decimals, row.quantity_decimals) == (4, 2)
    assert position.priced_ms == snipe.priced_ms == 1_800_014_400_000
    unseen = position_rows(books, offline_context("no engine runs"))[0]
    assert (unseen.price_decimals, unseen.priced_ms) == (None, None)


@pytest.mark.parametrize(("bid", "age_ms"), [(None, None), ("2.1", 5_001), (None, 3), ("2.1", None)])
def test_without_a_fresh_price_values_are_unknown(bid: str | None, age_ms: int | None) -> None:
    row = position_rows(position_samples.ledger_state(), position_samples.row_context(bid, age_ms))[0]
    assert (row.bid, row.value, row.unrealised, row.unrealised_pct) == (None, None, None, None)
    assert row.bid_age_ms == age_ms
    assert (row.protection, "no current price" in row.protection_text) == (Protection.NONE, True)


def test_protection_names_the_stop_in_the_engine_and_orders_resting_on_the_exchange() -> None:
    bare = position_rows(position_samples.ledger_state(), position_samples.row_context())[0]
    assert bare.protection is Protection.ENGINE
    assert bare.protection_text == "stop in this engine: ends with this engine"
    resting = position_rows(
        position_samples.ledger_state(
            None, position_samples.take_profit(), position_samples.take_profit("2.40")
        ),
        position_samples.row_context(),
    )[0]
    assert resting.protection_text.endswith("; 2 take-profits on the exchange, not a stop")


def test_an_unprotected_position_states_the_reason() -> None:
    trapped = position_samples.position(trapped="trading is suspended")
    keeps_trying = "trapped: trading is suspended; retrying"
    told = {
        "no stop set": position_rows(position_samples.ledger_state(stop="0"), position_samples.row_context())[
            0
        ],
        "the stop covers 4 of 10": position_rows(
            position_samples.ledger_state(stop="4"), position_samples.row_context()
        )[0],
        keeps_trying: position_rows(position_samples.ledger_state(trapped), position_samples.row_context())[
            0
        ],
        "no engine runs: stop not monitored": position_rows(
            position_samples.ledger_state(), offline_context("no engine runs")
        )[0],
    }
    for words, row in told.items():
        assert row.protection is Protection.NONE
        assert words in row.protection_text


def test_a_position_too_small_to_sell_is_dust() -> None:
    row = position_rows(
        position_samples.ledger_state(position_samples.position(remaining=D("0.4"))),
        position_samples.row_context(),
    )[0]
    assert row.protection is Protection.DUST
    unknown = position_rows(
        position_samples.ledger_state(position_samples.position(remaining=D("0.4"))),
        position_samples.row_context(has_grid=False),
    )[0]
    assert unknown.protection is not Protection.DUST


def test_a_rung_shows_whether_its_order_rests_on_the_exchange_or_waits_in_the_engine() -> None:
    rungs = position_rows(
        position_samples.ledger_state(None, position_samples.take_profit("2.20")),
        position_samples.row_context(),
    )[0].rungs
    assert [(one.number, one.price, one.quantity, one.where) for one in rungs] == [
        (1, D("2.20"), D(3), "exchange"),
        (2, D("2.40"), D(4), "engine"),
        (3, D("2.60"), D(3), "engine"),
    ]


def test_without_an_engine_a_rung_without_an_order_is_not_monitored() -> None:
    blind = position_samples.row_context(blind="no engine runs")
    rungs = position_rows(position_samples.ledger_state(None, position_samples.take_profit("2.20")), blind)[
        0
    ].rungs
    assert [one.where for one in rungs] == ["exchange", "nowhere", "nowhere"]


def test_without_an_engine_a_rung_is_matched_to_its_order_without_the_tick_size() -> None:
    blind = position_samples.row_context(blind="no engine runs", has_grid=False)
    orders = (
        position_samples.take_profit("2.205"),
        position_samples.take_profit("2.41", OrderState.FILLED, filled="4"),
    )
    partly = position_samples.position(remaining=D(6), sold_quantity=D(4), rungs_done=(2,))
    rungs = position_rows(position_samples.ledger_state(partly, *orders), blind)[0].rungs
    assert [(one.number, one.price, one.where) for one in rungs] == [
        (1, D("2.205"), "exchange"),
        (2, D("2.40"), "sold"),
        (3, D("2.60"), "nowhere"),
    ]


def test_rungs_are_shown_as_sold_or_too_small() -> None:
    small = position_samples.position(
        bought_quantity=D(1), bought_value=D(2), remaining=D("0.7"), sold_quantity=D("0.3"), rungs_done=(1,)
    )
    wheres = [
        one.where
        for one in position_rows(position_samples.ledger_state(small), position_samples.row_context())[
            0
        ].rungs
    ]
    assert wheres == ["sold", "engine", "too small"]


def test_a_rung_that_just_filled_is_shown_as_sold_before_it_is_booked() -> None:
    filled = position_samples.take_profit("2.20", state=OrderState.FILLED, filled="3")
    after = position_samples.position(sold_quantity=D(3), sold_value=D("6.6"), remaining=D(7))
    rungs = position_rows(
        position_samples.ledger_state(after, filled, stop="7"), position_samples.row_context()
    )[0].rungs
    assert [(one.number, one.where) for one in rungs] == [(1, "sold"), (2, "engine"), (3, "engine")]


def test_the_high_is_never_below_a_sale_price() -> None:
    sale = position_samples.take_profit("2.20", state=OrderState.FILLED, filled="3")
    after = position_samples.position(
        sold_quantity=D(3), sold_value=D("6.6"), remaining=D(7), high_price=D("2.1")
    )
    assert position_rows(position_samples.ledger_state(after, sale), position_samples.row_context())[
        0
    ].high_price == D("2.2")
    over = position_samples.position(
        state=PositionState.CLOSED,
        closed_ms=9_000,
        remaining=D(0),
        sold_quantity=D(10),
        sold_value=D(25),
        high_price=D("2.1"),
    )
    row = position_rows(position_samples.ledger_state(over), position_samples.row_context())[0]
    assert row.high_price == row.exit_price == D("2.5")


def test_a_closed_position_has_no_ladder() -> None:
    closed = position_samples.position(
        state=PositionState.CLOSED, closed_ms=9_000, close_reason=CloseReason.STOP, remaining=D(0)
    )
    row = position_rows(position_samples.ledger_state(closed), position_samples.row_context())[0]
    assert (row.rungs, row.protection_text, row.close_reason) == ((), "closed", CloseReason.STOP)


def test_open_orders_include_foreign_ones_newest_first() -> None:
    foreign = msgspec.structs.replace(
        samples.order("theirs", state=OrderState.FOREIGN, intent_id="", created_ms=9_000), fees=()
    )
    one = samples.order("i1-1", created_ms=2_000)
    done = samples.order("i1-2", state=OrderState.FILLED, created_ms=3_000)
    books = LedgerState(
        orders={order.client_order_id: order for order in (one, done)}, foreign={"theirs": foreign}
    )
    rows = order_rows(books, position_samples.row_context())
    assert [row.client_order_id for row in rows] == ["theirs", "i1-1"]
    assert (rows[0].state, rows[0].fees) == (OrderState.FOREIGN, "")
    assert rows[1].fees == "0.002 MX"


def test_fees_are_listed_by_asset_without_zeros() -> None:
    order = msgspec.structs.replace(
        samples.order(),
        fees=(
            Fee(asset="USDT", amount=D("0.0100")),
            Fee(asset="MX", amount=D("2E-3")),
            Fee(asset="NEW", amount=D(0)),
        ),
    )
    assert (
        order_rows(LedgerState(orders={"i1-1": order}), position_samples.row_context())[0].fees
        == "0.01 USDT + 0.002 MX"
    )


def test_snipes_are_sorted_by_opening_time() -> None:
    late = msgspec.structs.replace(samples.snipe("a"), opens_ms=95_000)
    rows = snipe_rows(
        LedgerState(snipes={"a": late, "b": samples.snipe("b")}), position_samples.row_context()
    )
    assert [(row.id, row.opens_ms) for row in rows] == [("b", 90_000), ("a", 95_000)]


def test_a_reconciliation_row_has_its_problem() -> None:
    run = Reconciliation(at_ms=7, trigger=Trigger.STREAM_GAP, problem="no answer")
    row = reconciliation_row(run)
    assert (row.at_ms, row.trigger, row.problem) == (7, "stream_gap", "no answer")
