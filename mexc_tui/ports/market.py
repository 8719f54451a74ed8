"""Port of market data: the exchange's public side as used by workers.

Separate from the other ports, because these use types of `market`, which adapters must not import.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mexc_tui.market.attention import StreamKind, WantedStream
from mexc_tui.market.polling import PollAllowance
from mexc_tui.model.announcement import Announcement
from mexc_tui.model.calendar import Calendar, WebSymbols
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.market_data import PublicTrade
from mexc_tui.model.rows import Rows
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from mexc_tui.model.symbol import Symbol
from mexc_tui.model.view import BudgetRow, CacheRow, ClockRow, StreamsRow

CLOCK_SAMPLES = 10
"""Round trips per clock measurement; the fastest one counts."""


class StreamSink(Protocol):
    """Receiver of stream messages. Calls return quickly and never wait."""

    def on_deals(self, deals: Sequence[StreamDeal]) -> None:
        """Receive trades of one pair, oldest first."""
        ...

    def on_quote(self, quote: BestQuote) -> None:
        """Receive a pair's best prices."""
        ...

    def on_levels(self, levels: TopLevels) -> None:
        """Receive a pair's best levels."""
        ...

    def on_deep_levels(self, levels: TopLevels) -> None:
        """Receive the deeper levels of a pair that a front end displays."""
        ...

    def on_gap(self, symbol: str, kind: StreamKind, *, is_closed: bool) -> None:
        """Report a gap: messages are being lost from now, or (closed) the stream is back after a gap."""
        ...


@dataclass(frozen=True, slots=True)
class PairStreams:
    """Whether a pair's streams are usable."""

    missing: tuple[StreamKind, ...]
    """Streams that the exchange has not accepted, or has rejected."""
    silent_ms: int | None
    """Time without messages on its connections, the most silent one; None: nothing is accepted."""


class Market(Protocol):
    """The exchange's public side. Queries raise ExchangeError, web pages WebUnavailable."""

    def now_ms(self) -> int:
        """Return the best estimate of exchange time; this machine's before the first measurement."""
        ...

    async def measure_clock(self, samples: int = CLOCK_SAMPLES) -> str:
        """Measure the exchange's clock; return a problem as text, empty if none."""
        ...

    def is_clock_doubted(self) -> bool:
        """Return whether the exchange rejected a request's timestamp since the last measurement."""
        ...

    async def calendar(self) -> Calendar:
        """Query the web site's calendar of listings."""
        ...

    async def web_symbols(self) -> WebSymbols:
        """Query the web site's pairs and their states."""
        ...

    async def pairs(self) -> Rows[Symbol]:
        """Return every pair, decoded in slices that do not block the loop, with the skipped rows."""
        ...

    async def default_symbols(self) -> tuple[str, ...]:
        """Query the pairs that ordinary keys may trade."""
        ...

    async def self_symbols(self) -> tuple[str, ...]:
        """Query the pairs that this key may trade. Only with a key."""
        ...

    async def announcements(self) -> tuple[Announcement, ...]:
        """Query the newest headlines."""
        ...

    def room(self) -> PollAllowance:
        """Return how much of the request budget polls may use now without waiting; nothing under a ban."""
        ...

    def age_ms(self, source: ListingSource) -> int:
        """Return the age of a source's newest response when it was provided; some are kept over a restart."""
        ...

    async def trades(self, symbol: str) -> tuple[PublicTrade, ...]:
        """Query a pair's latest trades, newest first."""
        ...

    @property
    def has_key(self) -> bool:
        """Return whether account queries are possible."""
        ...

    def stream(self, wanted: frozenset[WantedStream], hurried: frozenset[str] = ...) -> None:
        """Set the subscriptions; rejected ones of a hurried pair are retried soon."""
        ...

    async def run_streams(self, sink: StreamSink) -> None:
        """Serve the streams until cancelled."""
        ...

    async def is_over(self) -> bool:
        """Return whether the practice session has ended; never true of the real exchange."""
        ...

    def clock_row(self) -> ClockRow:
        """Return the state of the clock measurement."""
        ...

    def streams_row(self, is_not_trading: Callable[[str], bool] = ...) -> StreamsRow:
        """Return the state of the streams; pairs that do not trade may be silent."""
        ...

    def pair_streams(self, symbol: str) -> PairStreams:
        """Return whether a pair's quotes, levels and trades are streamed, and their silence."""
        ...

    def probe_streams(self, symbol: str) -> None:
        """Ping the connections of a pair's streams now, so that the next check has a current state."""
        ...

    def cache_row(self) -> CacheRow:
        """Return the cache statistics."""
        ...

    def budget_row(self) -> BudgetRow:
        """Return the used request budget."""
        ...
