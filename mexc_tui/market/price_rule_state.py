"""Evaluates a price rule for one pair: what it measures, when it is armed, and when it fires."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from mexc_tui.market.price_rules import SPANS, PriceRule, RuleKind, plain

MOST_PAUSE_MS = 10_000
"""Observations further apart than this are a gap: the window starts again."""
STEPS = 12
"""Steps in which a volume rule counts one span."""
NONE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the streams of one pair showed since its previous observation."""

    at_ms: int
    """Time of this observation, of a clock that does not jump."""
    last: Decimal | None = None
    """Price of the newest trade, also if it is older than the previous observation; None: no trade yet."""
    low: Decimal | None = None
    """Lowest price of the new trades; None: no new trade."""
    high: Decimal | None = None
    value: Decimal = NONE
    """Value of the new trades, in quote units."""
    largest: Decimal = NONE
    """Value of the largest new trade, in quote units."""
    bid: Decimal | None = None
    """Best bid now; None: no bid."""
    ask: Decimal | None = None


Point: TypeAlias = tuple[int, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """State of one rule for one pair."""

    last_ms: int | None = None
    """Time of the newest observation; older and equal ones are ignored."""
    since_ms: int | None = None
    """Since when data is unbroken; None: there is none."""
    has_fired: bool = False
    """Whether it fired, and its condition has not been false for a window since."""
    false_since_ms: int | None = None
    """Since when its condition is false; None: it is true, or unknown."""
    lows: tuple[Point, ...] = ()
    """MOVE: prices of the window that are lower than every later one, oldest first."""
    highs: tuple[Point, ...] = ()
    """MOVE: prices of the window that are higher than every later one, oldest first."""
    values: tuple[Point, ...] = ()
    """VOLUME: traded value by number of the step, oldest first."""
    previous: Decimal | None = None
    """AT: the last price of the previous observation."""

    def is_armed(self, rule: PriceRule) -> bool:
        """Return whether the rule can fire: data is unbroken for its window, and it was false that long."""
        if self.has_fired or self.since_ms is None or self.last_ms is None:
            return False
        return self.last_ms - self.since_ms >= rule.arms_after_ms


def firing_text(rule: PriceRule, symbol: str, measured: str) -> str:
    """Return the measured value, the threshold and the window in one sentence."""
    return f"{symbol}: {measured}; threshold {rule.threshold_text}, window {rule.window_text}."


def broken(state: RuleState) -> RuleState:
    """Return the state after a gap in the data: the window starts again. A rule that fired stays so."""
    return RuleState(last_ms=state.last_ms, has_fired=state.has_fired)


Measured: TypeAlias = tuple[RuleState, str | None]
"""A state, and a measured value as text; None: the condition is false, or the rule does not fire."""


def observed(rule: PriceRule, state: RuleState, seen: Observation) -> Measured:
    """Return the state after an observation, and the measured value if the rule fires.

    It fires once when its condition is true and it is armed. It is armed after unbroken data of its window,
    and again after its condition was false for a window. Late and repeated observations change nothing.
    """
    if state.last_ms is not None:
        if seen.at_ms <= state.last_ms:
            return state, None
        if seen.at_ms - state.last_ms > MOST_PAUSE_MS:
            state = broken(state)
    if not _has_data(rule.kind, seen):
        return replace(broken(state), last_ms=seen.at_ms), None
    since_ms = seen.at_ms if state.since_ms is None else state.since_ms
    state = replace(state, last_ms=seen.at_ms, since_ms=since_ms)
    state, measured = _MEASURES[rule.kind](rule, state, seen)
    if measured is None:
        return _when_false(rule, state, seen.at_ms), None
    state = replace(state, false_since_ms=None)
    if not state.is_armed(rule):
        return state, None
    return replace(state, has_fired=True), measured


def _has_data(kind: RuleKind, seen: Observation) -> bool:
    match kind:
        case RuleKind.MOVE | RuleKind.AT:
            return seen.last is not None
        case RuleKind.SPREAD:
            return bool(seen.bid and seen.ask)
        case RuleKind.PRINT | RuleKind.VOLUME:
            return True  # no trade is data too


def _when_false(rule: PriceRule, state: RuleState, now_ms: int) -> RuleState:
    since_ms = now_ms if state.false_since_ms is None else state.false_since_ms
    has_fired = state.has_fired and now_ms - since_ms < rule.window_ms
    return replace(state, false_since_ms=since_ms, has_fired=has_fired)


def _move(rule: PriceRule, state: RuleState, seen: Observation) -> Measured:
    assert seen.last is not None
    last, from_ms = seen.last, seen.at_ms - rule.window_ms
    low = last if seen.low is None else min(seen.low, last)
    high = last if seen.high is None else max(seen.high, last)
    lows = (*(p for p in state.lows if p[0] >= from_ms and p[1] < low), (seen.at_ms, low))
    highs = (*(p for p in state.highs if p[0] >= from_ms and p[1] > high), (seen.at_ms, high))
    state = replace(state, lows=lows, highs=highs)
    lowest, highest = lows[0][1], highs[0][1]
    rise, fall = last - lowest, highest - last
    has_risen, has_fallen = rise >= rule.threshold * lowest, fall >= rule.threshold * highest
    if has_risen and (rise >= fall or not has_fallen):
        return state, _moved("rose", rise / lowest, last)
    if has_fallen:
        return state, _moved("fell", fall / highest, last)
    return state, None


def _moved(verb: str, share: Decimal, last: Decimal) -> str:
    return f"price {verb} {_rounded(share * 100)}% to {plain(last)}"


def _spread(rule: PriceRule, state: RuleState, seen: Observation) -> Measured:
    assert seen.bid is not None
    assert seen.ask is not None
    wide, both = seen.ask - seen.bid, seen.ask + seen.bid
    if 2 * wide < rule.threshold * both:
        return state, None
    return state, f"spread is {_rounded(wide * 20_000 / both)}bp"


def _print(rule: PriceRule, state: RuleState, seen: Observation) -> Measured:
    if seen.largest < rule.threshold:
        return state, None
    return state, f"one trade was worth {_rounded(seen.largest)}"


def _volume(rule: PriceRule, state: RuleState, seen: Observation) -> Measured:
    """Compare the newest span with the average span of the window before it, both in whole steps."""
    step = seen.at_ms * STEPS // rule.span_ms
    values = tuple(point for point in state.values if point[0] > step - STEPS * (SPANS + 1))
    if seen.value:
        is_same_step = bool(values) and values[-1][0] == step
        earlier, value = (values[:-1], values[-1][1]) if is_same_step else (values, NONE)
        values = (*earlier, (step, value + seen.value))
    state = replace(state, values=values)
    newest = sum((value for at, value in values if at > step - STEPS), NONE)
    usual = sum((value for at, value in values if at <= step - STEPS), NONE)
    if not usual or newest * SPANS < rule.threshold * usual:
        return state, None
    return state, f"volume is {_rounded(newest * SPANS / usual)}x the usual"


def _at(rule: PriceRule, state: RuleState, seen: Observation) -> Measured:
    assert seen.last is not None
    prices = [price for price in (state.previous, seen.low, seen.high, seen.last) if price is not None]
    is_crossed = min(prices) <= rule.threshold <= max(prices)
    was_below = state.previous is None or state.previous < rule.threshold
    state = replace(state, previous=seen.last)
    if not is_crossed:
        return state, None
    return state, f"price crossed from {'below' if was_below else 'above'} to {plain(seen.last)}"


def _rounded(number: Decimal) -> str:
    """Return a number with two decimals, or more if it is small."""
    return plain(Decimal(f"{number:.2f}" if number >= 1 else f"{number:.3g}"))


_MEASURES: Mapping[RuleKind, Callable[[PriceRule, RuleState, Observation], Measured]] = {
    RuleKind.MOVE: _move,
    RuleKind.SPREAD: _spread,
    RuleKind.PRINT: _print,
    RuleKind.VOLUME: _volume,
    RuleKind.AT: _at,
}
