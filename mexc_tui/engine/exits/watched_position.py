"""What the guardian keeps of one position that it watches."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import msgspec

from mexc_tui.model.intent import ZERO, CloseReason
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.sniping.exits import ExitHolding, ExitMemory


@dataclass(slots=True)
class WatchedPosition:
    """One position that is watched."""

    position: Position
    memory: ExitMemory
    checked_ms: int
    is_after_gap: bool = False
    """The next price is the first one that is seen after nobody looked."""
    is_changed: bool = True
    """Orders or the position changed: the holding is made anew."""
    holding: ExitHolding | None = None
    saved: tuple[Decimal, Decimal, CloseReason] = (ZERO, ZERO, CloseReason.NONE)
    """The stop, the highest price and what fired, as stored."""
    words: str = ""
    """What the next save tells."""
    saved_ms: int = 0
    begun_ms: int = 0
    aligned_ms: int = 0
    polled_ms: int = 0
    is_price_stale: bool = False
    busy: set[str] = field(default_factory=set[str])
    """Chores of it that run now."""

    def apply_exits(self, plan: ExitPlan, stop_price: Decimal) -> None:
        """Go on with other exits; a touch of the old stop is forgotten."""
        observed = replace(self.memory.observed, touch=None)
        is_moved = stop_price != self.memory.stop_price
        reason = CloseReason.STOP if is_moved else self.memory.stop_reason
        self.memory = replace(self.memory, stop_price=stop_price, stop_reason=reason, observed=observed)
        self.position = msgspec.structs.replace(self.position, plan=plan)
        self.is_changed = True
