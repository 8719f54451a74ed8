"""Finds orders with this desk's prefix that are not in its ledger (reliability O16, H5, H12)."""

import asyncio
import logging
from collections.abc import Callable, Collection
from random import Random

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.ledger.ids import PREFIX
from mexc_tui.model.errors import ExchangeError, RequestRefused
from mexc_tui.model.outcome import KEY_CODES, Purpose
from mexc_tui.model.report import OrderReport
from mexc_tui.ports.trading import TradingPort

log = logging.getLogger(__name__)

LOOKED_BACK_MS = 86_400_000
PAIRS = 100
"""Maximum number of coins whose history is read: each costs weight, and entries are blocked meanwhile."""
NO_SUCH_PAIR = 400
"""HTTP status of a rejection that concerns only the pair."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class UnrecordedOrderSearch:
    """Worker that reads open orders and the last day's orders of every coin in the account, once.

    Reconciliation reads the pairs that this desk traded. Another engine on the account trades other
    pairs: its orders are found by the coins in the account. A malformed row costs only that row.
    """

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        rng: Random,
        on_unrecorded_order: Callable[[str], None],
        resumed_ms: Callable[[], int],
    ) -> None:
        """`on_unrecorded_order` receives the client order id of each order found, at once.

        `resumed_ms`: time of the last manual resume; earlier orders are known to the user.
        """
        self._trading = trading
        self._ledger = ledger
        self._rng = rng
        self._on_unrecorded_order = on_unrecorded_order
        self._resumed_ms = resumed_ms
        self._read = set[str]()
        self.is_done = False
        """Whether the search is complete: no entries before that."""
        self.problem = ""
        """Why the search failed; empty: it did not, or was not tried yet."""

    @property
    def refusal(self) -> str:
        """Return why the search blocks entries; empty: it does not."""
        if self.is_done:
            return ""
        return f"search for other engines on this account incomplete{self.problem and f': {self.problem}'}"

    async def run(self, started: Started) -> None:
        """Search until the exchange responded to every query, with growing pauses."""
        started()
        pause_s = FIRST_PAUSE_S
        while not self.is_done:
            try:
                await self._search()
            except ExchangeError as error:
                self.problem = str(error)
                log.warning("cannot search for other engines on this account: %s", error)
                await asyncio.sleep(pause_s * (0.5 + 0.5 * self._rng.random()))
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                self.is_done, self.problem = True, ""
        await asyncio.Event().wait()

    async def _search(self) -> None:
        trading = self._trading
        since_ms = max(trading.now_ms() - LOOKED_BACK_MS, self._resumed_ms())
        await self._report((await trading.open_orders(purpose=Purpose.EXIT)).rows, 0)
        balances = (await trading.account(purpose=Purpose.EXIT)).balances
        coins = [
            balance.asset
            for balance in balances
            if balance.free + balance.locked > 0 and balance.asset != QUOTE
        ]
        for symbol in _pairs(coins):
            if symbol not in self._read:
                await self._report(await self._history(symbol, since_ms), since_ms)
                self._read.add(symbol)

    async def _history(self, symbol: str, since_ms: int) -> tuple[OrderReport, ...]:
        try:
            history = await self._trading.all_orders(symbol, start_ms=since_ms, purpose=Purpose.ORDINARY)
        except RequestRefused as error:
            if error.refusal.http_status != NO_SUCH_PAIR or error.refusal.code in KEY_CODES:
                raise
            log.info("%s has no order history: %s", symbol, error)  # no such pair, or not over the API
            return ()
        return history.rows

    async def _report(self, reports: Collection[OrderReport], since_ms: int) -> None:
        for report in reports:
            name = report.client_order_id or ""
            is_recent = report.time is None or report.time >= since_ms
            if name.startswith(PREFIX) and is_recent and not await self._ledger.owns(name):
                self._on_unrecorded_order(name)


def _pairs(coins: Collection[str]) -> list[str]:
    return [coin + QUOTE for coin in sorted(coins)[:PAIRS]]
