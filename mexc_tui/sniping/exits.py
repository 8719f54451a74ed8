"""How a position is left: stop with confirmation, trailing, break-even, time stop, ladder, by hand.

Each tick goes in with what is remembered; out come the new memory and what to do. A stop that has fired stays
fired. Sizes are what is owned and free after fees, floored to the step (field-study A4, reliability O7, O8).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from mexc_tui.ledger.numbers import short
from mexc_tui.model.intent import CloseReason
from mexc_tui.model.position import Position
from mexc_tui.sniping.ladder import Resting, RungPlace, RungSales, rungs
from mexc_tui.sniping.rounding import HUNDRED, ZERO, Grid, floored, too_small

MS = 1_000


@dataclass(frozen=True, slots=True)
class Tick:
    """One price: a trade, or the best bid (also asked for by the timer)."""

    price: Decimal
    at_ms: int
    is_trade: bool = False
    is_after_gap: bool = False
    """The first price after the stream was silent or had a hole."""


@dataclass(frozen=True, slots=True)
class ExitMemory:
    """What is remembered between ticks. `stop_price` and `high_price` are stored with the position."""

    stop_price: Decimal
    high_price: Decimal
    low_price: Decimal
    touched_ms: int | None = None
    """First touch of the stop. Only a full confirmation time above the stop forgets it."""
    touched_trades: int = 0
    above_since_ms: int | None = None
    fired: CloseReason = CloseReason.NONE
    fired_words: str = ""


@dataclass(frozen=True, slots=True)
class Holding:
    """What can be sold now. `free` is free at the exchange; `resting` are our own take-profits."""

    position: Position
    grid: Grid
    free: Decimal
    resting: tuple[Resting, ...] = ()
    sold: RungSales = ()
    """What each rung has sold so far."""

    @property
    def rests(self) -> Decimal:
        """Return how many base units lie in take-profits."""
        return sum((order.open_quantity for order in self.resting), ZERO)


@dataclass(frozen=True, slots=True)
class Close:
    """Sell `quantity` base units. Cancel these orders first, and see them gone: they hold what is needed."""

    reason: CloseReason
    quantity: Decimal
    words: str
    cancel_first: tuple[str, ...] = ()
    rung: int = 0


@dataclass(frozen=True, slots=True)
class MoveStop:
    """Store the position's stop and highest price anew."""

    stop_price: Decimal
    high_price: Decimal
    words: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a tick leads to. Look again at `wake_ms` even if no tick comes."""

    memory: ExitMemory
    close: Close | None = None
    move: MoveStop | None = None
    rung_sales: tuple[Close, ...] = field(default=())
    wake_ms: int | None = None


def remember(position: Position) -> ExitMemory:
    """Return the memory of a position as stored: the high-water mark survives a restart."""
    entry = position.entry_price
    stop = position.stop_price or initial_stop(position)
    return ExitMemory(stop, max(position.high_price, entry), position.low_price or entry)


def initial_stop(position: Position) -> Decimal:
    """Return the stop that the plan puts under the entry price. The entry price comes from fills alone."""
    return position.entry_price * (1 - position.plan.stop_loss_pct / HUNDRED)


def decide(holding: Holding, memory: ExitMemory, tick: Tick, now_ms: int) -> Decision:
    """Return what a price means for a position; `now_ms` is the exchange's time, not before the tick's."""
    position = holding.position
    if not position.is_open or position.remaining <= 0 or position.entry_price <= 0 or tick.price <= 0:
        return Decision(memory)
    if memory.fired is not CloseReason.NONE:
        return Decision(memory, close(holding, memory.fired, memory.fired_words))
    memory, move = _follow(position, memory, tick, holding.grid)
    memory = _confirm(position, memory, tick, now_ms)
    if memory.fired is CloseReason.NONE:
        memory = _time_stop(position, memory, now_ms)
    if memory.fired is not CloseReason.NONE:
        return Decision(memory, close(holding, memory.fired, memory.fired_words), move)
    return Decision(memory, None, move, _local_rungs(holding, tick), _wake_ms(position, memory))


def stop_now(memory: ExitMemory, reason: CloseReason, words: str) -> ExitMemory:
    """Return the memory of a position that is to be closed for another reason; a fired one keeps its own."""
    return (
        memory if memory.fired is not CloseReason.NONE else replace(memory, fired=reason, fired_words=words)
    )


# ---- the stop's price


def _follow(
    position: Position, memory: ExitMemory, tick: Tick, grid: Grid
) -> tuple[ExitMemory, MoveStop | None]:
    """Raise the high-water mark and what hangs on it. A stop never moves down."""
    high = max(memory.high_price, tick.price)
    stop, words = memory.stop_price, ""
    for price, why in higher_stops(position, high, grid):
        if price > stop:
            stop, words = price, why
    changed = replace(memory, high_price=high, low_price=min(memory.low_price, tick.price), stop_price=stop)
    if stop == memory.stop_price and high == memory.high_price:
        return changed, None
    return changed, MoveStop(stop, high, words)


def higher_stops(position: Position, high: Decimal, grid: Grid) -> Iterable[tuple[Decimal, str]]:
    """Yield the prices that the plan moves the stop up to once `high` was seen, each with why."""
    plan, entry = position.plan, position.entry_price
    if plan.break_even_rung and any(number >= plan.break_even_rung for number in position.rungs_done):
        yield break_even(position, grid), "to break-even"
    if plan.trailing and high >= entry * (1 + plan.trailing_after_pct / HUNDRED):
        yield high * (1 - plan.trailing_distance_pct / HUNDRED), f"trailing {plan.trailing_distance_pct:f} %"


def break_even(position: Position, grid: Grid) -> Decimal:
    """Return the price at which the fees of both ways are earned."""
    return position.entry_price * (1 + grid.taker_fee) / (1 - grid.taker_fee)


def _reason(position: Position, memory: ExitMemory) -> CloseReason:
    """Return what the stop that fired was, by its place."""
    if memory.stop_price <= initial_stop(position):
        return CloseReason.STOP
    if position.plan.trailing:
        trail = memory.high_price * (1 - position.plan.trailing_distance_pct / HUNDRED)
        begins = position.entry_price * (1 + position.plan.trailing_after_pct / HUNDRED)
        if memory.stop_price == trail and memory.high_price >= begins:
            return CloseReason.TRAILING
    return CloseReason.BREAK_EVEN if position.plan.break_even_rung else CloseReason.STOP


# ---- its confirmation


def _confirm(position: Position, memory: ExitMemory, tick: Tick, now_ms: int) -> ExitMemory:
    plan = position.plan
    if tick.price > memory.stop_price:
        return _above(memory, plan.confirm_ms, now_ms)
    touched_ms = tick.at_ms if memory.touched_ms is None else memory.touched_ms
    memory = replace(
        memory,
        touched_ms=touched_ms,
        touched_trades=memory.touched_trades + tick.is_trade,
        above_since_ms=None,
    )
    words = _fires(position, memory, tick, now_ms)
    if not words:
        return memory
    words = f"{short(tick.price)} at or below the stop of {short(memory.stop_price)}: {words}"
    return replace(memory, fired=_reason(position, memory), fired_words=words)


def _above(memory: ExitMemory, confirm_ms: int, now_ms: int) -> ExitMemory:
    """Forget a touch only after the price stayed above for as long as a confirmation takes."""
    if memory.touched_ms is None:
        return memory
    if memory.above_since_ms is None:
        return replace(memory, above_since_ms=now_ms)
    if now_ms - memory.above_since_ms < max(confirm_ms, 1):
        return memory
    return replace(memory, touched_ms=None, touched_trades=0, above_since_ms=None)


def _fires(position: Position, memory: ExitMemory, tick: Tick, now_ms: int) -> str:
    plan = position.plan
    distance = position.entry_price * plan.stop_loss_pct / HUNDRED
    if tick.price <= memory.stop_price - distance * (plan.at_once_factor - 1):
        return f"{plan.at_once_factor:f} stop distances away"
    if tick.is_after_gap:
        return "after a gap"
    if memory.touched_trades >= plan.confirm_trades:
        return f"{memory.touched_trades} trades"
    waited_ms = now_ms - (now_ms if memory.touched_ms is None else memory.touched_ms)
    return f"{waited_ms} ms since the first touch" if waited_ms >= plan.confirm_ms else ""


def _time_stop(position: Position, memory: ExitMemory, now_ms: int) -> ExitMemory:
    at_ms = time_stop_ms(position)
    if at_ms is None or now_ms < at_ms:
        return memory
    return replace(memory, fired=CloseReason.TIME, fired_words=f"held for {position.plan.time_stop_s} s")


def time_stop_ms(position: Position) -> int | None:
    """Return when a position is closed by time alone; None: never."""
    return position.opened_ms + position.plan.time_stop_s * MS if position.plan.time_stop_s else None


def _wake_ms(position: Position, memory: ExitMemory) -> int | None:
    moments = [time_stop_ms(position)]
    if memory.touched_ms is not None and memory.above_since_ms is None:
        moments.append(memory.touched_ms + position.plan.confirm_ms)
    if memory.above_since_ms is not None:
        moments.append(memory.above_since_ms + position.plan.confirm_ms)
    return min((moment for moment in moments if moment is not None), default=None)


# ---- how much is sold


def close(holding: Holding, reason: CloseReason, words: str, part_pct: Decimal = HUNDRED) -> Close | None:
    """Return the sale of a position or a part of it; None: what is left cannot be sold, it is dust.

    What rests in take-profits is cancelled first when the sale needs it.
    """
    position, grid = holding.position, holding.grid
    wanted = min(position.remaining, position.remaining * part_pct / HUNDRED)
    quantity = floored(min(wanted, holding.free + holding.rests), grid.quantity_step)
    if quantity <= 0 or quantity < grid.min_quantity:
        return None
    cancel = tuple(order.client_order_id for order in holding.resting)
    needs = quantity > holding.free or part_pct >= HUNDRED
    return Close(reason, quantity, words, cancel if needs else ())


def _local_rungs(holding: Holding, tick: Tick) -> tuple[Close, ...]:
    """Return sales of rungs that are reached and do not rest on the exchange; lowest first."""
    there = {order.rung for order in holding.resting}
    room = min(holding.position.remaining - holding.rests, holding.free)
    sales: list[Close] = []
    for plan in rungs(holding.position, holding.grid, holding.sold, resting=holding.resting):
        if plan.place is not RungPlace.EXCHANGE or plan.number in there or tick.price < plan.price:
            continue
        quantity = floored(min(plan.quantity, room), holding.grid.quantity_step)
        if too_small(quantity, tick.price, holding.grid):
            continue
        room -= quantity
        words = f"rung {plan.number} at {short(plan.price)} is reached"
        sales.append(Close(CloseReason.LADDER, quantity, words, rung=plan.number))
    return tuple(sales)
