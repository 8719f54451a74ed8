"""State of one running sale."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal

from mexc_tui.model.intent import ZERO, CloseReason, Intent, Order, OrderRole, OrderState
from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Refusal
from mexc_tui.sniping.sale_terms import SaleTerms
from mexc_tui.sniping.slippage_cap import SlippageCap


@dataclass(slots=True, kw_only=True)
class ExitJob:
    """One running sale. Quantities in base units."""

    position_id: str
    symbol: str
    goal: Decimal
    """Quantity to keep."""
    role: OrderRole
    reason: CloseReason
    text: str
    intent: Intent | None = None
    tries: int = 0
    refusal: Refusal | None = None
    free: Decimal | None = None
    """Free balance after a refusal; None: use the ledger."""
    free_ms: int = 0
    """Exchange time of that query."""
    left: Decimal | None = None
    """Remaining quantity at the last check."""
    sold: Decimal = ZERO
    status: str = ""
    """Why a remainder is unsold."""
    holds: int = 0
    """Consecutive checks at which the remainder was not a valid order."""
    dust: Decimal = ZERO
    """Base units written off as dust."""
    since_ms: int | None = None
    """Exchange time of the start or the last fill."""
    alarmed_ms: int | None = None
    """Time of the last alert; None: none since the last fill."""
    cap: SlippageCap | None = None
    is_manual: bool = False
    """Whether the sale was only requested manually: then its cap is not lowered automatically."""
    terms: SaleTerms = field(default_factory=SaleTerms)
    learned_ms: int = 0
    """When a response last changed the terms."""
    tried: OrderType | None = None
    wakes_at: Decimal | None = None
    """A bid that ends the current wait; None: none."""
    cancelled: set[str] = field(default_factory=set[str])
    """Buys with a cancel request."""
    cancels: "asyncio.Future[list[bool]] | None" = None
    """Cancels of take-profits in progress."""
    cancel_at_s: float = 0.0
    """Earliest event loop time at which they are sent again."""
    denied: set[str] = field(default_factory=set[str])
    """Orders that the exchange denied after their fence: they lock nothing, whatever their state."""
    expedited: set[str] = field(default_factory=set[str])
    """Orders whose resolution was already expedited."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when one of its orders changed."""
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    reported: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    def wake_on_bid(self, bid: Decimal | None) -> None:
        """End a wait for a bid if this one is high enough."""
        if self.wakes_at is not None and bid is not None and bid > 0 and bid >= self.wakes_at:
            self.wakes_at, self.tries = None, 0
            self.joined.set()

    def replace_intent(self, intent: Intent) -> Intent | None:
        """Sell under this intent from now on; return the replaced one, None: none."""
        replaced, self.intent = self.intent, intent
        return None if replaced is None or replaced.id == intent.id else replaced

    @property
    def is_urgent(self) -> bool:
        """Whether it sells through the book immediately."""
        return self.role in (OrderRole.STOP, OrderRole.FLATTEN)

    def is_holding(self, order: Order) -> bool:
        """Whether a live order may lock quantity that this sale needs."""
        return order.state is not OrderState.UNKNOWN or order.client_order_id not in self.denied

    async def pause(self, seconds: float) -> None:
        """Wait, at most until one of its orders changes."""
        self.wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            return
