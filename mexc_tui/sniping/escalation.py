"""Sells when the exchange refuses: at the bid, through the book, then within its bounds (reliability O14).

The plan is never dropped: every step but one for a person names when to try again. What cannot be sold for a
while is trapped, and a person is called.
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
"""Tries without success before a person is called."""
TRAPPED_AFTER_MS = 10_000
"""A position of which nothing is sold within so long is trapped, known when the next try is set later."""
HALVINGS = 10
NEARINGS = 4
"""Prices nearer to the bid that are tried before the bid itself counts as below the band."""
MARKET_PROTECTION = Decimal("0.05")
"""So far below the touch a MARKET order may be filled (protocol 5.2)."""
CAPPED_MS = 1_000
"""A bid below the slippage cap is looked at again after so long; a better one wakes the sale."""
HOLD_MS = 500
"""What is no order now is looked at again after so long: nothing is sent for it."""
TRAPPED_AFTER_HOLDS = 20
TRAPPED = 30028
STALE_BALANCE = (Advice.REFRESH_BALANCES, Advice.REDUCE_SIZE)


class SaleMethod(StrEnum):
    """How a sale is tried."""

    AT_BID = "at the bid"
    THROUGH = "through the book"
    MARKET = "at market"
    RESTING = "resting"
    """The bid is below the price band: a limit order waits at the lowest price that is allowed."""
    QUERY = "query"
    """Nobody knows what became of the last try: ask for it first."""
    WAIT = "wait"
    """Nothing is free yet: a cancel is under method, or balances are old."""
    NO_BID = "no bid"
    CAPPED = "below the slippage cap"
    HOLD = "hold"
    """It is no order now, by the pair's rules or the best bid: look again."""
    DUST = "dust"
    """Its value is too small at a confirmed price; never retried."""


@dataclass(frozen=True, slots=True)
class SaleAttempt:
    """A sale as it stands. `number`: tries so far; `refusal`: the last answer, None before the first."""

    number: int
    quantity: Decimal
    """Base units still to be sold."""
    free: Decimal
    bid: Decimal | None
    last: Decimal | None
    """The last trade's price: the band is measured from it."""
    refusal: Refusal | None = None
    is_urgent: bool = False
    """A stop or a flattening: at once through the book."""
    terms: SaleTerms = NOTHING_LEARNED
    cap: SlippageCap | None = None
    """None: no bid was seen yet."""
    since_ms: int | None = None
    """Since when nothing was sold; None: the sale begins."""
    tried: OrderType | None = None
    """The type of the last order."""
    judged: SellableJudgement = SELLABLE
    """Whether the rest can be an order at all, by several prices."""
    holds: int = 0
    """Looks in a row at which it was no order."""


@dataclass(frozen=True, slots=True)
class Sale:
    """The next try. `trapped`: why it cannot be sold now; `wakes_at`: a bid that ends the wait early."""

    method: SaleMethod
    price: Decimal | None
    quantity: Decimal
    at_ms: int
    words: str
    type: OrderType = OrderType.IMMEDIATE_OR_CANCEL
    is_alarm: bool = False
    trapped: str = ""
    refresh_balances: bool = False
    wakes_at: Decimal | None = None
    sellability: Sellability = Sellability.SELLABLE

    @property
    def is_order(self) -> bool:
        """Whether something is sent."""
        return self.method in (SaleMethod.AT_BID, SaleMethod.THROUGH, SaleMethod.MARKET, SaleMethod.RESTING)


def escalate(sale: SaleAttempt, grid: Grid, slippage_pct: Decimal, now_ms: int) -> Sale:
    """Return how to sell next. No halt, limit or breaker is asked: it reduces risk (architecture 2.4)."""
    plan = _next(sale, _whole(sale, sale.terms.grid(grid)), slippage_pct, now_ms)
    is_late = sale.since_ms is not None and plan.at_ms - sale.since_ms >= TRAPPED_AFTER_MS
    if not is_late or plan.trapped or plan.method in (SaleMethod.DUST, SaleMethod.HOLD):
        return plan
    return replace(plan, trapped=_blocked_reason(sale, plan), is_alarm=True)


def _whole(sale: SaleAttempt, grid: Grid) -> Grid:
    """Return the grid by which nothing of value is left behind, unless the exchange refused that."""
    rest = sale.quantity - floored(sale.quantity, grid.quantity_step)
    if grid.exact_step is None or sale.terms.step is not None or rest * (sale.bid or ZERO) < DUST_VALUE:
        return grid
    return replace(grid, quantity_step=grid.exact_step)


def _next(sale: SaleAttempt, grid: Grid, slippage_pct: Decimal, now_ms: int) -> Sale:
    at_ms = now_ms + _wait_ms(sale)
    is_alarm = sale.number >= ALARM_AFTER
    if _is_unknown(sale.refusal):
        return Sale(
            SaleMethod.QUERY,
            None,
            sale.quantity,
            now_ms,
            "outcome of the last attempt unknown",
            is_alarm=is_alarm,
        )
    quantity = sale.terms.quantity(min(sale.quantity, sale.free), grid)
    trapped = _trapped(sale.refusal)
    if sale.bid is None or sale.bid <= 0:
        words = "no bid"
        return Sale(
            SaleMethod.NO_BID, None, quantity, at_ms, words, is_alarm=is_alarm, trapped=trapped, wakes_at=ZERO
        )
    if fault := sale.judged.words or order_fault(sale.quantity, sale.bid, grid):
        return _unsellable(sale, fault, now_ms)
    if sale.cap is not None and sale.bid < sale.cap.floor:
        return _capped(sale, sale.cap, quantity, now_ms)
    plan = _order(sale, grid, slippage_pct, quantity)
    if too_small(plan.quantity, sale.bid, grid):
        words = f"only {sale.free:f} of {sale.quantity:f} is free"
        wait_ms = at_ms + RETRY_MS[1]
        return Sale(SaleMethod.WAIT, None, quantity, wait_ms, words, is_alarm=is_alarm, refresh_balances=True)
    after = f", after {_refusal_text(sale.refusal)}" if sale.refusal else ""
    return replace(
        plan, at_ms=at_ms, words=plan.words + after, is_alarm=is_alarm or bool(trapped), trapped=trapped,
        refresh_balances=sale.refusal is not None and sale.refusal.advice in STALE_BALANCE,
    )  # fmt: skip


def _order(sale: SaleAttempt, grid: Grid, slippage_pct: Decimal, quantity: Decimal) -> Sale:
    """Return the next order: within the cap, at prices and of a type that the pair takes."""
    assert sale.bid is not None
    floor = ceiled(sale.cap.floor, grid.price_tick) if sale.cap is not None else ZERO
    lowest = _lowest(sale, grid)
    is_below_band = lowest is not None and lowest > sale.bid
    kind = sale.terms.kind
    if kind is OrderType.MARKET or (is_below_band and sale.tried is not OrderType.MARKET):
        market = _market(sale, grid, floor, quantity)
        if market is not None:
            return market
        kind = OrderType.LIMIT if is_below_band else OrderType.IMMEDIATE_OR_CANCEL
    if is_below_band and lowest is not None:
        kind = OrderType.LIMIT if OrderType.LIMIT not in sale.terms.refused else kind
        price = max(floor, ceiled(lowest, grid.price_tick))
        part = slice_of(quantity, price, grid)
        return Sale(
            SaleMethod.RESTING, price, part, 0, f"resting at {price:f}: the bid is below the price band", kind
        )
    method = SaleMethod.THROUGH if sale.is_urgent or sale.number >= 1 else SaleMethod.AT_BID
    price = max(_price(method, sale, grid, slippage_pct), floor)
    quantity = slice_of(quantity, max(price, sale.bid), grid)
    if quantity and price * quantity < grid.min_value:
        price = _least_price(quantity, price, sale.bid, grid)
    return Sale(method, price, quantity, 0, f"{method} at {price:f} or better", kind)


def _market(sale: SaleAttempt, grid: Grid, floor: Decimal, quantity: Decimal) -> Sale | None:
    """Return a MARKET order, which the price band does not bound; None: none is allowed within the cap."""
    assert sale.bid is not None
    part = slice_of(quantity, sale.bid, grid, OrderType.MARKET)
    is_refused = OrderType.MARKET in sale.terms.refused or sale.bid * (1 - MARKET_PROTECTION) < floor
    if is_refused or misfit(part, sale.bid, grid, OrderType.MARKET):
        return None
    return Sale(SaleMethod.MARKET, None, part, 0, str(SaleMethod.MARKET), OrderType.MARKET)


def _lowest(sale: SaleAttempt, grid: Grid) -> Decimal | None:
    """Return the lowest price that the exchange takes, as far as it is known."""
    assert sale.bid is not None
    named = _named_price(sale.refusal)
    if _is_out_of_band(sale.refusal) and sale.number >= NEARINGS:
        named = max(sale.last or ZERO, sale.bid + grid.price_tick)
    bounds = [one for one in (lowest_sell(sale.last or sale.bid, grid), named) if one is not None]
    return max(bounds, default=None)


def _capped(sale: SaleAttempt, cap: SlippageCap, quantity: Decimal, now_ms: int) -> Sale:
    then = "close again to sell at the current bid"
    if not cap.is_manual:
        then = "after a minute the cap is measured from the current best bid"
    words = (
        f"the best bid is more than {cap.slippage_pct:f} % below the first bid of {cap.first_bid:f}; "
        f"waiting for a better one ({then})"
    )
    at_ms = now_ms + CAPPED_MS
    return Sale(SaleMethod.CAPPED, None, quantity, at_ms, words, is_alarm=True, wakes_at=cap.floor)


def _blocked_reason(sale: SaleAttempt, plan: Sale) -> str:
    """Return why nothing could be sold for a while, in words that do not change at every try."""
    if sale.refusal is not None:
        return _refusal_text(sale.refusal)
    return "orders accepted but not filled" if plan.is_order else plan.words


def _unsellable(sale: SaleAttempt, fault: str, now_ms: int) -> Sale:
    """Return what to do with what is no order now: it is dust, or it is looked at again."""
    if sale.judged.sellability is Sellability.DUST:
        return Sale(SaleMethod.DUST, None, sale.quantity, now_ms, fault)
    is_trapped = sale.judged.sellability is Sellability.TRAPPED or (
        sale.judged.sellability is not Sellability.UNCONFIRMED and sale.holds >= TRAPPED_AFTER_HOLDS
    )
    trapped = fault if is_trapped else ""
    return Sale(
        SaleMethod.HOLD, None, sale.quantity, now_ms + HOLD_MS, fault, is_alarm=is_trapped, trapped=trapped,
        sellability=sale.judged.sellability,
    )  # fmt: skip


def _is_unknown(refusal: Refusal | None) -> bool:
    return refusal is not None and not refusal.definite


def _trapped(refusal: Refusal | None) -> str:
    return refusal.words if refusal is not None and refusal.code == TRAPPED else ""


def _refusal_text(refusal: Refusal | None) -> str:
    return "" if refusal is None else f"{refusal.code or refusal.http_status} {refusal.words}"


def _wait_ms(sale: SaleAttempt) -> int:
    refusal = sale.refusal
    if refusal is not None and refusal.code == TRAPPED:
        return TRAPPED_RETRY_MS
    if refusal is not None and refusal.retry_after_ms is not None:
        return min(refusal.retry_after_ms, RETRY_MS[-1])
    return RETRY_MS[min(sale.number, len(RETRY_MS) - 1)]


def _price(method: SaleMethod, sale: SaleAttempt, grid: Grid, slippage_pct: Decimal) -> Decimal:
    assert sale.bid is not None
    if method is SaleMethod.AT_BID:
        price = floored(sale.bid, grid.price_tick)
    else:
        price = ceiled(sale.bid * (1 - _slippage(sale, slippage_pct) / HUNDRED), grid.price_tick)
    return max(min(price, sale.bid), grid.price_tick, _lowest(sale, grid) or ZERO)


def _slippage(sale: SaleAttempt, slippage_pct: Decimal) -> Decimal:
    """Return how far below the bid is asked; nearer each time that a band nobody told of refuses it."""
    is_out = _is_out_of_band(sale.refusal)
    return slippage_pct / 2 ** min(sale.number, HALVINGS) if is_out else slippage_pct


def _is_out_of_band(refusal: Refusal | None) -> bool:
    return refusal is not None and refusal.advice is Advice.REPRICE and refusal.number is None


def _named_price(refusal: Refusal | None) -> Decimal | None:
    return refusal.number if refusal is not None and refusal.advice is Advice.REPRICE else None


def _least_price(quantity: Decimal, price: Decimal, bid: Decimal, grid: Grid) -> Decimal:
    """Return the lowest price at which the order's value is large enough, up to the bid."""
    return min(max(price, ceiled(grid.min_value / quantity, grid.price_tick)), bid)


def fillable_quantity(bids: Sequence[tuple[float, float]], quantity: float, floor: float) -> float:
    """Return how many base units the book takes at `floor` or better."""
    taken = 0.0
    for price, there in bids:
        if price < floor or taken >= quantity:
            break
        taken += min(there, quantity - taken)
    return taken
