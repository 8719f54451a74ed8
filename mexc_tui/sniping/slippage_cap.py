"""The slippage cap of a sale: measured from its first bid, however many orders it takes.

A bid below the cap is waited for. One that stays lower for a minute is the market's price: then the cap is
measured from the highest bid of that time, so that a stop sells in a market that does not come back. Where a
person asked for the sale, only that person decides so, by asking again.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.sniping.rounding import HUNDRED

CONFIRM_MS = 60_000


@dataclass(frozen=True, slots=True)
class SlippageCap:
    """What a sale's slippage is measured from."""

    first_bid: Decimal
    slippage_pct: Decimal
    below_since_ms: int | None = None
    """Since when every bid was below the cap; None: the last one was not."""
    best_below: Decimal = Decimal(0)
    """The highest bid since then."""
    is_asked: bool = False
    """A person asked for the sale: nobody else lowers the cap."""

    @property
    def floor(self) -> Decimal:
        """Return the lowest price that the sale may take."""
        return self.first_bid * (1 - self.slippage_pct / HUNDRED)


def observed(
    cap: SlippageCap | None, bid: Decimal, slippage_pct: Decimal, now_ms: int, *, is_asked: bool
) -> SlippageCap:
    """Return the cap after a look at the best bid. `is_asked`: a person asked for the sale."""
    if cap is None:
        return SlippageCap(bid, slippage_pct, is_asked=is_asked)
    if bid >= cap.floor:
        return replace(cap, below_since_ms=None, best_below=Decimal(0), is_asked=is_asked)
    since_ms = now_ms if cap.below_since_ms is None else cap.below_since_ms
    best = max(cap.best_below, bid)
    if not is_asked and now_ms - since_ms >= CONFIRM_MS:
        return SlippageCap(best, slippage_pct)
    return replace(cap, below_since_ms=since_ms, best_below=best, is_asked=is_asked)
