"""How honest probabilities were: calibration and what Brier's score is made of (formulas E7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

Forecast = tuple[float, bool]
"""A probability in 0..1, and whether it came true."""

BINS = 10


@dataclass(frozen=True, slots=True)
class Murphy:
    """Brier = reliability - resolution + uncertainty (Murphy 1973), over groups of equal probabilities."""

    reliability: float
    """How far what was said lies from what came of it; 0 is perfect."""
    resolution: float
    """How far the groups lie from the base rate; higher is better."""
    uncertainty: float
    """Of the base rate alone: nobody's merit or fault."""


def calibration_error(forecasts: Sequence[Forecast], bins: int = BINS) -> float | None:
    """Return the expected calibration error over bins of about as many cases each. None without a case.

    Equal probabilities stay in one bin, so the order of the cases does not matter.
    """
    if not forecasts:
        return None
    n, before = len(forecasts), 0
    gaps = [0.0] * bins
    for value, group in groupby(sorted(forecasts), key=lambda one: one[0]):
        hits = [hit for _, hit in group]
        middle = before + len(hits) / 2
        gaps[int(middle * bins / n)] += len(hits) * value - sum(hits)
        before += len(hits)
    return sum(map(abs, gaps)) / n


def murphy(forecasts: Sequence[Forecast]) -> Murphy | None:
    """Return the parts of Brier's score. None without a case."""
    if not forecasts:
        return None
    n = len(forecasts)
    base = sum(hit for _, hit in forecasts) / n
    reliability = resolution = 0.0
    for value, equal in groupby(sorted(forecasts), key=lambda one: one[0]):
        hits = [hit for _, hit in equal]
        rate = sum(hits) / len(hits)
        reliability += len(hits) * (value - rate) ** 2
        resolution += len(hits) * (rate - base) ** 2
    return Murphy(reliability / n, resolution / n, base * (1 - base))
