"""The order state machine: any sequence and repetition of evidence gives one order."""

from decimal import Decimal
from itertools import permutations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.ledger.evidence import (
    Evidence,
    EvidenceSource,
    TradeEvidence,
    check_response,
    from_fence,
    from_fill,
    from_outcome,
    from_report,
    from_trades,
    from_update,
    trades_of,
)
from mexc_tui.ledger.orders import (
    Advanced,
    AnomalyKind,
    advance,
    foreign_order,
    mark_cancelling,
    mark_unknown,
    needs_query,
    needs_trades_query,
)
from mexc_tui.model.intent import Fee, Order, OrderState
from mexc_tui.model.order import OrderStatus, OrderType, Side, StreamOrderStatus, StreamOrderType
from mexc_tui.model.outcome import (
    SETTLE_MS,
    Accepted,
    Advice,
    Ambiguous,
    NotSent,
    Refusal,
    Rejected,
)
from mexc_tui.model.report import OrderReport, PlacedOrder
from mexc_tui.model.stream import FillUpdate, OrderUpdate
from tests.support.samples.ledger_samples import NOON_MS, D, order, report, trade

REFUSAL = Refusal(
    http_status=400,
    code=30004,
    message="Insufficient",
    text="not enough funds",
    advice=Advice.STOP,
    listing_advice=Advice.STOP,
    definite=True,
)


def push(filled: str, value: str, status: StreamOrderStatus | None, order_id: str = "x-buy-1") -> Evidence:
    return from_update(
        OrderUpdate(
            symbol="ABCUSDT",
            order_id=order_id,
            client_order_id="buy-1",
            type=StreamOrderType.LIMIT,
            side=Side.BUY,
            status=status,
            raw_status=0 if status is None else status.value,
            price=D(2),
            quantity=D(10),
            amount=D(20),
            average_price=D(2),
            remaining_quantity=D(10) - D(filled),
            remaining_amount=D(0),
            filled_quantity=D(filled),
            filled_amount=D(value),
            is_maker=False,
            created_ms=NOON_MS,
            sent_ms=NOON_MS + 5,
        )
    )


def deal(number: int, quantity: str, fee: str, asset: str = "USDT") -> Evidence:
    return from_fill(
        FillUpdate(
            symbol="ABCUSDT",
            trade_id=f"deal{number}",
            order_id="x-buy-1",
            client_order_id="buy-1",
            side=Side.BUY,
            price=D(2),
            quantity=D(quantity),
            amount=D(quantity) * 2,
            fee=D(fee),
            fee_asset=asset,
            is_maker=False,
            is_self_trade=False,
            time_ms=NOON_MS,
            sent_ms=NOON_MS + 4,
        )
    )


def placed() -> Evidence:
    return from_outcome(Accepted(PlacedOrder("x-buy-1", "ABCUSDT"), NOON_MS), NOON_MS)


def told(first: Order, *evidence: Evidence) -> Order:
    for piece in evidence:
        first = advance(first, piece).order
    return first


def test_a_response_alone_fills_nothing_and_has_no_price() -> None:
    after = told(order(), placed())
    assert after.state is OrderState.ACKNOWLEDGED
    assert after.filled_quantity == 0
    assert after.average_price is None


def test_a_fill_before_the_response_stays_booked() -> None:
    after = told(order(), push("4", "8", StreamOrderStatus.PARTIALLY_FILLED), placed())
    assert (after.state, after.filled_quantity) == (OrderState.PARTIAL, 4)


def test_a_duplicate_push_adds_nothing() -> None:
    once = advance(order(), push("4", "8", StreamOrderStatus.PARTIALLY_FILLED))
    twice = advance(once.order, push("4", "8", StreamOrderStatus.PARTIALLY_FILLED))
    assert once.added_quantity == 4
    assert not twice.has_fill
    assert not twice.is_changed


def test_a_lower_cumulative_is_ignored_and_counted() -> None:
    first = told(order(), push("8", "16", StreamOrderStatus.PARTIALLY_FILLED))
    late = advance(first, push("4", "8", StreamOrderStatus.PARTIALLY_FILLED))
    assert late.order.filled_quantity == 8
    assert [anomaly.kind for anomaly in late.anomalies] == [AnomalyKind.BACKWARDS]


def test_stream_status_5_is_an_end_with_fills_kept() -> None:
    after = told(order(), push("4", "8", StreamOrderStatus.PARTIALLY_CANCELED))
    assert after.state is OrderState.PARTIALLY_CANCELLED
    assert after.state.is_terminal
    assert after.filled_quantity == 4


def test_a_cancelled_order_whose_fill_comes_late_is_partially_cancelled() -> None:
    after = told(
        order(),
        push("0", "0", StreamOrderStatus.CANCELED),
        push("4", "8", StreamOrderStatus.PARTIALLY_FILLED),
    )
    assert (after.state, after.filled_quantity) == (OrderState.PARTIALLY_CANCELLED, 4)


def test_a_cancel_that_loses_the_race_ends_filled() -> None:
    resting = told(order(), placed())
    going = mark_cancelling(resting, NOON_MS + 1, "the entry window closed")
    assert going.state is OrderState.CANCELLING
    assert told(going, push("10", "20", StreamOrderStatus.FILLED)).state is OrderState.FILLED


def test_a_partial_fill_does_not_call_off_a_cancel() -> None:
    going = mark_cancelling(told(order(), placed()), NOON_MS + 1, "")
    after = told(going, push("4", "8", StreamOrderStatus.PARTIALLY_FILLED))
    assert (after.state, after.filled_quantity) == (OrderState.CANCELLING, 4)


def test_an_unknown_order_stays_unknown_while_it_is_being_cancelled() -> None:
    lost = told(
        order(),
        from_outcome(Ambiguous(reason="timed out", timestamp_ms=NOON_MS, recv_window_ms=2_000), NOON_MS),
    )
    assert mark_cancelling(lost, NOON_MS, "").state is OrderState.UNKNOWN


def test_an_ambiguous_response_has_a_fence_and_is_no_rejection() -> None:
    after = told(
        order(),
        from_outcome(Ambiguous(reason="timed out", timestamp_ms=NOON_MS, recv_window_ms=2_000), NOON_MS),
    )
    assert after.state is OrderState.UNKNOWN
    assert after.fence_ms == NOON_MS + 2_000 + SETTLE_MS
    assert needs_query(after)


def test_a_rejection_keeps_its_code_and_text() -> None:
    after = told(order(), from_outcome(Rejected(REFUSAL), NOON_MS))
    assert (after.state, after.code, after.reason) == (OrderState.REJECTED, 30004, "not enough funds")


def test_a_never_sent_order_is_rejected_with_a_reason() -> None:
    after = told(order(), from_outcome(NotSent("no connection"), NOON_MS))
    assert (after.state, after.reason) == (OrderState.REJECTED, "never sent: no connection")


@pytest.mark.parametrize(
    "gone", [from_outcome(Rejected(REFUSAL), NOON_MS), from_fence(OrderState.ABSENT, "not there", NOON_MS)]
)
def test_a_fill_revives_an_order_believed_absent(gone: Evidence) -> None:
    step = advance(told(order(), gone), push("4", "8", StreamOrderStatus.PARTIALLY_FILLED))
    assert (step.order.state, step.added_quantity) == (OrderState.PARTIAL, 4)
    assert AnomalyKind.REVIVED in {anomaly.kind for anomaly in step.anomalies}
    assert step.order.code is None


def test_a_denial_of_an_existing_order_does_not_close_it() -> None:
    step = advance(told(order(), placed()), from_fence(OrderState.ABSENT, "not there", NOON_MS))
    assert step.order.state is OrderState.ACKNOWLEDGED
    assert [anomaly.kind for anomaly in step.anomalies] == [AnomalyKind.CONTRADICTED]


def by_value(spend: int = 20) -> Order:
    return msgspec.structs.replace(
        order(quantity=None), type=OrderType.MARKET, price=None, quote_quantity=D(spend)
    )


def kinds_of(step: Advanced) -> list[AnomalyKind]:
    return [anomaly.kind for anomaly in step.anomalies]


@pytest.mark.parametrize(
    "told_ten_times",
    [
        push("100", "200", StreamOrderStatus.FILLED),
        from_report(report("buy-1", "100", "200", OrderStatus.FILLED), NOON_MS),
        from_report(report("buy-1", "100", "200", OrderStatus.FILLED, quantity="100"), NOON_MS),
    ],
    ids=["stream", "report", "report with another quantity"],
)
def test_a_filled_order_never_exceeds_its_quantity_and_alerts_once(told_ten_times: Evidence) -> None:
    step = advance(order(), told_ten_times)
    again = advance(step.order, told_ten_times)
    assert (step.order.filled_quantity, step.order.filled_value) == (10, 20)
    assert step.order.state is OrderState.FILLED
    assert kinds_of(step) == [AnomalyKind.OVERFILL]
    assert "100 filled of 10 ordered" in step.anomalies[0].text
    assert again.anomalies == ()
    assert not again.has_fill


@pytest.mark.parametrize("status", [OrderStatus.PARTIALLY_CANCELED, OrderStatus.PARTIALLY_FILLED])
def test_a_report_that_contradicts_its_own_order_books_nothing_and_closes_nothing(
    status: OrderStatus,
) -> None:
    step = advance(order(), from_report(report("buy-1", "40", "80", status), NOON_MS))
    assert (step.order.filled_quantity, step.order.state) == (0, OrderState.ACKNOWLEDGED)
    assert kinds_of(step) == [AnomalyKind.OVERFILL]
    truth = advance(step.order, from_report(report("buy-1", "4", "8", status), NOON_MS + 1))
    assert (truth.added_quantity, truth.added_value) == (4, 8)


def test_a_buy_by_value_never_spends_more_than_ordered() -> None:
    step = advance(by_value(), push("11", "22", StreamOrderStatus.FILLED))
    assert (step.order.filled_quantity, step.order.filled_value) == (0, 0)
    assert not step.order.state.is_terminal
    assert kinds_of(step) == [AnomalyKind.OVERFILL]


def test_a_buy_never_costs_more_than_its_intent_allows() -> None:
    bounded = msgspec.structs.replace(order(), bound=D(25))
    step = advance(bounded, push("10", "200", StreamOrderStatus.FILLED))
    assert step.order.filled_value == 0
    assert kinds_of(step) == [AnomalyKind.OVERFILL]
    assert told(step.order, push("10", "20", StreamOrderStatus.FILLED)).filled_value == 20


def test_trades_beyond_the_ordered_quantity_add_no_fee() -> None:
    both = told(order(), deal(1, "4", "0.004"), deal(2, "6", "0.006"))
    step = advance(both, deal(3, "6", "0.006"))
    assert step.order.fee_in("USDT") == D("0.010")
    assert kinds_of(step) == [AnomalyKind.OVERFILL]
    assert not needs_query(told(step.order, push("10", "20", StreamOrderStatus.FILLED)))


OTHERS = [
    msgspec.structs.replace(report("buy-1", "10", "20", OrderStatus.FILLED), client_order_id="web_else"),
    msgspec.structs.replace(report("buy-1", "10", "20", OrderStatus.FILLED), client_order_id=None),
    msgspec.structs.replace(report("buy-1", "10", "20", OrderStatus.FILLED), symbol="XYZUSDT"),
    msgspec.structs.replace(report("buy-1", "10", "20", OrderStatus.FILLED), side=Side.SELL),
]


@pytest.mark.parametrize("other", OTHERS, ids=["client id", "no client id", "pair", "side"])
def test_a_report_of_another_order_is_never_merged(other: OrderReport) -> None:
    step = advance(order(), from_report(other, NOON_MS))
    assert step.order == order()
    assert kinds_of(step) == [AnomalyKind.MISMATCH]


def test_a_report_by_order_id_needs_no_client_id() -> None:
    known = told(order(), placed())
    nameless = msgspec.structs.replace(report("buy-1", "10", "20", OrderStatus.FILLED), client_order_id=None)
    assert told(known, from_report(nameless, NOON_MS)).state is OrderState.FILLED


def test_trades_of_other_orders_in_a_list_are_left_out() -> None:
    known = told(order(), placed())
    mine, more = trade("buy-1", 1, "4", "0.004"), trade("buy-1", 2, "6", "0.006")
    others = (
        trade("buy-2", 3, "6", "0.006"),
        trade("buy-1", 4, "6", "0.006", buys=False),
        msgspec.structs.replace(more, symbol="XYZUSDT"),
        msgspec.structs.replace(more, client_order_id="web_else"),
    )
    assert trades_of(known, (mine, *others, more)) == (mine, more)


@pytest.mark.parametrize(
    ("symbol", "side", "is_this_one"),
    [
        ("ABCUSDT", "BUY", True),
        ("ABCUSDT", None, True),
        ("XYZUSDT", "BUY", False),
        ("ABCUSDT", "SELL", False),
    ],
)
def test_an_acceptance_that_names_another_order_decides_nothing(
    symbol: str, side: str | None, is_this_one: bool
) -> None:
    answer = Accepted(PlacedOrder("x-buy-1", symbol, side=side), NOON_MS)
    outcome = check_response(order(), answer, 2_000)
    assert isinstance(outcome, Accepted) is is_this_one
    after = told(order(), from_outcome(outcome, NOON_MS))
    assert after.state is (OrderState.ACKNOWLEDGED if is_this_one else OrderState.UNKNOWN)
    assert after.order_id == ("x-buy-1" if is_this_one else "")


def test_filled_with_less_than_ordered_is_noticed() -> None:
    step = advance(order(), push("9", "18", StreamOrderStatus.FILLED))
    assert [anomaly.kind for anomaly in step.anomalies] == [AnomalyKind.SHORT]


def test_another_order_under_our_client_id_is_never_merged() -> None:
    first = told(order(), placed())
    step = advance(first, push("10", "20", StreamOrderStatus.FILLED, order_id="x-other"))
    assert step.order == first
    assert [anomaly.kind for anomaly in step.anomalies] == [AnomalyKind.TWIN]


def test_an_unknown_status_proves_only_existence() -> None:
    assert told(order(), push("0", "0", None)).state is OrderState.ACKNOWLEDGED
    assert told(order(), from_report(report("buy-1", status=OrderStatus.UNKNOWN), NOON_MS)).state is (
        OrderState.ACKNOWLEDGED
    )


def test_trades_add_fees_and_never_quantities() -> None:
    step = advance(order(), deal(1, "4", "0.004"))
    assert step.order.filled_quantity == 0
    assert step.order.fee_in("USDT") == D("0.004")
    assert needs_query(step.order), "trades told of more than the order did"


def test_a_trade_reported_twice_counts_its_fee_once() -> None:
    after = told(order(), deal(1, "4", "0.004"), deal(1, "4", "0.004"), deal(2, "6", "0.006"))
    assert after.fee_in("USDT") == D("0.010")


def test_a_trade_under_two_names_pays_its_fee_once() -> None:
    rest = from_trades((trade("buy-1", 1, "4", "0.004"), trade("buy-1", 2, "6", "0.006")))
    after = told(order(), deal(1, "4", "0.004"), rest)
    assert after.fee_in("USDT") == D("0.010")


def test_a_fee_that_is_not_reported_is_queried() -> None:
    filled = told(order(), push("10", "20", StreamOrderStatus.FILLED))
    assert needs_trades_query(filled)
    assert not needs_trades_query(told(filled, deal(1, "10", "0")))


def test_after_a_restart_orders_that_may_be_live_are_unknown_with_a_new_fence() -> None:
    again = mark_unknown(told(order(), placed()), NOON_MS + 60_000, 2_000)
    assert (again.state, again.fence_ms) == (OrderState.UNKNOWN, NOON_MS + 65_000)
    ended = told(order(), push("10", "20", StreamOrderStatus.FILLED))
    assert mark_unknown(ended, NOON_MS, 2_000) == ended


def test_an_order_marked_before_the_clock_is_measured_has_no_fence() -> None:
    live = order("buy-1", state=OrderState.ACKNOWLEDGED)
    assert mark_unknown(live, None, 5_000).fence_ms is None
    assert mark_unknown(mark_unknown(live, None, 5_000), NOON_MS, 5_000).fence_ms == NOON_MS + 8_000


def test_fills_from_before_a_restart_do_not_settle_an_unknown_order() -> None:
    filled = told(order(), push("4", "8", StreamOrderStatus.PARTIALLY_FILLED))
    again = mark_unknown(filled, NOON_MS, 2_000)
    assert told(again, from_fence(OrderState.ABSENT, "not there", NOON_MS)).state is OrderState.UNKNOWN
    assert told(again, deal(1, "4", "0.004")).state is OrderState.PARTIAL


def test_a_foreign_order_is_shown_until_it_ended() -> None:
    resting = foreign_order(report("web"), NOON_MS)
    assert resting.state is OrderState.FOREIGN
    assert resting.intent_id == ""
    moved = told(resting, from_report(report("web", "4", "8", OrderStatus.PARTIALLY_FILLED), NOON_MS))
    assert (moved.state, moved.filled_quantity) == (OrderState.FOREIGN, 4)
    ended = told(moved, from_report(report("web", "4", "8", OrderStatus.PARTIALLY_CANCELED), NOON_MS))
    assert ended.state is OrderState.PARTIALLY_CANCELLED


amounts = st.decimals(min_value=0, max_value=12, places=3)
states = st.sampled_from(
    [
        OrderState.UNKNOWN,
        OrderState.ABSENT,
        OrderState.REJECTED,
        OrderState.ACKNOWLEDGED,
        OrderState.PARTIAL,
        OrderState.CANCELLED,
        OrderState.PARTIALLY_CANCELLED,
        OrderState.FILLED,
    ]
)
ASSETS = ("USDT", "ABC", "MX")


@st.composite
def pieces(draw: st.DrawFn) -> Evidence:
    has_amounts = draw(st.booleans())
    number = draw(st.integers(1, 3))
    # A trade is one thing: the same number is always the same trade.
    made = TradeEvidence(f"t{number}", D(number), Fee(asset=ASSETS[number % 3], amount=D(number) / 1000))
    return Evidence(
        source=draw(st.sampled_from([EvidenceSource.STREAM, EvidenceSource.QUERY])),
        at_ms=NOON_MS + draw(st.integers(0, 5)),
        text=draw(st.sampled_from(["a", "b"])),
        state=draw(st.none() | states),
        order_id=draw(st.sampled_from(["", "x-buy-1"])),
        filled_quantity=draw(amounts) if has_amounts else None,
        filled_value=draw(amounts) if has_amounts else None,
        trades=(made,) if draw(st.booleans()) else (),
        sent_ms=draw(st.none() | st.integers(NOON_MS, NOON_MS + 3)),
        fence_ms=draw(st.none() | st.integers(NOON_MS, NOON_MS + 3)),
    )


def unworded(one: Order) -> Order:
    return msgspec.structs.replace(one, reason="")


@settings(max_examples=400)
@given(st.data(), st.lists(pieces(), max_size=8))
def test_evidence_in_any_order_and_repetition_gives_the_same_order(
    data: st.DataObject, evidence: list[Evidence]
) -> None:
    shuffled = data.draw(st.permutations(evidence + evidence[: data.draw(st.integers(0, len(evidence)))]))
    fresh = order()
    restarted = mark_unknown(told(fresh, push("4", "8", StreamOrderStatus.PARTIALLY_FILLED)), NOON_MS, 2_000)
    for first in (fresh, restarted):
        assert unworded(told(first, *evidence)) == unworded(told(first, *shuffled))


@given(st.lists(pieces(), max_size=8))
def test_filled_quantity_and_fees_never_shrink_and_an_end_never_reopens(evidence: list[Evidence]) -> None:
    one = order()
    for piece in evidence:
        after = advance(one, piece).order
        assert after.filled_quantity >= one.filled_quantity
        assert all(after.fee_in(fee.asset) >= fee.amount for fee in one.fees)
        if one.state in (OrderState.FILLED, OrderState.CANCELLED, OrderState.PARTIALLY_CANCELLED):
            assert after.state.is_terminal
            assert after.state not in (OrderState.REJECTED, OrderState.ABSENT)
        one = after


def test_a_recorded_sequence_gives_the_same_result_in_any_order() -> None:
    sequence = (
        placed(),
        push("4", "8", StreamOrderStatus.PARTIALLY_FILLED),
        deal(1, "4", "0.004"),
        deal(2, "6", "0.006"),
        push("10", "19.96", StreamOrderStatus.FILLED),
        from_report(report("buy-1", "10", "19.96", OrderStatus.FILLED), NOON_MS + 9),
    )
    ends = {unworded(told(order(), *way)) for way in permutations(sequence)}
    assert len(ends) == 1
    assert next(iter(ends)).average_price == Decimal("1.996")


@pytest.mark.parametrize(
    "told_too_dear",
    [
        push("1", "15", StreamOrderStatus.PARTIALLY_FILLED),
        push("10", "25", StreamOrderStatus.FILLED),
        push("0", "15", StreamOrderStatus.NEW),
        from_report(report("buy-1", "10", "25", OrderStatus.FILLED), NOON_MS),
    ],
    ids=["part", "all", "nothing", "report"],
)
def test_a_buy_is_never_booked_above_its_limit_price(told_too_dear: Evidence) -> None:
    limited = msgspec.structs.replace(order(), price=D(2), bound=D(100))
    step = advance(limited, told_too_dear)
    assert (step.order.filled_quantity, step.order.filled_value) == (0, 0)
    assert not step.order.state.is_terminal
    assert kinds_of(step) == [AnomalyKind.OVERFILL]
    assert needs_query(step.order)
    truth = told(step.order, push("10", "20.004", StreamOrderStatus.FILLED))
    assert (truth.filled_quantity, truth.filled_value) == (10, D("20.004"))
