"""Data age of panes and marks of stale data."""

from dataclasses import dataclass, field

from mexc_tui.tui.widgets.text import age, utc

OLD_MS = 1_500
"""Mark query results older than this: the repaint still happens within 2 s."""
OLD_VIEWS_MS = 1_200
"""Mark views older than this; they are updated four times per second."""


@dataclass(frozen=True, slots=True)
class StaleMark:
    """Staleness mark of a pane. Empty text: current."""

    text: str = ""
    is_dim: bool = False
    """Whether the data is overdue."""


CURRENT = StaleMark()


@dataclass(frozen=True, slots=True)
class ResponseAge:
    """One query result used by a pane."""

    as_of_ms: int
    """Exchange time of its data."""
    age_ms: float
    """Age of the data."""
    since_query_ms: float
    """Time since the query."""
    every_ms: float
    """Query interval."""

    @property
    def is_rare(self) -> bool:
        """Whether it becomes old between two queries."""
        return self.every_ms >= OLD_MS

    @property
    def is_overdue(self) -> bool:
        """Whether a newer result is overdue."""
        return self.since_query_ms > self.every_ms + OLD_MS


@dataclass(slots=True)
class ShownResponses:
    """Query results used by one pane."""

    ages: list[ResponseAge] = field(default_factory=list[ResponseAge])

    def mark(self) -> StaleMark:
        """Return the mark of the pane.

        Old results and rarely repeated ones state their time; overdue ones are dimmed.
        """
        oldest_ms = max((response.age_ms for response in self.ages), default=0.0)
        if any(response.is_overdue for response in self.ages):
            return StaleMark(f"OLD: {age(oldest_ms)}", is_dim=True)
        if oldest_ms > OLD_MS or any(response.is_rare for response in self.ages):
            return StaleMark(f"as of {utc(min(response.as_of_ms for response in self.ages))}")
        return CURRENT

    def left_ms(self) -> float:
        """Return how long this mark stays valid without a new result; may be infinite."""
        limits = [(OLD_MS, response.age_ms) for response in self.ages]
        limits += [(response.every_ms + OLD_MS, response.since_query_ms) for response in self.ages]
        return min((limit - so_far for limit, so_far in limits if limit >= so_far), default=float("inf"))
