"""What an engine that trades lets a desk see and do with money, on the engine's own loop."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from mexc_tui.engine.entries.readiness import ReadinessCheck
from mexc_tui.engine.runtime.command_result import CommandResult
from mexc_tui.model.plan_view import ExitsRow, Preview, PreviewRow
from mexc_tui.model.trading_view import (
    Achieved,
    DustConverted,
    DustRow,
    OrderRow,
    PerformanceRow,
    PositionRow,
    ReconciliationRow,
    RiskRow,
    SnipeRow,
    WhatIfRow,
)
from mexc_tui.sniping.exit_edit import ExitWish


class TradingFace(Protocol):
    """Trading, as front ends see it. `by`: who asks, for the ledger. Commands raise CommandRefused.

    Snapshots come from memory. Commands return when what they say was seen to be so, or after a deadline with
    `is_all` False; a caller that is cancelled does not stop what has begun.
    """

    # ---- what is seen

    def snipes(self) -> Sequence[SnipeRow]:
        """Return the snipes that are not over, soonest opening first."""
        ...

    def orders(self) -> Sequence[OrderRow]:
        """Return orders that are not at their end, foreign ones too, newest first."""
        ...

    def positions(self) -> Sequence[PositionRow]:
        """Return the open positions, oldest first, then those that were closed last."""
        ...

    def risk(self) -> RiskRow:
        """Return what the desk is worth, what it risks and what it may do."""
        ...

    # ---- what is asked

    async def what_if(self, symbol: str) -> WhatIfRow:
        """Return what every validator would say if the pair were armed now; nothing is changed."""
        ...

    def checklist(self, snipe_id: str) -> ReadinessCheck:
        """Return what the checklist said of a snipe, or would say now."""
        ...

    async def preview(self, name: Preview, symbol: str, share_pct: Decimal | None) -> PreviewRow:
        """Return what a command would do now; `words` say why it would be refused, else nothing."""
        ...

    async def performance(self) -> PerformanceRow:
        """Return how the desk has done in these books. Raises StorageError."""
        ...

    async def reconcile(self) -> ReconciliationRow:
        """Compare books with the exchange's now; if that cannot be finished, `problem` says why."""
        ...

    async def dust(self) -> DustRow:
        """Return which of the desk's written-off rests the exchange would turn into MX now."""
        ...

    # ---- what is told

    async def arm(self, symbol: str, by: str) -> CommandResult[SnipeRow]:
        """Arm a snipe of a listing."""
        ...

    async def disarm(self, symbol: str, by: str) -> CommandResult[SnipeRow]:
        """Take back a pair's snipe that has not fired yet."""
        ...

    async def close(self, symbol: str, share_pct: Decimal | None, by: str) -> CommandResult[Achieved]:
        """Sell so many per cent of a pair's position now; None: all of it."""
        ...

    async def check_exits(self, symbol: str, wish: ExitWish) -> str:
        """Say what a position would bring at its new stop. Raises CommandRefused for invalid exits."""
        ...

    async def edit_exits(self, symbol: str, wish: ExitWish, by: str) -> CommandResult[ExitsRow]:
        """Give a pair's position other exits; the ladder on the exchange follows."""
        ...

    async def convert_dust(self, assets: Sequence[str]) -> CommandResult[DustConverted]:
        """Turn these rests into MX; none named: all that may be."""
        ...

    async def halt(self, by: str, words: str) -> CommandResult[Achieved]:
        """Stop entries until a person resumes: cancel entry orders, disarm snipes. Exits go on."""
        ...

    async def reduce_only(self, by: str, words: str) -> CommandResult[Achieved]:
        """Let nothing be bought until a person resumes; armed snipes wait."""
        ...

    async def resume(self, by: str, typed: str) -> CommandResult[Achieved]:
        """Let entries be made again. `typed` is what a person typed where the cause asks for a word."""
        ...

    async def restore_limits(self, by: str) -> CommandResult[Achieved]:
        """Let the configured limits apply again after a warning lowered them."""
        ...

    async def unlock(self, by: str, typed: str) -> CommandResult[Achieved]:
        """Let live trading begin, by the phrase that the last preview of it made up."""
        ...

    async def lock(self, by: str) -> CommandResult[Achieved]:
        """Let nothing be bought live any more; what is held keeps its exits."""
        ...

    async def flatten(self, by: str) -> CommandResult[Achieved]:
        """Halt, and sell every position of the desk with a slippage cap."""
        ...

    async def kill(self, by: str, *, sells: bool = True) -> CommandResult[Achieved]:
        """Emergency stop: halt durably, cancel until no order of ours is seen, then flatten if it `sells`."""
        ...
