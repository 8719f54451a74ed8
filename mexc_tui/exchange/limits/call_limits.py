"""How long a call may take, how often it is tried, and how long the exchange may wait with it."""

from dataclasses import dataclass, field

from mexc_tui.exchange.limits.breaker import BreakerLimits


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Numbers of one REST client (rules 6)."""

    connect_s: float = 3.0
    deadline_s: float = 10.0
    order_deadline_s: float = 5.0
    window_ms: int = 5_000
    order_window_ms: int = 2_000
    """Small, because it is the fence behind which a lost order is dead (reliability 1.3)."""
    tries: int = 3
    """Of a question; what changes something is sent once."""
    retry_base_s: float = 0.5
    retry_cap_s: float = 8.0
    breaker: BreakerLimits = field(default_factory=BreakerLimits)
