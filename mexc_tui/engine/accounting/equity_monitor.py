"""Marks equity to market each second, stores the points of its history and computes losses."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.engine.accounting.equity_check import all_positions, compute_identity
from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges, LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.market.prices import QUOTE, PriceCache
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.ledger.checks import equity_identity
from mexc_tui.ledger.equity import PriceMark, drawdown, equity_point, equity_return, unrealised
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import EquityPoint, HeldPrice
from mexc_tui.model.storage import Durability
from mexc_tui.ports.store import Store
from mexc_tui.ports.trading_store import EquityTable

HUNDRED = Decimal(100)
STEP_S = 1.0
MINUTE_MS = 60_000
DAY_MS = 86_400_000
MAX_POINTS_READ = 10_000
"""Maximum number of a day's points read to find its first complete one."""
ROUNDING = Decimal("1e-6")
"""Rounding tolerance per position, in quote units (reliability I7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFigures:
    """Figures for the loss limits. None: a price is missing, and no limit may act."""

    day_pct: Decimal | None
    """Loss since the start of the day, or since the last manual resume; negative: a gain."""
    drawdown_pct: Decimal | None
    in_a_row: int
    exposure_pct: Decimal | None
    """Coins at the bid, as a percentage of equity."""


class EquityMonitor:
    """Worker that marks equity."""

    def __init__(
        self,
        *,
        ledger: LedgerWriter,
        store: Store,
        prices: PriceCache,
        now_ms: Callable[[], int],
        fee: Callable[[str], Decimal],
        stale_ms: Callable[[], int],
        resumed_ms: Callable[[], int],
    ) -> None:
        """`fee`: selling fee of a pair, a ratio; `stale_ms`: age from which a bid is not used.

        `resumed_ms`: time of the last manual resume; earlier losses do not count.
        """
        self._ledger = ledger
        self._store = store
        self._prices = prices
        self._now_ms = now_ms
        self._fee = fee
        self._stale_ms = stale_ms
        self._resumed_ms = resumed_ms
        self._wake = asyncio.Event()
        self._start = self._flows = self._closed = ZERO
        self._realised = dict[str, Decimal]()
        self._complete: EquityPoint | None = None
        self._day_start: EquityPoint | None = None
        """Start of the UTC day, for the day's P&L."""
        self._limit_start: EquityPoint | None = None
        """Start of the UTC day, or of the last manual resume after a loss, for the limits."""
        self._stored_ms = 0
        self._has_filled = False
        self._has_closed = True
        self._is_loaded = False
        self.in_a_row = 0
        ledger.on_change(self._on_changes)

    async def run(self, started: Started) -> None:
        """Mark each second and after each fill."""
        await self._load()
        await self.update()
        started()
        while True:
            try:
                async with asyncio.timeout(STEP_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self.update()

    async def update(self) -> None:
        """Mark once; store the point if it is due."""
        before = self._complete
        point = self.mark()
        if before is not None and before.at_ms > self._stored_ms and _day(before.at_ms) != _day(point.at_ms):
            await self._save_point(before)  # the close of its day, the base of the next day's P&L
        if self._is_due(point):
            await self._save_point(point)
        if self._has_closed:
            await self._count_losses()

    def mark(self) -> EquityPoint:
        """Mark equity now and put it into the ledger state."""
        memory = self._ledger.state
        before = self._complete
        point = equity_point(
            memory.cash(QUOTE), self._marks(), self._flows, previous=before, at_ms=self._now_ms()
        )
        memory.equity = point
        if point.is_complete:
            self._complete = point
        self._day_start = _start_of(self._day_start, before or self._complete, point.at_ms)
        self._limit_start = _start_of(self._limit_start, before or self._complete, point.at_ms)
        return point

    def losses(self) -> LossFigures:
        """Return the loss figures of the last mark."""
        point, start = self._ledger.state.equity, self._limit_start
        if point is None or start is None:
            return LossFigures(day_pct=None, drawdown_pct=None, in_a_row=self.in_a_row, exposure_pct=None)
        moved, fall = equity_return(start, point), drawdown(point)
        exposed = point.holdings / point.equity if point.is_complete and point.equity > 0 else None
        return LossFigures(
            day_pct=_pct(moved, -HUNDRED),
            drawdown_pct=_pct(fall),
            in_a_row=self.in_a_row,
            exposure_pct=_pct(exposed),
        )

    @property
    def day_equity(self) -> Decimal | None:
        """Return equity at the start of the UTC day plus flows since; None: unknown."""
        return self._since(self._day_start)

    @property
    def limit_equity(self) -> Decimal | None:
        """Return the base equity of the loss limits plus flows since; None: unknown."""
        return self._since(self._limit_start)

    async def reset_loss_limits(self) -> None:
        """Restart the loss limits after a manual resume; the day's P&L stays. Raises StorageError."""
        self._complete = self._limit_start = None
        self.in_a_row, self._has_closed = 0, True
        point = self.mark()
        if point.is_complete:
            await self._save_point(point)

    def breaches(self) -> tuple[str, ...]:
        """Return breaches of the equity identity (reliability I7); empty: none."""
        memory = self._ledger.state
        point = memory.equity
        if point is None or not self._is_loaded:
            return ()
        marks = self._marks()
        now = equity_point(memory.cash(QUOTE), marks, self._flows, previous=None, at_ms=point.at_ms)
        gain = sum((unrealised(mark) or ZERO for mark in marks), ZERO)
        realised = self._closed + sum(self._realised.values(), ZERO)
        return equity_identity(
            self._start, now, realised, unrealised=gain, tolerance=ROUNDING * (1 + len(self._realised))
        )

    # ---- internals

    def _since(self, start: EquityPoint | None) -> Decimal | None:
        point = self._ledger.state.equity
        return None if start is None or point is None else start.equity + point.flows - start.flows

    def _marks(self) -> list[PriceMark]:
        return [
            PriceMark(position, self._bid(position.symbol), self._fee(position.symbol))
            for position in self._ledger.state.booked_positions()
        ]

    def _bid(self, symbol: str) -> Decimal | None:
        age_ms = self._prices.age_ms(symbol)
        return None if age_ms is None or age_ms > self._stale_ms() else self._prices.believed_bid(symbol)

    async def _load(self) -> None:
        """Load the last stored points and entries in the writer's turn, so that no commit is missed."""
        resumed_ms = self._resumed_ms()
        found = await self._ledger.write("load equity", lambda desk: _found(desk, resumed_ms))
        self._start, self._flows, self._closed = found.start, found.flows, found.closed
        self._realised = dict(found.realised)
        self._complete, self._day_start, self._limit_start = (
            found.complete,
            found.day_start,
            found.limit_start,
        )
        self._stored_ms = 0 if found.complete is None else found.complete.at_ms
        self._is_loaded = True

    def _on_changes(self, written: LedgerChanges) -> None:
        """Apply the changes of a commit."""
        if not self._is_loaded:
            return
        self._flows += sum((entry.flow for entry in written.entries), ZERO)
        for position in written.positions:
            self._realised[position.id] = position.realised
            self._has_closed |= not position.is_open
        if any(step.has_fill for step in written.advanced):
            self._has_filled = True
            self._wake.set()

    def _is_due(self, point: EquityPoint) -> bool:
        """Whether the point is due: after each fill, each minute, each midnight (UTC)."""
        return self._has_filled or point.at_ms // MINUTE_MS != self._stored_ms // MINUTE_MS

    async def _save_point(self, point: EquityPoint) -> None:
        self._has_filled, self._stored_ms = False, point.at_ms
        held = {mark.position.symbol: mark.bid for mark in self._marks() if mark.bid is not None}
        prices = tuple(HeldPrice(symbol, bid) for symbol, bid in held.items())
        point = msgspec.structs.replace(point, prices=prices)

        def work(desk: LedgerTransaction) -> None:
            desk.tables.equity.add(point)

        await self._ledger.write("equity point", work, durability=Durability.NORMAL)

    async def _count_losses(self) -> None:
        self._has_closed = False
        scope, since_ms = self._ledger.scope, self._resumed_ms()
        run = await self._store.read(
            "losses in a row", lambda stored: stored.trading(scope).limits.losses_in_a_row(since_ms)
        )
        self.in_a_row = run.count


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Stored equity data."""

    start: Decimal
    flows: Decimal
    closed: Decimal
    """Realised profit of positions that no longer change."""
    realised: dict[str, Decimal]
    """Realised profit of the other positions."""
    complete: EquityPoint | None
    day_start: EquityPoint | None
    limit_start: EquityPoint | None


def _found(desk: LedgerTransaction, resumed_ms: int) -> _Found:
    tables, closed, realised = desk.tables, ZERO, dict[str, Decimal]()
    for position in all_positions(tables):
        if position.closed_ms is None or position.closed_ms > desk.now_ms - DAY_MS:
            realised[position.id] = position.realised
        else:
            closed += position.realised
    money = compute_identity(tables, (), {})
    latest = tables.equity.latest()
    closes = tables.equity.daily_closes(2)
    complete = latest if latest is not None and latest.is_complete else closes[-1] if closes else None
    today_ms = desk.now_ms - desk.now_ms % DAY_MS
    before = [point for point in closes if point.at_ms < today_ms]
    day_start = before[-1] if before else _first_since(tables.equity, today_ms, desk.now_ms)
    limit_start = day_start
    if resumed_ms > today_ms:
        limit_start = _first_since(tables.equity, resumed_ms, desk.now_ms) or complete
    return _Found(
        start=money.start,
        flows=money.flows,
        closed=closed,
        realised=realised,
        complete=complete,
        day_start=_dated(day_start, today_ms),
        limit_start=_dated(limit_start, max(today_ms, resumed_ms)),
    )


def _first_since(table: EquityTable, from_ms: int, now_ms: int) -> EquityPoint | None:
    points = table.between(from_ms, now_ms + 1, MAX_POINTS_READ)
    return next((point for point in points if point.is_complete), None)


def _dated(point: EquityPoint | None, at_ms: int) -> EquityPoint | None:
    """Return a point moved to the start of a period."""
    return None if point is None else msgspec.structs.replace(point, at_ms=max(point.at_ms, at_ms))


def _start_of(start: EquityPoint | None, latest: EquityPoint | None, now_ms: int) -> EquityPoint | None:
    """Return the base of this UTC day: the last complete point before it, or its first."""
    if start is not None and _day(start.at_ms) == _day(now_ms):
        return start
    return _dated(latest, now_ms)


def _day(at_ms: int) -> int:
    return at_ms // DAY_MS


def _pct(ratio: Decimal | None, factor: Decimal = HUNDRED) -> Decimal | None:
    return None if ratio is None else ratio * factor
