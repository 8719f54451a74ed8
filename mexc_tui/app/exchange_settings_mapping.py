"""Maps settings to the parameters of the exchange client and its streams."""

from mexc_tui.app.settings_mapping import lane_limit
from mexc_tui.exchange.client import ClientLimits
from mexc_tui.exchange.limits.breaker import BreakerLimits
from mexc_tui.exchange.limits.budget import DEFAULT_LANES, BudgetLimits
from mexc_tui.exchange.limits.call_limits import CallLimits
from mexc_tui.exchange.limits.clock_offset import OffsetLimits
from mexc_tui.exchange.streams.socket import SocketTimings
from mexc_tui.settings.all_settings import Settings


def client_limits(settings: Settings) -> ClientLimits:
    """Return the request budget, clock bounds and call limits of the exchange client."""
    offset = OffsetLimits(
        warn_error_ms=settings.clock_warn_error_ms, max_error_ms=settings.clock_refuse_ahead_ms
    )
    return ClientLimits(
        budget=BudgetLimits(tuple(lane_limit(lane, settings) for lane in DEFAULT_LANES)),
        offset=offset,
        calls=_call_limits(settings),
    )


def _call_limits(settings: Settings) -> CallLimits:
    return CallLimits(
        connect_s=settings.http_connect_s,
        deadline_s=settings.http_total_s,
        order_deadline_s=settings.http_order_s,
        window_ms=settings.recv_window_ms,
        order_window_ms=settings.recv_window_order_ms,
        tries=settings.http_retries,
        retry_base_s=settings.http_retry_base_s,
        retry_cap_s=settings.http_retry_cap_s,
        breaker=BreakerLimits(
            failures=settings.breaker_failures,
            window_s=settings.breaker_window_s,
            open_s=settings.breaker_open_s,
            probes=settings.breaker_probes,
        ),
    )


def socket_timings(settings: Settings) -> SocketTimings:
    """Return ping, rotation and reconnect timings of stream connections."""
    return SocketTimings(
        ping_every_s=settings.stream_ping_s,
        rotate_after_s=settings.stream_rotate_s,
        backoff_base_s=settings.stream_backoff_s,
        backoff_cap_s=settings.stream_backoff_cap_s,
    )
