"""The port of market data: the exchange's public side, as the workers use it.

They stand apart from `ports` because they speak of the market, which the adapters' own rooms must not know.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mexc_tui.market.attention import StreamKind, WantedStream
from mexc_tui.market.polling import Room
from mexc_tui.model.announcement import Announcement
from mexc_tui.model.calendar import Calendar, WebSymbols
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.market_data import PublicTrade
from mexc_tui.model.rows import Rows
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from mexc_tui.model.symbol import Symbol
from mexc_tui.model.view import BudgetRow, CacheRow, ClockRow, StreamsRow

CLOCK_SAMPLES = 10
"""Round trips of one measurement of the exchange's clock: the fastest counts."""


class StreamSink(Protocol):
    """Who is told what streams bring; every call is quick and does not wait."""

    def on_deals(self, deals: Sequence[StreamDeal]) -> None:
        """Take trades of one pair, oldest first."""
        ...

    def on_quote(self, quote: BestQuote) -> None:
        """Take a pair's best prices."""
        ...

    def on_levels(self, levels: TopLevels) -> None:
        """Take a pair's best levels."""
        ...

    def on_deep_levels(self, levels: TopLevels) -> None:
        """Take more levels of a pair that a face shows."""
        ...

    def on_gap(self, symbol: str, kind: StreamKind, *, is_closed: bool) -> None:
        """Messages are being lost from now; or (closed) they come (again), and what was before is lost."""
        ...


@dataclass(frozen=True, slots=True)
class PairStreams:
    """Whether a pair can be watched now."""

    missing: tuple[StreamKind, ...]
    """What of it the exchange has not accepted, or refused, to stream."""
    silent_ms: int | None
    """How long nothing came on its connections, the most silent one; None: nothing is accepted."""


class Market(Protocol):
    """The exchange's public side. Questions raise ExchangeError, web pages WebUnavailable."""

    def now_ms(self) -> int:
        """Return the exchange's time as known best; this machine's before the first measurement."""
        ...

    async def measure_clock(self, samples: int = CLOCK_SAMPLES) -> str:
        """Measure the exchange's clock; return what went wrong, in words, empty if nothing."""
        ...

    def is_clock_doubted(self) -> bool:
        """Whether the exchange refused a request's time since the last measurement."""
        ...

    async def calendar(self) -> Calendar:
        """Ask the web site what is to list."""
        ...

    async def web_symbols(self) -> WebSymbols:
        """Ask the web site for its pairs and their states."""
        ...

    async def pairs(self) -> Rows[Symbol]:
        """Return every pair, read in slices that do not hold the loop, and the rows that were skipped."""
        ...

    async def default_symbols(self) -> tuple[str, ...]:
        """Ask which pairs ordinary keys may trade."""
        ...

    async def self_symbols(self) -> tuple[str, ...]:
        """Ask which pairs this key may trade. Only with a key."""
        ...

    async def announcements(self) -> tuple[Announcement, ...]:
        """Ask for the newest headlines."""
        ...

    def room(self) -> Room:
        """Return what the request budget lets polls ask now without waiting; nothing under a ban."""
        ...

    def age_ms(self, source: ListingSource) -> int:
        """Return how old the newest answer of a source was when it was given: some are kept over a start."""
        ...

    async def trades(self, symbol: str) -> tuple[PublicTrade, ...]:
        """Ask for a pair's latest trades, newest first."""
        ...

    @property
    def has_key(self) -> bool:
        """Whether questions about the account can be asked."""
        ...

    def stream(self, wanted: frozenset[WantedStream], hurried: frozenset[str] = ...) -> None:
        """Subscribe these and nothing else; those refused of a hurried pair are soon asked again."""
        ...

    async def run_streams(self, sink: StreamSink) -> None:
        """Serve the streams until cancelled."""
        ...

    async def is_over(self) -> bool:
        """Whether the practice day has ended; never true of the real exchange."""
        ...

    def clock_row(self) -> ClockRow:
        """Return how well the clock is known."""
        ...

    def streams_row(self, is_not_trading: Callable[[str], bool] = ...) -> StreamsRow:
        """Return how the streams are; of pairs that do not trade nothing needs to come."""
        ...

    def pair_streams(self, symbol: str) -> PairStreams:
        """Return whether a pair's quotes, levels and trades are streamed, and how alive that is."""
        ...

    def probe_streams(self, symbol: str) -> None:
        """Ping the connections of a pair's streams now, so that the next look knows whether they live."""
        ...

    def cache_row(self) -> CacheRow:
        """Return what the cache has saved."""
        ...

    def budget_row(self) -> BudgetRow:
        """Return what of the request budget is used."""
        ...
