"""Returns from stored equity, adjusted for flows (formulas E0)."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from mexc_tui.model.position import EquityPoint

DAY_MS = 86_400_000


def daily(points: Iterable[EquityPoint]) -> tuple[EquityPoint, ...]:
    """Return the last complete point of each UTC day; `points`: oldest first.

    A day without one repeats the day before, so that days without trades count.
    """
    days: list[EquityPoint] = []
    today: int | None = None
    for point in points:
        if not point.is_complete:
            continue
        day = point.at_ms // DAY_MS
        if today is not None and day == today:
            days[-1] = point
            continue
        if today is not None:
            days.extend(days[-1:] * (day - today - 1))
        days.append(point)
        today = day
    return tuple(days)


def period_returns(points: Sequence[EquityPoint]) -> tuple[float, ...]:
    """Return `r_t = (E_t - F_t) / E_(t-1) - 1`, F the net flow within the period (time-weighted return).

    Points are complete and oldest first. A period that starts without equity has no return.
    """
    found: list[float] = []
    for before, after in pairwise(points):
        if before.equity > 0:
            flow = after.flows - before.flows
            found.append(float((after.equity - flow) / before.equity) - 1)
    return tuple(found)


def index_of(returns: Iterable[float]) -> tuple[float, ...]:
    """Return the flow-adjusted index, starting with 1, from which drawdowns are computed (formulas E3)."""
    level = 1.0
    found = [level]
    for value in returns:
        level *= 1 + value
        found.append(level)
    return tuple(found)
