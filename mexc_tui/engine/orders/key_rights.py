"""Checks the API key's permissions periodically in live mode (reliability 4.3)."""

import asyncio
import logging
from collections.abc import Callable

from mexc_tui.engine.runtime.supervisor import Started, WorkerFailure
from mexc_tui.model.account import KeyRight, KeyRights
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.outcome import Purpose
from mexc_tui.ports.trading import TradingPort
from mexc_tui.sniping.request import KeyFacts

log = logging.getLogger(__name__)

EVERY_S = 3_600.0
AGAIN_S = 60.0
"""Interval after an inconclusive response."""
GOOD_FOR_S = 7_200.0
"""Permissions not confirmed within this time count as unknown."""
DAY_MS = 86_400_000
EXPIRY_WARNING_DAYS = 15
MADE_UP = KeyFacts(may_trade=True)
"""Permissions of a practice key, in paper mode too."""
CAN_WITHDRAW = (
    "The key CAN WITHDRAW or transfer: a thief could empty the account. Trading is disabled. "
    "Next step: delete it on the exchange's site, create one without that permission, then run "
    "mexc-tui keys set."
)
HELD = "Open positions stay protected; entries are blocked."


class KeyRightsWorker:
    """Worker with the key's permissions. A live engine buys only with a key known to be harmless."""

    def __init__(
        self,
        port: TradingPort,
        lasting: str,
        has_positions: Callable[[], bool],
        *,
        is_live: bool,
        expires_ms: int | None = None,
    ) -> None:
        """`lasting`, `expires_ms`: the key's validity by its date of storage.

        `has_positions`: whether there are positions to protect.
        """
        self._expires_ms = expires_ms
        self._port = port
        self._lasting = lasting
        self._has_positions = has_positions
        self.is_live = is_live
        self.facts: KeyFacts | None = None if is_live else MADE_UP
        self.rights: KeyRights | None = None
        """Permissions as last received; None: never, or practice."""
        self._confirmed_s = 0.0

    async def run(self, started: Started) -> None:
        """Query the permissions, then every hour; after a failure, every minute.

        Raises WorkerFailure at the start for a key that can withdraw, unless coins are held: exits are always
        allowed (architecture 2.4).
        """
        is_confirmed = await self._check(Purpose.EXIT)  # queries of a starting engine have priority
        if self.facts is not None and self.facts.may_withdraw:
            if not self._has_positions():
                raise WorkerFailure(CAN_WITHDRAW)
            log.error("%s %s", CAN_WITHDRAW, HELD)
        if self.facts is None or not self.facts.is_ip_bound:
            log.warning("%s", self._lasting if self.facts is None else self.facts.text)
        started()
        while True:
            await asyncio.sleep(EVERY_S if is_confirmed else AGAIN_S)
            is_confirmed = await self._check(Purpose.ORDINARY)
            if is_confirmed and self.refusal:
                log.error("entries blocked: %s", self.refusal)

    def expiry_warning(self, now_ms: int) -> str:
        """Return a warning from 15 days before the key expires; empty: none."""
        if not self.is_live or (self.rights is not None and self.rights.addresses):
            return ""
        days = self.rights.valid_days if self.rights is not None else None
        if days is None and self._expires_ms is not None:
            days = (self._expires_ms - now_ms) // DAY_MS
        if days is None or days > EXPIRY_WARNING_DAYS:
            return ""
        when = f"expires in {days} days" if days > 0 else "has expired, unless it is bound to an IP address"
        return f"The API key {when}. Renew it on the exchange, or create one and run mexc-tui keys rotate."

    @property
    def refusal(self) -> str:
        """Return why the key blocks entries; empty: it does not."""
        if self.facts is None:
            return "key permissions unknown"
        if self.facts.may_withdraw:
            return "the key can withdraw"
        return "" if self.facts.may_trade else "the key cannot trade"

    @property
    def text(self) -> str:
        """Return rights, addresses and expiry of the key as text; empty: not in live mode."""
        if not self.is_live:
            return ""
        known = self._lasting if self.facts is None else self.facts.text
        return f"{self.refusal}. {known}" if self.refusal else known

    async def _check(self, purpose: Purpose) -> bool:
        now_s = asyncio.get_running_loop().time()
        try:
            rights = await self._port.key_rights(purpose=purpose)
            self.rights, facts = rights, facts_of(rights, self._lasting)
        except ExchangeError as error:
            log.warning("cannot query the key's permissions: %s", error)
            facts = None
        if facts is not None:
            self.facts, self._confirmed_s = facts, now_s
        elif (
            self.facts is not None and not self.facts.may_withdraw and now_s - self._confirmed_s > GOOD_FOR_S
        ):
            self.facts = None
        return facts is not None


def facts_of(rights: KeyRights, lasting: str) -> KeyFacts | None:
    """Return the facts for pre-trade checks; None: the permission to withdraw or to trade is unclear."""
    withdraws = rights.moves_funds  # that alone is enough to buy nothing
    if not withdraws and KeyRight.UNCLEAR in (rights.withdraws, rights.places_orders):
        return None
    reads = "It can also read withdrawals. " if rights.reads_withdrawals is KeyRight.HAS else ""
    may_trade = rights.may_trade is not False and rights.places_orders is KeyRight.HAS
    return KeyFacts(
        may_trade=may_trade,
        may_withdraw=withdraws,
        is_ip_bound=None if rights.addresses is None else bool(rights.addresses),
        text=f"{reads}{rights.validity_text(lasting)}",
    )
