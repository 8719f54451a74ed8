"""How well snipes bought: their attempts and orders against the prices known then (formulas E6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.model.intent import Order
from mexc_tui.model.order import Side
from mexc_tui.model.snipe import Attempt, Snipe
from mexc_tui.risk.metrics.execution import ZERO, Shortfall, implementation_shortfall


@dataclass(frozen=True, slots=True)
class EntryPrices:
    """What was known while a snipe fired, quote units each; None: there was no such price."""

    decision: Decimal | None
    """When it was armed; of a pair without a price then, the first ask seen while it fired."""
    arrival: Decimal | None
    """The best ask when the first attempt that bought was sent."""
    end: Decimal | None
    """The best ask when the last attempt was sent."""


def entry_prices(snipe: Snipe, attempts: Iterable[Attempt]) -> EntryPrices:
    """Return the reference prices of a snipe's entry."""
    ordered = sorted(attempts, key=lambda one: one.number)
    asks = [one.best_ask for one in ordered if one.best_ask is not None]
    bought = next((one.best_ask for one in ordered if one.stamps.filled_ns is not None), None)
    decision = snipe.reference_price or next(iter(asks), None)
    return EntryPrices(decision, bought, next(reversed(asks), None))


def entry_shortfall(snipe: Snipe, prices: EntryPrices, orders: Sequence[Order]) -> Shortfall | None:
    """Return what was lost against buying all of the spend cap at the decision's price, without cost.

    None: the prices that it is measured from were not seen.
    """
    decision, filled = prices.decision, snipe.filled_quantity
    arrival = prices.arrival if filled else decision
    if not decision or arrival is None:
        return None
    return implementation_shortfall(
        side=Side.BUY,
        wanted=max(snipe.spend_cap / decision, filled),
        fills=[(snipe.filled_value / filled, filled)] if filled else [],
        decision=decision,
        arrival=arrival,
        end=prices.end or decision,
        fees=sum(map(_fees, orders), ZERO),
    )


def _fees(order: Order) -> Decimal:
    """Return an order's fees in quote units; those in coins of the pair at the order's own average price."""
    average = order.average_price or ZERO
    coins = sum((fee.amount for fee in order.fees if not fee.value and not fee.unvalued), ZERO)
    return sum((fee.value for fee in order.fees), ZERO) + coins * average
