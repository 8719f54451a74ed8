"""Reads the exchange's side of a comparison: balances, and orders before and after them."""

from collections.abc import Iterable

from mexc_tui.engine.bookkeeper import Bookkeeper
from mexc_tui.engine.trading_ports import Trading
from mexc_tui.ledger.agreement import Theirs, moving_symbols
from mexc_tui.ledger.orders import must_ask_trades
from mexc_tui.model.account import Balance
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.report import OrderReport, TradeReport


class ExchangeSide:
    """Asks and changes nothing. Methods raise ExchangeError."""

    def __init__(self, trading: Trading, keeper: Bookkeeper) -> None:
        self._trading = trading
        self._keeper = keeper
        self.balances = tuple[Balance, ...]()
        """Balances as the exchange told them last: for display, never for a decision about money."""

    async def read(self, *, only_unsettled: bool) -> Theirs:
        """Read one side. `only_unsettled`: of pairs with an order that has not ended; else of all in use."""
        symbols = self._unsettled() if only_unsettled else self._keeper.open.touched(self._trading.now_ms())
        before = await self._orders(symbols)
        balances = await self.account()
        at_ms = self._trading.now_ms()
        after = await self._orders(symbols)
        return Theirs(
            at_ms=at_ms,
            balances=balances,
            orders=after,
            trades=await self._trades(),
            listed=self._keeper.open.symbols() | {report.symbol for report in after},
            moving=moving_symbols(before, after),
        )

    async def account(self) -> tuple[Balance, ...]:
        """Ask for balances."""
        self.balances = (await self._trading.account(purpose=Purpose.EXIT)).balances
        return self.balances

    async def read_first(self, tries: int) -> Theirs:
        """Read until two account answers in a row agree: one answer opens no books."""
        before = totals(await self.account())
        theirs = await self.read(only_unsettled=False)
        while totals(theirs.balances) != before and tries > 0:
            before, tries = totals(theirs.balances), tries - 1
            theirs = await self.read(only_unsettled=False)
        return theirs

    def _unsettled(self) -> frozenset[str]:
        """Return pairs with an order that is not at its end: their history is worth its weight each time."""
        orders = self._keeper.open.orders.values()
        return frozenset(order.symbol for order in orders if not order.state.is_terminal)

    async def _orders(self, symbols: Iterable[str]) -> tuple[OrderReport, ...]:
        """Return open orders of every pair, and all recent ones of these pairs."""
        found = {report.order_id: report for report in await self._trading.open_orders(purpose=Purpose.EXIT)}
        start_ms = self._since_ms()
        for symbol in sorted(symbols):
            for report in await self._trading.all_orders(symbol, start_ms=start_ms, purpose=Purpose.EXIT):
                found[report.order_id] = report
        return tuple(found.values())

    def _since_ms(self) -> int:
        memory = self._keeper.open
        began = [one.created_ms for one in (*memory.orders.values(), *memory.intents.values())]
        return min(began, default=self._trading.now_ms()) - 60_000

    async def _trades(self) -> tuple[TradeReport, ...]:
        """Return trades of the orders whose fees are not all known."""
        found: list[TradeReport] = []
        for order in [one for one in self._keeper.open.orders.values() if must_ask_trades(one)]:
            found += await self._trading.my_trades(
                order.symbol, order_id=order.order_id, purpose=Purpose.EXIT
            )
        return tuple(found)


def totals(balances: Iterable[Balance]) -> dict[str, object]:
    """Return what an account holds of each asset that it holds anything of."""
    return {one.asset: one.total for one in balances if one.total}
