"""Reads the exchange's side of a reconciliation: balances, and orders before and after them."""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.runtime.weight_allowance import WeightAllowance
from mexc_tui.ledger.comparison import ExchangeSnapshot, changed_symbols
from mexc_tui.ledger.orders import needs_trades_query
from mexc_tui.ledger.settled_pairs import settled_pairs
from mexc_tui.model.account import Balance
from mexc_tui.model.errors import ExchangeError, RequestRefused
from mexc_tui.model.intent import Order
from mexc_tui.model.outcome import KEY_CODES, TIME_CODES, Purpose
from mexc_tui.model.report import OrderReport, TradeReport
from mexc_tui.model.rows import Rows, SkippedRow
from mexc_tui.ports.trading import TradingPort

UNKNOWN_PAIR = frozenset({-1121, 10007})
"""Codes for a pair that the exchange does not list, or no longer lists."""
ABOUT_THE_ACCOUNT = frozenset({401, 403, 418, 429})
HISTORY_WEIGHT = 10
"""Request weight of listing the orders of one pair (protocol 3.2)."""
HISTORY_MS = 7 * 86_400_000 - 60_000
"""Maximum age of listed orders (protocol 4.4)."""


class ExchangeReader:
    """Read-only queries. Methods raise ExchangeError."""

    def __init__(self, trading: TradingPort, ledger: LedgerWriter, allowance: WeightAllowance) -> None:
        self._trading = trading
        self._ledger = ledger
        self._allowance = allowance
        self._delisted = frozenset[str]()
        """Pairs unknown to the exchange at the last reading: queried every time."""
        self.unlisted = frozenset[str]()
        """Pairs whose orders were not completely listed at the last reading: queried every time."""
        self.balances = tuple[Balance, ...]()
        """Balances of the last response: for display, never for a decision about money."""
        self._unread = tuple[SkippedRow, ...]()
        """Rows of that response that could not be read."""

    async def read_snapshot(
        self, wanted: frozenset[str], *, thorough: frozenset[str] = frozenset(), at_once: bool = False
    ) -> ExchangeSnapshot:
        """Read balances, open orders, and the histories of the wanted pairs and of pairs with open orders.

        A settled pair (`settled_pairs`) needs no history, unless it is among `thorough`.
        `at_once`: query all histories immediately; otherwise they are spread over time.
        """
        symbols = wanted | thorough | self._unsettled()
        symbols |= (self._delisted | self.unlisted) & self._ledger.state.symbols()
        opened = await self._open_orders()
        settled = await self._settled(symbols - thorough, opened)
        before = await self._histories(opened, symbols - settled, at_once=at_once)
        balances, unread = await self.query_balances(), self._unread
        at_ms = self._trading.now_ms()
        opened = await self._open_orders()
        left = symbols - set(before.delisted) - set(before.unanswered)
        left -= settled & self._settled_now(opened)
        after = await self._histories(opened, left, at_once=at_once)
        delisted, unanswered = before.delisted | after.delisted, before.unanswered | after.unanswered
        trades = await self._trades(set(delisted), unanswered)
        self._delisted = frozenset(delisted)
        ours = self._ledger.state.symbols()
        listed = ours | {report.symbol for report in after.reports}
        unlisted = {*delisted, *unanswered, *before.partial, *after.partial}
        partial = {symbol: text for symbol, text in after.partial.items() if symbol in ours}
        self.unlisted = frozenset(partial | unanswered)
        return ExchangeSnapshot(
            at_ms=at_ms,
            balances=balances,
            skipped=unread,
            orders=after.reports,
            trades=trades,
            listed_symbols=frozenset(listed - unlisted) if after.names_all else frozenset(),
            changing_symbols=changed_symbols(before.reports, after.reports) - unlisted,
            delisted=delisted,
            failed=partial | unanswered,
        )

    async def query_balances(self) -> tuple[Balance, ...]:
        """Query the account's balances."""
        account = await self._trading.account(purpose=Purpose.EXIT)
        self.balances, self._unread = account.balances, account.skipped
        return self.balances

    async def read_opening_balances(self, tries: int) -> ExchangeSnapshot:
        """Read until two consecutive balance responses agree: one response does not open a ledger.

        A malformed balance is queried as often as a differing one; it does not stop the start.
        """
        before = totals(await self.query_balances())
        theirs = await self.read_snapshot(self.active_symbols(), at_once=True)
        while (theirs.skipped or totals(theirs.balances) != before) and tries > 0:
            before, tries = totals(theirs.balances), tries - 1
            theirs = await self.read_snapshot(self.active_symbols(), at_once=True)
        return theirs

    def active_symbols(self) -> frozenset[str]:
        """Return the pairs in which the desk may have traded."""
        return self._ledger.state.active_symbols(self._trading.now_ms())

    def _unsettled(self) -> frozenset[str]:
        """Return the pairs with open orders."""
        return frozenset(order.symbol for order in self._open_rows())

    def _open_rows(self) -> list[Order]:
        return [order for order in self._ledger.state.orders.values() if not order.state.is_terminal]

    async def _open_orders(self) -> Rows[OrderReport]:
        return await self._trading.open_orders(purpose=Purpose.EXIT)

    async def _settled(self, symbols: frozenset[str], opened: Rows[OrderReport]) -> frozenset[str]:
        """Return the settled pairs among these; balances are queried only if a pair may be one."""
        if opened.skipped or not symbols & self._unsettled():
            return frozenset()
        await self.query_balances()
        return symbols & self._settled_now(opened)

    def _settled_now(self, opened: Rows[OrderReport]) -> frozenset[str]:
        """Return the settled pairs by these open orders and the last balances."""
        if opened.skipped:
            return frozenset()
        memory = self._ledger.state
        return settled_pairs(
            self._open_rows(),
            memory.intents,
            memory.balances,
            listed=opened.rows,
            balances=self.balances,
            skipped=self._unread,
        )

    async def _histories(
        self, opened: Rows[OrderReport], symbols: Iterable[str], *, at_once: bool
    ) -> "_Listed":
        """Add recent orders of these pairs to the open ones; a failure costs only its pair."""
        found = {report.order_id: report for report in opened.rows}
        delisted, unanswered = dict[str, str](), dict[str, str]()
        partial = {row.name: f"open orders: {row.problem}" for row in opened.skipped if row.name}
        start_ms = self._since_ms()
        for symbol in sorted(symbols):
            if not at_once:
                await self._allowance.acquire(HISTORY_WEIGHT)
            try:
                reports = await self._trading.all_orders(symbol, start_ms=start_ms, purpose=Purpose.EXIT)
            except ExchangeError as error:
                _record_failure(symbol, error, delisted, unanswered=unanswered)
            else:
                found |= {report.order_id: report for report in reports.rows}
                if reports.problem:
                    partial[symbol] = f"orders: {reports.problem}"
        return _Listed(
            reports=tuple(found.values()),
            delisted=delisted,
            unanswered=unanswered,
            partial=partial,
            names_all=all(row.name for row in opened.skipped),
        )

    def _since_ms(self) -> int:
        memory, now_ms = self._ledger.state, self._trading.now_ms()
        began = [row.created_ms for row in (*memory.orders.values(), *memory.intents.values())]
        return max(min(began, default=now_ms) - 60_000, now_ms - HISTORY_MS)

    async def _trades(self, delisted: Container[str], unanswered: dict[str, str]) -> tuple[TradeReport, ...]:
        """Return trades of orders with unreported fees; add failures to `unanswered`."""
        found: list[TradeReport] = []
        for order in [order for order in self._ledger.state.orders.values() if needs_trades_query(order)]:
            if order.symbol in delisted:
                continue
            try:
                reported = await self._trading.my_trades(
                    order.symbol, order_id=order.order_id, purpose=Purpose.EXIT
                )
            except ExchangeError as error:
                _record_failure(order.symbol, error, unanswered, unanswered=unanswered)
            else:
                found += reported.rows
                if reported.problem:
                    unanswered[order.symbol] = f"trades: {reported.problem}"
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """Listed orders, and pairs whose history was refused (`dead`), unread or partly read, with the reason."""

    reports: tuple[OrderReport, ...]
    delisted: dict[str, str]
    unanswered: dict[str, str]
    partial: dict[str, str]
    """Malformed rows were skipped: an unlisted order may be one of them."""
    names_all: bool
    """Whether every malformed open order names its pair: otherwise it may be of any pair."""


def _record_failure(
    symbol: str, error: ExchangeError, delisted: dict[str, str], *, unanswered: dict[str, str]
) -> None:
    """Record a failure of one pair; raise one of the account, its key or its limits."""
    if not isinstance(error, RequestRefused):
        unanswered[symbol] = str(error)
    elif error.refusal.code in UNKNOWN_PAIR:
        delisted[symbol] = str(error)
    elif error.refusal.http_status in ABOUT_THE_ACCOUNT or error.refusal.code in KEY_CODES | TIME_CODES:
        raise error
    else:
        unanswered[symbol] = str(error)


def totals(balances: Iterable[Balance]) -> dict[str, object]:
    """Return the non-zero balances by asset."""
    return {balance.asset: balance.total for balance in balances if balance.total}
