"""Checks of the load benchmark: pure functions of what was measured."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import linear_regression

MARK_MS = 1_500
"""Screens mark prices that are older."""
OLDEST_MS = 2_000
"""Oldest price that may be shown without a mark (I20)."""
TOPICS_BOUND = 1 + 1 + 1 + 256
"""Waiting messages of one pair at most: quote, levels, deep levels, and a series of trades."""
VIEWER_BYTES = 64 * 1024 + 262_144 + 4
"""Unsent bytes of one front end at most: its answers, and one frame."""
SUBSCRIBER_FACTS = 1_000
STORE_UNITS = 1_000
GROWTH_MB = 8.0
"""Growth of the memory over the second half, by its slope."""
VIEWERS = 10


@dataclass(frozen=True, slots=True)
class TopPrices:
    """Best bid and ask from one moment on, in the exchange's time."""

    at_ms: int
    bid: Decimal | None
    ask: Decimal | None


@dataclass(frozen=True, slots=True)
class ShownPrices:
    """Best bid and ask that the engine showed, and how old it said they were."""

    symbol: str
    at_ms: int
    priced_ms: int | None
    bid: Decimal | None
    ask: Decimal | None

    @property
    def is_marked(self) -> bool:
        """Whether a screen marks it as old."""
        return self.priced_ms is None or self.at_ms - self.priced_ms > MARK_MS


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade; a gap in the trades is a span of time."""

    symbol: str
    at_ms: int
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ViewerReport:
    """Events that one front end received."""

    first: int
    last: int
    breaks: int


@dataclass(slots=True)
class Measured:
    """What the load benchmark measured."""

    per_s: float = 0.0
    """Stream messages received per second, outside the burst."""
    burst: int = 0
    """Messages that arrived at once."""
    symbols: int = 0
    live: int = 0
    """Live topics at the end."""
    topics: int = 0
    connects: int = 0
    """Connections that were replaced during the load."""
    memory: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Seconds and MB."""
    stream_waiting: int = 0
    stream_lost: int = 0
    store_waiting: int = 0
    viewer_bytes: int = 0
    subscriber_waiting: int = 0
    head: int = 0
    """Number of the newest event at the end."""
    viewers: list[ViewerReport] = field(default_factory=list[ViewerReport])
    trades: int = 0
    """Trades of the exchange that were compared."""
    missing: list[Trade] = field(default_factory=list[Trade])
    marked: int = 0
    """Shown prices with a mark."""
    ages_ms: list[int | None] = field(default_factory=list[int | None])
    """Of each shown price without a mark: how long ago it was true; None: never."""


def age_ms(history: Sequence[TopPrices], shown: ShownPrices) -> int | None:
    """Return how long ago the shown prices were true, 0: still true; None: they never were."""
    place = bisect_right(history, shown.at_ms, key=lambda one: one.at_ms)
    if place < len(history) and (history[place].bid, history[place].ask) == (shown.bid, shown.ask):
        return 0  # the clocks differ by less than the next change
    for index in range(place - 1, -1, -1):
        if (history[index].bid, history[index].ask) == (shown.bid, shown.ask):
            return 0 if index == place - 1 else shown.at_ms - history[index + 1].at_ms
    return None


def missing_trades(
    traded: Iterable[Trade], seen: set[Trade], gaps: Iterable[tuple[str, int, int]]
) -> list[Trade]:
    """Return the trades that were not shown, and lie in no reported gap (symbol, from, until)."""
    known = tuple(gaps)
    return sorted(
        (
            trade
            for trade in traded
            if trade not in seen
            and not any(
                name == trade.symbol and since <= trade.at_ms <= until for name, since, until in known
            )
        ),
        key=lambda trade: trade.at_ms,
    )


def growth_mb(memory: Sequence[tuple[float, float]]) -> float:
    """Return the growth of the memory over the second half, by its slope."""
    half = memory[len(memory) // 2 :]
    if len(half) < 2:
        return 0.0
    slope, _ = linear_regression([at_s for at_s, _ in half], [size for _, size in half])
    return slope * (half[-1][0] - half[0][0])


def failures(found: Measured, *, per_s: int, burst: int) -> list[str]:
    """Return one sentence for each failed check. `per_s`, `burst`: the load to reach."""
    bounds = (
        ("stream messages", found.stream_waiting, found.symbols * TOPICS_BOUND),
        ("bytes of a front end", found.viewer_bytes, VIEWER_BYTES),
        ("facts of a subscriber", found.subscriber_waiting, SUBSCRIBER_FACTS),
        ("units of the database", found.store_waiting, STORE_UNITS),
    )
    oldest_ms = max((age for age in found.ages_ms if age is not None), default=0)
    false = sum(age is None for age in found.ages_ms)
    behind = [one for one in found.viewers if one.last < found.head]
    growth = growth_mb(found.memory)
    checks = (
        (found.per_s >= per_s, f"Only {found.per_s:,.0f} stream messages/s arrived; the goal is {per_s:,}."),
        (found.burst >= burst, f"The burst had only {found.burst:,} messages; the goal is {burst:,}."),
        (found.live == found.topics > 0, f"Only {found.live:,} of {found.topics:,} topics are live."),
        (len(found.viewers) == VIEWERS, f"Only {len(found.viewers)} of {VIEWERS} front ends reported."),
        (not behind, f"{len(behind)} front ends did not receive event {found.head}."),
        (not any(one.breaks for one in found.viewers), "A front end received events with a gap."),
        (found.trades > 0, "No trade was compared."),
        (not found.missing, f"{len(found.missing)} of {found.trades:,} trades are missing without a gap."),
        (found.stream_lost == 0, f"{found.stream_lost:,} stream messages were dropped or unreadable."),
        (bool(found.ages_ms), "No shown price was compared."),
        (not false, f"{false:,} of {len(found.ages_ms):,} shown prices were never true."),
        (oldest_ms <= OLDEST_MS, f"A price without a mark was {oldest_ms:,} ms old, not {OLDEST_MS:,}."),
        (growth <= GROWTH_MB, f"In the second half the memory grew by {growth:.1f} MB, not {GROWTH_MB:g}."),
        *((most <= top, f"{most:,} {name} waited; the bound is {top:,}.") for name, most, top in bounds),
    )  # fmt: skip
    return [sentence for is_met, sentence in checks if not is_met]
