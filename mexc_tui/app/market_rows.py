"""Rows about the market side of an engine: clock, streams, cache and request budget."""

from collections.abc import Callable

from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.streams.public_streams import StreamsState
from mexc_tui.exchange.streams.subscription_state import FeedState, SubscriptionPhase
from mexc_tui.model.view import BudgetRow, CacheRow, ClockRow, LaneRow, StreamsRow
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.caches.level import LevelName

MAX_STALE_TOPICS = 5
"""Maximum stale topics named in a row."""


def clock_row(client: MexcClient, now_ns: int) -> ClockRow:
    """Return offset, error bound and age of the exchange's clock; empty before the first measurement."""
    offset = client.offset.estimate(now_ns)
    if offset is None:
        return ClockRow()
    return ClockRow(
        offset_ms=offset.offset_ms, error_ms=offset.error_ms, age_s=offset.age_s, warning=offset.warning
    )


def streams_row(state: StreamsState, is_not_trading: Callable[[str], bool]) -> StreamsRow:
    """Return the state of the streams. A topic of a pair that does not trade is quiet, not stale."""
    silent = [feed for feed in state.feeds if feed.is_stale]
    stale = [
        feed
        for feed in silent
        if feed.phase is SubscriptionPhase.PENDING or not is_not_trading(feed.topic.symbol)
    ]
    ages_s = [feed.age_s for feed in state.feeds if feed.age_s is not None]
    return StreamsRow(
        topics=len(state.feeds),
        live=sum(feed.phase is SubscriptionPhase.LIVE for feed in state.feeds),
        stale=len(stale),
        quiet=len(silent) - len(stale),
        refused=sum(feed.phase is SubscriptionPhase.REFUSED for feed in state.feeds),
        connections=state.connections,
        messages=state.messages,
        messages_per_s=state.messages_per_s,
        reasons=tuple(state.reasons),
        newest_s=int(min(ages_s)) if ages_s else None,
        silent=tuple(map(stale_topic_text, sorted(stale, key=_silent_s, reverse=True)[:MAX_STALE_TOPICS])),
    )


def stale_topic_text(feed: FeedState) -> str:
    """Describe a stale topic with its reason, or the time since its last message."""
    since = "no message yet" if feed.age_s is None else f"silent for {feed.age_s:.0f} s"
    about = feed.topic.symbol or "all pairs"
    return f"{about} {feed.topic.kind.name.lower().replace('_', ' ')}: {feed.reason or since}"


def _silent_s(feed: FeedState) -> float:
    return float("inf") if feed.age_s is None else feed.age_s


def cache_row(cache: Cache) -> CacheRow:
    """Return the hits and misses of a cache."""
    counts = cache.counts
    return CacheRow(
        fetched=counts.fetched,
        memory_hits=counts.hits.get(LevelName.MEMORY, 0),
        database_hits=counts.hits.get(LevelName.DATABASE, 0),
        shared_flights=counts.shared_flights,
        level_errors=counts.level_errors,
    )


def budget_row(client: MexcClient) -> BudgetRow:
    """Return the use of the request budget, and the active ban."""
    state = client.budget.state()
    return BudgetRow(
        skipped_rows=client.skipped_rows,
        lanes=tuple(
            LaneRow(
                name=lane.name.value, used=lane.used, limit=lane.limit.limit, window_s=lane.limit.window_s
            )
            for lane in state.lanes
        ),
        ban=state.ban.kind.value if state.ban is not None else "",
        ban_until_ms=state.ban.until_ms if state.ban is not None else None,
    )
