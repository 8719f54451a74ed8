"""Next attempt of a sale after a refusal: at the bid, through the book, then within limits (reliability
O14).

A sale is never abandoned: every step except dust schedules the next attempt. A position that cannot be
sold for a while is reported as trapped, with an alert.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Advice, Refusal
from mexc_tui.sniping.rounding import (
    HUNDRED,
    ZERO,
    Grid,
    ceiled,
    floored,
    lowest_sell,
    misfit,
    slice_of,
    too_small,
)
from mexc_tui.sniping.sale_terms import NOTHING_LEARNED, SaleTerms
from mexc_tui.sniping.sellable import DUST_VALUE, SELLABLE, Sellability, SellableJudgement, order_fault
from mexc_tui.sniping.slippage_cap import SlippageCap

RETRY_MS = (0, 100, 250, 500, 1_000, 2_000, 5_000)
TRAPPED_RETRY_MS = 30_000
ALARM_AFTER = 4
"""Failed attempts before the alert."""
TRAPPED_AFTER_MS = 10_000
"""A position with no sale for this time is trapped; decided as soon as the next attempt is due later."""
HALVINGS = 10
NEARINGS = 4
"""Attempts at prices closer to the bid, before the bid itself counts as below the price band."""
MARKET_PROTECTION = Decimal("0.05")
"""Maximum distance of a MARKET fill from the best price (protocol 5.2)."""
CAPPED_MS = 1_000
"""Interval between checks of a bid below the slippage cap; a better bid resumes the sale earlier."""
HOLD_MS = 500
"""Interval between checks of a quantity that is not a valid order now; nothing is sent."""
TRAPPED_AFTER_HOLDS = 20
TRAPPED = 30028
STALE_BALANCE = (Advice.REFRESH_BALANCES, Advice.REDUCE_SIZE)


class SaleMethod(StrEnum):
    """How the next attempt sells."""

    AT_BID = "at the bid"
    THROUGH = "through the order book"
    MARKET = "at market"
    RESTING = "resting"
    """The bid is below the price band: a limit order rests at the lowest price allowed."""
    QUERY = "query"
    """The outcome of the last attempt is unknown: query it first."""
    WAIT = "wait"
    """No quantity is free: a cancel is in progress, or balances are stale."""
    NO_BID = "no bid"
    CAPPED = "below the slippage cap"
    HOLD = "hold"
    """Not a valid order now, by the pair's filters or the best bid: check again."""
    DUST = "dust"
    """Value too small at a confirmed price; never retried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleAttempt:
    """State of a sale. `number`: attempts so far; `refusal`: the last one, None before the first."""

    number: int
    quantity: Decimal
    """Base units still to sell."""
    free: Decimal
    bid: Decimal | None
    last: Decimal | None
    """Price of the last trade, the reference of the price band."""
    refusal: Refusal | None = None
    is_urgent: bool = False
    """A stop or a flattening: sells through the book immediately."""
    terms: SaleTerms = NOTHING_LEARNED
    cap: SlippageCap | None = None
    """None: no bid observed yet."""
    since_ms: int | None = None
    """Time of the last fill or of the start; None: not started."""
    tried: OrderType | None = None
    """Type of the last order."""
    judged: SellableJudgement = SELLABLE
    """Whether the remainder can be a valid order at several prices."""
    holds: int = 0
    """Consecutive checks at which it was not a valid order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """The next attempt. `trapped`: why it cannot be sold now; `wakes_at`: a bid that ends the wait early."""

    method: SaleMethod
    price: Decimal | None
    quantity: Decimal
    at_ms: int
    text: str
    type: OrderType = OrderType.IMMEDIATE_OR_CANCEL
    is_alarm: bool = False
    trapped: str = ""
    refresh_balances: bool = False
    wakes_at: Decimal | None = None
    sellability: Sellability = Sellability.SELLABLE

    @property
    def is_order(self) -> bool:
        """Whether an order is sent."""
        return self.method in (SaleMethod.AT_BID, SaleMethod.THROUGH, SaleMethod.MARKET, SaleMethod.RESTING)


def escalate(sale: SaleAttempt, grid: Grid, slippage_pct: Decimal, *, now_ms: int) -> Sale:
    """Return how to sell next.

    Halts, limits and breakers do not apply: a sale reduces risk (architecture 2.4).
    """
    plan = _next(sale, _whole(sale, sale.terms.grid(grid)), slippage_pct, now_ms=now_ms)
    is_late = sale.since_ms is not None and plan.at_ms - sale.since_ms >= TRAPPED_AFTER_MS
    if not is_late or plan.trapped or plan.method in (SaleMethod.DUST, SaleMethod.HOLD):
        return plan
    return replace(plan, trapped=_blocked_reason(sale, plan), is_alarm=True)


def _whole(sale: SaleAttempt, grid: Grid) -> Grid:
    """Return the filters that leave nothing of value behind, unless the exchange refused them."""
    rest = sale.quantity - floored(sale.quantity, grid.quantity_step)
    if grid.exact_step is None or sale.terms.step is not None or rest * (sale.bid or ZERO) < DUST_VALUE:
        return grid
    return replace(grid, quantity_step=grid.exact_step)


def _next(sale: SaleAttempt, grid: Grid, slippage_pct: Decimal, *, now_ms: int) -> Sale:
    at_ms = now_ms + _wait_ms(sale)
    is_alarm = sale.number >= ALARM_AFTER
    if _is_unknown(sale.refusal):
        return Sale(
            method=SaleMethod.QUERY,
            price=None,
            quantity=sale.quantity,
            at_ms=now_ms,
            text="outcome of the last attempt unknown",
            is_alarm=is_alarm,
        )
    quantity = sale.terms.quantity(min(sale.quantity, sale.free), grid)
    trapped = _trapped(sale.refusal)
    if sale.bid is None or sale.bid <= 0:
        text = "no bid"
        return Sale(
            method=SaleMethod.NO_BID,
            price=None,
            quantity=quantity,
            at_ms=at_ms,
            text=text,
            is_alarm=is_alarm,
            trapped=trapped,
            wakes_at=ZERO,
        )
    if fault := sale.judged.text or order_fault(sale.quantity, sale.bid, grid):
        return _unsellable(sale, fault, now_ms)
    if sale.cap is not None and sale.bid < sale.cap.floor:
        return _capped(sale, sale.cap, quantity, now_ms=now_ms)
    plan = _order(sale, grid, slippage_pct, quantity=quantity)
    if too_small(plan.quantity, sale.bid, grid):
        text = f"only {sale.free:f} of {sale.quantity:f} is free"
        wait_ms = at_ms + RETRY_MS[1]
        return Sale(
            method=SaleMethod.WAIT,
            price=None,
            quantity=quantity,
            at_ms=wait_ms,
            text=text,
            is_alarm=is_alarm,
            refresh_balances=True,
        )
    after = f", after {_refusal_text(sale.refusal)}" if sale.refusal else ""
    return replace(
        plan, at_ms=at_ms, text=plan.text + after, is_alarm=is_alarm or bool(trapped), trapped=trapped,
        refresh_balances=sale.refusal is not None and sale.refusal.advice in STALE_BALANCE,
    )  # fmt: skip


def _order(sale: SaleAttempt, grid: Grid, slippage_pct: Decimal, *, quantity: Decimal) -> Sale:
    """Return the next order: within the slippage cap, at a price and of a type that the pair accepts."""
    assert sale.bid is not None
    floor = ceiled(sale.cap.floor, grid.price_tick) if sale.cap is not None else ZERO
    lowest = _lowest(sale, grid)
    is_below_band = lowest is not None and lowest > sale.bid
    kind = sale.terms.kind
    if kind is OrderType.MARKET or (is_below_band and sale.tried is not OrderType.MARKET):
        market = _market(sale, grid, floor, quantity=quantity)
        if market is not None:
            return market
        kind = OrderType.LIMIT if is_below_band else OrderType.IMMEDIATE_OR_CANCEL
    if is_below_band and lowest is not None:
        kind = OrderType.LIMIT if OrderType.LIMIT not in sale.terms.refused else kind
        price = max(floor, ceiled(lowest, grid.price_tick))
        part = slice_of(quantity, price, grid)
        return Sale(
            method=SaleMethod.RESTING,
            price=price,
            quantity=part,
            at_ms=0,
            text=f"resting at {price:f}: the bid is below the price band",
            type=kind,
        )
    method = SaleMethod.THROUGH if sale.is_urgent or sale.number >= 1 else SaleMethod.AT_BID
    price = max(_price(method, sale, grid, slippage_pct=slippage_pct), floor)
    quantity = slice_of(quantity, max(price, sale.bid), grid)
    if quantity and price * quantity < grid.min_value:
        price = _least_price(quantity, price, sale.bid, grid=grid)
    return Sale(
        method=method,
        price=price,
        quantity=quantity,
        at_ms=0,
        text=f"{method} at {price:f} or better",
        type=kind,
    )


def _market(sale: SaleAttempt, grid: Grid, floor: Decimal, *, quantity: Decimal) -> Sale | None:
    """Return a MARKET order, which the price band does not limit; None: none is possible within the cap."""
    assert sale.bid is not None
    part = slice_of(quantity, sale.bid, grid, kind=OrderType.MARKET)
    is_refused = OrderType.MARKET in sale.terms.refused or sale.bid * (1 - MARKET_PROTECTION) < floor
    if is_refused or misfit(part, sale.bid, grid, kind=OrderType.MARKET):
        return None
    return Sale(
        method=SaleMethod.MARKET,
        price=None,
        quantity=part,
        at_ms=0,
        text=str(SaleMethod.MARKET),
        type=OrderType.MARKET,
    )


def _lowest(sale: SaleAttempt, grid: Grid) -> Decimal | None:
    """Return the lowest price that the exchange accepts, as far as known."""
    assert sale.bid is not None
    named = _named_price(sale.refusal)
    if _is_out_of_band(sale.refusal) and sale.number >= NEARINGS:
        named = max(sale.last or ZERO, sale.bid + grid.price_tick)
    bounds = [price for price in (lowest_sell(sale.last or sale.bid, grid), named) if price is not None]
    return max(bounds, default=None)


def _capped(sale: SaleAttempt, cap: SlippageCap, quantity: Decimal, *, now_ms: int) -> Sale:
    then = "close again to sell at the current bid"
    if not cap.is_manual:
        then = "after a minute the cap is measured from the current best bid"
    text = (
        f"the best bid is more than {cap.slippage_pct:f} % below the first bid of {cap.first_bid:f}; "
        f"waiting for a better one ({then})"
    )
    at_ms = now_ms + CAPPED_MS
    return Sale(
        method=SaleMethod.CAPPED,
        price=None,
        quantity=quantity,
        at_ms=at_ms,
        text=text,
        is_alarm=True,
        wakes_at=cap.floor,
    )


def _blocked_reason(sale: SaleAttempt, plan: Sale) -> str:
    """Return why nothing could be sold for a while; the text does not change with every attempt."""
    if sale.refusal is not None:
        return _refusal_text(sale.refusal)
    return "orders accepted but not filled" if plan.is_order else plan.text


def _unsellable(sale: SaleAttempt, fault: str, now_ms: int) -> Sale:
    """Return the step for a quantity that is not a valid order now: write it off as dust, or check again."""
    if sale.judged.sellability is Sellability.DUST:
        return Sale(method=SaleMethod.DUST, price=None, quantity=sale.quantity, at_ms=now_ms, text=fault)
    is_trapped = sale.judged.sellability is Sellability.TRAPPED or (
        sale.judged.sellability is not Sellability.UNCONFIRMED and sale.holds >= TRAPPED_AFTER_HOLDS
    )
    trapped = fault if is_trapped else ""
    return Sale(
        method=SaleMethod.HOLD,
        price=None,
        quantity=sale.quantity,
        at_ms=now_ms + HOLD_MS,
        text=fault,
        is_alarm=is_trapped,
        trapped=trapped,
        sellability=sale.judged.sellability,
    )


def _is_unknown(refusal: Refusal | None) -> bool:
    return refusal is not None and not refusal.definite


def _trapped(refusal: Refusal | None) -> str:
    return refusal.text if refusal is not None and refusal.code == TRAPPED else ""


def _refusal_text(refusal: Refusal | None) -> str:
    return "" if refusal is None else f"{refusal.code or refusal.http_status} {refusal.text}"


def _wait_ms(sale: SaleAttempt) -> int:
    refusal = sale.refusal
    if refusal is not None and refusal.code == TRAPPED:
        return TRAPPED_RETRY_MS
    if refusal is not None and refusal.retry_after_ms is not None:
        return min(refusal.retry_after_ms, RETRY_MS[-1])
    return RETRY_MS[min(sale.number, len(RETRY_MS) - 1)]


def _price(method: SaleMethod, sale: SaleAttempt, grid: Grid, *, slippage_pct: Decimal) -> Decimal:
    assert sale.bid is not None
    if method is SaleMethod.AT_BID:
        price = floored(sale.bid, grid.price_tick)
    else:
        price = ceiled(sale.bid * (1 - _slippage(sale, slippage_pct) / HUNDRED), grid.price_tick)
    return max(min(price, sale.bid), grid.price_tick, _lowest(sale, grid) or ZERO)


def _slippage(sale: SaleAttempt, slippage_pct: Decimal) -> Decimal:
    """Return the slippage below the bid; halved after each refusal by an unknown price band."""
    is_out = _is_out_of_band(sale.refusal)
    return slippage_pct / 2 ** min(sale.number, HALVINGS) if is_out else slippage_pct


def _is_out_of_band(refusal: Refusal | None) -> bool:
    return refusal is not None and refusal.advice is Advice.REPRICE and refusal.number is None


def _named_price(refusal: Refusal | None) -> Decimal | None:
    return refusal.number if refusal is not None and refusal.advice is Advice.REPRICE else None


def _least_price(quantity: Decimal, price: Decimal, bid: Decimal, *, grid: Grid) -> Decimal:
    """Return the lowest price with a sufficient order value, at most the bid."""
    return min(max(price, ceiled(grid.min_value / quantity, grid.price_tick)), bid)


def fillable_quantity(bids: Sequence[tuple[float, float]], quantity: float, floor: float) -> float:
    """Return how many base units the order book can fill at `floor` or better."""
    filled = 0.0
    for price, size in bids:
        if price < floor or filled >= quantity:
            break
        filled += min(size, quantity - filled)
    return filled
