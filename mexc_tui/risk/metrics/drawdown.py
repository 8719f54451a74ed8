"""How far below its peak equity is, and was (formulas E3)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean
from typing import NamedTuple

from mexc_tui.model.figure import Figure, FigureUnit, too_few, undefined

ZERO = Decimal(0)


class Moment(NamedTuple):
    """Equity (flows taken out) or the flow-adjusted index at one time; not negative."""

    at_ms: int
    equity: Decimal


@dataclass(frozen=True, slots=True)
class LiveDrawdown:
    """Against the stored peak, which a restart does not reset."""

    peak: Decimal
    """To be stored: the old one, or equity if that is higher."""
    amount: Decimal
    """`peak - equity`, quote units."""
    share: Figure


@dataclass(frozen=True, slots=True)
class MaxDrawdown:
    """The deepest fall of a series."""

    share: Figure
    amount: Decimal
    """From its peak to its trough, quote units."""
    start_ms: int | None
    """The peak's time; None: it never fell."""
    trough_ms: int | None
    recovered_ms: int | None
    """When the peak was reached again; None: not yet."""
    longest_under_water_ms: int
    """Of any fall, from its peak until recovery or the last moment."""

    @property
    def recovery_ms(self) -> int | None:
        """From trough to recovery; None while under water."""
        if self.trough_ms is None or self.recovered_ms is None:
            return None
        return self.recovered_ms - self.trough_ms


def live_drawdown(equity: Decimal, stored_peak: Decimal) -> LiveDrawdown:
    """Return `D = 1 - E / M`, a share, M the stored peak or equity if higher (formulas E3).

    Flows are taken out of both before (see `peak_after_flow`).
    """
    peak = max(stored_peak, equity)
    if peak <= 0:
        return LiveDrawdown(peak, ZERO, undefined(1, 1, "no equity", FigureUnit.SHARE))
    return LiveDrawdown(peak, peak - equity, Figure(float(1 - equity / peak), 1, 1, unit=FigureUnit.SHARE))


def max_drawdown(moments: Sequence[Moment]) -> MaxDrawdown:
    """Return `MDD = max D_t` with its story (formulas E3); moments come oldest first."""
    n = len(moments)
    if n < 2:
        return MaxDrawdown(too_few(n, 2, FigureUnit.SHARE), ZERO, None, None, None, 0)
    fall = _deepest(moments)
    if fall is None:
        return MaxDrawdown(Figure(0.0, n, 2, unit=FigureUnit.SHARE), ZERO, None, None, None, 0)
    peak, place = fall
    trough = moments[place]
    recovered = next((one.at_ms for one in moments[place + 1 :] if one.equity >= peak.equity), None)
    return MaxDrawdown(
        share=Figure(_depth(trough.equity, peak.equity), n, 2, unit=FigureUnit.SHARE),
        amount=peak.equity - trough.equity,
        start_ms=peak.at_ms,
        trough_ms=trough.at_ms,
        recovered_ms=recovered,
        longest_under_water_ms=_longest_under_water(moments),
    )


def ulcer_index(moments: Sequence[Moment]) -> Figure:
    """Return `UI = sqrt(mean(D_t^2))`, a share (Martin 1987, formulas E3)."""
    n = len(moments)
    if n < 2:
        return too_few(n, 2, FigureUnit.SHARE)
    peak, squares = ZERO, list[float]()
    for moment in moments:
        peak = max(peak, moment.equity)
        squares.append(_depth(moment.equity, peak) ** 2)
    return Figure(math.sqrt(fmean(squares)), n, 2, unit=FigureUnit.SHARE)


def day_change(equity: Decimal, at_midnight: Decimal, net_flow: Decimal = ZERO) -> Figure:
    """Return `(E_now - F) / E_00:00 - 1`, a share, open P&L included; negative is a loss (formulas E3).

    `net_flow` is deposits less withdrawals since 00:00 UTC.
    """
    if at_midnight <= 0:
        return undefined(1, 1, "no equity at midnight", FigureUnit.SHARE)
    return Figure(float((equity - net_flow) / at_midnight - 1), 1, 1, unit=FigureUnit.SHARE)


def _deepest(moments: Sequence[Moment]) -> tuple[Moment, int] | None:
    """Return the deepest fall's peak and the place of its trough, the earlier of equals; None: no fall."""
    top, deepest, found = moments[0], 0.0, None
    for place, moment in enumerate(moments):
        if moment.equity >= top.equity:
            top = moment
        depth = _depth(moment.equity, top.equity)
        if depth > deepest:
            deepest, found = depth, (top, place)
    return found


def _longest_under_water(moments: Sequence[Moment]) -> int:
    """The first moment at or above an old peak ends a fall; two peaks side by side are none."""
    top, is_under, longest = moments[0], False, 0
    for moment in moments:
        is_below = moment.equity < top.equity
        if is_below or is_under:
            longest = max(longest, moment.at_ms - top.at_ms)
        if not is_below:
            top = moment
        is_under = is_below
    return longest


def _depth(equity: Decimal, peak: Decimal) -> float:
    return float(1 - equity / peak) if peak > 0 else 0.0
