"""Decide when an order with a lost request counts as absent (reliability 1.4, point 5).

Only responses are proof: a failed query counts for nothing, and nothing counts before the fence.
"""

from dataclasses import dataclass, replace

from mexc_tui.ledger.evidence import Evidence, from_fence
from mexc_tui.model.intent import Order, OrderState

APART_MS = 500
"""Minimum time between two balance responses that count as separate observations."""
WATCH_MS = 600_000
"""How long an absent order is watched before its reservation is released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """Exchange time of each latest proof; None: never proven, or disproven since."""

    denied_ms: int | None = None
    """A query by client order id reported that the order does not exist."""
    listed_ms: int | None = None
    """Listings of open orders and of all orders since the send did not contain it."""
    balanced_ms: int | None = None
    """Base and quote balances matched the ledger without it, in two separate responses."""
    agreed_ms: int | None = None
    """First of consecutive matching balance responses: one alone may be outdated."""

    def with_balances(self, agreed_ms: int | None, fence_ms: int) -> "Proofs":
        """Return the proofs after a balance response: its time if balances agreed, else None."""
        if agreed_ms is None or agreed_ms <= fence_ms:
            return replace(self, balanced_ms=None, agreed_ms=None)
        if self.agreed_ms is None or self.agreed_ms <= fence_ms:
            return replace(self, balanced_ms=None, agreed_ms=agreed_ms)
        return replace(self, balanced_ms=agreed_ms if agreed_ms - self.agreed_ms >= APART_MS else None)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The evidence to merge, or the missing proofs as texts."""

    evidence: Evidence | None
    missing: tuple[str, ...] = ()


def conclude(order: Order, proofs: Proofs, now_ms: int) -> Conclusion:
    """Decide an order of unknown outcome; `now_ms` is the exchange's time.

    An order that was once reported cannot be absent: if it is no longer listed, it is closed.
    """
    if order.state not in (OrderState.UNKNOWN, OrderState.SENT):
        return Conclusion(None, (f"already {order.state.value}",))
    missing = _missing(order, proofs, now_ms)
    if missing:
        return Conclusion(None, missing)
    if order.order_id or order.filled_quantity:
        text = "no longer known to the exchange; balances agree with the ledger"
        return Conclusion(from_fence(OrderState.CANCELLED, text, now_ms))
    text = "never accepted: not in any response after the fence, and balances agree"
    return Conclusion(from_fence(OrderState.ABSENT, text, now_ms))


def watch_is_over(order: Order, now_ms: int) -> bool:
    """Whether an absent order was watched long enough to free its reservation."""
    return order.state is OrderState.ABSENT and now_ms >= order.updated_ms + WATCH_MS


def _missing(order: Order, proofs: Proofs, now_ms: int) -> tuple[str, ...]:
    fence_ms = order.fence_ms
    if fence_ms is None:
        return ("no fence recorded",)
    if now_ms <= fence_ms:
        return (f"may still be accepted for {fence_ms - now_ms} ms",)
    wanted = (
        (proofs.denied_ms, "a query that reports it does not exist"),
        (proofs.listed_ms, "listings of open and of all orders without it"),
        (proofs.balanced_ms, "two balance responses that agree without it"),
    )
    return tuple(text for proven_ms, text in wanted if proven_ms is None or proven_ms <= fence_ms)
