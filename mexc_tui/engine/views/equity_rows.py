"""Equity curve from stored points, reduced for drawing; lows and highs are preserved where all are read."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.ledger.arithmetic import exactly
from mexc_tui.ledger.equity import drawdown
from mexc_tui.model.digits import SHOWN
from mexc_tui.model.plan_view import DayStartRow, EquityPointRow, EquityRow
from mexc_tui.model.position import EquityPoint
from mexc_tui.ports.trading_store import EquityTable
from mexc_tui.sniping.rounding import HUNDRED

DAY_MS = 86_400_000
WHOLE_MS = 2 * DAY_MS
"""Longest span for which every point is read: one a minute, and one for each fill."""
MOST_READ = 10_000
CLOSES = 400


@exactly
def equity_of(
    table: EquityTable, since_ms: int, now_ms: int, *, most: int, live: EquityPoint | None = None
) -> EquityRow:
    """Return equity since a time (0: the first point), in at most `most` points.

    `live`: current equity, the last point of the curve.
    """
    closes = table.daily_closes(CLOSES)
    first = table.between(since_ms, now_ms + 1, 1)
    oldest_ms = min((point.at_ms for point in (*closes, *first) if point.at_ms >= since_ms), default=now_ms)
    is_sampled = now_ms - oldest_ms > WHOLE_MS
    step_ms = 0
    if is_sampled:
        step_ms = -(-(now_ms + 1 - oldest_ms) // max(most - 2, 1))
        points = _sampled(table, closes, oldest_ms, now_ms=now_ms, step_ms=step_ms)
    else:
        points = table.between(oldest_ms, now_ms + 1, MOST_READ)
    if live is not None and (not points or live.at_ms > points[-1].at_ms):
        points.append(live)
    latest = points[-1:] if points else []
    worst = max((fall for point in points if (fall := drawdown(point)) is not None), default=None)
    if len(points) > most:
        step_ms = -(-(now_ms + 1 - oldest_ms) // max((most - 2) // 2, 1))
        points = [points[0], *_extremes(points[1:-1], oldest_ms, step_ms), *latest][-most:]
    return EquityRow(
        since_ms=since_ms or oldest_ms,
        until_ms=now_ms,
        quote_asset=QUOTE,
        points=tuple(map(point_row, points)),
        peak=latest[0].peak if latest else None,
        worst_drawdown_pct=_pct(worst),
        days=tuple(_days(points, closes, oldest_ms, now_ms=now_ms)),
        step_ms=step_ms,
        is_sampled=is_sampled,
    )


def point_row(point: EquityPoint) -> EquityPointRow:
    """Return the row of one point."""
    return EquityPointRow(
        at_ms=point.at_ms,
        equity=point.equity,
        drawdown_pct=_pct(drawdown(point)),
        is_complete=point.is_complete,
    )


def _sampled(
    table: EquityTable, closes: Sequence[EquityPoint], oldest_ms: int, *, now_ms: int, step_ms: int
) -> list[EquityPoint]:
    """Return the first point of each slice (only closes are kept for past days), and the newest point."""
    found = {(point.at_ms - oldest_ms) // step_ms: point for point in closes if point.at_ms >= oldest_ms}
    for number, start_ms in enumerate(range(oldest_ms, now_ms + 1, step_ms)):
        found.update((number, point) for point in table.between(start_ms, start_ms + step_ms, 1))
    latest = table.latest()
    points = [found[number] for number in sorted(found)]
    if latest is not None and points and latest.at_ms > points[-1].at_ms:
        points.append(latest)
    return points


def _extremes(points: Iterable[EquityPoint], oldest_ms: int, step_ms: int) -> list[EquityPoint]:
    """Return the lowest and the highest point of each slice, in order."""
    slices = dict[int, list[EquityPoint]]()
    for point in points:
        slices.setdefault((point.at_ms - oldest_ms) // step_ms, []).append(point)
    kept = list[EquityPoint]()
    for found in slices.values():
        low, high = min(found, key=lambda point: point.equity), max(found, key=lambda point: point.equity)
        kept.extend((low,) if low is high else sorted((low, high), key=lambda point: point.at_ms))
    return kept


def _days(
    points: Sequence[EquityPoint], closes: Sequence[EquityPoint], oldest_ms: int, *, now_ms: int
) -> Iterable[DayStartRow]:
    """Yield the start of each UTC day of the span."""
    for start_ms in range(oldest_ms - oldest_ms % DAY_MS + DAY_MS, now_ms + 1, DAY_MS):
        before = [point for point in closes if start_ms - DAY_MS <= point.at_ms < start_ms]
        after = [point for point in points if start_ms <= point.at_ms < start_ms + DAY_MS]
        at_start = before[-1:] or after[:1]
        yield DayStartRow(at_ms=start_ms, equity=at_start[0].equity if at_start else None)


def _pct(ratio: Decimal | None) -> Decimal | None:
    return None if ratio is None else SHOWN.plus(ratio * HUNDRED)
