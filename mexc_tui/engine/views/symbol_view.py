"""View of one symbol: streams it for display, and joins its market data with own fills and exits."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.engine import Engine
from mexc_tui.engine.market.knowledge_store import PairHistory
from mexc_tui.engine.views.market_rows import (
    Levels,
    PricePath,
    best_of,
    is_exact,
    level_rows,
    path_of,
    trade_rows,
)
from mexc_tui.engine.views.own_fill_rows import exit_levels, fill_rows
from mexc_tui.model.errors import CommandRefused, ExchangeError
from mexc_tui.model.listing import Listing
from mexc_tui.model.market_view import MAX_FILLS, ExitLevelRow, MarketRow, OwnFillRow
from mexc_tui.model.text import is_tradable_name
from mexc_tui.model.trading_view import PositionRow
from mexc_tui.sniping.rounding import grid_of

log = logging.getLogger(__name__)

PATH_MS = 1_000
"""Rebuild interval of a price path of hours, which consists of thousands of bars."""
OPENING = "an entry is firing: market data in a few seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolRequest:
    """Requested detail of a symbol; `path_since_ms` 0: since its opening, or all data."""

    levels: int
    trades: int
    spans: int
    path_since_ms: int = 0


@dataclass(slots=True, kw_only=True)
class _Drawn:
    """A built price path."""

    request: SymbolRequest
    at_ms: int
    trades: int
    path: PricePath

    def is_good(self, request: SymbolRequest, trades: int, now_ms: int) -> bool:
        """Return whether the path can be reused."""
        return self.request == request and (self.trades == trades or now_ms - self.at_ms < PATH_MS)


@dataclass(slots=True)
class _Kept:
    """Data cached between queries."""

    paths: dict[str, _Drawn] = field(default_factory=dict[str, _Drawn])
    fills: dict[str, tuple[OwnFillRow, ...]] = field(default_factory=dict[str, tuple[OwnFillRow, ...]])


class SymbolView:
    """Builds the view of one symbol."""

    def __init__(self, engine: Engine, positions: Callable[[str], PositionRow | None]) -> None:
        """`positions`: the row of a symbol's open position."""
        self._engine = engine
        self._positions = positions
        self._watched = engine.watched
        self._kept = _Kept()
        self._chores: set[asyncio.Task[None]] = set()
        if engine.trading_components is not None:
            engine.trading_components.ledger.on_change(self._note)

    async def market(self, symbol: str, request: SymbolRequest) -> MarketRow:
        """Return the market view of a symbol and stream it. Raises CommandRefused, StorageError."""
        if not is_tradable_name(symbol):
            raise CommandRefused(f"Invalid symbol {symbol}: letters and digits, such as NEWUSDT.")
        knowledge = self._engine.knowledge_store.knowledge
        if symbol not in knowledge.pairs and knowledge.listings.named(symbol) is None:
            raise CommandRefused(f"Unknown symbol {symbol}: not on the exchange and not listed.")
        problem = self._watch(symbol)
        fills = await self._fills(symbol) if self._engine.trading_components is not None else ()
        return self._row(symbol, request, problem, fills=fills)

    def _watch(self, symbol: str) -> str:
        is_new = self._watched.is_new(symbol)
        if is_new and self._engine.polls.is_opening():
            return OPENING
        problem = self._watched.watch(symbol)
        if is_new and not problem:
            self._engine.streams.request_update()
            if not self._seen(symbol).earlier_trades:
                chore = asyncio.create_task(self._ask_earlier(symbol), name=f"trades of {symbol}")
                self._chores.add(chore)
                chore.add_done_callback(self._chores.discard)
        return problem

    async def _ask_earlier(self, symbol: str) -> None:
        """Request the trades from before the stream, once."""
        try:
            trades = await self._engine.parts.market.trades(symbol)
        except ExchangeError as error:
            log.info("no earlier trades of %s: %s", symbol, error)
            return
        self._engine.knowledge_store.histories.setdefault(symbol, PairHistory()).earlier_trades = trades
        self._kept.paths.pop(symbol, None)

    async def _fills(self, symbol: str) -> tuple[OwnFillRow, ...]:
        kept, components = self._kept.fills.get(symbol), self._engine.trading_components
        if kept is not None or components is None:
            return kept or ()
        scope = components.ledger.scope
        orders = await self._engine.parts.store.read(
            "fills of a pair",
            lambda stored: stored.trading(scope).orders.page(limit=MAX_FILLS, symbol=symbol),
        )
        rows = fill_rows((order for order in orders if order.intent_id), MAX_FILLS)
        if self._watched.remaining_s(symbol):
            self._kept.fills[symbol] = rows
        return rows

    def _note(self, written: LedgerChanges) -> None:
        for order in written.orders:
            self._kept.fills.pop(order.symbol, None)

    # ---- the row

    def _row(
        self, symbol: str, request: SymbolRequest, problem: str, *, fills: tuple[OwnFillRow, ...]
    ) -> MarketRow:
        seen, knowledge = self._seen(symbol), self._engine.knowledge_store.knowledge
        pair, listing = knowledge.pairs.get(symbol), knowledge.listings.named(symbol)
        now_ms = self._engine.parts.market.now_ms()
        (bid, ask), deep, (bids, asks) = best_of(seen), seen.deep_levels, self._levels(symbol, seen)
        path, trades = (
            self._path(symbol, seen, listing, request=request, now_ms=now_ms),
            trade_rows(seen, max(request.trades, 1)),
        )
        return MarketRow(
            symbol=symbol,
            at_ms=now_ms,
            base_asset="" if pair is None else pair.base_asset,
            quote_asset="" if pair is None else pair.quote_asset,
            price_decimals=None if pair is None else pair.price_precision,
            quantity_decimals=None if pair is None else pair.quantity_precision,
            watched_s=self._watched.remaining_s(symbol),
            problem=problem,
            bid=bid,
            ask=ask,
            last=trades[0].price if trades else None,
            priced_ms=seen.priced_ms,
            bids=level_rows(bids, request.levels),
            asks=level_rows(asks, request.levels),
            leveled_ms=None if deep is None else seen.deep_levels_ms,
            is_exact=is_exact(seen, now_ms),
            trades=trades[: request.trades],
            path=path.spans,
            path_step_ms=path.step_ms,
            holes=_holes(seen, path),
            opens_ms=None if listing is None else listing.opens_ms,
            opened_ms=None if listing is None else listing.opened_ms,
            fills=fills,
            exits=self._exits(symbol),
        )

    def _levels(self, symbol: str, seen: PairHistory) -> tuple[Levels, Levels]:
        """Return the deep levels watched for display; before they arrive, the few used for trading."""
        if seen.deep_levels is not None:
            return seen.deep_levels.bids, seen.deep_levels.asks
        components = self._engine.trading_components
        price = None if components is None else components.prices.of(symbol)
        return ((), ()) if price is None else (price.bids, price.asks)

    def _path(
        self, symbol: str, seen: PairHistory, listing: Listing | None, *, request: SymbolRequest, now_ms: int
    ) -> PricePath:
        drawn, trades = self._kept.paths.get(symbol), seen.tape.trades
        if drawn is not None and drawn.is_good(request, trades, now_ms):
            return drawn.path
        opened_ms = listing.opened_ms if listing is not None else None
        path = path_of(seen, request.path_since_ms or opened_ms or 0, request.spans)
        shown = self._watched.symbols()
        self._kept.paths = {name: path for name, path in self._kept.paths.items() if name in shown}
        self._kept.paths[symbol] = _Drawn(request=request, at_ms=now_ms, trades=trades, path=path)
        return path

    def _exits(self, symbol: str) -> tuple[ExitLevelRow, ...]:
        row, components = self._positions(symbol), self._engine.trading_components
        position = None if components is None else components.ledger.state.position_of(symbol)
        if row is None or position is None:
            return ()
        pair = self._engine.knowledge_store.knowledge.pairs.get(symbol)
        return exit_levels(position, row, None if pair is None else grid_of(pair))

    def _seen(self, symbol: str) -> PairHistory:
        return self._engine.knowledge_store.histories.get(symbol) or PairHistory()


def _holes(seen: PairHistory, path: PricePath) -> tuple[tuple[int, int], ...]:
    """Return the spans of a path without observable trades; requested earlier trades fill them."""
    if not path.spans:
        return ()
    known_ms = max(seen.earlier_trades[0].time if seen.earlier_trades else 0, path.spans[0].start_ms)
    last_ms = path.spans[-1].start_ms + path.step_ms
    holes = ((max(since, known_ms), until) for since, until in seen.tape.gaps)
    return tuple((since, until) for since, until in holes if since < min(until, last_ms))
