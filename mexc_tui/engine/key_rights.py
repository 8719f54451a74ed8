"""One worker of a live engine: asks now and then what the key may do (reliability 4.3)."""

import asyncio
import logging

from mexc_tui.engine.supervisor import Started
from mexc_tui.engine.trading_ports import Trading
from mexc_tui.model.account import KeyRight, KeyRights
from mexc_tui.model.errors import ExchangeError
from mexc_tui.sniping.request import KeyFacts

log = logging.getLogger(__name__)

EVERY_S = 3_600.0
AGAIN_S = 60.0
"""After an answer that did not tell."""
MADE_UP = KeyFacts(may_trade=True)
"""Of the key of a practice exchange, on paper too."""


class KeyKeeper:
    """Knows the rights. A live engine whose key is not known to be harmless buys nothing."""

    def __init__(self, port: Trading, *, is_live: bool) -> None:
        self._port = port
        self.is_live = is_live
        self.facts: KeyFacts | None = None if is_live else MADE_UP

    async def run(self, started: Started) -> None:
        """Ask, then again every hour. An exchange that does not answer is asked again in a minute."""
        started()
        while True:
            is_told = await self._look()
            await asyncio.sleep(EVERY_S if is_told else AGAIN_S)

    async def _look(self) -> bool:
        try:
            rights = await self._port.key_rights()
        except ExchangeError as error:
            log.warning("the rights of the key could not be asked for: %s", error)
            return False
        facts = facts_of(rights)
        if facts is not None:
            self.facts = facts
        return facts is not None


def facts_of(rights: KeyRights) -> KeyFacts | None:
    """Return what gates look at; None: the exchange did not tell whether the key can withdraw."""
    if rights.withdraws is KeyRight.UNCLEAR:
        return None
    reads = "it also reads withdrawals" if rights.reads_withdrawals is KeyRight.HAS else ""
    may_trade = rights.may_trade is not False and rights.places_orders is not KeyRight.LACKS
    return KeyFacts(may_trade=may_trade, may_withdraw=rights.withdraws is KeyRight.HAS, words=reads)
