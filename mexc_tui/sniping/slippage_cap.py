"""Slippage cap of a sale, measured from its first bid, however many orders it takes.

A sale waits while the bid is below the cap. A bid that stays below for a minute is the market price: then
the cap is measured from the highest bid of the last seconds, so that a stop also sells in a market that
keeps falling. The cap of a manual sale is lowered only by another manual close.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.sniping.rounding import HUNDRED

CONFIRM_MS = 60_000
RECENT_MS = 10_000
"""Maximum age of a recent bid: longer than bids of a thin book disappear for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlippageCap:
    """Reference of a sale's slippage."""

    first_bid: Decimal
    slippage_pct: Decimal
    below_since_ms: int | None = None
    """Start of the time with every bid below the cap; None: the last one was not."""
    recent: tuple[tuple[int, Decimal], ...] = ()
    """(time, bid) of the last seconds in that time."""
    is_manual: bool = False
    """A manual sale: its cap is not lowered automatically."""

    @property
    def floor(self) -> Decimal:
        """Return the minimum price of the sale."""
        return self.first_bid * (1 - self.slippage_pct / HUNDRED)


def observed(
    cap: SlippageCap | None, bid: Decimal, slippage_pct: Decimal, *, now_ms: int, is_manual: bool
) -> SlippageCap:
    """Return the cap after observing the best bid. `is_manual`: the sale was requested by a user."""
    if cap is None:
        return SlippageCap(first_bid=bid, slippage_pct=slippage_pct, is_manual=is_manual)
    if bid >= cap.floor:
        return replace(cap, below_since_ms=None, recent=(), is_manual=is_manual)
    since_ms = now_ms if cap.below_since_ms is None else cap.below_since_ms
    recent = (
        *((at_ms, past_bid) for at_ms, past_bid in cap.recent if now_ms - at_ms < RECENT_MS),
        (now_ms, bid),
    )
    if not is_manual and now_ms - since_ms >= CONFIRM_MS:
        return SlippageCap(first_bid=max(past_bid for _, past_bid in recent), slippage_pct=slippage_pct)
    return replace(cap, below_since_ms=since_ms, recent=recent, is_manual=is_manual)
