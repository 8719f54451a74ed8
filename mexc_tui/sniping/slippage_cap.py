"""The slippage cap of a sale: measured from its first bid, however many orders it takes.

A bid below the cap is waited for. One that stays lower for a minute is the market's price: then the cap is
measured from the highest bid of the last seconds, so that a stop sells in a market that does not come back,
also while it goes on falling. Where a person asked for the sale, only that person decides so: asks again.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.sniping.rounding import HUNDRED

CONFIRM_MS = 60_000
RECENT_MS = 10_000
"""So long a bid counts as one of now: longer than bids of a thin book are gone for."""


@dataclass(frozen=True, slots=True)
class SlippageCap:
    """What a sale's slippage is measured from."""

    first_bid: Decimal
    slippage_pct: Decimal
    below_since_ms: int | None = None
    """Since when every bid was below the cap; None: the last one was not."""
    recent: tuple[tuple[int, Decimal], ...] = ()
    """(when it was seen, bid), of the last seconds since then."""
    is_manual: bool = False
    """A person asked for the sale: nobody else lowers the cap."""

    @property
    def floor(self) -> Decimal:
        """Return the lowest price that the sale may take."""
        return self.first_bid * (1 - self.slippage_pct / HUNDRED)


def observed(
    cap: SlippageCap | None, bid: Decimal, slippage_pct: Decimal, now_ms: int, *, is_manual: bool
) -> SlippageCap:
    """Return the cap after a look at the best bid. `is_manual`: a person asked for the sale."""
    if cap is None:
        return SlippageCap(bid, slippage_pct, is_manual=is_manual)
    if bid >= cap.floor:
        return replace(cap, below_since_ms=None, recent=(), is_manual=is_manual)
    since_ms = now_ms if cap.below_since_ms is None else cap.below_since_ms
    recent = (*((at_ms, seen) for at_ms, seen in cap.recent if now_ms - at_ms < RECENT_MS), (now_ms, bid))
    if not is_manual and now_ms - since_ms >= CONFIRM_MS:
        return SlippageCap(max(seen for _, seen in recent), slippage_pct)
    return replace(cap, below_since_ms=since_ms, recent=recent, is_manual=is_manual)
