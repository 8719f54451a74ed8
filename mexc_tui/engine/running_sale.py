"""One sale while it runs."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal

from mexc_tui.model.intent import ZERO, CloseReason, Intent, Order, OrderRole, OrderState
from mexc_tui.model.outcome import Refusal


@dataclass(slots=True)
class Running:
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
    left: Decimal | None = None
    """What was left when it was last looked at."""
    sold: Decimal = ZERO
    said: str = ""
    """Why something is left."""
    holds: int = 0
    """Looks in a row at which what is left was no order."""
    dust: Decimal = ZERO
    """Base units written off as dust."""
    is_alarmed: bool = False
    cancelled: set[str] = field(default_factory=set[str])
    """Buys whose cancel was asked for."""
    cancels: "asyncio.Future[list[bool]] | None" = None
    """Cancels of take-profits that are on their way."""
    cancel_at_s: float = 0.0
    """Not before this moment of the loop are they sent again."""
    denied: set[str] = field(default_factory=set[str])
    """Orders that the exchange denied after their fence: they hold nothing, whatever they are called."""
    hurried: set[str] = field(default_factory=set[str])
    """Orders that were looked into out of turn."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when one of its orders changed."""
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    reported: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    def keep(self, intent: Intent) -> Intent | None:
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
