"""When a price rule is armed, when it fires, and what it measured."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.market.price_rule_state import (
    MOST_PAUSE_MS,
    STEPS,
    Observation,
    RuleState,
    broken,
    firing_text,
    observed,
)
from mexc_tui.market.price_rules import SPANS, PriceRule, parse_rule

D = Decimal
S = 1_000


def price(second: float, last: str, low: str | None = None, high: str | None = None) -> Observation:
    """Return an observation of trades at a price."""
    return Observation(at_ms=int(second * S), last=D(last), low=D(low or last), high=D(high or last))


def quote(second: float, bid: str | None, ask: str | None) -> Observation:
    return Observation(at_ms=int(second * S), bid=(bid and D(bid)) or None, ask=(ask and D(ask)) or None)


def traded(second: float, value: int, largest: int | None = None) -> Observation:
    return Observation(
        at_ms=int(second * S), value=D(value), largest=D(value if largest is None else largest)
    )


def firings(
    line: str | PriceRule, seen: Iterable[Observation], state: RuleState | None = None
) -> list[tuple[float, str]]:
    """Return what fires, each with its second."""
    rule = parse_rule(line) if isinstance(line, str) else line
    state, found = state or RuleState(), list[tuple[float, str]]()
    for one in seen:
        state, firing = observed(rule, state, one)
        if firing is not None:
            found.append((one.at_ms / S, firing))
    return found


def seconds(line: str, seen: Iterable[Observation]) -> list[float]:
    return [second for second, _ in firings(line, seen)]


def calm(line: str, until_s: int) -> list[Observation]:
    """Return observations each second in which no rule of the tables is true."""
    return [
        Observation(
            at_ms=second * S,
            last=D(100),
            low=D(100),
            high=D(100),
            value=D(10),
            largest=D(10),
            bid=D(100),
            ask=D(100),
        )
        for second in range(until_s)
    ]


TRUE = {
    "move 2% 10s": replace(calm("", 1)[0], last=D(102), low=D(102), high=D(102)),
    "spread 50bp 10s": replace(calm("", 1)[0], ask=D("100.6")),
    "print 50k 10s": replace(calm("", 1)[0], value=D(50_000), largest=D(50_000)),
    "volume 3x 1m": replace(calm("", 1)[0], value=D(10_000)),
    "at 101 10s": replace(calm("", 1)[0], last=D(102), high=D(102)),
}
"""For each kind a rule with its shortest window, and an observation in which it is true."""


def at(one: Observation, second: float) -> Observation:
    return replace(one, at_ms=int(second * S))


@pytest.mark.parametrize("line", TRUE)
def test_each_kind_fires_once_after_an_unbroken_window_and_not_before(line: str) -> None:
    armed_s = parse_rule(line).arms_after_ms // S
    early = [*calm(line, armed_s - 1), at(TRUE[line], armed_s - 1)]
    in_time = [*calm(line, armed_s), at(TRUE[line], armed_s), at(TRUE[line], armed_s + 1)]
    assert seconds(line, early) == []
    assert seconds(line, in_time) == [armed_s]


@pytest.mark.parametrize("line", TRUE)
def test_a_gap_starts_the_window_of_each_kind_again(line: str) -> None:
    rule = parse_rule(line)
    armed_s = rule.arms_after_ms // S
    state = RuleState()
    for one in calm(line, armed_s):
        state, _ = observed(rule, state, one)
    cut = broken(state)
    assert firings(rule, [at(TRUE[line], armed_s)], state)
    assert not firings(rule, [at(TRUE[line], armed_s)], cut)
    assert cut.last_ms == state.last_ms


@pytest.mark.parametrize("line", TRUE)
def test_a_pause_between_observations_is_a_gap(line: str) -> None:
    armed_s = parse_rule(line).arms_after_ms // S
    pause_s = MOST_PAUSE_MS / S
    before = calm(line, armed_s + 1)
    assert seconds(line, [*before, at(TRUE[line], armed_s + pause_s)]) == [armed_s + pause_s]
    assert seconds(line, [*before, at(TRUE[line], armed_s + pause_s + 0.001)]) == []


@pytest.mark.parametrize("line", TRUE)
def test_each_kind_fires_again_only_after_its_condition_was_false_for_a_window(line: str) -> None:
    rule = parse_rule(line)
    fired_s, window_s = rule.arms_after_ms // S, rule.window_ms // S
    start = [*calm(line, fired_s), at(TRUE[line], fired_s)]
    state, true_s, armed_s = RuleState(), 0, 0
    for one in (*start, *calm_from(fired_s + 1, 3 * window_s)):
        state, firing = observed(rule, state, one)
        assert firing is None or one.at_ms == fired_s * S
        if state.false_since_ms is None:
            true_s = one.at_ms // S
        if state.has_fired:
            armed_s = one.at_ms // S + 1
    assert armed_s == true_s + 1 + window_s
    assert state.is_armed(rule)


def calm_from(first_s: int, count: int) -> list[Observation]:
    return [at(one, first_s + place) for place, one in enumerate(calm("", count))]


@pytest.mark.parametrize("line", ["spread 50bp 10s", "print 50k 10s"])
def test_a_gap_does_not_let_a_fired_rule_fire_again_while_it_stays_true(line: str) -> None:
    state = broken(RuleState(has_fired=True, last_ms=0))
    assert firings(line, [at(TRUE[line], second) for second in range(1, 60)], state) == []


@pytest.mark.parametrize(
    ("line", "before", "last", "fires"),
    [
        ("move 2% 10s", "100", "102", True),
        ("move 2% 10s", "100", "101.999999999999999999", False),
        ("move 2% 10s", "100", "98", True),
        ("move 2% 10s", "100", "98.000000000000000001", False),
        ("move 2% 10s", "0.000000000000000100", "0.000000000000000102", True),
        ("move 2% 10s", "0.000000000000001000", "0.000000000000001019", False),
        ("at 101 10s", "100", "101", True),
        ("at 101 10s", "100", "100.999999999999999999", False),
        ("at 101 10s", "102", "101", True),
        ("at 101 10s", "102", "101.000000000000000001", False),
        ("at 101 10s", "102", "90", True),
    ],
)
def test_a_price_at_the_threshold_fires_and_one_unit_before_does_not(
    line: str, before: str, last: str, fires: bool
) -> None:
    seen = [*(price(second, before) for second in range(10)), price(10, last)]
    assert bool(seconds(line, seen)) is fires


@pytest.mark.parametrize(
    ("bid", "ask", "fires"),
    [
        ("99.75", "100.25", True),
        ("99.75", "100.249999999999999999", False),
        ("101", "100", False),
        ("100", "100", False),
    ],
)
def test_a_spread_at_the_threshold_fires(bid: str, ask: str, fires: bool) -> None:
    seen = [*(quote(second, "100", "100") for second in range(10)), quote(10, bid, ask)]
    assert bool(seconds("spread 50bp 10s", seen)) is fires


def test_a_spread_that_is_wide_from_the_start_fires_when_the_rule_arms() -> None:
    seen = [quote(second, "99", "101") for second in range(30)]
    assert seconds("spread 50bp 10s", seen) == [10]


def test_an_empty_side_of_the_book_starts_the_window_of_a_spread_again() -> None:
    seen = [quote(second, "99", None if second == 5 else "101") for second in range(20)]
    assert seconds("spread 50bp 10s", seen) == [16]


def test_a_pair_without_trades_does_not_arm_rules_about_its_price() -> None:
    silent = [Observation(at_ms=second * S, bid=D(1), ask=D(1)) for second in range(60)]
    for line in ("move 2% 10s", "at 101 10s"):
        assert seconds(line, [*silent, price(60, "100"), price(61, "150")]) == []


def test_a_move_looks_back_exactly_its_window() -> None:
    rising = [price(0, "100"), *(price(second, "101") for second in range(1, 10))]
    assert seconds("move 2% 10s", [*rising, price(10, "102")]) == [10]
    assert seconds("move 2% 10s", [*rising, price(10, "101"), price(10.001, "102")]) == []


def test_a_move_counts_prices_between_two_observations() -> None:
    seen = [*(price(second, "100") for second in range(10)), price(10, "100", low="97")]
    ((_, firing),) = firings("move 3% 10s", seen)
    assert firing == "price rose 3.09% to 100"


def test_the_larger_of_a_rise_and_a_fall_is_stated() -> None:
    seen = [*(price(second, "100") for second in range(10)), price(10, "98", low="90", high="105")]
    ((_, firing),) = firings("move 2% 10s", seen)
    assert "rose 8.89% to 98" in firing
    seen = [*(price(second, "100") for second in range(10)), price(10, "98", low="97", high="120")]
    ((_, firing),) = firings("move 1% 10s", seen)
    assert "fell 18.33% to 98" in firing


def test_a_price_that_swings_around_a_level_fires_once() -> None:
    start = [price(second, "100") for second in range(11)]
    swings = [price(11 + second, "102" if second % 2 else "100.5") for second in range(60)]
    after = [price(71 + second, "100") for second in range(12)]
    assert seconds("at 101 10s", [*start, *swings, *after, price(83, "103")]) == [12, 83]


@pytest.mark.parametrize(("last", "words"), [("102", "from below to 102"), ("101", "from below to 101")])
def test_a_crossing_states_its_direction(last: str, words: str) -> None:
    ((_, firing),) = firings("at 101 10s", [*(price(s, "100") for s in range(11)), price(11, last)])
    assert words in firing


def test_a_crossing_from_above_and_between_two_observations_fires() -> None:
    ((_, firing),) = firings("at 101 10s", [*(price(s, "105") for s in range(11)), price(11, "104", "100.9")])
    assert "crossed from above to 104" in firing


def test_a_print_is_one_trade_not_their_sum() -> None:
    start = calm("", 11)
    assert seconds("print 50k 10s", [*start, traded(11, 200_000, 49_999)]) == []
    ((_, firing),) = firings("print 50k 10s", [*start, traded(11, 60_000, 50_000)])
    text = firing_text(parse_rule("print 50k 10s"), "BTCUSDT", firing)
    assert text == "BTCUSDT: one trade was worth 50000; threshold 50k, window 10s."


def test_a_volume_of_exactly_the_multiple_fires() -> None:
    # The newest minute in steps of 5 s has 55 s with 10 each; 600 are usual, so 1,800 are three times that.
    usual = [traded(second, 10) for second in range(960)]
    assert seconds("volume 3x", [*usual, traded(960, 1_249)]) == []
    ((second, firing),) = firings("volume 3x", [*usual, traded(960, 1_250)])
    assert (second, firing) == (960, "volume is 3x the usual")


def test_a_pair_without_usual_volume_does_not_fire() -> None:
    assert seconds("volume 3x", [*(traded(second, 0) for second in range(960)), traded(960, 9_000)]) == []


@pytest.mark.parametrize("line", TRUE)
def test_late_and_repeated_observations_change_nothing(line: str) -> None:
    rule = parse_rule(line)
    state = RuleState()
    for one in calm(line, rule.arms_after_ms // S):
        state, _ = observed(rule, state, one)
        assert observed(rule, state, at(TRUE[line], one.at_ms / S)) == (state, None)
        assert observed(rule, state, at(TRUE[line], one.at_ms / S - 0.5)) == (state, None)


def test_a_firing_of_extreme_numbers_has_a_text() -> None:
    huge = Observation(at_ms=0, value=D("1E+32"), largest=D("1E+32"))
    ((_, firing),) = firings("print 50k 10s", [at(huge, second) for second in range(11)])
    assert len(firing) < 200


# ---- properties

prices = st.decimals(min_value="0.9", max_value="1.1", places=3)
steps_ms = st.integers(min_value=1, max_value=4_000)
walks = st.lists(st.tuples(steps_ms, prices, prices, prices), min_size=1, max_size=60)
rules = st.sampled_from(
    ["move 5% 10s", "move 10% 25s", "spread 500bp 10s", "print 1 10s", "volume 2x 1m", "at 1.0 15s"]
)


def walked(walk: Sequence[tuple[int, Decimal, Decimal, Decimal]]) -> list[Observation]:
    found, now_ms = list[Observation](), 0
    for step_ms, last, one, other in walk:
        now_ms += step_ms
        low, high = min(last, one, other), max(last, one, other)
        found.append(
            Observation(
                at_ms=now_ms, last=last, low=low, high=high, value=one, largest=other, bid=low, ask=high
            )
        )
    return found


@given(rules, walks)
def test_late_and_repeated_observations_do_not_change_what_fires(
    line: str, walk: list[tuple[int, Decimal, Decimal, Decimal]]
) -> None:
    clean = walked(walk)
    noisy = list[Observation]()
    for place, one in enumerate(clean):
        noisy.append(one)
        noisy += [at(other, other.at_ms / S) for other in clean[max(place - 3, 0) : place + 1]]
    assert firings(line, noisy) == firings(line, clean)


@given(rules, walks)
def test_two_firings_are_more_than_a_window_apart_and_the_first_comes_after_one(
    line: str, walk: list[tuple[int, Decimal, Decimal, Decimal]]
) -> None:
    rule, seen = parse_rule(line), walked(walk)
    fired_ms = [round(second * S) for second, _ in firings(rule, seen)]
    assert all(at_ms - seen[0].at_ms >= rule.arms_after_ms for at_ms in fired_ms)
    assert all(later - earlier > rule.window_ms for earlier, later in pairwise(fired_ms))


@given(st.sampled_from(["5%", "2%"]), walks)
def test_a_move_is_true_if_a_price_of_the_window_is_far_enough_from_the_last(
    threshold: str, walk: list[tuple[int, Decimal, Decimal, Decimal]]
) -> None:
    rule, seen, state = parse_rule(f"move {threshold} 10s"), walked(walk), RuleState()
    for place, one in enumerate(seen):
        state, _ = observed(rule, state, one)
        within = [other for other in seen[: place + 1] if other.at_ms >= one.at_ms - rule.window_ms]
        assert one.last is not None
        low = min(other.low for other in within if other.low is not None)
        high = max(other.high for other in within if other.high is not None)
        is_true = one.last - low >= rule.threshold * low or high - one.last >= rule.threshold * high
        assert (state.false_since_ms is None) is is_true


@given(walks)
def test_volume_counts_each_trade_in_the_step_of_its_observation(
    walk: list[tuple[int, Decimal, Decimal, Decimal]],
) -> None:
    rule, seen, state = parse_rule("volume 2x 1m"), walked(walk), RuleState()
    for place, one in enumerate(seen):
        state, _ = observed(rule, state, one)
        step = one.at_ms * STEPS // rule.span_ms
        ages = [(step - other.at_ms * STEPS // rule.span_ms, other.value) for other in seen[: place + 1]]
        newest = sum(value for age, value in ages if age < STEPS)
        usual = sum(value for age, value in ages if STEPS <= age < STEPS * (SPANS + 1))
        is_true = usual > 0 and newest * SPANS >= 2 * usual
        assert (state.false_since_ms is None) is is_true
