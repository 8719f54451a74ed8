"""Selling when the exchange refuses: at the bid, through the book with a slippage cap, then an alarm (O14).

The plan is never dropped: every step but one for a person names when to try again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Advice, Refusal
from mexc_tui.sniping.rounding import HUNDRED, Grid, ceiled, floored, lowest_sell, slice_of, too_small
from mexc_tui.sniping.sellable import SELLABLE, Judgement, Sellability, order_fault

RETRY_MS = (0, 100, 250, 500, 1_000, 2_000, 5_000)
TRAPPED_RETRY_MS = 30_000
ALARM_AFTER = 4
"""Tries without success before a person is called."""
HALVINGS = 10
HOLD_MS = 500
"""What is no order now is looked at again after so long: nothing is sent for it."""
TRAPPED_AFTER_HOLDS = 20
TRAPPED = 30028
OVERSOLD = 30005


class Way(StrEnum):
    """How a sale is tried."""

    AT_BID = "at the bid"
    THROUGH = "through the book"
    ASK = "ask"
    """Nobody knows what became of the last try: ask for it first."""
    WAIT = "wait"
    """Nothing is free yet: a cancel is under way, or balances are old."""
    HOLD = "hold"
    """It is no order now, by the pair's rules or the best bid: look again."""
    DUST = "dust"
    """Its value is too small at a confirmed price; never retried."""


@dataclass(frozen=True, slots=True)
class SaleTry:
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
    retry_after_ms: int | None = None
    judged: Judgement = SELLABLE
    """Whether the rest can be an order at all, by several prices."""
    holds: int = 0
    """Looks in a row at which it was no order."""


@dataclass(frozen=True, slots=True)
class Sale:
    """The next try: an IOC limit, so that nothing is left resting. `trapped`: why it cannot be sold now."""

    way: Way
    price: Decimal | None
    quantity: Decimal
    at_ms: int
    words: str
    type: OrderType = OrderType.IMMEDIATE_OR_CANCEL
    is_alarm: bool = False
    trapped: str = ""
    refresh_balances: bool = False


def escalate(sale: SaleTry, grid: Grid, slippage_pct: Decimal, now_ms: int) -> Sale:
    """Return how to sell next. No halt, limit or breaker is asked: it reduces risk (design, rule 4)."""
    at_ms = now_ms + _wait_ms(sale)
    is_alarm = sale.number >= ALARM_AFTER
    if _is_unknown(sale.refusal):
        return Sale(
            Way.ASK, None, sale.quantity, now_ms, "the last try's outcome is unknown", is_alarm=is_alarm
        )
    quantity, oversold = _quantity(sale, grid)
    trapped = _trapped(sale.refusal)
    if sale.bid is None or sale.bid <= 0:
        words = "no bid to sell to"
        return Sale(Way.THROUGH, None, quantity, at_ms, words, is_alarm=is_alarm, trapped=trapped)
    way = Way.THROUGH if sale.is_urgent or sale.number >= 1 else Way.AT_BID
    price = _price(way, sale, grid, slippage_pct)
    if fault := sale.judged.words or order_fault(sale.quantity, sale.bid, grid):
        return _held_back(sale, fault, now_ms)
    quantity = slice_of(quantity, max(price, sale.bid), grid)
    if too_small(quantity, sale.bid, grid):
        words = f"only {sale.free:f} of {sale.quantity:f} is free"
        wait_ms = at_ms + RETRY_MS[1]
        return Sale(Way.WAIT, None, quantity, wait_ms, words, is_alarm=is_alarm, refresh_balances=True)
    if price * quantity < grid.min_value:
        price = _least_price(quantity, price, sale.bid, grid)
    words = f"{way} at {price:f} or better" + (f", after {_said(sale.refusal)}" if sale.refusal else "")
    return Sale(
        way, price, quantity, at_ms, words, is_alarm=is_alarm or bool(trapped), trapped=trapped,
        refresh_balances=oversold,
    )  # fmt: skip


def _held_back(sale: SaleTry, fault: str, now_ms: int) -> Sale:
    """Return what to do with what is no order now: it is dust, or it is looked at again."""
    if sale.judged.sellability is Sellability.DUST:
        return Sale(Way.DUST, None, sale.quantity, now_ms, fault)
    is_trapped = sale.judged.sellability is Sellability.TRAPPED or (
        sale.judged.sellability is not Sellability.UNCONFIRMED and sale.holds >= TRAPPED_AFTER_HOLDS
    )
    trapped = fault if is_trapped else ""
    return Sale(Way.HOLD, None, sale.quantity, now_ms + HOLD_MS, fault, is_alarm=is_trapped, trapped=trapped)


def _is_unknown(refusal: Refusal | None) -> bool:
    return refusal is not None and not refusal.definite


def _trapped(refusal: Refusal | None) -> str:
    return refusal.words if refusal is not None and refusal.code == TRAPPED else ""


def _said(refusal: Refusal | None) -> str:
    return "" if refusal is None else f"{refusal.code or refusal.http_status} {refusal.words}"


def _wait_ms(sale: SaleTry) -> int:
    if sale.refusal is not None and sale.refusal.code == TRAPPED:
        return TRAPPED_RETRY_MS
    if sale.retry_after_ms is not None:
        return sale.retry_after_ms
    return RETRY_MS[min(sale.number, len(RETRY_MS) - 1)]


def _quantity(sale: SaleTry, grid: Grid) -> tuple[Decimal, bool]:
    """Return what is offered: never more than free. Oversold once: a step less, and balances anew."""
    quantity = floored(min(sale.quantity, sale.free), grid.quantity_step)
    refusal = sale.refusal
    oversold = refusal is not None and (
        refusal.code == OVERSOLD or refusal.advice in (Advice.REFRESH_BALANCES, Advice.REDUCE_SIZE)
    )
    return (max(quantity - grid.quantity_step, Decimal(0)) if oversold else quantity), oversold


def _price(way: Way, sale: SaleTry, grid: Grid, slippage_pct: Decimal) -> Decimal:
    assert sale.bid is not None
    if way is Way.AT_BID:
        price = floored(sale.bid, grid.price_tick)
    else:
        price = ceiled(sale.bid * (1 - _slippage(sale, slippage_pct) / HUNDRED), grid.price_tick)
    named = _named(sale.refusal)
    bounds = [bound for bound in (lowest_sell(sale.last or sale.bid, grid), named) if bound is not None]
    return max([min(price, sale.bid), grid.price_tick, *bounds])


def _slippage(sale: SaleTry, slippage_pct: Decimal) -> Decimal:
    """Return how far below the bid is asked; nearer each time that a band nobody told of refuses it."""
    refusal = sale.refusal
    is_out_of_band = refusal is not None and refusal.advice is Advice.REPRICE and refusal.number is None
    return slippage_pct / 2 ** min(sale.number, HALVINGS) if is_out_of_band else slippage_pct


def _named(refusal: Refusal | None) -> Decimal | None:
    return refusal.number if refusal is not None and refusal.advice is Advice.REPRICE else None


def _least_price(quantity: Decimal, price: Decimal, bid: Decimal, grid: Grid) -> Decimal:
    """Return the lowest price at which the order's value is large enough, up to the bid."""
    return min(max(price, ceiled(grid.min_value / quantity, grid.price_tick)), bid)


def reaches(bids: Sequence[tuple[float, float]], quantity: float, floor: float) -> float:
    """Return how many base units the book takes at `floor` or better."""
    taken = 0.0
    for price, there in bids:
        if price < floor or taken >= quantity:
            break
        taken += min(there, quantity - taken)
    return taken
