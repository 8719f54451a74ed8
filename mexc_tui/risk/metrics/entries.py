"""Execution quality of entries: attempts and orders against the prices at the time (formulas E6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.model.intent import Order
from mexc_tui.model.order import Side
from mexc_tui.model.snipe import Attempt, Snipe
from mexc_tui.risk.metrics.execution import ZERO, Shortfall, implementation_shortfall


@dataclass(frozen=True, slots=True)
class EntryPrices:
    """Reference prices of one entry, in quote units; None: there was no such price."""

    decision: Decimal | None
    """Price at arming; for a pair without one, the first ask observed while firing."""
    arrival: Decimal | None
    """Best ask when the first filled attempt was sent."""
    end: Decimal | None
    """Best ask when the last attempt was sent."""


def entry_prices(snipe: Snipe, attempts: Iterable[Attempt]) -> EntryPrices:
    """Return the reference prices of a snipe's entry."""
    ordered = sorted(attempts, key=lambda attempt: attempt.number)
    asks = [attempt.best_ask for attempt in ordered if attempt.best_ask is not None]
    bought = next((attempt.best_ask for attempt in ordered if attempt.stamps.filled_ns is not None), None)
    decision = snipe.reference_price or next(iter(asks), None)
    return EntryPrices(decision, bought, next(reversed(asks), None))


def entry_shortfall(snipe: Snipe, prices: EntryPrices, orders: Sequence[Order]) -> Shortfall | None:
    """Return the shortfall against buying the whole spend cap at the decision price, without costs.

    None: a price that it is measured from is unknown.
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
    """Return an order's fees in quote units; base-asset fees are valued at its average price."""
    average = order.average_price or ZERO
    coins = sum((fee.amount for fee in order.fees if not fee.value and not fee.unvalued), ZERO)
    return sum((fee.value for fee in order.fees), ZERO) + coins * average
