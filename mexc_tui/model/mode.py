"""Trading modes: source of market data and destination of orders (architecture 1)."""

from enum import StrEnum


class Mode(StrEnum):
    """Trading mode; all modes share one code path."""

    PRACTICE = "practice"  # the practice exchange, for both
    PAPER = "paper"  # MEXC's data, orders matched on this machine
    LIVE = "live"  # MEXC, with real money
