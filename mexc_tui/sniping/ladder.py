"""The exit ladder as orders: what each rung sells, and which can rest on the exchange (field-study A4)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from mexc_tui.model.position import Position
from mexc_tui.sniping.rounding import HUNDRED, ZERO, Grid, ceiled, floored, misfit


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
class Resting:
    """A take-profit that rests on the exchange, or may."""

    rung: int
    client_order_id: str
    price: Decimal
    open_quantity: Decimal


RungSales = tuple[tuple[int, Decimal], ...]
"""(rung, base units sold for it so far)."""


def rungs(
    position: Position, grid: Grid, sold: RungSales = (), *, may_rest: bool = True
) -> tuple[RungPlan, ...]:
    """Return what the ladder still sells of what is owned after fees; the sum never exceeds what remains.

    A rung that is too small to be an order is carried on to the next one, the last to the one before.
    """
    owned = position.remaining + position.sold_quantity
    left = position.remaining
    carried = ZERO
    already = dict(sold)
    plans: list[RungPlan] = []
    last = len(position.plan.ladder)
    is_whole = sum(rung.share_pct for rung in position.plan.ladder) == HUNDRED
    for number, rung in enumerate(position.plan.ladder, 1):
        price = ceiled(position.entry_price * (1 + rung.gain_pct / HUNDRED), grid.price_tick)
        if number in position.rungs_done:
            plans.append(RungPlan(number, price, ZERO, RungPlace.SOLD))
            continue
        share = owned * rung.share_pct / HUNDRED + carried - already.get(number, ZERO)
        wanted = left if number == last and is_whole else max(share, ZERO)
        quantity = floored(min(wanted, left), grid.quantity_step)
        if price <= 0 or misfit(quantity, price, grid):
            carried = min(wanted, left)
            plans.append(RungPlan(number, price, ZERO, RungPlace.TOO_SMALL))
            continue
        carried = ZERO
        left -= quantity
        plans.append(RungPlan(number, price, quantity, RungPlace.EXCHANGE if may_rest else RungPlace.ENGINE))
    return _without_dust(plans, left, grid) if is_whole and carried > 0 else tuple(plans)


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
    """What makes the resting orders agree with the ladder: cancel first, then place."""

    cancel: tuple[str, ...]
    place: tuple[RungPlan, ...]


def align(
    plans: Iterable[RungPlan], resting: Iterable[Resting], position: Position, free: Decimal, grid: Grid
) -> Alignment:
    """Compare the ladder with what rests. Never places more than is owned and free.

    An order of a rung that is sold, gone, at another price, or larger than its plan is cancelled; what it
    holds is placed anew once the cancel was observed, so nothing is ever offered twice.
    """
    wanted = {plan.number: plan for plan in plans if plan.place is RungPlace.EXCHANGE}
    cancel: list[str] = []
    kept: set[int] = set()
    held = ZERO
    for order in resting:
        plan = wanted.get(order.rung)
        held += order.open_quantity
        is_right = plan is not None and order.price == plan.price and order.open_quantity <= plan.quantity
        if is_right and order.rung not in kept:
            kept.add(order.rung)
        else:
            cancel.append(order.client_order_id)
    room = floored(min(position.remaining - held, free), grid.quantity_step)
    place: list[RungPlan] = []
    for number, plan in wanted.items():
        if number not in kept and plan.quantity <= room:
            room -= plan.quantity
            place.append(plan)
    return Alignment(tuple(cancel), tuple(place))


def rungs_done(position: Position, sold: RungSales, grid: Grid) -> tuple[int, ...]:
    """Return the rungs that are done: what is left of their share is no step any more."""
    done = set(position.rungs_done)
    left = {plan.number: plan.quantity for plan in rungs(position, grid, sold)}
    for number, quantity in sold:
        if quantity > 0 and left.get(number, ZERO) < grid.quantity_step:
            done.add(number)
    return tuple(sorted(done))
