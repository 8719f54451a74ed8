"""Exit decisions: stop with confirmation, trailing stop, break-even, time stop, ladder, manual close.

Each tick is combined with the stored state and returns the new state and the action. A triggered stop stays
triggered. Sizes are the owned and free quantities after fees, rounded down to the step size (rules 3;
reliability O7, O8).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.ledger.arithmetic import rounded
from mexc_tui.model.intent import CloseReason
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.sniping.ladder import RestingRung, RungPlace, RungSales, rested, rungs
from mexc_tui.sniping.rounding import HUNDRED, ZERO, Grid, floored
from mexc_tui.sniping.sellable import order_fault
from mexc_tui.sniping.stop_confirmation import (
    ObservedPrices,
    StopRules,
    Tick,
    confirmation_reason,
    count_touch,
    is_observation,
    next_check_ms,
    record_tick,
    track_above,
    trigger_text,
)

MS = 1_000
MOST_FEE = Decimal("0.05")
"""Maximum plausible fee; a higher value is treated as wrong."""
NO_PRICES = ObservedPrices()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitMemory:
    """State kept between ticks. `stop_price` and `high_price` are stored with the position."""

    stop_price: Decimal
    high_price: Decimal
    low_price: Decimal
    stop_reason: CloseReason = CloseReason.NONE
    """What last moved the stop; NONE: unknown, derived from its price."""
    observed: ObservedPrices = NO_PRICES
    fired: CloseReason = CloseReason.NONE
    fired_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitHolding:
    """Quantity available for exits. `free` is free at the exchange; `resting` are the desk's take-profits."""

    position: Position
    grid: Grid
    free: Decimal
    resting: tuple[RestingRung, ...] = ()
    sold: RungSales = ()
    """Base units sold by each rung."""

    @property
    def resting_quantity(self) -> Decimal:
        """Return the base units in resting take-profits."""
        return sum((order.open_quantity for order in self.resting), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Result of a tick."""

    memory: ExitMemory
    stop_move: str = ""
    """Why the stop moved up; empty: not moved."""
    is_rung_reached: bool = False
    """Whether a rung without a resting order can sell at this price."""
    wake_ms: int | None = None


def remember(position: Position) -> ExitMemory:
    """Return the stored state of a position: high price and triggered stop survive a restart."""
    entry = position.entry_price
    stop = position.stop_price or initial_stop(position)
    return ExitMemory(
        stop_price=stop,
        high_price=max(position.high_price, entry),
        low_price=position.low_price or entry,
        fired=position.fired,
        fired_text=position.fired_text,
    )


def initial_stop(position: Position) -> Decimal:
    """Return the plan's stop below the average entry price, rounded as stored."""
    return rounded(position.entry_price * (1 - position.plan.stop_loss_pct / HUNDRED))


def decide(holding: ExitHolding, memory: ExitMemory, tick: Tick | None, *, now_ms: int) -> Decision:
    """Return the effect of a price on a position, or of time alone (`tick` None).

    `now_ms`: exchange time, not before the tick's.
    """
    position = holding.position
    is_absurd = tick is not None and tick.price <= 0
    if not position.is_open or position.remaining <= 0 or position.entry_price <= 0 or is_absurd:
        return Decision(memory=memory)
    if memory.fired is not CloseReason.NONE:
        return Decision(memory=memory)
    is_new = tick is not None and is_observation(memory.observed, tick, position.opened_ms, now_ms=now_ms)
    if tick is not None and tick.is_trade and not is_new:
        tick = None
    if tick is not None:
        memory = replace(memory, observed=record_tick(memory.observed, tick, now_ms, is_new=is_new))
    memory, stop_move = _follow(position, memory, holding.grid)
    memory = _confirm(holding, memory, tick, now_ms=now_ms, is_new=is_new)
    if memory.fired is CloseReason.NONE:
        memory = _time_stop(position, memory, now_ms)
    if memory.fired is not CloseReason.NONE:
        return Decision(memory=memory, stop_move=stop_move)
    is_reached = tick is not None and _is_rung_reached(holding, tick)
    return Decision(
        memory=memory,
        stop_move=stop_move,
        is_rung_reached=is_reached,
        wake_ms=_wake_ms(position, memory, now_ms),
    )


def stop_now(memory: ExitMemory, reason: CloseReason, text: str) -> ExitMemory:
    """Return the state with a close for another reason; an exit that already triggered keeps its reason."""
    return memory if memory.fired is not CloseReason.NONE else replace(memory, fired=reason, fired_text=text)


# ---- stop price


def _follow(position: Position, memory: ExitMemory, grid: Grid) -> tuple[ExitMemory, str]:
    """Update the high price and raise the stop that follows it; return why it moved, else an empty text.

    A stop never moves down. A price counts as high or low once two consecutive bids confirm it.
    """
    low, high = memory.observed.agreed or (memory.high_price, memory.low_price)
    high, low = max(memory.high_price, low), min(memory.low_price, high)
    stop, text, reason = memory.stop_price, "", memory.stop_reason
    for higher in higher_stops(position, high, grid):
        if higher.price > stop:
            stop, text, reason = higher.price, higher.text, higher.reason
    return replace(memory, high_price=high, low_price=low, stop_price=stop, stop_reason=reason), text


@dataclass(frozen=True, slots=True)
class HigherStop:
    """A price that the plan raises the stop to, and why."""

    price: Decimal
    text: str
    reason: CloseReason


def higher_stops(position: Position, high: Decimal, grid: Grid) -> Iterable[HigherStop]:
    """Yield the prices that the plan raises the stop to at the high price `high`."""
    plan, entry = position.plan, position.entry_price
    if plan.break_even_rung and any(number >= plan.break_even_rung for number in position.rungs_done):
        even = break_even(position, grid)
        if even < max(high, _sold_at(position)):
            yield HigherStop(even, "to break-even", CloseReason.BREAK_EVEN)
    if plan.trailing and high >= entry * (1 + plan.trailing_after_pct / HUNDRED):
        price, text = _trail(plan, high), f"trailing {plan.trailing_distance_pct:f} %"
        yield HigherStop(price, text, CloseReason.TRAILING)


def _trail(plan: ExitPlan, high: Decimal) -> Decimal:
    return high * (1 - plan.trailing_distance_pct / HUNDRED)


def _sold_at(position: Position) -> Decimal:
    return position.sold_value / position.sold_quantity if position.sold_quantity else ZERO


def break_even(position: Position, grid: Grid) -> Decimal:
    """Return the stop price that sells without a loss: it covers both fees and slippage."""
    fee, slippage = exit_fee(position, grid), position.plan.break_even_slippage_pct / HUNDRED
    return position.entry_price * (1 + fee) / ((1 - fee) * (1 - slippage))


def exit_fee(position: Position, grid: Grid) -> Decimal:
    """Return the fee ratio of selling a position: the pair's taker fee, or the charged fee if higher.

    Fees of its sales are estimated by the maker fee, as most of them are take-profits.
    """
    if position.bought_value <= 0:
        return grid.taker_fee
    buying = position.fees - position.sold_value * grid.maker_fee
    turnover = position.bought_value + position.sold_value
    charged = max(buying / position.bought_value, position.fees / turnover)
    return min(max(charged, grid.taker_fee), MOST_FEE)


def _reason(position: Position, memory: ExitMemory, grid: Grid) -> CloseReason:
    """Return the kind of stop that triggered: the last move, or after a restart its price, decides."""
    stop = memory.stop_price
    if stop <= max(initial_stop(position), position.initial_stop):
        return CloseReason.STOP
    if memory.stop_reason is not CloseReason.NONE:
        return memory.stop_reason
    moved = higher_stops(position, memory.high_price, grid)
    return next(
        (move.reason for move in moved if abs(move.price - stop) <= grid.price_tick), CloseReason.STOP
    )


# ---- confirmation


def _confirm(
    holding: ExitHolding, memory: ExitMemory, tick: Tick | None, *, now_ms: int, is_new: bool
) -> ExitMemory:
    position = holding.position
    observed, rules = memory.observed, _rules(position, memory.stop_price)
    if tick is not None and tick.price <= rules.price:
        observed = count_touch(observed, tick, rules, now_ms=now_ms, is_new=is_new)
    elif tick is not None or (observed.touch is not None and observed.touch.above_since_ms is not None):
        observed = track_above(observed, rules.confirm_ms, now_ms)
    memory = replace(memory, observed=observed)
    why = confirmation_reason(observed, rules, now_ms)
    if not why:
        return memory
    quoted = observed.quoted
    price = tick.price if tick is not None else rules.price if quoted is None else quoted.price
    reason = _reason(position, memory, holding.grid)
    return replace(memory, fired=reason, fired_text=trigger_text(price, rules.price, why))


def _rules(position: Position, stop: Decimal) -> StopRules:
    """Return how the stop is confirmed. Distances are relative to its current price."""
    plan = position.plan
    distance = stop * plan.stop_loss_pct / (HUNDRED - plan.stop_loss_pct)
    far = stop - distance * (plan.at_once_factor - 1)
    return StopRules(
        price=stop,
        far=far,
        confirm_ms=plan.confirm_ms,
        confirm_trades=plan.confirm_trades,
        at_once_factor=plan.at_once_factor,
    )


def _time_stop(position: Position, memory: ExitMemory, now_ms: int) -> ExitMemory:
    at_ms = time_stop_ms(position)
    if at_ms is None or now_ms < at_ms:
        return memory
    return replace(memory, fired=CloseReason.TIME, fired_text=f"held for {position.plan.time_stop_s} s")


def time_stop_ms(position: Position) -> int | None:
    """Return when the time stop closes a position; None: no time stop."""
    return position.opened_ms + position.plan.time_stop_s * MS if position.plan.time_stop_s else None


def _wake_ms(position: Position, memory: ExitMemory, now_ms: int) -> int | None:
    touch_ms = next_check_ms(memory.observed.touch, position.plan.confirm_ms, now_ms)
    moments = (time_stop_ms(position), touch_ms)
    return min((moment for moment in moments if moment is not None), default=None)


# ---- take-profits


def _is_rung_reached(holding: ExitHolding, tick: Tick) -> bool:
    there = rested(holding.resting)
    room = min(holding.position.remaining - holding.resting_quantity, holding.free)
    for plan in rungs(holding.position, holding.grid, holding.sold, resting=holding.resting):
        if plan.place is not RungPlace.EXCHANGE or tick.price < plan.price:
            continue
        missing = plan.quantity - there.get(plan.number, ZERO)
        quantity = floored(min(missing, room), holding.grid.quantity_step)
        if not order_fault(quantity, tick.price, holding.grid):
            return True
    return False
