"""State that the exit monitor keeps for one position."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import msgspec

from mexc_tui.model.intent import ZERO, CloseReason
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.sniping.exit_decision import ExitHolding, ExitMemory


@dataclass(slots=True, kw_only=True)
class WatchedPosition:
    """One monitored position."""

    position: Position
    memory: ExitMemory
    checked_ms: int
    is_after_gap: bool = False
    """Whether the next price is the first one after a gap."""
    is_changed: bool = True
    """Whether orders or the position changed, so that the holding must be rebuilt."""
    holding: ExitHolding | None = None
    saved: tuple[Decimal, Decimal, CloseReason] = (ZERO, ZERO, CloseReason.NONE)
    """Stop, high price and triggered stop as stored."""
    text: str = ""
    """Text of the next save."""
    saved_ms: int = 0
    begun_ms: int = 0
    aligned_ms: int = 0
    polled_ms: int = 0
    is_price_stale: bool = False
    busy: set[str] = field(default_factory=set[str])
    """Background tasks in progress."""

    def end_pauses(self) -> None:
        """End every pause: the clock stepped back, as at its first measurement, and would extend them."""
        self.saved_ms = self.begun_ms = self.aligned_ms = self.polled_ms = 0

    def apply_exits(self, plan: ExitPlan, stop_price: Decimal) -> None:
        """Continue with other exits; a touch of the old stop is reset."""
        observed = replace(self.memory.observed, touch=None)
        is_moved = stop_price != self.memory.stop_price
        reason = CloseReason.STOP if is_moved else self.memory.stop_reason
        self.memory = replace(self.memory, stop_price=stop_price, stop_reason=reason, observed=observed)
        self.position = msgspec.structs.replace(self.position, plan=plan)
        self.is_changed = True
