"""Current tightening of the entry limits, in memory for each decision and stored for the next start."""

from collections.abc import Callable
from dataclasses import replace

import msgspec

from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.entries.entry_context import EntryParameters
from mexc_tui.model.event import RiskMonitorActed
from mexc_tui.model.text import many
from mexc_tui.model.trading import RiskLevel, Tightening
from mexc_tui.risk.candidate import RiskLimits
from mexc_tui.risk.tightening import (
    NOT_TIGHTENED,
    TighteningRules,
    in_force,
    share_left,
    tighten,
    tightened,
)
from mexc_tui.sniping.verdict_text import moment

ABOUT = "limits"


class LimitTightening:
    """Owner of the tightening of the entry limits after warnings."""

    def __init__(
        self, ledger: LedgerWriter, now_ms: Callable[[], int], rules: Callable[[], TighteningRules]
    ) -> None:
        """`now_ms`: exchange time."""
        self._ledger = ledger
        self._now_ms = now_ms
        self._rules = rules
        self._kept = NOT_TIGHTENED

    @property
    def now(self) -> Tightening:
        """The tightening in force now."""
        return in_force(self._kept, self._now_ms())

    async def load(self) -> None:
        """Load the stored tightening. Raises StorageError."""
        self._kept = await self._ledger.read("lowered limits", lambda tables: tables.tightening.get())

    def of(self, numbers: EntryParameters) -> EntryParameters:
        """Return the entry parameters with tightened limits and sizes."""
        now = self.now
        if not now.steps:
            return numbers
        limits = tightened(numbers.limits, now, self._rules())
        sizing = replace(numbers.sizing, cap_quote=limits.position_cap_quote, cap_pct=limits.position_cap_pct)
        return replace(numbers, limits=limits, sizing=sizing)

    async def lower(self, cause: str, limits: RiskLimits, by: str) -> str:
        """Tighten the configured `limits` by one step; return a description. Raises StorageError.

        Applies in memory first, so that a slow or full disk delays no decision.
        """
        rules = self._rules()
        self._kept = tighten(self._kept, rules, cause, by=by, at_ms=self._now_ms())
        lowered = tightened(limits, self._kept, rules)
        text = (
            f"entry limits at {share_left(self._kept, rules):.0%} "
            f"(position {limits.position_cap_quote:f} -> {lowered.position_cap_quote:f}, "
            f"exposure {limits.exposure_cap_pct:f} % -> {lowered.exposure_cap_pct:f} %, "
            f"{many(lowered.max_positions, 'position')} at once) until {moment(self._kept.until_ms)}"
        )
        await self._store(None)
        return text

    async def restore(self, by: str) -> bool:
        """Restore the configured limits; False: they already apply. Raises StorageError."""
        if not self.now.steps:
            return False
        before = self._kept
        after = msgspec.structs.replace(NOT_TIGHTENED, by=by, since_ms=self._now_ms())
        self._kept = after
        try:
            await self._store(
                RiskMonitorActed(
                    at_ms=self._now_ms(),
                    about=ABOUT,
                    level=RiskLevel.NORMAL,
                    finding=f"requested by {by}",
                    action="restore limits",
                    achieved=f"configured limits apply again (tightened because of: {before.cause})",
                )
            )
        except BaseException:
            self._kept = before
            raise
        return True

    async def _store(self, event: RiskMonitorActed | None) -> None:
        kept = self._kept

        def work(desk: LedgerTransaction) -> None:
            desk.tables.tightening.save(kept)
            if event is not None:
                desk.unit.record(event)

        await self._ledger.write("lowered limits", work)
