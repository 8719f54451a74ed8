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
MADE_UP = KeyFacts(may_trade=True)
"""Permissions of a practice key, in paper mode too."""
CAN_WITHDRAW = (
    "The key CAN WITHDRAW: a thief could empty the account. Trading is disabled. Next step: delete it "
    "on the exchange's site, create one without that permission, then run mexc-tui keys set."
)
HELD = "Open positions stay protected; entries are blocked."


class KeyRightsWorker:
    """Worker with the key's permissions. A live engine buys only with a key known to be harmless."""

    def __init__(
        self, port: TradingPort, lasting: str, has_positions: Callable[[], bool], *, is_live: bool
    ) -> None:
        """`lasting`: text on the key's validity; `has_positions`: whether there are positions to protect."""
        self._port = port
        self._lasting = lasting
        self._has_positions = has_positions
        self.is_live = is_live
        self.facts: KeyFacts | None = None if is_live else MADE_UP
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
        log.warning("The exchange does not report whether the key is bound to an IP. %s", self._lasting)
        started()
        while True:
            await asyncio.sleep(EVERY_S if is_confirmed else AGAIN_S)
            is_confirmed = await self._check(Purpose.ORDINARY)
            if is_confirmed and self.refusal:
                log.error("entries blocked: %s", self.refusal)

    @property
    def refusal(self) -> str:
        """Return why the key blocks entries; empty: it does not."""
        if self.facts is None:
            return "key permissions unknown"
        if self.facts.may_withdraw:
            return "the key can withdraw"
        return "" if self.facts.may_trade else "the key cannot trade"

    async def _check(self, purpose: Purpose) -> bool:
        now_s = asyncio.get_running_loop().time()
        try:
            facts = facts_of(await self._port.key_rights(purpose=purpose), self._lasting)
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
    withdraws = rights.withdraws is KeyRight.HAS  # that alone is enough to buy nothing
    if not withdraws and KeyRight.UNCLEAR in (rights.withdraws, rights.places_orders):
        return None
    reads = "It can also read withdrawals. " if rights.reads_withdrawals is KeyRight.HAS else ""
    may_trade = rights.may_trade is not False and rights.places_orders is KeyRight.HAS
    return KeyFacts(may_trade=may_trade, may_withdraw=withdraws, text=f"{reads}{lasting}")
