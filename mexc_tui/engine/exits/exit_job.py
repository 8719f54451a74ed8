"""One sale while it runs."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal

from mexc_tui.model.intent import ZERO, CloseReason, Intent, Order, OrderRole, OrderState
from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Refusal
from mexc_tui.sniping.sale_terms import SaleTerms
from mexc_tui.sniping.slippage_cap import SlippageCap


@dataclass(slots=True)
class ExitJob:
    """One sale while it runs. Quantities in base units."""

    position_id: str
    symbol: str
    goal: Decimal
    """So much is to stay."""
    role: OrderRole
    reason: CloseReason
    words: str
    intent: Intent | None = None
    tries: int = 0
    refusal: Refusal | None = None
    free: Decimal | None = None
    """What balances said after a refusal; None: what the books say."""
    free_ms: int = 0
    """When that was asked for, exchange time."""
    left: Decimal | None = None
    """What was left when it was last looked at."""
    sold: Decimal = ZERO
    status: str = ""
    """Why something is left."""
    holds: int = 0
    """Looks in a row at which what is left was no order."""
    dust: Decimal = ZERO
    """Base units written off as dust."""
    since_ms: int | None = None
    """Exchange time at which it began, or sold something last."""
    alarmed_ms: int | None = None
    """When a person was called last; None: not since something was sold."""
    cap: SlippageCap | None = None
    is_manual: bool = False
    """Whether nobody but a person asked for it: then nobody else lowers its cap."""
    terms: SaleTerms = field(default_factory=SaleTerms)
    learned_ms: int = 0
    """When an answer taught something last."""
    tried: OrderType | None = None
    wakes_at: Decimal | None = None
    """A bid that ends the present wait; None: none does."""
    cancelled: set[str] = field(default_factory=set[str])
    """Buys whose cancel was asked for."""
    cancels: "asyncio.Future[list[bool]] | None" = None
    """Cancels of take-profits that are on their way."""
    cancel_at_s: float = 0.0
    """Not before this moment of the loop are they sent again."""
    denied: set[str] = field(default_factory=set[str])
    """Orders that the exchange denied after their fence: they hold nothing, whatever they are called."""
    expedited: set[str] = field(default_factory=set[str])
    """Orders that were looked into out of turn."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when one of its orders changed."""
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    reported: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    def wake_on_bid(self, bid: Decimal | None) -> None:
        """End a wait for a bid if this one is good enough."""
        if self.wakes_at is not None and bid is not None and bid > 0 and bid >= self.wakes_at:
            self.wakes_at, self.tries = None, 0
            self.joined.set()

    def replace_intent(self, intent: Intent) -> Intent | None:
        """Sell under this intent from now on; return the one that it replaces, None: none."""
        replaced, self.intent = self.intent, intent
        return None if replaced is None or replaced.id == intent.id else replaced

    @property
    def is_urgent(self) -> bool:
        """Whether it goes through the book at once."""
        return self.role in (OrderRole.STOP, OrderRole.FLATTEN)

    def is_holding(self, order: Order) -> bool:
        """Whether a live order may hold coins that this sale wants."""
        return order.state is not OrderState.UNKNOWN or order.client_order_id not in self.denied

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than until one of its orders changes."""
        self.wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            return
