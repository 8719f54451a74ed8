"""Current and past drawdown of equity (formulas E3)."""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from statistics import fmean
from typing import NamedTuple

from mexc_tui.model.figure import Figure, FigureUnit, too_few

ZERO = Decimal(0)


class Moment(NamedTuple):
    """Equity (flows taken out) or the flow-adjusted index at one time; not negative."""

    at_ms: int
    equity: Decimal


def max_drawdown(moments: Sequence[Moment]) -> Figure:
    """Return `MDD = max D_t`, a share (formulas E3); oldest moment first."""
    n = len(moments)
    if n < 2:
        return too_few(n, 2, FigureUnit.SHARE)
    return Figure(value=max(_depths(moments)), n=n, minimum=2, unit=FigureUnit.SHARE)


def ulcer_index(moments: Sequence[Moment]) -> Figure:
    """Return `UI = sqrt(mean(D_t^2))`, a share (Martin 1987, formulas E3)."""
    n = len(moments)
    if n < 2:
        return too_few(n, 2, FigureUnit.SHARE)
    return Figure(
        value=math.sqrt(fmean(depth**2 for depth in _depths(moments))), n=n, minimum=2, unit=FigureUnit.SHARE
    )


def _depths(moments: Sequence[Moment]) -> Iterator[float]:
    """Yield the drawdown of each moment from the highest equity so far."""
    peak = ZERO
    for moment in moments:
        peak = max(peak, moment.equity)
        yield _depth(moment.equity, peak)


def _depth(equity: Decimal, peak: Decimal) -> float:
    return float(1 - equity / peak) if peak > 0 else 0.0
