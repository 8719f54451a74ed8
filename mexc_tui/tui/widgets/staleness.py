"""How old the data of a pane are, and how old data are marked. Pure: the moment is passed in."""

from dataclasses import dataclass, field

from mexc_tui.tui.widgets.text import age, utc

OLD_MS = 1_500
"""Older answers are marked: what is painted a little later because of it is still younger than 2 s."""
OLD_VIEWS_MS = 1_200
"""Older views are marked: they are renewed four times a second."""


@dataclass(frozen=True, slots=True)
class StaleMark:
    """How a pane says that its data are old. Without words they are current."""

    words: str = ""
    is_dim: bool = False
    """Whether the data are older than they ever are while all is well."""


CURRENT = StaleMark()


@dataclass(frozen=True, slots=True)
class AnswerAge:
    """One answer that a pane is drawn from."""

    of_ms: int
    """When its data were current, exchange's time."""
    age_ms: float
    """How old they are."""
    asked_ms: float
    """How long ago it was asked for."""
    every_ms: float
    """How often it is asked for."""

    @property
    def is_rare(self) -> bool:
        """Whether it is asked for so rarely that it is old in between."""
        return self.every_ms >= OLD_MS

    @property
    def is_overdue(self) -> bool:
        """Whether a newer one should have come."""
        return self.asked_ms > self.every_ms + OLD_MS


@dataclass(slots=True)
class Answered:
    """The answers that one pane is drawn from."""

    ages: list[AnswerAge] = field(default_factory=list[AnswerAge])

    def mark(self) -> StaleMark:
        """Return the mark of the pane.

        Old answers say of when they are, and so do those that are asked for rarely; overdue ones are dimmed.
        """
        oldest_ms = max((one.age_ms for one in self.ages), default=0.0)
        if any(one.is_overdue for one in self.ages):
            return StaleMark(f"OLD: {age(oldest_ms)}", is_dim=True)
        if oldest_ms > OLD_MS or any(one.is_rare for one in self.ages):
            return StaleMark(f"as of {utc(min(one.of_ms for one in self.ages))}")
        return CURRENT

    def left_ms(self) -> float:
        """Return how long this mark stays right if no answer comes; infinite if for ever."""
        limits = [(OLD_MS, one.age_ms) for one in self.ages]
        limits += [(one.every_ms + OLD_MS, one.asked_ms) for one in self.ages]
        return min((limit - so_far for limit, so_far in limits if limit >= so_far), default=float("inf"))
