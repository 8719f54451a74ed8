"""Maps settings to the parameters of each component.

Those of the exchange client are in `exchange_settings_mapping`: a query without it starts in half the time.
"""

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import TypeVar

from mexc_tui.detection.settings import DetectionSettings, LabelRule
from mexc_tui.engine.market.poll_worker import PollParameters
from mexc_tui.engine.runtime.supervisor import SupervisorLimits
from mexc_tui.exchange.limits.budget import DEFAULT_LANES, LaneLimit, LaneName
from mexc_tui.exchange.rest import routes
from mexc_tui.market.polling import WINDOW_S, Bounds, PollInterval
from mexc_tui.model.listing import ListingSource, Triple
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.storage import RetentionPeriods
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.market import CLOCK_SAMPLES
from mexc_tui.settings.all_settings import Settings
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.caches.database import DatabaseLevel
from mexc_tui.store.caches.level import PROMOTED_MS, LevelName, Lifetimes
from mexc_tui.store.caches.memory import MemoryLevel
from mexc_tui.store.sqlite.connections import StoreLimits
from mexc_tui.store.sqlite.store import SqliteStore

MS = 1_000
DAY_MS = 86_400_000
BYTES_PER_MB = 1024 * 1024

Parameters = TypeVar("Parameters")


def cached_for_settings(make: Callable[[Settings], Parameters]) -> Callable[[Settings], Parameters]:
    """Cache the newest result of `make`: settings are read often and replaced, never changed in place."""
    newest: tuple[Settings, Parameters] | None = None

    def of(settings: Settings) -> Parameters:
        nonlocal newest
        cached = newest
        if cached is None or cached[0] is not settings:
            newest = cached = settings, make(settings)
        return cached[1]

    return of


def lane_limit(lane: LaneLimit, settings: Settings) -> LaneLimit:
    """Apply the configured limit to a lane; its reserve is at least the lane's own."""
    limits = {
        LaneName.WEIGHT: settings.weight_per_10s,
        LaneName.ORDERS: settings.order_calls_per_s,
    }
    limit = limits.get(lane.name, lane.limit)
    if not lane.reserve:
        return lane
    share = max(lane.reserve / lane.limit, settings.exit_reserve_pct / 100)
    reserve = min(ceil(limit * share), limit - 1)
    # The share of entries is scaled too, and leaves room for the heaviest request.
    heaviest = routes.EXCHANGE_INFO.weight if lane.name is LaneName.WEIGHT else 1
    entries = (limit - reserve) * lane.entries // (lane.limit - lane.reserve)
    entries = min(entries, max(limit - reserve - heaviest, 0))
    return replace(lane, limit=limit, reserve=reserve, entries=entries)


def store_limits(settings: Settings) -> StoreLimits:
    """Return deadlines, number of readers and slow-query thresholds of the store."""
    return StoreLimits(
        busy_timeout_s=settings.store_busy_s,
        deadline_s=settings.query_deadline_s,
        readers=settings.store_readers,
        slow_ms=settings.query_slow_ms,
        too_slow_ms=settings.query_error_ms,
    )


def retention(settings: Settings) -> RetentionPeriods:
    """Return how long the store keeps old rows."""
    return RetentionPeriods(
        journal_ms=settings.keep_journal_days * DAY_MS,
        metrics_ms=settings.keep_metrics_days * DAY_MS,
        executions_ms=settings.keep_executions_days * DAY_MS,
        copies_ms=settings.keep_copies_days * DAY_MS,
    )


def cache_lifetimes(settings: Settings) -> Lifetimes:
    """Return how long responses are kept in each level of the cache."""
    return Lifetimes(memory_ms=_ms(settings.cache_memory_s), database_ms=_ms(settings.cache_database_s))


async def cache_of(settings: Settings, store: SqliteStore, clock: Clock) -> Cache:
    """Open the cache (memory, then database) and delete expired entries. Raises StorageError."""
    database = DatabaseLevel(store, clock)
    await database.forget_expired()
    memory = MemoryLevel(clock, settings.cache_memory_mb * BYTES_PER_MB)
    promoted_ms = {**PROMOTED_MS, LevelName.MEMORY: _ms(settings.cache_promoted_memory_s)}
    return Cache((memory, database), clock, promoted_ms)


def supervisor_limits(settings: Settings) -> SupervisorLimits:
    """Return when a failing worker counts as degraded, and the deadline for stopping."""
    return SupervisorLimits(
        degraded_failures=settings.worker_failures,
        window_s=settings.worker_window_s,
        stop_deadline_s=settings.stop_deadline_s,
    )


@cached_for_settings
def detection_settings(settings: Settings) -> DetectionSettings:
    """Return the detectors' thresholds."""
    status, state, trading_type = map(int, settings.ready_triple.split("/"))
    return DetectionSettings(
        ready_triple=Triple(status, state, trading_type),
        advance_ms=settings.advance_s * MS,
        tolerance_ms=settings.opening_late_s * MS,
        overdue_ms=settings.opening_overdue_s * MS,
        api_warning_ms=settings.api_warning_s * MS,
        api_lead_ms=settings.api_lead_s * MS,
        thin_value=settings.thin_book_quote,
        wide_spread=settings.wide_spread_pct / 100,
        stale_ms=round(settings.price_stale_s * MS),
        hold_ms=settings.book_risk_hold_s * MS,
        cluster_window_ms=settings.cluster_window_s * MS,
        maturity_ms=settings.maturity_s * MS,
        api_grace_ms=settings.api_grace_s * MS,
        kappa=settings.prior_weight,
        label=LabelRule(horizon_ms=settings.maturity_s * MS),
        config_hash=settings.config_hash,
    )


@cached_for_settings
def poll_parameters(settings: Settings) -> PollParameters:
    """Return the polling interval of each source (rules 6), and the weight that polls may use."""
    far, news = _ms(settings.calendar_poll_s), _ms(settings.announcements_poll_s)
    usual, near = _ms(settings.symbols_poll_s), _ms(settings.symbols_poll_near_s)
    opening = _ms(settings.symbols_poll_opening_s)
    info = max(opening, _ms(settings.exchange_info_least_s))
    soon, slow, rare = min(far, usual), 2 * near, min(news, 60 * MS)
    ladder = {
        ListingSource.CALENDAR: PollInterval(
            far_ms=far, soon_ms=soon, hour_ms=min(soon, near), now_ms=min(soon, near)
        ),
        ListingSource.SYMBOLS_V2: PollInterval(
            far_ms=far, soon_ms=soon, hour_ms=min(soon, slow), now_ms=min(soon, slow)
        ),
        ListingSource.EXCHANGE_INFO: PollInterval(
            far_ms=far, soon_ms=soon, hour_ms=max(near, info), now_ms=info, weight=25
        ),
        ListingSource.DEFAULT_SYMBOLS: PollInterval(
            far_ms=usual, soon_ms=usual, hour_ms=near, now_ms=opening, weight=1
        ),
        ListingSource.SELF_SYMBOLS: PollInterval(
            far_ms=far, soon_ms=soon, hour_ms=near, now_ms=opening, weight=1
        ),
        ListingSource.ANNOUNCEMENT: PollInterval(
            far_ms=news, soon_ms=rare, hour_ms=rare, now_ms=rare, weight=8
        ),
    }
    bounds = Bounds(
        soon_ms=settings.advance_s * MS,
        hour_ms=settings.near_before_s * MS,
        now_ms=settings.opening_before_s * MS,
    )
    return PollParameters(ladder, bounds, polls_weight_per_10s(settings))


def polls_weight_per_10s(settings: Settings) -> int:
    """Return the request weight that polls may use: the remainder of the other workers, at most half of all.

    The other workers are planned with one clock measurement and one reconciliation at a time, as often as
    around an opening. When they use more, polls are delayed.
    """
    (weight,) = (lane for lane in DEFAULT_LANES if lane.name is LaneName.WEIGHT)
    lane = lane_limit(weight, settings)
    room = lane.cap(Purpose.ORDINARY) * WINDOW_S / (lane.window_s + lane.margin_s)
    clock = CLOCK_SAMPLES * routes.TIME.weight * WINDOW_S / settings.clock_resync_opening_s
    books = (routes.ACCOUNT.weight + 2 * routes.OPEN_ORDERS.weight) * WINDOW_S / settings.reconcile_s
    return max(int(min(settings.weight_per_10s / 2, room - clock - books)), 1)


def _ms(seconds: float) -> int:
    return round(seconds * MS)
