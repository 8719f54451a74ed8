"""P&L of the UTC day: from midnight on, regardless of halts, resumes and restarts."""

import asyncio
from decimal import Decimal as D
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.accounting.equity_monitor import DAY_MS
from mexc_tui.engine.views.risk_rows import RiskMonitorView, risk_row
from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.model.trading_view import RiskRow
from mexc_tui.risk.candidate import RiskBook, RiskLimits
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.open_position import MIDNIGHT_MS, components_of, engine_with_position
from tests.support.samples import position_samples

pytestmark = pytest.mark.timeout(120)  # runs whole engines


async def risk_of(running: RunningEngine) -> RiskRow:
    face = await trading_queries(running.engine)
    assert face is not None
    return face.risk()


def test_the_days_result_stays_after_an_emergency_stop_a_resume_and_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (day, running, _closer):
            safety = components_of(running).safety
            await safety.emergency_stop.emergency_stop("ann")
            await asyncio.sleep(2)
            made = (await risk_of(running)).day_pnl
            assert made
            await safety.emergency_stop.resume("ann", "resume")
            await asyncio.sleep(2)
            resumed = await risk_of(running)
            assert resumed.day_pnl == made
            assert resumed.day_pct
            assert safety.equity.day_equity == 1_000
            assert safety.equity.limit_equity == 1_000 + made
        async with day.engine() as running:
            restarted = await risk_of(running)
            assert (restarted.day_pnl, restarted.day_pct) == (made, resumed.day_pct)
            assert components_of(running).safety.equity.limit_equity == 1_000 + made

    simulate(main)


def test_a_day_begins_with_the_last_mark_before_midnight_also_after_restarts(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (day, running, _closer):
            equity, scope = components_of(running).safety.equity, components_of(running).ledger.scope
            await asyncio.sleep(15)
            assert components_of(running).port.now_ms() > MIDNIGHT_MS
            start = equity.day_equity
            points = await running.store.read(
                "points", lambda stored: stored.trading(scope).equity.between(0, MIDNIGHT_MS, 1_000)
            )
            assert MIDNIGHT_MS - points[-1].at_ms <= 1_500
            assert points[-1].equity == start
        for _ in range(2):
            async with day.engine() as running:
                await asyncio.sleep(2)
                assert components_of(running).safety.equity.day_equity == start

    simulate(main, start_ms=MIDNIGHT_MS - 55_000)
    assert MIDNIGHT_MS % DAY_MS == 0


@pytest.mark.parametrize("day_equity", [D(1_010), None])
def test_with_a_missing_price_neither_day_pnl_nor_loss_limit_is_stated(day_equity: D | None) -> None:
    book = RiskBook(equity=None, peak=D(1_250), free_cash=D(970), day_equity=D(1_010))
    guarded = RiskMonitorView(day_equity=day_equity)
    row = risk_row(
        position_samples.ledger_state(),
        book,
        guarded,
        limits=RiskLimits(),
        context=position_samples.row_context(None, None),
        now_ms=MIDNIGHT_MS,
    )
    assert (row.day_pnl, row.day_pct, row.drawdown_pct) == (None, None, None)
    used = {one.name: (one.used, one.share) for one in row.limits}
    assert used["daily_loss"] == used["drawdown"] == (None, None)
