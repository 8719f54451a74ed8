"""The take-profit ladder as orders: the quantity of each rung, and which rungs can rest (rules 3)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from mexc_tui.model.position import Position
from mexc_tui.sniping.rounding import HUNDRED, ZERO, Grid, ceiled, floored, slices
from mexc_tui.sniping.sellable import DUST_VALUE, order_fault


class RungPlace(StrEnum):
    """Location of a rung."""

    EXCHANGE = "exchange"
    ENGINE = "engine"
    TOO_SMALL = "too small"
    """Its quantity moves to the next rung that is large enough, else it stays with the stop."""
    SOLD = "sold"


@dataclass(frozen=True, slots=True, kw_only=True)
class RungPlan:
    """One rung, numbered from 1: base units to sell at a price."""

    number: int
    price: Decimal
    quantity: Decimal
    place: RungPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingRung:
    """A resting take-profit order, or one of unknown outcome."""

    rung: int
    client_order_id: str
    price: Decimal
    open_quantity: Decimal


def rested(resting: Iterable[RestingRung]) -> dict[int, Decimal]:
    """Return the base units resting for each rung."""
    sums: dict[int, Decimal] = {}
    for rung in resting:
        sums[rung.rung] = sums.get(rung.rung, ZERO) + rung.open_quantity
    return sums


RungSales = tuple[tuple[int, Decimal], ...]
"""(rung, base units sold so far)."""


def rungs(
    position: Position,
    grid: Grid,
    sold: RungSales = (),
    *,
    resting: Iterable[RestingRung] = (),
    may_rest: bool = True,
) -> tuple[RungPlan, ...]:
    """Return the remaining sales of the ladder after fees; their sum never exceeds the remaining quantity.

    A rung that is too small for an order is merged into the next one, the last into the one before. An
    order that already rests is kept, however small its remainder.
    """
    ladder, left, carried = position.plan.ladder, position.remaining, ZERO
    already, rests = dict(sold), rested(resting)
    plans: list[RungPlan] = []
    for number, (price, part) in enumerate(_allotted(position, grid), 1):
        if number in position.rungs_done:
            plans.append(RungPlan(number=number, price=price, quantity=ZERO, place=RungPlace.SOLD))
            continue
        wanted = min(max(part - already.get(number, ZERO), ZERO) + carried, left)
        if number == len(ladder) and _is_whole(position):
            wanted = left
        quantity = floored(wanted, grid.quantity_step)
        is_kept = 0 < rests.get(number, ZERO) <= quantity
        if is_kept or _is_order(quantity, price, grid):
            carried, left = ZERO, left - quantity
            place = RungPlace.EXCHANGE if may_rest else RungPlace.ENGINE
            plans.append(RungPlan(number=number, price=price, quantity=quantity, place=place))
        else:
            carried = wanted
            plans.append(RungPlan(number=number, price=price, quantity=ZERO, place=RungPlace.TOO_SMALL))
    return _without_dust(plans, left, grid) if _is_whole(position) and carried > 0 else tuple(plans)


def _allotted(position: Position, grid: Grid) -> list[tuple[Decimal, Decimal]]:
    """Return the price and the total quantity of each rung, based on the full position before any sale."""
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
    """Whether it can rest, split into as many orders as needed."""
    return price > 0 and not order_fault(quantity, price, grid)


def _without_dust(plans: list[RungPlan], left: Decimal, grid: Grid) -> tuple[RungPlan, ...]:
    """Add the quantity that the last rungs could not place to the highest rung with an order."""
    for index in range(len(plans) - 1, -1, -1):
        if plans[index].quantity > 0:
            more = plans[index].quantity + floored(left, grid.quantity_step)
            plans[index] = replace(plans[index], quantity=more)
            break
    return tuple(plans)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Changes that make the resting orders match the ladder: cancel first, then place.

    A rung above the pair's maximum order value is placed as several orders.
    """

    cancel: tuple[str, ...]
    place: tuple[RungPlan, ...]


def align(
    plans: Iterable[RungPlan],
    resting: Iterable[RestingRung],
    position: Position,
    *,
    free: Decimal,
    grid: Grid,
) -> Alignment:
    """Compare the ladder with the resting orders. Never places more than the owned and free quantity.

    Orders of a rung that is sold, removed, repriced, or above its planned quantity are cancelled; their
    quantity is placed again once the cancel is confirmed, so it is never offered twice. If the pair's
    filters allow no rung to be placed, orders at their rung's price stay: a cancelled order could not be
    placed again.
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
    position: Position, sold: RungSales, grid: Grid, *, resting: Iterable[RestingRung] = ()
) -> tuple[int, ...]:
    """Return the completed rungs: the remainder of their share is not a valid order and has little value."""
    done = set(position.rungs_done)
    left = {plan.number: plan.quantity for plan in rungs(position, grid, sold, resting=resting)}
    for number, quantity in sold:
        is_left = left.get(number, ZERO) >= grid.quantity_step or _is_material(position, number, quantity)
        if quantity > 0 and not is_left:
            done.add(number)
    return tuple(sorted(done))


def _is_material(position: Position, number: int, sold: Decimal) -> bool:
    """Whether the unsold share of a rung has value, regardless of the pair's current filters."""
    if not 0 < number <= len(position.plan.ladder):
        return False
    rung, owned = position.plan.ladder[number - 1], position.remaining + position.sold_quantity
    missing = min(owned * rung.share_pct / HUNDRED - sold, position.remaining)
    return missing * position.entry_price * (1 + rung.gain_pct / HUNDRED) >= DUST_VALUE
