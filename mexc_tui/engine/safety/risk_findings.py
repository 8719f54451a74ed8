"""Confirmation of findings over time, and storage of risk checks: at once on a change, else each minute."""

import asyncio
import logging
from collections import deque

from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading import RiskCheck
from mexc_tui.risk.grading import RiskFinding, confirmed

log = logging.getLogger(__name__)

CONFIRM_S = 3.0
"""A finding based on prices is confirmed once every check over this time found it."""
EVERY_MS = 60_000


class RecentFindings:
    """Findings of the last seconds, to confirm those based on prices."""

    def __init__(self) -> None:
        self._found: deque[tuple[float, tuple[RiskFinding, ...]]] = deque()

    def confirmed(self, found: tuple[RiskFinding, ...]) -> tuple[RiskFinding, ...]:
        """Add the findings of this moment; return those confirmed over `CONFIRM_S`."""
        now_s, checks = asyncio.get_running_loop().time(), self._found
        checks.append((now_s, found))
        while len(checks) > 1 and checks[1][0] <= now_s - CONFIRM_S:
            checks.popleft()
        is_long_enough = checks[0][0] <= now_s - CONFIRM_S
        before = [findings for _, findings in checks] if is_long_enough else [(), found]
        return confirmed(before)


class RiskChecks:
    """Storage of risk checks."""

    def __init__(self, ledger: LedgerWriter) -> None:
        self._ledger = ledger
        self._last: RiskCheck | None = None

    def is_due(self, check: RiskCheck) -> bool:
        """Return whether to store a check: its result changed, or a minute passed."""
        last = self._last
        if last is not None and _result(last) == _result(check) and check.at_ms - last.at_ms < EVERY_MS:
            return False
        self._last = check
        return True

    async def store(self, check: RiskCheck) -> None:
        """Store a check."""

        def work(desk: LedgerTransaction) -> None:
            desk.tables.risk_checks.add(check)

        try:
            await self._ledger.write("risk check", work)
        except StorageError as error:
            log.warning("risk check cannot be stored: %s", error)


def _result(check: RiskCheck) -> tuple[object, ...]:
    return check.level, check.actions, bool(check.breaches), bool(check.unprotected)
