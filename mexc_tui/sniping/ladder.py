"""The exit ladder as orders: what each rung sells, and which can rest on the exchange (rules 3)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from mexc_tui.model.position import Position
from mexc_tui.sniping.rounding import HUNDRED, ZERO, Grid, ceiled, floored, slices
from mexc_tui.sniping.sellable import DUST_VALUE, order_fault


class RungPlace(StrEnum):
    """Where a rung waits."""

    EXCHANGE = "exchange"
    ENGINE = "engine"
    TOO_SMALL = "too small"
    """Its quantity goes to the next rung that can carry it, else it stays with the stop."""
    SOLD = "sold"


@dataclass(frozen=True, slots=True)
class RungPlan:
    """One rung, numbered from 1: base units sold at a price."""

    number: int
    price: Decimal
    quantity: Decimal
    place: RungPlace


@dataclass(frozen=True, slots=True)
class RestingRung:
    """A take-profit that rests on the exchange, or may."""

    rung: int
    client_order_id: str
    price: Decimal
    open_quantity: Decimal


def rested(resting: Iterable[RestingRung]) -> dict[int, Decimal]:
    """Return how many base units rest for each rung."""
    sums: dict[int, Decimal] = {}
    for one in resting:
        sums[one.rung] = sums.get(one.rung, ZERO) + one.open_quantity
    return sums


RungSales = tuple[tuple[int, Decimal], ...]
"""(rung, base units sold for it so far)."""


def rungs(
    position: Position,
    grid: Grid,
    sold: RungSales = (),
    *,
    resting: Iterable[RestingRung] = (),
    may_rest: bool = True,
) -> tuple[RungPlan, ...]:
    """Return what the ladder still sells of what is owned after fees; the sum never exceeds what remains.

    A rung that is too small to be an order is carried on to the next one, the last to the one before. What
    rests already is an order, however little of it is left.
    """
    ladder, left, carried = position.plan.ladder, position.remaining, ZERO
    already, rests = dict(sold), rested(resting)
    plans: list[RungPlan] = []
    for number, (price, part) in enumerate(_allotted(position, grid), 1):
        if number in position.rungs_done:
            plans.append(RungPlan(number, price, ZERO, RungPlace.SOLD))
            continue
        wanted = min(max(part - already.get(number, ZERO), ZERO) + carried, left)
        if number == len(ladder) and _is_whole(position):
            wanted = left
        quantity = floored(wanted, grid.quantity_step)
        is_kept = 0 < rests.get(number, ZERO) <= quantity
        if is_kept or _is_order(quantity, price, grid):
            carried, left = ZERO, left - quantity
            place = RungPlace.EXCHANGE if may_rest else RungPlace.ENGINE
            plans.append(RungPlan(number, price, quantity, place))
        else:
            carried = wanted
            plans.append(RungPlan(number, price, ZERO, RungPlace.TOO_SMALL))
    return _without_dust(plans, left, grid) if _is_whole(position) and carried > 0 else tuple(plans)


def _allotted(position: Position, grid: Grid) -> list[tuple[Decimal, Decimal]]:
    """Return each rung's price, and what it sells in all of what was owned: sales do not change it."""
    left = owned = position.remaining + position.sold_quantity
    carried, parts = ZERO, list[tuple[Decimal, Decimal]]()
    for number, rung in enumerate(position.plan.ladder, 1):
        price = ceiled(position.entry_price * (1 + rung.gain_pct / HUNDRED), grid.price_tick)
        is_rest = number == len(position.plan.ladder) and _is_whole(position)
        wanted = left if is_rest else min(owned * rung.share_pct / HUNDRED + carried, left)
        quantity = floored(wanted, grid.quantity_step)
        carried, quantity = (ZERO, quantity) if _is_order(quantity, price, grid) else (wanted, ZERO)
        left -= quantity
        parts.append((price, quantity))
    if _is_whole(position) and carried > 0:
        highest = max((index for index, (_, part) in enumerate(parts) if part), default=None)
        if highest is not None:
            price, part = parts[highest]
            parts[highest] = (price, part + floored(left, grid.quantity_step))
    return parts


def _is_whole(position: Position) -> bool:
    return sum(rung.share_pct for rung in position.plan.ladder) == HUNDRED


def _is_order(quantity: Decimal, price: Decimal, grid: Grid) -> bool:
    """Whether it can rest, in as many slices as that takes."""
    return price > 0 and not order_fault(quantity, price, grid)


def _without_dust(plans: list[RungPlan], left: Decimal, grid: Grid) -> tuple[RungPlan, ...]:
    """Add what the last rungs could not carry to the highest one that is an order."""
    for index in range(len(plans) - 1, -1, -1):
        if plans[index].quantity > 0:
            more = plans[index].quantity + floored(left, grid.quantity_step)
            plans[index] = replace(plans[index], quantity=more)
            break
    return tuple(plans)


@dataclass(frozen=True, slots=True)
class Alignment:
    """What makes the resting orders agree with the ladder: cancel first, then place.

    A rung above the pair's maximum order value is placed as several orders.
    """

    cancel: tuple[str, ...]
    place: tuple[RungPlan, ...]


def align(
    plans: Iterable[RungPlan], resting: Iterable[RestingRung], position: Position, free: Decimal, grid: Grid
) -> Alignment:
    """Compare the ladder with what rests. Never places more than is owned and free.

    Orders of a rung that is sold, gone, at another price, or beyond its plan are cancelled; what they hold is
    placed anew once the cancel was observed, so nothing is ever offered twice. Where the pair's rules let no
    rung be placed, what rests at its rung's price stays: a cancelled order could not be placed again.
    """
    plans = tuple(plans)
    wanted = {plan.number: plan for plan in plans if plan.place is RungPlace.EXCHANGE}
    cancel: list[str] = []
    can_place = any(_is_order(plan.quantity, plan.price, grid) for plan in wanted.values())
    refused = () if can_place else (plan for plan in plans if plan.place is RungPlace.TOO_SMALL)
    stays = {plan.number: plan.price for plan in refused}
    kept: dict[int, Decimal] = {}
    held = ZERO
    for order in resting:
        plan = wanted.get(order.rung)
        held += order.open_quantity
        rests = kept.get(order.rung, ZERO) + order.open_quantity
        if plan is not None and order.price == plan.price and rests <= plan.quantity:
            kept[order.rung] = rests
        elif held > position.remaining or stays.get(order.rung) != order.price:
            cancel.append(order.client_order_id)
    room = floored(min(position.remaining - held, free), grid.quantity_step)
    place: list[RungPlan] = []
    for number, plan in wanted.items():
        missing = floored(plan.quantity - kept.get(number, ZERO), grid.quantity_step)
        if missing <= room and _is_order(missing, plan.price, grid):
            room -= missing
            place += (replace(plan, quantity=part) for part in slices(missing, plan.price, grid))
    return Alignment(tuple(cancel), tuple(place))


def rungs_done(
    position: Position, sold: RungSales, grid: Grid, resting: Iterable[RestingRung] = ()
) -> tuple[int, ...]:
    """Return the rungs that are done: what is left of their share is no order any more, and worth little."""
    done = set(position.rungs_done)
    left = {plan.number: plan.quantity for plan in rungs(position, grid, sold, resting=resting)}
    for number, quantity in sold:
        is_left = left.get(number, ZERO) >= grid.quantity_step or _is_material(position, number, quantity)
        if quantity > 0 and not is_left:
            done.add(number)
    return tuple(sorted(done))


def _is_material(position: Position, number: int, sold: Decimal) -> bool:
    """Whether what a rung still has to sell is worth something, whatever the pair's rules say of it now."""
    if not 0 < number <= len(position.plan.ladder):
        return False
    rung, owned = position.plan.ladder[number - 1], position.remaining + position.sold_quantity
    missing = min(owned * rung.share_pct / HUNDRED - sold, position.remaining)
    return missing * position.entry_price * (1 + rung.gain_pct / HUNDRED) >= DUST_VALUE
