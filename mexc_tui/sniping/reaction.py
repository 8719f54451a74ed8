"""Next step of an entry by response code (protocol 6.1; architecture 6), in memory."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from mexc_tui.ledger.arithmetic import short
from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Accepted, Advice, Ambiguous, NotSent, Refusal, SendOutcome
from mexc_tui.model.report import PlacedOrder
from mexc_tui.model.snipe import SnipeState
from mexc_tui.sniping.plan import FireRules, FirstOrder, book_price, bounded, first_order, next_at_ms
from mexc_tui.sniping.rounding import ZERO, Grid, floored, misfit

BACK_OFF_MS = 1_000
"""Wait after a 429 without Retry-After."""
MAX_REDUCTIONS = 2
TIMING_RETRY_MS = (0, 250, 500)
"""Wait after an attempt refused for its timing and a new clock measurement: the first, second, later one."""


class ReactionStep(StrEnum):
    """The next step."""

    SEND = "send"
    OUTCOME = "outcome"
    """Accepted: fills come from the stream or a query."""
    QUERY = "query"
    """Outcome unknown: query by client order id until the fence; send nothing else."""
    STOP = "stop"


class FollowUp(StrEnum):
    """A task before the next attempt or after the end."""

    REFRESH_BALANCES = "refresh balances"
    REFRESH_SYMBOLS = "refresh symbols"
    ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringProgress:
    """State of a snipe with its last attempt. Money in quote units, fees included."""

    opens_ms: int
    spend_cap: Decimal
    type: OrderType
    price: Decimal
    quantity: Decimal
    sent: int
    last_sent_ms: int | None
    committed: Decimal
    """Maximum spend of earlier attempts: fills, open and unknown orders."""
    grid: Grid
    cap: Decimal
    """Maximum limit price of every attempt."""
    best_ask: Decimal | None = None
    retry_after_ms: int | None = None
    """Retry-After of the response."""
    untimely: int = 0
    """Earlier attempts refused for their timing."""
    reductions: int = 0

    @property
    def left(self) -> Decimal:
        """Return the maximum spend of another attempt."""
        return max(self.spend_cap - self.committed, ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringStep:
    """The step after a response. Order fields and `at_ms` (exchange time) are set with SEND only."""

    step: ReactionStep
    reason: str
    at_ms: int | None = None
    type: OrderType | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    state: SnipeState | None = None
    follow_ups: tuple[FollowUp, ...] = field(default=())


def react(
    outcome: SendOutcome[PlacedOrder], progress: FiringProgress, rules: FireRules, *, now_ms: int
) -> FiringStep:
    """Return the step after an attempt. Attempts never exceed the window, the count, or the spend cap."""
    if isinstance(outcome, Accepted):
        return FiringStep(step=ReactionStep.OUTCOME, reason="accepted", state=SnipeState.FIRING)
    if isinstance(outcome, Ambiguous):
        return _after_ambiguous(outcome, progress, rules, now_ms=now_ms)
    if isinstance(outcome, NotSent):
        return _again(_same(progress), progress, rules, at_ms=now_ms, reason=outcome.text)
    return _after_refusal(outcome.refusal, progress, rules, now_ms=now_ms)


def _after_ambiguous(
    outcome: Ambiguous, progress: FiringProgress, rules: FireRules, *, now_ms: int
) -> FiringStep:
    """Send again beside an unknown order only if the cap covers both: its cost counts as committed."""
    both = _with_unknown(progress)
    order = first_order(progress.type, progress.price, both.left, grid=progress.grid)
    enough = order is not None and not _misfit(order, progress)
    same = enough and order is not None and _value(order, progress) >= _value(_same(progress), progress)
    if same and order is not None:
        return _again(
            order, both, rules, at_ms=now_ms, reason=f"unknown ({outcome.reason}); the cap covers another"
        )
    return FiringStep(step=ReactionStep.QUERY, reason=f"unknown: {outcome.reason}", state=SnipeState.UNKNOWN)


def _with_unknown(progress: FiringProgress) -> FiringProgress:
    return replace(progress, committed=progress.committed + _value(_same(progress), progress))


def _after_refusal(
    refusal: Refusal, progress: FiringProgress, rules: FireRules, *, now_ms: int
) -> FiringStep:
    advice = refusal.listing_advice
    text = _refusal_text(refusal)
    if not refusal.definite:
        return FiringStep(step=ReactionStep.QUERY, reason=f"unknown: {text}", state=SnipeState.UNKNOWN)
    if advice is Advice.RETRY_NOW:
        return _again(_same(progress), progress, rules, at_ms=now_ms, reason=text)
    if advice is Advice.REPRICE:
        return _reprice(refusal, progress, rules, now_ms=now_ms)
    if advice is Advice.CHANGE_TYPE:
        return _change_type(text, progress, rules, now_ms=now_ms)
    if advice is Advice.RAISE_SIZE:
        return _raise(refusal, progress, rules, now_ms=now_ms)
    if advice in (Advice.REDUCE_SIZE, Advice.REFRESH_BALANCES):
        return _reduce(advice, text, progress, rules=rules, now_ms=now_ms)
    if advice is Advice.WAIT:
        return _back_off(text, progress, rules, now_ms=now_ms)
    if advice is Advice.RESYNC_CLOCK:
        return _resync(text, progress, rules, now_ms=now_ms)
    follow_ups = (FollowUp.ALERT,) if advice is not Advice.REFRESH_SYMBOLS else (FollowUp.REFRESH_SYMBOLS,)
    return _stop(text, progress, follow_ups)


def _refusal_text(refusal: Refusal) -> str:
    code = refusal.code if refusal.code is not None else f"HTTP {refusal.http_status}"
    return f"{code} {refusal.text}"


def _reprice(refusal: Refusal, progress: FiringProgress, rules: FireRules, *, now_ms: int) -> FiringStep:
    """Use the price named in the refusal, else one from the order book; the quantity follows the price."""
    text = _refusal_text(refusal)
    price = _named_price(refusal, progress)
    if price is None and progress.best_ask is not None:
        price = book_price(progress.best_ask, progress.cap, progress.grid, rules=rules)
    price = progress.price if price is None else price
    if price > progress.cap:
        return _stop(f"{text}: {price:f} is above the maximum price {progress.cap:f}", progress)
    order = first_order(progress.type, price, progress.left, grid=progress.grid)
    return _again(order, progress, rules, at_ms=now_ms, reason=f"{text}: retry at {price:f}")


def _named_price(refusal: Refusal, progress: FiringProgress) -> Decimal | None:
    if refusal.number is None:
        return None
    return floored(refusal.number, progress.grid.price_tick) or None


def _change_type(text: str, progress: FiringProgress, rules: FireRules, *, now_ms: int) -> FiringStep:
    """Replace a refused IOC by a LIMIT, any other type by an IOC: at the same price, never without one."""
    kind = OrderType.IMMEDIATE_OR_CANCEL
    if progress.type in (OrderType.IMMEDIATE_OR_CANCEL, OrderType.LIMIT_MAKER):
        kind = OrderType.LIMIT
    order = first_order(kind, progress.price, progress.left, grid=progress.grid)
    return _again(
        order, progress, rules, at_ms=now_ms, reason=f"{text}: retry as {kind} at {progress.price:f}"
    )


def _raise(refusal: Refusal, progress: FiringProgress, rules: FireRules, *, now_ms: int) -> FiringStep:
    """Raise the size to the minimum accepted, within the spend cap (rules 4)."""
    text = _refusal_text(refusal)
    order = first_order(progress.type, progress.price, progress.left, grid=progress.grid)
    least = refusal.number if refusal.number is not None else _net(_same(progress)) * 2
    if order is None or _net(order) < least or _net(order) <= _net(_same(progress)):
        return _stop(f"{text}: the spend cap of {progress.spend_cap:f} allows no larger order", progress)
    return _again(order, progress, rules, at_ms=now_ms, reason=f"{text}: retry with {short(_net(order))}")


def _reduce(
    advice: Advice, text: str, progress: FiringProgress, *, rules: FireRules, now_ms: int
) -> FiringStep:
    """Retry with half the size, at most twice."""
    follow_ups = (FollowUp.REFRESH_BALANCES,) if advice is Advice.REFRESH_BALANCES else ()
    if progress.reductions >= MAX_REDUCTIONS:
        return _stop(f"{text}: already reduced {progress.reductions} times", progress, follow_ups)
    half = min(_value(_same(progress), progress) / 2, progress.left)
    order = first_order(progress.type, progress.price, half, grid=progress.grid)
    return _again(
        order, progress, rules, at_ms=now_ms, reason=f"{text}: retry with half", follow_ups=follow_ups
    )


def _back_off(text: str, progress: FiringProgress, rules: FireRules, *, now_ms: int) -> FiringStep:
    wait_ms = BACK_OFF_MS if progress.retry_after_ms is None else progress.retry_after_ms
    return _again(
        _same(progress), progress, rules, at_ms=now_ms + wait_ms, reason=f"{text}: waiting {wait_ms} ms"
    )


def _resync(text: str, progress: FiringProgress, rules: FireRules, *, now_ms: int) -> FiringStep:
    """Retry with the new clock measurement, at growing intervals; alert if no retry is left."""
    wait_ms = TIMING_RETRY_MS[min(progress.untimely, len(TIMING_RETRY_MS) - 1)]
    following = _again(_same(progress), progress, rules, at_ms=now_ms + wait_ms, reason=text)
    return (
        following if following.step is ReactionStep.SEND else replace(following, follow_ups=(FollowUp.ALERT,))
    )


def _again(
    order: FirstOrder | None,
    progress: FiringProgress,
    rules: FireRules,
    *,
    at_ms: int,
    reason: str,
    follow_ups: tuple[FollowUp, ...] = (),
) -> FiringStep:
    """Send `order` at the next permitted time, or stop. Every further attempt goes through this function."""
    if order is None:
        return _stop(f"{reason}: spend cap used up", progress, follow_ups)
    if order.price > progress.cap:
        return _stop(
            f"{reason}: {order.price:f} is above the maximum price {progress.cap:f}", progress, follow_ups
        )
    if fault := _misfit(order, progress):
        return _stop(f"{reason}: {fault}", progress, follow_ups)
    if _value(order, progress) > progress.left:
        order = first_order(order.type, order.price, progress.left, grid=progress.grid)
        if order is None or _misfit(order, progress):
            return _stop(f"{reason}: spend cap used up", progress, follow_ups)
    when_ms = next_at_ms(progress.sent, progress.last_sent_ms, progress.opens_ms, rules=rules, now_ms=at_ms)
    if when_ms is None:
        stop = _stop(f"{reason}; {_used_up(progress, rules)}", progress, follow_ups)
        return stop if progress.committed else replace(stop, state=SnipeState.MISSED)
    return FiringStep(
        step=ReactionStep.SEND,
        reason=reason,
        at_ms=when_ms,
        type=order.type,
        price=order.price,
        quantity=order.quantity,
        state=SnipeState.FIRING,
        follow_ups=follow_ups,
    )


def _used_up(progress: FiringProgress, rules: FireRules) -> str:
    if progress.sent >= rules.attempts:
        return f"all {progress.sent} attempts used"
    return f"the entry window of {rules.window_ms} ms is over"


def _stop(reason: str, progress: FiringProgress, follow_ups: tuple[FollowUp, ...] = ()) -> FiringStep:
    state = SnipeState.REJECTED if progress.committed == 0 else SnipeState.FIRING
    return FiringStep(step=ReactionStep.STOP, reason=reason, state=state, follow_ups=follow_ups)


def _same(progress: FiringProgress) -> FirstOrder:
    return FirstOrder(bounded(progress.type), progress.price, progress.quantity)


def _net(order: FirstOrder) -> Decimal:
    """Return the value of an order without its fee."""
    return order.quantity * order.price


def _value(order: FirstOrder, progress: FiringProgress) -> Decimal:
    """Return the maximum spend of an order, fee included."""
    return _net(order) * (1 + progress.grid.taker_fee)


def _misfit(order: FirstOrder, progress: FiringProgress) -> str:
    return misfit(order.quantity, order.price, progress.grid, kind=order.type)
