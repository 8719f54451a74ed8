"""Whether a quantity can be sold now, is trapped, or is dust.

Dust is final and requires a confirmed price: the best bid, the last trade, the entry price and the high
since entry agree, or the market price stays the same for a minute. A quantity with value that the filters
refuse is trapped: it stays open and is retried.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mexc_tui.sniping.rounding import Grid, floored, slice_of, too_small

DUST_VALUE = Decimal(1)
"""Quote units: the minimum notional of USDT pairs (protocol 4.2). A pair's own filters do not raise it, so
that a changed filter creates no dust."""
CONFIRM_MS = 60_000
OBSERVATIONS = 3
OBSERVE_MS = 5_000
"""Minimum time between two observations of one price."""
GAP_MS = 15_000
"""A longer gap between observations restarts the confirmation."""


class Sellability(StrEnum):
    """Whether a quantity can be sold now."""

    SELLABLE = "sellable"
    LOW_BID = "low bid"
    """Too small at the best bid only: at the last trade or entry price it is a valid order."""
    TRAPPED = "trapped"
    """Refused by the pair's filters at every known price, although it has value."""
    UNCONFIRMED = "unconfirmed"
    """Worth less than `DUST_VALUE` at market prices; not confirmed yet."""
    DUST = "dust"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPrices:
    """Prices from independent sources; None: unknown or stale. `high`: the high since entry."""

    bid: Decimal | None
    last: Decimal | None
    entry: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """State of the confirmation that a quantity is nearly worthless."""

    since_ms: int
    observed_ms: int
    observations: int = 1


@dataclass(frozen=True, slots=True)
class SellableJudgement:
    """Whether it can be sold, and why not. Pass `confirmation` to the next call."""

    sellability: Sellability
    text: str = ""
    confirmation: Confirmation | None = None


SELLABLE = SellableJudgement(Sellability.SELLABLE)


def judge(
    quantity: Decimal,
    grid: Grid,
    prices: KnownPrices,
    *,
    now_ms: int = 0,
    confirmation: Confirmation | None = None,
) -> SellableJudgement:
    """Return whether `quantity` base units can be sold now."""
    bid, last = _sane(prices.bid), _sane(prices.last)
    entry, high = _sane(prices.entry), _sane(prices.high)
    best = max((price for price in (bid, last, entry) if price is not None), default=None)
    if best is None or not (fault := order_fault(quantity, bid or best, grid)):
        return SELLABLE
    if _is_small(quantity, (bid, last)):
        return _small(
            quantity,
            fault,
            KnownPrices(bid=bid, last=last, entry=entry, high=high),
            now_ms=now_ms,
            before=confirmation,
        )
    if best_fault := order_fault(quantity, best, grid):
        return SellableJudgement(Sellability.TRAPPED, best_fault)
    return SellableJudgement(Sellability.LOW_BID, f"best bid too low: {fault}")


def order_fault(quantity: Decimal, price: Decimal, grid: Grid) -> str:
    """Return why no order can sell it at a price, even split; empty: an order can."""
    whole = floored(quantity, grid.quantity_step)
    if whole < grid.quantity_step or whole < grid.min_quantity:
        least = max(grid.min_quantity, grid.quantity_step)
        return f"quantity {quantity:f} is below the minimum {least:f}"
    if too_small(whole, price, grid):
        return f"value is below the minimum notional {grid.min_value:f}"
    if too_small(slice_of(whole, price, grid), price, grid):
        return f"the maximum order value of {grid.max_value or 0:f} allows no order"
    return ""


def _sane(price: Decimal | None) -> Decimal | None:
    return price if price is not None and price > 0 else None


def _is_small(quantity: Decimal, prices: Iterable[Decimal | None]) -> bool:
    """Whether it is nearly worthless at every known price, with at least one known."""
    known = [price for price in prices if price is not None]
    return bool(known) and quantity * max(known) < DUST_VALUE


def _small(
    quantity: Decimal, fault: str, prices: KnownPrices, *, now_ms: int, before: Confirmation | None
) -> SellableJudgement:
    bought_small = _is_small(quantity, (prices.entry, prices.high))
    if bought_small and prices.bid is not None and prices.last is not None:
        return SellableJudgement(Sellability.DUST, fault)
    confirmation = _observed(now_ms, before)
    has_two = bought_small or None not in (prices.bid, prices.last)
    is_held = now_ms - confirmation.since_ms >= CONFIRM_MS and confirmation.observations >= OBSERVATIONS
    if has_two and is_held:
        return SellableJudgement(
            Sellability.DUST, f"{fault}, for {(now_ms - confirmation.since_ms) // 1_000} s", confirmation
        )
    return SellableJudgement(Sellability.UNCONFIRMED, f"{fault}; price not confirmed yet", confirmation)


def _observed(now_ms: int, before: Confirmation | None) -> Confirmation:
    if before is None or not 0 <= now_ms - before.observed_ms <= GAP_MS:
        return Confirmation(now_ms, now_ms)
    if now_ms - before.observed_ms < OBSERVE_MS:
        return before
    return Confirmation(before.since_ms, now_ms, before.observations + 1)
