"""Where market data comes from and orders go (architecture 1)."""

from enum import StrEnum


class Mode(StrEnum):
    """One code path, three places for the money."""

    PRACTICE = "practice"  # the practice exchange, for both
    PAPER = "paper"  # MEXC's data, orders matched on this machine
    LIVE = "live"  # MEXC, with real money
