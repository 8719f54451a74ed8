"""Confirms what the risk monitor finds, and stores its checks: changes at once, metrics each minute."""

import asyncio
import logging
from collections import deque

from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading import RiskCheck
from mexc_tui.risk.guard import RiskFinding, confirmed

log = logging.getLogger(__name__)

CONFIRM_S = 3.0
"""What follows from prices is acted on once every look found it for so long."""
EVERY_MS = 60_000


class RecentFindings:
    """The findings of the last seconds: what follows from prices must be found in all of them."""

    def __init__(self) -> None:
        self._found: deque[tuple[float, tuple[RiskFinding, ...]]] = deque()

    def confirmed(self, found: tuple[RiskFinding, ...]) -> tuple[RiskFinding, ...]:
        """Take the findings of this moment; return those that lasted for `CONFIRM_S`."""
        now_s, looks = asyncio.get_running_loop().time(), self._found
        looks.append((now_s, found))
        while len(looks) > 1 and looks[1][0] <= now_s - CONFIRM_S:
            looks.popleft()
        is_long_enough = looks[0][0] <= now_s - CONFIRM_S
        before = [findings for _, findings in looks] if is_long_enough else [(), found]
        return confirmed(before)


class RiskChecks:
    """What the risk monitor measured and found."""

    def __init__(self, keeper: LedgerWriter) -> None:
        self._keeper = keeper
        self._last: RiskCheck | None = None

    def is_due(self, check: RiskCheck) -> bool:
        """Whether a check is to be stored: its result is another than the last one's, or a minute passed."""
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
            await self._keeper.write("risk check", work)
        except StorageError as error:
            log.warning("a risk check cannot be stored: %s", error)


def _result(check: RiskCheck) -> tuple[object, ...]:
    return check.level, check.actions, bool(check.breaches), bool(check.unprotected)
