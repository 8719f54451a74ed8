"""Symbol filters: prices on the tick size, quantities on the step size, values in bounds (protocol 4.2)."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

from mexc_tui.ledger.arithmetic import short
from mexc_tui.model.order import OrderType
from mexc_tui.model.symbol import PriceBand, Symbol

ZERO = Decimal(0)
HUNDRED = Decimal(100)
WIDE = Context(prec=96)
"""Products of plausible numbers are exact in this context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Symbol filters of one pair. Quantities in base, values in quote units; fees are ratios."""

    price_tick: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    min_value: Decimal
    max_value: Decimal | None
    min_value_market: Decimal
    max_value_market: Decimal | None
    maker_fee: Decimal
    taker_fee: Decimal
    band: PriceBand | None = None
    exact_step: Decimal | None = None
    """Step size by the pair's decimals alone, if its minimum quantity makes `quantity_step` coarser."""

    def bounds(self, kind: OrderType) -> tuple[Decimal, Decimal | None]:
        """Return the minimum and maximum value of an order of this type."""
        if kind is OrderType.MARKET:
            return self.min_value_market, self.max_value_market
        return self.min_value, self.max_value


def grid_of(symbol: Symbol) -> Grid:
    """Return the filters of a pair. A minimum quantity also counts as the step size, as in some clients.

    Other clients treat it as a minimum alone: a sale does so if the coarser step would leave something of
    value.
    """
    step = Decimal(1).scaleb(-symbol.quantity_precision)
    return Grid(
        price_tick=Decimal(1).scaleb(-symbol.price_precision),
        quantity_step=max(step, symbol.min_quantity),
        min_quantity=symbol.min_quantity,
        min_value=symbol.min_value,
        max_value=symbol.max_value,
        min_value_market=symbol.min_value_market,
        max_value_market=symbol.max_value_market,
        maker_fee=symbol.maker_fee,
        taker_fee=symbol.taker_fee,
        band=symbol.price_band,
        exact_step=step if symbol.min_quantity > step else None,
    )


def floored(amount: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `amount`."""
    return _to_multiple(amount, step, ROUND_FLOOR)


def ceiled(amount: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of `step` that is not below `amount`."""
    return _to_multiple(amount, step, ROUND_CEILING)


def _to_multiple(amount: Decimal, step: Decimal, rounding: str) -> Decimal:
    with localcontext(WIDE):
        whole = (amount / step).to_integral_value(rounding=rounding)
        return whole * step


def buy_quantity(spend: Decimal, price: Decimal, fee: Decimal, *, grid: Grid) -> Decimal:
    """Return the maximum base units that `spend` buys at `price`, fee included; 0: less than one step."""
    if spend <= 0 or price <= 0:
        return ZERO
    with localcontext(WIDE) as context:
        context.rounding = ROUND_FLOOR
        quantity = floored(spend / (price * (1 + fee)), grid.quantity_step)
        return quantity if quantity * price * (1 + fee) <= spend else quantity - grid.quantity_step


def cost(quantity: Decimal, price: Decimal, fee: Decimal) -> Decimal:
    """Return the maximum spend of a limit buy, fee included."""
    with localcontext(WIDE):
        return quantity * price * (1 + fee)


def misfit(quantity: Decimal, price: Decimal, grid: Grid, *, kind: OrderType = OrderType.LIMIT) -> str:
    """Return why the exchange would reject such an order; empty: it would accept it."""
    return too_small(quantity, price, grid, kind=kind) or _too_large(quantity, price, grid, kind=kind)


def too_small(quantity: Decimal, price: Decimal, grid: Grid, *, kind: OrderType = OrderType.LIMIT) -> str:
    """Return why an order is below the pair's minimums; empty: it is not."""
    if quantity <= 0 or quantity < grid.min_quantity:
        return f"quantity {quantity:f} is below the minimum, {max(grid.min_quantity, grid.quantity_step):f}"
    low, value = grid.bounds(kind)[0], _value(quantity, price)
    return f"value {short(value)} is below the minimum notional, {low:f}" if value < low else ""


def _too_large(quantity: Decimal, price: Decimal, grid: Grid, *, kind: OrderType) -> str:
    high, value = grid.bounds(kind)[1], _value(quantity, price)
    if high is None or value <= high:
        return ""
    return f"value {short(value)} is above the maximum, {high:f}"


def _value(quantity: Decimal, price: Decimal) -> Decimal:
    with localcontext(WIDE):
        return quantity * price


def slice_of(quantity: Decimal, price: Decimal, grid: Grid, *, kind: OrderType = OrderType.LIMIT) -> Decimal:
    """Return the first of equal slices within the pair's maximum order value; 0: less than one step.

    Equal slices leave no remainder that is too small. `quantity`: a multiple of the step.
    """
    high = grid.bounds(kind)[1]
    if high is None or price <= 0 or quantity <= 0 or _value(quantity, price) <= high:
        return quantity
    with localcontext(WIDE):
        most = floored(high / price, grid.quantity_step)
        if most <= 0:
            return ZERO
        count = (quantity / most).to_integral_value(rounding=ROUND_CEILING)
        return min(ceiled(quantity / count, grid.quantity_step), most)


def slices(quantity: Decimal, price: Decimal, grid: Grid) -> tuple[Decimal, ...]:
    """Return `quantity` as limit orders within the pair's maximum order value; empty: none is possible."""
    parts = list[Decimal]()
    while quantity > 0 and (part := slice_of(quantity, price, grid)) > 0:
        parts.append(part)
        quantity -= part
    return tuple(parts)


def highest_buy(last: Decimal, grid: Grid) -> Decimal | None:
    """Return the highest buy price in the pair's band around the last price; None: no band."""
    return None if grid.band is None else floored(last * (1 + grid.band.above), grid.price_tick)


def lowest_sell(last: Decimal, grid: Grid) -> Decimal | None:
    """Return the lowest sell price in the pair's band around the last price; None: no band."""
    return None if grid.band is None else ceiled(last * (1 - grid.band.below), grid.price_tick)
