"""Equity marked each second: stored points, day starts and stale prices."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.engine.accounting.equity_monitor import MINUTE_MS
from mexc_tui.model.position import EquityPoint
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.open_position import MIDNIGHT_MS, components_of, engine_with_position
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines


def test_a_point_is_stored_each_minute_and_at_midnight(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            equity, scope = components.safety.equity, components.ledger.scope
            await asyncio.sleep(20)
            await asyncio.sleep(160)
            points = await running.store.read(
                "points", lambda stored: stored.trading(scope).equity.between(0, 2**62, 100)
            )
            minutes = [point.at_ms // MINUTE_MS for point in points]
            assert len(set(minutes)) == 4
            close = next(point for point in reversed(points) if point.at_ms < MIDNIGHT_MS)
            assert MIDNIGHT_MS - close.at_ms < 2_000
            first = next(point for point in points if point.at_ms >= MIDNIGHT_MS)
            assert first.at_ms - MIDNIGHT_MS < 2_000
            assert equity.day_equity == 1_000

    simulate(main, start_ms=MIDNIGHT_MS - 30_000)


def test_an_old_bid_makes_equity_an_estimate_that_triggers_no_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)

            def old(_: str) -> int:
                return 5_001

            monkeypatch.setattr(components.prices, "age_ms", old)
            point = components.safety.equity.mark()
            assert not point.is_complete
            losses = components.safety.equity.losses()
            assert (losses.day_pct, losses.drawdown_pct, losses.exposure_pct) == (None, None, None)

    simulate(main)


def test_a_stored_peak_is_continued_after_an_incomplete_point(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            now_ms = components.port.now_ms()
            high = EquityPoint(at_ms=now_ms, cash=Decimal(1_000), holdings=Decimal(0), peak=Decimal(1_200))
            blind = msgspec.structs.replace(high, at_ms=now_ms + 1, is_complete=False)

            await components.ledger.write("points", lambda desk: desk.tables.equity.add(high))
            await components.ledger.write("points", lambda desk: desk.tables.equity.add(blind))
        async with day.engine() as running:
            components = components_of(running)
            point = components.ledger.state.equity
            assert point is not None
            assert point.peak == 1_200
            fallen = components.safety.equity.losses().drawdown_pct
            assert fallen is not None
            assert 16 < fallen < 17

    simulate(main)
