"""One worker of a live engine: asks now and then what the key may do (reliability 4.3)."""

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
"""After an answer that did not tell."""
GOOD_FOR_S = 7_200.0
"""Rights that nobody has told again for so long are not known any more."""
MADE_UP = KeyFacts(may_trade=True)
"""Of the key of a practice exchange, on paper too."""
CAN_WITHDRAW = (
    "The key CAN WITHDRAW: if stolen, the account can be emptied. Trading is disabled. Next step: delete it "
    "on the exchange's site, make one without that right, then mexc-tui keys set."
)
HELD = "The desk holds coins, so it goes on to protect them, and buys nothing."


class KeyRightsWorker:
    """Knows the rights. A live engine whose key is not known to be harmless buys nothing."""

    def __init__(self, port: TradingPort, lasting: str, holds: Callable[[], bool], *, is_live: bool) -> None:
        """`lasting`: how long the key lasts, in words; `holds`: whether there is something to protect."""
        self._port = port
        self._lasting = lasting
        self._holds = holds
        self.is_live = is_live
        self.facts: KeyFacts | None = None if is_live else MADE_UP
        self._told_s = 0.0

    async def run(self, started: Started) -> None:
        """Ask, then again every hour. An exchange that does not answer is asked again in a minute.

        Raises WorkerFailure at the start for a key that can withdraw, unless coins are held: exits always
        may (architecture 2.4).
        """
        is_told = await self._look(
            Purpose.EXIT
        )  # what an engine asks as it comes up leaves no turn to others
        if self.facts is not None and self.facts.may_withdraw:
            if not self._holds():
                raise WorkerFailure(CAN_WITHDRAW)
            log.error("%s %s", CAN_WITHDRAW, HELD)
        log.warning("Whether the key is bound to an address is not told. %s", self._lasting)
        started()
        while True:
            await asyncio.sleep(EVERY_S if is_told else AGAIN_S)
            is_told = await self._look(Purpose.ORDINARY)
            if is_told and self.refusal:
                log.error("nothing is bought any more: %s", self.refusal)

    @property
    def refusal(self) -> str:
        """Say why nothing may be bought with this key; empty: it may."""
        if self.facts is None:
            return "key permissions unknown"
        if self.facts.may_withdraw:
            return "the key can withdraw"
        return "" if self.facts.may_trade else "the key may not trade"

    async def _look(self, purpose: Purpose) -> bool:
        now_s = asyncio.get_running_loop().time()
        try:
            facts = facts_of(await self._port.key_rights(purpose=purpose), self._lasting)
        except ExchangeError as error:
            log.warning("the rights of the key could not be asked for: %s", error)
            facts = None
        if facts is not None:
            self.facts, self._told_s = facts, now_s
        elif self.facts is not None and not self.facts.may_withdraw and now_s - self._told_s > GOOD_FOR_S:
            self.facts = None
        return facts is not None


def facts_of(rights: KeyRights, lasting: str) -> KeyFacts | None:
    """Return what gates look at; None: the exchange did not tell whether the key can withdraw, or trade."""
    withdraws = rights.withdraws is KeyRight.HAS  # that alone is enough to buy nothing
    if not withdraws and KeyRight.UNCLEAR in (rights.withdraws, rights.places_orders):
        return None
    reads = "It also reads withdrawals. " if rights.reads_withdrawals is KeyRight.HAS else ""
    may_trade = rights.may_trade is not False and rights.places_orders is KeyRight.HAS
    return KeyFacts(may_trade=may_trade, may_withdraw=withdraws, words=f"{reads}{lasting}")
