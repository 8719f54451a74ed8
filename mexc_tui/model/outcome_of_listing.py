"""Observed outcome of a listing, traded or not (formulas E7)."""

from enum import StrEnum

import msgspec


class OutcomeEnd(StrEnum):
    """Final state of a listing."""

    OPENED = "opened"
    """Trading opened through the API."""
    CANCELLED = "cancelled"
    NEVER_API = "never_api"
    UNKNOWN = "unknown"
    """Undetermined: market data is missing, or nothing confirmed it. Left out of rates, but counted."""
    SESSION_ENDED = "session_ended"
    """Its practice session ended while the outcome was undecided. Left out of rates, but counted."""

    @classmethod
    def _missing_(cls, value: object) -> "OutcomeEnd | None":
        """Read the name that journals before 0.2 contain."""
        return cls.SESSION_ENDED if value == "world_ended" else None


class ListingOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The label of one listing. Returns and ratios are shares: 0.05 is five per cent."""

    listing_id: str
    symbol: str
    label_version: str
    """Version of the label rule; labels of different versions are not mixed."""
    labelled_ms: int
    first_seen_ms: int
    end: OutcomeEnd
    planned_ms: int | None
    """Last planned opening before it opened."""
    opened_ms: int | None
    api_ms: int | None
    """First observation as tradable through the API."""
    moved_ms: tuple[int, ...] = ()
    """Times at which its opening was moved."""
    renamed: bool = False
    cluster_size: int = 1
    """Number of listings that opened within the same window, including itself."""
    trades: int = 0
    first_price: float | None = None
    high_ratio: float | None = None
    """Highest price divided by the first."""
    low_ratio: float | None = None
    last_ratio: float | None = None
    """Price at the end of the horizon divided by the first."""
    reference_return: float | None = None
    """Net return of the reference rule; None: it could not have bought, or data is missing."""
    has_gap: bool = False
    """Whether market data is missing within the horizon."""
    traded: bool = False
    """Whether the desk bought it."""

    @property
    def late_ms(self) -> int | None:
        """Return the delay after the planned opening; negative: early."""
        if self.opened_ms is None or self.planned_ms is None:
            return None
        return self.opened_ms - self.planned_ms
