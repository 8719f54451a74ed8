"""Trade statistics (formulas E5). A trade is a position from its first fill until it is flat."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from statistics import fmean, median

from mexc_tui.model.figure import Figure, FigureUnit, too_few, undefined, wilson_interval
from mexc_tui.model.position import Position
from mexc_tui.model.signal import MIN_N_FOR_RATE
from mexc_tui.risk.metrics.samples import deviation, quantile_of_sorted

MIN_FOR_SQN = 30
MIN_FOR_KELLY = 50
SQN_CAP = 100
KELLY_PART = 0.25
RESAMPLES = 10_000
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """One closed trade; amounts in quote units, prices per base unit."""

    profit: Decimal
    """Net of all fees."""
    fees: Decimal
    notional: Decimal
    """Sum of bought and sold value."""
    planned_risk: Decimal
    """`quantity (entry - initial stop) + costs`; 0 or less: no planned risk."""
    entry: Decimal
    lowest: Decimal
    """Price while it was open; 0: unknown."""
    highest: Decimal
    opened_ms: int
    closed_ms: int

    @property
    def multiple(self) -> float | None:
        """`R = profit / planned risk`; None without a planned risk."""
        return float(self.profit / self.planned_risk) if self.planned_risk > 0 else None


@dataclass(frozen=True, slots=True)
class Kelly:
    """The Kelly fraction, and the part of it to apply within every hard limit."""

    full: Figure
    applied: Figure
    """A quarter of it, never negative."""


@dataclass(frozen=True, slots=True)
class Excursions:
    """Medians of the worst and best unrealised move from entry (Sweeney): adverse ones are negative."""

    adverse: Figure
    favourable: Figure


def trade_of(position: Position) -> ClosedTrade | None:
    """Return a closed position as a trade; None while it is open or when nothing was bought."""
    if position.is_open or position.closed_ms is None or not position.bought_quantity:
        return None
    has_stop = position.initial_stop > 0
    distance = position.entry_price - position.initial_stop if has_stop else ZERO
    planned = position.bought_quantity * distance + position.fees if distance > 0 else ZERO
    # Observed prices are samples: a resting sale may fill above the highest of them.
    sold_at = position.sold_value / position.sold_quantity if position.sold_quantity else ZERO
    return ClosedTrade(
        profit=position.realised,
        fees=position.fees,
        notional=position.bought_value + position.sold_value,
        planned_risk=planned,
        entry=position.entry_price,
        lowest=min(position.low_price, sold_at or position.low_price),
        highest=max(position.high_price, sold_at) if position.high_price else ZERO,
        opened_ms=position.opened_ms,
        closed_ms=position.closed_ms,
    )


def win_rate(trades: Sequence[ClosedTrade]) -> Figure:
    """Return `W / n`, break-even not a win, with its 95 % Wilson interval; a share (formulas E5)."""
    n = len(trades)
    if n < MIN_N_FOR_RATE:
        return too_few(n, MIN_N_FOR_RATE, FigureUnit.SHARE)
    wins = sum(trade.profit > 0 for trade in trades)
    low, high = wilson_interval(wins, n)
    return Figure(value=wins / n, n=n, minimum=MIN_N_FOR_RATE, unit=FigureUnit.SHARE, low=low, high=high)


def profit_factor(trades: Sequence[ClosedTrade]) -> Figure:
    """Return `sum of profits / |sum of losses|`; `n/a (no losses yet)` without one (formulas E5)."""
    n = len(trades)
    losses = sum((-trade.profit for trade in trades if trade.profit < 0), ZERO)
    if n and not losses:
        return undefined(n, MIN_N_FOR_RATE, "no losses yet")
    if n < MIN_N_FOR_RATE:
        return too_few(n, MIN_N_FOR_RATE)
    gains = sum((trade.profit for trade in trades if trade.profit > 0), ZERO)
    return Figure(value=float(gains / losses), n=n, minimum=MIN_N_FOR_RATE)


def payoff_ratio(trades: Sequence[ClosedTrade]) -> Figure:
    """Return `mean win / |mean loss|` (formulas E5)."""
    n = len(trades)
    wins = [float(trade.profit) for trade in trades if trade.profit > 0]
    losses = [float(-trade.profit) for trade in trades if trade.profit < 0]
    if n and not losses:
        return undefined(n, MIN_N_FOR_RATE, "no losses yet")
    if n < MIN_N_FOR_RATE:
        return too_few(n, MIN_N_FOR_RATE)
    return Figure(value=(fmean(wins) if wins else 0.0) / fmean(losses), n=n, minimum=MIN_N_FOR_RATE)


def expectancy(trades: Sequence[ClosedTrade], random: Random, resamples: int = RESAMPLES) -> Figure:
    """Return `mean(profit)`, quote units, with a 95 % bootstrap interval (formulas E5).

    See `bootstrap_interval` for its cost.
    """
    return _mean_figure(
        [float(trade.profit) for trade in trades], FigureUnit.QUOTE, random, resamples=resamples
    )


def expectancy_r(trades: Sequence[ClosedTrade], random: Random, resamples: int = RESAMPLES) -> Figure:
    """Return `mean(R)` of the trades with a planned risk, with a 95 % bootstrap interval (formulas E5)."""
    return _mean_figure(_multiples(trades), FigureUnit.R, random, resamples=resamples)


def bootstrap_interval(
    values: Sequence[float], random: Random, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % quantile of the means of `resamples` draws with replacement (formulas E5).

    The same seed gives the same interval. Takes about 0.08 s of CPU for 10,000 resamples of 100 values and
    grows with both: run it off the event loop beyond a few hundred values.
    """
    n = len(values)
    means = sorted(sum(random.choices(values, k=n)) / n for _ in range(resamples))
    return quantile_of_sorted(means, 0.025), quantile_of_sorted(means, 0.975)


def sqn(trades: Sequence[ClosedTrade]) -> Figure:
    """Return `sqrt(n) mean(R) / s(R)`, n under the root at most 100 (Tharp, formulas E5)."""
    multiples = _multiples(trades)
    n = len(multiples)
    if n < MIN_FOR_SQN:
        return too_few(n, MIN_FOR_SQN)
    spread = deviation(multiples)
    if spread == 0:
        return undefined(n, MIN_FOR_SQN, "no variation")
    return Figure(value=math.sqrt(min(n, SQN_CAP)) * fmean(multiples) / spread, n=n, minimum=MIN_FOR_SQN)


def kelly(trades: Sequence[ClosedTrade]) -> Kelly:
    """Return `f* = p - (1 - p) / b`, p the lower Wilson bound, b the payoff (Kelly 1956, formulas E5).

    Apply at most a quarter of it. Negative: no edge.
    """
    n = len(trades)
    if n < MIN_FOR_KELLY:
        few = too_few(n, MIN_FOR_KELLY, FigureUnit.SHARE)
        return Kelly(few, few)
    payoff = payoff_ratio(trades)
    if not payoff.value:
        why = "no losses yet" if payoff.value is None else "no wins yet"
        none = undefined(n, MIN_FOR_KELLY, why, unit=FigureUnit.SHARE)
        return Kelly(none, none)
    low, _ = wilson_interval(sum(trade.profit > 0 for trade in trades), n)
    full = low - (1 - low) / payoff.value
    applied = max(0.0, full) * KELLY_PART
    return Kelly(
        Figure(value=full, n=n, minimum=MIN_FOR_KELLY, unit=FigureUnit.SHARE),
        Figure(value=applied, n=n, minimum=MIN_FOR_KELLY, unit=FigureUnit.SHARE),
    )


def excursions(trades: Iterable[ClosedTrade]) -> Excursions:
    """Return median MAE and MFE, `lowest / entry - 1` and `highest / entry - 1` (formulas E5).

    Trades without known prices are left out.
    """
    known = [trade for trade in trades if trade.entry > 0 and trade.lowest > 0 and trade.highest > 0]
    return Excursions(
        adverse=_median(
            [_move(trade, trade.lowest) / float(trade.entry) for trade in known], FigureUnit.SHARE, min
        ),
        favourable=_median(
            [_move(trade, trade.highest) / float(trade.entry) for trade in known], FigureUnit.SHARE, max
        ),
    )


def holding_time(trades: Sequence[ClosedTrade]) -> Figure:
    """Return the median of `closed - opened`, milliseconds (formulas E5)."""
    if not trades:
        return too_few(0, 1, FigureUnit.MS)
    return Figure(
        value=float(median(trade.closed_ms - trade.opened_ms for trade in trades)),
        n=len(trades),
        minimum=1,
        unit=FigureUnit.MS,
    )


def time_in_market(positions: Iterable[tuple[int, int]], from_ms: int, until_ms: int) -> Figure:
    """Return the share of the time with a position open (formulas E5); overlaps count once.

    `positions`: (opened, closed) of each; an open one counts until `until_ms`. The total is the period that
    the ledger covers, not the time since the first trade.
    """
    spans = sorted((max(opened, from_ms), min(closed, until_ms)) for opened, closed in positions)
    if until_ms <= from_ms:
        return undefined(len(spans), 1, "no time passed", unit=FigureUnit.SHARE)
    covered, reached = 0, from_ms
    for start, end in spans:
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return Figure(value=covered / (until_ms - from_ms), n=len(spans), minimum=1, unit=FigureUnit.SHARE)


def turnover(trades: Sequence[ClosedTrade], mean_equity: Decimal) -> Figure:
    """Return `sum of notional / mean E`, bought and sold (formulas E5)."""
    if mean_equity <= 0:
        return undefined(len(trades), 1, "no equity")
    return Figure(
        value=float(sum((trade.notional for trade in trades), ZERO) / mean_equity), n=len(trades), minimum=1
    )


def fee_drag(trades: Sequence[ClosedTrade]) -> Figure:
    """Return `sum of fees / sum |gross profit|`, gross: before fees; a share (formulas E5)."""
    gross = sum((abs(trade.profit + trade.fees) for trade in trades), ZERO)
    if not gross:
        return undefined(len(trades), 1, "nothing gained or lost before fees", unit=FigureUnit.SHARE)
    fees = sum((trade.fees for trade in trades), ZERO)
    return Figure(value=float(fees / gross), n=len(trades), minimum=1, unit=FigureUnit.SHARE)


def _mean_figure(values: Sequence[float], unit: FigureUnit, random: Random, *, resamples: int) -> Figure:
    n = len(values)
    if n < MIN_N_FOR_RATE:
        return too_few(n, MIN_N_FOR_RATE, unit)
    low, high = bootstrap_interval(values, random, resamples)
    return Figure(value=fmean(values), n=n, minimum=MIN_N_FOR_RATE, unit=unit, low=low, high=high)


def _multiples(trades: Iterable[ClosedTrade]) -> list[float]:
    return [multiple for trade in trades if (multiple := trade.multiple) is not None]


def _move(trade: ClosedTrade, price: Decimal) -> float:
    return float(price - trade.entry)


def _median(moves: Sequence[float], unit: FigureUnit, bound: Callable[[float, float], float]) -> Figure:
    """An excursion starts at the entry: the worst one is never a gain, the best one never a loss."""
    if not moves:
        return too_few(0, 1, unit)
    return Figure(value=median(bound(0.0, move) for move in moves), n=len(moves), minimum=1, unit=unit)
