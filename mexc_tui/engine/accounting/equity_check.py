"""Check the equity identity (reliability I7) on the stored ledger. Synchronous, off the event loop."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.ledger.accounts import sum_flows
from mexc_tui.ledger.arithmetic import exactly
from mexc_tui.ledger.equity import PriceMark, market_value
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import LedgerAccount, LedgerEntry, Position
from mexc_tui.model.snipe import Snipe
from mexc_tui.ports.trading_store import TradingTables

T = TypeVar("T")

PAGE = 500
LAST = 2**62

Marks = Mapping[str, PriceMark]
"""Price mark of each open position by its id; a position without a bid is valued at cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityIdentity:
    """Both sides of the equity identity, in quote units."""

    start: Decimal
    flows: Decimal
    realised: Decimal
    unrealised: Decimal
    cash: Decimal
    holdings: Decimal
    fees: Decimal
    unpriced: int
    """Open positions valued at cost."""

    @property
    @exactly
    def equity(self) -> Decimal:
        """Return cash plus holdings."""
        return self.cash + self.holdings

    @property
    @exactly
    def gap(self) -> Decimal:
        """Return equity less start, flows and profits: 0 except for rounding."""
        return self.equity - (self.start + self.flows + self.realised + self.unrealised)


@exactly
def compute_identity(tables: TradingTables, positions: Iterable[Position], marks: Marks) -> EquityIdentity:
    """Return both sides of the identity; `positions` are all positions, closed ones included."""
    realised = unrealised = holdings = fees = ZERO
    unpriced = 0
    for position in positions:
        realised += position.realised
        fees += position.fees
        if not position.is_open:
            continue
        mark = marks.get(position.id)
        value = None if mark is None else market_value(replace(mark, position=position))
        unpriced += value is None and position.remaining > 0
        value = position.remaining_cost if value is None else value
        holdings += value
        unrealised += value - position.remaining_cost
    return EquityIdentity(
        start=_start(tables.entries.get("start")),
        flows=sum_flows(_entries(tables)),
        realised=realised,
        unrealised=unrealised,
        cash=tables.entries.balance(LedgerAccount.DESK, QUOTE),
        holdings=holdings,
        fees=fees,
        unpriced=unpriced,
    )


def all_positions(tables: TradingTables) -> Iterator[Position]:
    """Return all positions, newest first."""
    return _pages(
        lambda ms, name: tables.positions.page(ms, name, PAGE),
        lambda position: (position.opened_ms, position.id),
    )


def all_snipes(tables: TradingTables) -> Iterator[Snipe]:
    """Return all snipes, newest first."""
    return _pages(
        lambda ms, name: tables.snipes.page(ms, name, PAGE), lambda snipe: (snipe.armed_ms, snipe.id)
    )


def _pages(read: Callable[[int, str], list[T]], key: Callable[[T], tuple[int, str]]) -> Iterator[T]:
    page = read(LAST, "")
    while page:
        yield from page
        page = read(*key(page[-1]))


def _entries(tables: TradingTables) -> Iterator[LedgerEntry]:
    page = tables.entries.page(LAST, PAGE)
    while page:
        yield from (entry for _, entry in page)
        page = tables.entries.page(page[-1][0], PAGE)


def _start(entry: LedgerEntry | None) -> Decimal:
    postings = () if entry is None else entry.postings
    amounts = (
        posting.amount
        for posting in postings
        if posting.account is LedgerAccount.DESK and posting.asset == QUOTE
    )
    return sum(amounts, ZERO)
