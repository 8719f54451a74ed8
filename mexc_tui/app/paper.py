"""Paper trading: MEXC's market data, with orders sent to a local exchange on loopback.

The local exchange is the practice exchange on mirrored order books (`practice.mirror`), so orders, fees,
rejections, streams and queries use the same code and protocol as live trading.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.app.market_adapter import MarketAdapterParts, MexcMarket
from mexc_tui.exchange.client import MexcClient
from mexc_tui.market.attention import StreamKind, WantedStream
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.rows import Rows
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from mexc_tui.model.symbol import Symbol
from mexc_tui.ports.market import CLOCK_SAMPLES, StreamSink
from mexc_tui.ports.store import Stored
from mexc_tui.practice.mirror import MirrorSession, paper_scenario
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.practice.server import PracticeServer

API_PATH = "/api/v3/"
SCOPE = "paper"
"""Ledger scope of all paper sessions: it continues after a restart."""
Serve = Callable[[PracticeServer], AbstractAsyncContextManager[Endpoint]]
"""Serves an exchange to clients during a block."""


class PaperMarket(MexcMarket):
    """Market port that feeds the paper exchange with the same data as the engine."""

    def __init__(self, parts: MarketAdapterParts) -> None:
        super().__init__(parts)
        self._pairs: dict[str, Symbol] = {}
        self._paper: _Mirroring | None = None
        self._also: MexcClient | None = None

    def mirror_to(self, server: PracticeServer, session: MirrorSession) -> None:
        """Mirror market data to this exchange from now on."""
        self._paper = _Mirroring(server, session)

    def add_clock_client(self, client: MexcClient) -> None:
        """Also measure the clock for this client of the paper exchange."""
        self._also = client

    async def measure_clock(self, samples: int = CLOCK_SAMPLES) -> str:
        """Measure the market's clock, then that of the paper exchange, which follows it."""
        problem = await super().measure_clock(samples)
        if self._also is not None:
            await self._also.measure_clock(samples)
        return problem

    async def pairs(self) -> Rows[Symbol]:
        """Return every pair, and mirror the streamed ones."""
        pairs = await super().pairs()
        unread = {row.name: self._pairs[row.name] for row in pairs.skipped if row.name in self._pairs}
        self._pairs = unread | {pair.symbol: pair for pair in pairs.rows}
        self._mirror_pairs(stream.symbol for stream in self._wanted)
        return pairs

    def stream(self, wanted: frozenset[WantedStream], hurried: frozenset[str] = frozenset()) -> None:
        """Subscribe these streams; their pairs accept paper orders."""
        super().stream(wanted, hurried)
        self._mirror_pairs(stream.symbol for stream in wanted)

    async def run_streams(self, sink: StreamSink) -> None:
        """Run the streams, paper exchange first: the engine may react at once."""
        await super().run_streams(_Tee(self._paper, sink) if self._paper is not None else sink)

    def _mirror_pairs(self, names: Iterable[str]) -> None:
        if self._paper is not None:
            found = (self._pairs.get(name) for name in dict.fromkeys(names))
            self._paper.mirror_pairs([pair for pair in found if pair is not None])


class _Mirroring:
    """Mirrors market data to one paper exchange."""

    def __init__(self, server: PracticeServer, session: MirrorSession) -> None:
        self._server = server
        self._session = session
        self._known: dict[str, Symbol] = {}

    def mirror_pairs(self, pairs: Sequence[Symbol]) -> None:
        for pair in pairs:
            if self._known.get(pair.symbol) != pair:
                self._known[pair.symbol] = pair
                self._session.mirror_pair(pair)

    def on_deals(self, deals: Sequence[StreamDeal]) -> None:
        for deal in deals:
            if deal.taker_side is not None:
                self._session.mirror_trade(deal.symbol, deal.price, deal.quantity, taker=deal.taker_side)
        self._server.push_changes()

    def on_levels(self, levels: TopLevels) -> None:
        self._session.mirror_book(levels.symbol, levels.bids, levels.asks)
        self._server.push_changes()

    def forget_levels(self, symbol: str) -> None:
        """Stop matching on prices that are no longer streamed."""
        self._session.mirror_book(symbol, (), ())
        self._server.push_changes()


@dataclass(frozen=True, slots=True)
class _Tee:
    """Stream sink that feeds the paper exchange, then the engine."""

    paper: _Mirroring
    sink: StreamSink

    def on_deals(self, deals: Sequence[StreamDeal]) -> None:
        """Forward trades of one pair."""
        self.paper.on_deals(deals)
        self.sink.on_deals(deals)

    def on_quote(self, quote: BestQuote) -> None:
        """Forward the best bid and ask of a pair."""
        self.sink.on_quote(quote)

    def on_levels(self, levels: TopLevels) -> None:
        """Forward the top levels of a pair."""
        self.paper.on_levels(levels)
        self.sink.on_levels(levels)

    def on_deep_levels(self, levels: TopLevels) -> None:
        """Forward deep levels of a pair."""
        self.sink.on_deep_levels(levels)

    def on_gap(self, symbol: str, kind: StreamKind, *, is_closed: bool) -> None:
        """Forward a gap; stop matching while levels are lost."""
        if kind is StreamKind.TOP_LEVELS and not is_closed:
            self.paper.forget_levels(symbol)
        self.sink.on_gap(symbol, kind, is_closed=is_closed)


class _MarketClock:
    """Clock of the paper exchange: the market's time, never decreasing."""

    def __init__(self, market: MexcMarket) -> None:
        self._market = market
        self._last_ms = 0

    def now_ms(self) -> int:
        self._last_ms = max(self._last_ms, self._market.now_ms())
        return self._last_ms

    def now_ns(self) -> int:
        return self.now_ms() * 1_000_000


def paper_balances(stored: Stored) -> dict[str, Decimal]:
    """Return the balances of the paper account when the last engine ended; empty before the first."""
    held = dict[str, Decimal]()
    for balance in stored.trading(SCOPE).entries.balances():
        if balance.account in (LedgerAccount.DESK, LedgerAccount.OWN) and balance.amount > 0:
            held[balance.asset] = held.get(balance.asset, Decimal(0)) + balance.amount
    return held


@asynccontextmanager
async def paper_exchange(
    market: PaperMarket, balances: dict[str, Decimal], seed: int, *, serve: Serve, delay_ms: int = 0
) -> AsyncGenerator[Endpoint]:
    """Serve an exchange on the market's order books during the block; `balances` is its account.

    `delay_ms` is the round trip. Half of it passes before a request is processed, also for time queries, so
    that the clock measurement includes it.
    """
    latency = tuple(
        FaultPlan(kind=kind, path=API_PATH, amount_ms=amount_ms)
        for kind, amount_ms in ((FaultKind.LATE_REQUEST, delay_ms // 2), (FaultKind.DELAY, -(-delay_ms // 2)))
        if amount_ms
    )
    scenario = paper_scenario(balances, latency)
    clock = _MarketClock(market)
    session = MirrorSession(scenario, seed, clock.now_ms())
    server = PracticeServer(scenario, seed, clock, session=session)
    market.mirror_to(server, session)
    async with serve(server) as endpoint:
        yield endpoint
