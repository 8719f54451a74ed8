"""Quality of probabilities: calibration error and the components of the Brier score (formulas E7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

Forecast = tuple[float, bool]
"""A probability in 0..1, and whether the claim was correct."""

BINS = 10


@dataclass(frozen=True, slots=True)
class Murphy:
    """Brier = reliability - resolution + uncertainty (Murphy 1973), over groups of equal probabilities."""

    reliability: float
    """Squared difference between predicted and observed frequencies; 0 is perfect."""
    resolution: float
    """Squared difference between observed frequencies and the base rate; higher is better."""
    uncertainty: float
    """Variance of the base rate, independent of the forecasts."""


def calibration_error(forecasts: Sequence[Forecast], bins: int = BINS) -> float | None:
    """Return the expected calibration error over bins of about equal size. None without cases.

    Equal probabilities stay in one bin, so the order of the cases does not matter.
    """
    if not forecasts:
        return None
    n, before = len(forecasts), 0
    gaps = [0.0] * bins
    for value, group in groupby(sorted(forecasts), key=lambda forecast: forecast[0]):
        hits = [hit for _, hit in group]
        middle = before + len(hits) / 2
        gaps[int(middle * bins / n)] += len(hits) * value - sum(hits)
        before += len(hits)
    return sum(map(abs, gaps)) / n


def murphy(forecasts: Sequence[Forecast]) -> Murphy | None:
    """Return the components of the Brier score. None without cases."""
    if not forecasts:
        return None
    n = len(forecasts)
    base = sum(hit for _, hit in forecasts) / n
    reliability = resolution = 0.0
    for value, equal in groupby(sorted(forecasts), key=lambda forecast: forecast[0]):
        hits = [hit for _, hit in equal]
        rate = sum(hits) / len(hits)
        reliability += len(hits) * (value - rate) ** 2
        resolution += len(hits) * (rate - base) ** 2
    return Murphy(reliability / n, resolution / n, base * (1 - base))
