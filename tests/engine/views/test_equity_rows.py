"""Equity series for charts, from a real store."""

from decimal import Decimal as D
from functools import partial
from pathlib import Path

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.engine.views.equity_rows import DAY_MS, equity_of
from mexc_tui.model.plan_view import EquityRow
from mexc_tui.model.position import EquityPoint
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.samples.trading_samples import SCOPE

START_MS = 20_000 * DAY_MS + 3_600_000
MINUTE_MS = 60_000


def point(at_ms: int, cash: str, peak: str = "100", *, is_complete: bool = True) -> EquityPoint:
    return EquityPoint(at_ms=at_ms, cash=D(cash), holdings=D(0), peak=D(peak), is_complete=is_complete)


async def told(
    folder: Path, points: list[EquityPoint], now_ms: int, since_ms: int = 0, most: int = 500
) -> EquityRow:
    store = await SqliteStore.open(folder / "desk.sqlite3", SystemClock())
    try:
        for some in (points[at : at + 500] for at in range(0, len(points), 500)):
            await store.write("points", partial(add_all, some))
        return await store.read(
            "equity", lambda stored: equity_of(stored.trading(SCOPE).equity, since_ms, now_ms, most=most)
        )
    finally:
        await store.close()


def add_all(points: list[EquityPoint], unit: UnitOfWork) -> None:
    for one in points:
        unit.trading(SCOPE).equity.add(one)


async def test_each_point_has_its_drawdown(tmp_path: Path) -> None:
    points = [
        point(START_MS, "100"),
        point(START_MS + MINUTE_MS, "90"),
        point(START_MS + 2 * MINUTE_MS, "50", is_complete=False),
        point(START_MS + 3 * MINUTE_MS, "95"),
    ]
    row = await told(tmp_path, points, START_MS + 4 * MINUTE_MS)
    assert [one.drawdown_pct for one in row.points] == [0, 10, None, 5]
    assert (row.peak, row.worst_drawdown_pct, row.step_ms) == (D(100), D(10), 0)
    assert (row.since_ms, row.is_sampled) == (START_MS, False)


async def test_a_day_of_minutes_is_sampled_and_keeps_its_low_and_high(tmp_path: Path) -> None:
    points = [point(START_MS + at * MINUTE_MS, str(80 + at % 20)) for at in range(1_440)]
    points[701] = point(points[701].at_ms, "11")
    points[702] = point(points[702].at_ms, "100")
    row = await told(tmp_path, points, points[-1].at_ms, most=100)
    assert len(row.points) <= 100
    assert min(one.equity for one in row.points) == 11
    assert max(one.equity for one in row.points) == 100
    assert [one.at_ms for one in row.points] == sorted({one.at_ms for one in row.points})
    assert (row.points[0].at_ms, row.points[-1].at_ms) == (points[0].at_ms, points[-1].at_ms)
    assert row.step_ms > MINUTE_MS


async def test_a_sampled_month_is_marked_as_sampled(tmp_path: Path) -> None:
    points = [point(START_MS + at * 6 * 3_600_000, str(100 + at)) for at in range(120)]
    row = await told(tmp_path, points, points[-1].at_ms + 1, most=50)
    assert row.is_sampled
    assert len(row.points) <= 50
    assert row.points[-1].equity == 219
    assert len(row.days) == 29
    assert row.days[0].equity == points[3].equity, "the close of the first day"


async def test_only_the_requested_period_is_returned(tmp_path: Path) -> None:
    points = [point(START_MS + at * MINUTE_MS, "100") for at in range(10)]
    row = await told(tmp_path, points, points[-1].at_ms, since_ms=points[4].at_ms)
    assert [one.at_ms for one in row.points] == [one.at_ms for one in points[4:]]


async def test_without_points_the_series_is_empty(tmp_path: Path) -> None:
    row = await told(tmp_path, [], START_MS)
    assert (row.points, row.peak, row.worst_drawdown_pct, row.days) == ((), None, None, ())
