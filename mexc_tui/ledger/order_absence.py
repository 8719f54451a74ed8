"""Decide when an order with a lost request counts as absent (reliability 1.4, point 5).

Only responses are proof: a failed query counts for nothing, and nothing counts before the fence.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.ledger.checks import BalanceDifference
from mexc_tui.ledger.evidence import Evidence, from_fence
from mexc_tui.model.intent import Intent, Order, OrderState
from mexc_tui.model.order import Side

ZERO = Decimal(0)
APART_MS = 500
"""Minimum time between two balance responses that count as separate observations."""
CONSTANT_MS = 10_000
"""Time for which a difference that the order cannot explain must stay the same."""
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
    """Balances showed in separate responses that it was not filled."""
    agreed_ms: int | None = None
    """First of consecutive equal balance responses: one alone may be outdated."""
    differences: tuple[BalanceDifference, ...] = ()
    """By what balances differed from the ledger in those responses, e.g. a deposit."""

    def with_balances(
        self, at_ms: int | None, fence_ms: int, differences: tuple[BalanceDifference, ...] = ()
    ) -> "Proofs":
        """Return the proofs after a balance response; `at_ms` None: one that the order may explain."""
        if at_ms is None or at_ms <= fence_ms:
            return replace(self, balanced_ms=None, agreed_ms=None, differences=())
        if self.agreed_ms is None or self.agreed_ms <= fence_ms or differences != self.differences:
            return replace(self, balanced_ms=None, agreed_ms=at_ms, differences=differences)
        apart_ms = CONSTANT_MS if differences else APART_MS
        return replace(self, balanced_ms=at_ms if at_ms - self.agreed_ms >= apart_ms else None)

    @property
    def due_ms(self) -> int | None:
        """Return from when another equal balance response completes the proof; None: it does not."""
        if self.agreed_ms is None or self.balanced_ms is not None:
            return None
        return self.agreed_ms + (CONSTANT_MS if self.differences else APART_MS)

    def not_after(self, now_ms: int) -> "Proofs":
        """Return the proofs without those of the future: the clock stepped back, and their time is wrong."""

        def past(at_ms: int | None) -> int | None:
            return at_ms if at_ms is not None and at_ms <= now_ms else None

        return replace(
            self,
            denied_ms=past(self.denied_ms),
            listed_ms=past(self.listed_ms),
            balanced_ms=past(self.balanced_ms),
            agreed_ms=past(self.agreed_ms),
        )

    @property
    def balances_text(self) -> str:
        """Return what balances showed."""
        if not self.differences:
            return "balances agree with the ledger"
        return f"{'; '.join(map(str, self.differences))}, which the order cannot explain"

    def valid_after_ms(self, fence_ms: int) -> int:
        """Return the time that a proof must be later than."""
        if not self.differences or self.agreed_ms is None:
            return fence_ms
        return max(fence_ms, self.agreed_ms + CONSTANT_MS - 1)


def may_explain(intent: Intent, differences: Iterable[BalanceDifference]) -> bool:
    """Whether an unreported fill of an order of this intent may be among the differences.

    A fill moves base in the direction of the order, and quote too; a deposit at the same time may hide in
    which direction quote moved.
    """
    amounts = {one.asset: one.amount for one in differences}
    base = amounts.get(intent.base_asset, ZERO)
    return intent.quote_asset in amounts and (base > 0 if intent.side is Side.BUY else base < 0)


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
        text = f"no longer known to the exchange; {proofs.balances_text}"
        return Conclusion(from_fence(OrderState.CANCELLED, text, now_ms))
    text = f"never accepted: not in any response after the fence; {proofs.balances_text}"
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
    after_ms = proofs.valid_after_ms(fence_ms)
    return tuple(text for proven_ms, text in wanted if proven_ms is None or proven_ms <= after_ms)
