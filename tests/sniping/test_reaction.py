"""Next step after each response to an attempt."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.exchange.rest.error_codes import TABLE, ErrorBody, explain
from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Accepted, Ambiguous, NotSent, Rejected, SendOutcome
from mexc_tui.model.report import PlacedOrder
from mexc_tui.model.snipe import SnipeState
from mexc_tui.sniping.plan import FireRules
from mexc_tui.sniping.reaction import FiringProgress, FiringStep, FollowUp, ReactionStep, react
from tests.support.samples.sniping_samples import GRID, T0, D

RULES = FireRules()
START = FiringProgress(
    opens_ms=T0,
    spend_cap=D(10),
    type=OrderType.LIMIT,
    price=D(2),
    quantity=D("4.99"),
    sent=1,
    last_sent_ms=T0,
    committed=D(0),
    grid=GRID,
    cap=D(3),
)
IOC = replace(START, type=OrderType.IMMEDIATE_OR_CANCEL)


def answer(code: int, text: str = "", status: int = 400) -> Rejected:
    return Rejected(explain(status, ErrorBody(code, text)))


def after(code: int, progress: FiringProgress = START, text: str = "", now_ms: int = T0 + 90) -> FiringStep:
    return react(answer(code, text), progress, RULES, now_ms=now_ms)


@pytest.mark.parametrize("code", [30001, 10007, 30016, 30014, 30000])
def test_a_too_early_attempt_is_repeated_unchanged_within_the_window(code: int) -> None:
    following = after(code)
    assert (following.step, following.price, following.quantity) == (ReactionStep.SEND, D(2), D("4.99"))
    assert after(code, now_ms=T0 + 5_001).state is SnipeState.MISSED


def test_at_most_12_attempts_leave_in_a_second() -> None:
    assert after(30001, now_ms=T0 + 1).at_ms == T0 + 84


def test_ceiling_is_parsed_and_the_quantity_recomputed_at_its_price() -> None:
    following = after(30010, text="The price cannot be higher than 0.05USDT")
    assert (following.price, following.quantity) == (D("0.05"), D("199.90"))


def test_ceiling_without_a_number_is_priced_from_the_book() -> None:
    following = after(30010, replace(START, best_ask=D("1.5")))
    assert following.price == D("1.545")


def test_a_named_price_above_the_cap_ends_the_snipe() -> None:
    following = after(30010, text="The price cannot be lower than 4USDT")
    assert (following.step, "above the maximum price" in following.reason) == (ReactionStep.STOP, True)


TYPES = {
    OrderType.IMMEDIATE_OR_CANCEL: OrderType.LIMIT,
    OrderType.LIMIT_MAKER: OrderType.LIMIT,
    OrderType.LIMIT: OrderType.IMMEDIATE_OR_CANCEL,
    OrderType.FILL_OR_KILL: OrderType.IMMEDIATE_OR_CANCEL,
    OrderType.MARKET: OrderType.IMMEDIATE_OR_CANCEL,
}


@pytest.mark.parametrize("code", [30019, 30041, 30051, 30025])
@pytest.mark.parametrize("kind", list(OrderType))
def test_a_refused_type_becomes_another_with_the_same_limit(kind: OrderType, code: int) -> None:
    following = after(code, replace(START, type=kind, best_ask=D("1.5")))
    assert (following.type, following.price, following.quantity) == (TYPES[kind], D(2), D("4.99"))


@pytest.mark.parametrize("kind", list(OrderType))
@pytest.mark.parametrize("code", sorted(TABLE))
def test_no_response_leads_to_an_attempt_without_a_limit_or_above_the_cap(code: int, kind: OrderType) -> None:
    for price in (D(2), D(3), D(4)):
        following = after(code, replace(START, type=kind, price=price, best_ask=D(9)))
        if following.step is ReactionStep.SEND:
            assert following.type is not OrderType.MARKET
            assert following.price is not None
            assert following.price <= START.cap


def test_a_value_below_the_minimum_is_raised_only_within_the_spend_cap() -> None:
    small = replace(START, quantity=D(1))
    raised = after(30002, small, "The minimum transaction volume cannot be less than:5USDT")
    assert (raised.step, raised.quantity) == (ReactionStep.SEND, D("4.99"))
    refused = after(30002, small, "The minimum transaction volume cannot be less than:50USDT")
    assert refused.step is ReactionStep.STOP


@pytest.mark.parametrize("code", [30004, 10101])
def test_missing_balance_halves_twice_then_stops(code: int) -> None:
    following = after(code)
    assert following.quantity == D("2.49")
    assert FollowUp.REFRESH_BALANCES in following.follow_ups
    assert after(code, replace(START, reductions=2)).step is ReactionStep.STOP


def test_a_rate_limited_attempt_waits_for_retry_after() -> None:
    assert after(429, replace(START, retry_after_ms=700)).at_ms == T0 + 790
    assert after(429, replace(START, retry_after_ms=7_000)).step is ReactionStep.STOP


@pytest.mark.parametrize("code", [700003, 10073])
def test_an_attempt_refused_for_its_timestamp_is_retried_at_growing_intervals(code: int) -> None:
    waits = [after(code, replace(START, untimely=count)).at_ms for count in range(4)]
    assert waits == [T0 + 90, T0 + 340, T0 + 590, T0 + 590]
    last = after(code, replace(START, untimely=9), now_ms=T0 + 4_600)
    assert (last.step, last.follow_ups) == (ReactionStep.STOP, (FollowUp.ALERT,))
    assert after(code, replace(START, sent=RULES.attempts)).step is ReactionStep.STOP


def test_a_clock_that_was_ahead_of_the_exchange_waits_for_the_opening() -> None:
    following = after(700003, replace(START, last_sent_ms=T0 - 3_000), now_ms=T0 - 2_990)
    assert following.at_ms == T0


@pytest.mark.parametrize("code", [30018, 30020, 30027, 700002, 700006, 10072])
def test_a_definite_rejection_stops_and_alerts(code: int) -> None:
    following = after(code)
    assert (following.step, following.state) == (ReactionStep.STOP, SnipeState.REJECTED)
    assert FollowUp.ALERT in following.follow_ups


def test_an_unknown_outcome_is_queried_and_nothing_else_is_sent() -> None:
    following = react(
        Ambiguous(reason="timeout", timestamp_ms=T0, recv_window_ms=2_000), START, RULES, now_ms=T0 + 90
    )
    assert (following.step, following.state) == (ReactionStep.QUERY, SnipeState.UNKNOWN)


@pytest.mark.parametrize("code", [500, 503, 10203, 20002, 403, 987654])
def test_an_inconclusive_response_is_never_followed_by_a_resend(code: int) -> None:
    assert after(code).step is ReactionStep.QUERY


def test_an_unknown_outcome_does_not_block_when_the_cap_covers_both() -> None:
    half = replace(START, quantity=D("2.4"))
    following = react(
        Ambiguous(reason="timeout", timestamp_ms=T0, recv_window_ms=2_000), half, RULES, now_ms=T0 + 90
    )
    assert following.step is ReactionStep.SEND


def test_an_accepted_order_waits_for_its_fills() -> None:
    accepted = Accepted(PlacedOrder(order_id="1", symbol="NEWUSDT", price=D(0)))
    following = react(accepted, START, RULES, now_ms=T0 + 90)
    assert (following.step, following.price) == (ReactionStep.OUTCOME, None)


codes = st.sampled_from(sorted(TABLE))
texts = st.sampled_from(["", "cannot be higher than 0.05USDT", "cannot be less than:3USDT"])
outcomes = st.one_of(
    st.builds(answer, codes, texts),
    st.just(NotSent("cold")),
    st.just(Ambiguous(reason="timeout", timestamp_ms=T0, recv_window_ms=2_000)),
)


@given(
    st.lists(outcomes, max_size=40),
    st.sampled_from([START, IOC]),
    st.integers(0, 300),
    st.decimals(min_value="0.5", max_value=2, places=4) | st.none(),
)
def test_no_sequence_of_responses_exceeds_window_attempts_rate_or_spend_cap(
    answers: list[SendOutcome[PlacedOrder]], start: FiringProgress, delay_ms: int, ask: Decimal | None
) -> None:
    progress, sent_at = replace(start, best_ask=ask), [T0]
    for outcome in answers:
        following = react(outcome, progress, RULES, now_ms=sent_at[-1] + delay_ms)
        if following.step is not ReactionStep.SEND:
            break
        assert following.at_ms is not None
        assert following.at_ms - sent_at[-1] >= 84
        assert following.at_ms <= T0 + RULES.window_ms
        net = (following.quantity or D(0)) * (following.price or D(0))
        spent = net * (1 + GRID.taker_fee)
        committed = progress.committed
        if isinstance(outcome, Ambiguous):
            committed += progress.quantity * progress.price * (1 + GRID.taker_fee)
        assert committed + spent <= progress.spend_cap
        assert following.type is not None
        assert following.price is not None
        assert following.quantity is not None
        assert following.price <= progress.cap
        sent_at.append(following.at_ms)
        progress = replace(
            progress, type=following.type, price=following.price, quantity=following.quantity,
            sent=progress.sent + 1, last_sent_ms=following.at_ms, committed=committed,
        )  # fmt: skip
    assert len(sent_at) <= RULES.attempts


@pytest.mark.parametrize("reason", ["this line is closed", "not sent: this line is closed"])
def test_an_unsent_request_is_described_once(reason: str) -> None:
    assert NotSent(reason).text == "not sent: this line is closed"
