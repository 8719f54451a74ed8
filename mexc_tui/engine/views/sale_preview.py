"""Preview of a sale: the fill against known bids down to the slippage cap. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.ledger.arithmetic import exactly
from mexc_tui.model.digits import SHOWN
from mexc_tui.model.plan_view import SaleRow
from mexc_tui.model.position import Position
from mexc_tui.sniping.exit_decision import exit_fee
from mexc_tui.sniping.rounding import HUNDRED, ZERO, Grid, floored

Levels = Sequence[tuple[Decimal, Decimal]]


@dataclass(frozen=True, slots=True)
class BidDepth:
    """Known bids of a symbol. `best` None: no fresh price."""

    best: Decimal | None
    levels: Levels = ()
    """(price, base units), best first; empty: only the best price is known."""


@dataclass(frozen=True, slots=True)
class SaleFill:
    """Fill of a sale against the bids."""

    quantity: Decimal
    value: Decimal
    worst: Decimal


@exactly
def sale_of(
    position: Position, share_pct: Decimal | None, bids: BidDepth, *, grid: Grid | None, orders_to_cancel: int
) -> SaleRow:
    """Return the sale of a share of a position (None: all); without a price only its quantity."""
    quantity = _quantity(position, share_pct, grid)
    row = SaleRow(
        symbol=position.symbol,
        base_asset=position.base_asset,
        quantity=quantity,
        orders_to_cancel=orders_to_cancel,
        text="" if bids.best is not None else "no current price: sells at the best bid",
    )
    if bids.best is None or not quantity:
        return row
    floor = bids.best * (1 - position.plan.slippage_pct / HUNDRED)
    eaten = eat(bids.levels, quantity, floor)
    rest, at = quantity - eaten.quantity, eaten.worst if eaten.quantity else bids.best
    gross = eaten.value + rest * at
    fee = gross * (ZERO if grid is None else exit_fee(position, grid))
    cost = position.remaining_cost * quantity / position.remaining
    pnl = gross - fee - cost
    return SaleRow(
        symbol=row.symbol,
        base_asset=row.base_asset,
        quantity=quantity,
        bid=bids.best,
        value=quantity * bids.best,
        expected_price=SHOWN.plus(gross / quantity),
        slippage_pct=SHOWN.plus((1 - gross / quantity / bids.best) * HUNDRED),
        proceeds=SHOWN.plus(gross - fee),
        fee=SHOWN.plus(fee),
        pnl=SHOWN.plus(pnl),
        pnl_pct=SHOWN.plus(pnl / cost * HUNDRED) if cost else None,
        is_covered=not rest,
        floor_price=SHOWN.plus(floor),
        orders_to_cancel=orders_to_cancel,
        text=_estimate_text(rest, bids.levels, position),
    )


def eat(levels: Levels, quantity: Decimal, floor: Decimal) -> SaleFill:
    """Return the fill of a quantity against the bids at or above a floor price."""
    left, value, worst = quantity, ZERO, ZERO
    for price, size in levels:
        if not left or price < floor:
            break
        taken = min(size, left)
        left, value, worst = left - taken, value + taken * price, price
    return SaleFill(quantity - left, value, worst)


def _quantity(position: Position, share_pct: Decimal | None, grid: Grid | None) -> Decimal:
    if share_pct is None or share_pct >= HUNDRED:
        part = position.remaining
    else:
        part = position.remaining * share_pct / HUNDRED
    return part if grid is None else floored(part, grid.quantity_step)


def _estimate_text(rest: Decimal, levels: Levels, position: Position) -> str:
    if not rest:
        return ""
    if not levels:
        return "only the best bid is known: slippage unknown"
    return f"{rest.normalize():f} {position.base_asset} exceed the bids within the slippage cap"
