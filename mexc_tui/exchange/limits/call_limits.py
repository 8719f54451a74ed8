"""Deadlines, retries and recvWindow of REST calls."""

from dataclasses import dataclass, field

from mexc_tui.exchange.limits.breaker import BreakerLimits


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Limits of single calls of one REST client (rules 6)."""

    connect_s: float = 3.0
    deadline_s: float = 10.0
    order_deadline_s: float = 5.0
    window_ms: int = 5_000
    order_window_ms: int = 2_000
    """recvWindow of orders. Kept short: after it, an unanswered order can no longer be accepted
    (reliability 1.3)."""
    tries: int = 3
    """Attempts per query. Requests that change state are sent once."""
    retry_base_s: float = 0.5
    retry_cap_s: float = 8.0
    breaker: BreakerLimits = field(default_factory=BreakerLimits)
