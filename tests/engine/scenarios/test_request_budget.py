"""Requests of the workers fit the request budget without delays."""

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest

from mexc_tui.engine.runtime.weight_allowance import WeightAllowance
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.practice.scenario import FaultKind, FaultPlan, MarketPlan, Scenario, load
from mexc_tui.practice.server import PracticeServer
from mexc_tui.practice.session import ExchangeSession
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import components_of, until
from tests.support.engine.opening_day import listing, scenario
from tests.support.engine.practice_day import DAY, PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

BUSY = load("listing-day")


def small(scenario: Scenario, weight: int) -> Scenario:
    """Return the same day with few pairs besides its listings, on an exchange that allows this weight."""
    market = MarketPlan(symbols=40, active_pairs=2, trades_per_s=0.5)
    settings = {**scenario.settings, "weight_per_10s": weight}
    knobs = msgspec.structs.replace(scenario.knobs, ip_weight_per_10s=weight)
    return msgspec.structs.replace(scenario, market=market, knobs=knobs, settings=settings)


@pytest.mark.parametrize(("weight", "day_s"), [(300, 90), (150, 45)])
def test_no_poll_waits_and_no_limit_is_reached_over_a_listing_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, weight: int, day_s: int
) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path, small(BUSY, weight))
        await day.open()
        async with day.engine() as running:
            market = running.engine.parts.market
            for _ in range(day_s):
                await asyncio.sleep(1)
                assert all(lane.used <= lane.limit for lane in market.budget_row().lanes)
            rows = {row.source: row for row in running.engine.polls.rows()}
            assert all(row.failures == 0 and not row.problem for row in rows.values()), rows

    with caplog.at_level(logging.WARNING):
        simulate(main, seed=5)
    told = [record.getMessage() for record in caplog.records]
    assert not [words for words in told if "wait" in words or "room" in words or "429" in words], told


def test_an_allowance_grants_a_burst_and_then_its_refill() -> None:
    async def main(sim: Simulation) -> None:
        allowance = WeightAllowance(sim.clock, burst=30, per_s=10)
        began_s = sim.clock.monotonic_ns() / 1e9
        taken_s: list[int] = []
        for _ in range(6):
            await allowance.acquire(10)
            taken_s.append(round(sim.clock.monotonic_ns() / 1e9 - began_s))
        assert taken_s == [0, 0, 0, 1, 2, 3]
        await asyncio.sleep(60)
        for _ in range(4):
            await allowance.acquire(10)
        assert round(sim.clock.monotonic_ns() / 1e9 - began_s) == 64

    simulate(main, seed=1)


def test_a_source_not_polled_for_long_is_logged_once_and_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ban = FaultPlan(kind=FaultKind.BANNED, at_s=20, times=1, path="/api/v3/defaultSymbols", amount_ms=90_000)

    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path, msgspec.structs.replace(DAY, faults=(ban,)))
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(100)
            during = {row.source: row.problem for row in running.engine.polls.rows()}
            assert "not polled for" in during["selfSymbols"]
            assert "not polled for" in during["exchangeInfo"]
            assert during["calendar"] == during["symbolsV2"] == ""  # pages of the web site
            await asyncio.sleep(30)
            assert not [row for row in running.engine.polls.rows() if row.problem]

    with caplog.at_level(logging.WARNING):
        simulate(main, seed=1)
    told = [record.getMessage() for record in caplog.records if record.name.endswith("poll_worker")]
    silent = [words.split()[0] for words in told if "is not polled" in words]
    assert sorted(silent) == sorted(set(silent))
    assert set(silent) >= {"selfSymbols", "exchangeInfo"}
    assert not [words for words in told if "the request budget allows it only" in words]


class CountingSession(ExchangeSession):
    """Notes when the orders of a pair were listed."""

    def __init__(self, plan: Scenario, seed: int, start_ms: int) -> None:
        super().__init__(plan, seed, start_ms)
        self.listed_ms: list[int] = []

    def all_orders(
        self, symbol: str, start_ms: int | None = None, end_ms: int | None = None, *, limit: int = 500
    ) -> list[OrderRecord]:
        self.listed_ms.append(self.now_ms)
        return super().all_orders(symbol, start_ms, end_ms, limit=limit)

    def most_within(self, span_ms: int, since_ms: int) -> int:
        """Return in how many questions the fullest window of this length had."""
        times = [at_ms for at_ms in self.listed_ms if at_ms >= since_ms]
        return max(sum(start <= at_ms < start + span_ms for at_ms in times) for start in times)


MANY = 9


def test_confirming_missing_coins_of_many_positions_fits_the_budget(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = scenario(
        *(listing(f"C{number}", opens_s=40.0 + 2 * number) for number in range(MANY)),
        max_positions=MANY,
        max_snipes=3,
        max_trades_hour=60,
        max_trades_day=60,
        exposure_cap_pct=90,
        advance_s=100,
        entry_early_ms=0,
        reconcile_s=10,
    )

    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path, plan)
        session = CountingSession(plan, 1, sim.clock.now_ms())
        day.server = PracticeServer(plan, 1, sim.clock, session=session)
        await day.open()
        async with day.engine() as running:
            memory = components_of(running).ledger.state
            await until(lambda: len(memory.positions) == MANY, 90)
            await asyncio.sleep(12)
            caplog.clear()
            gone_ms = session.now_ms
            for balance in session.balances():
                if balance.asset != "USDT":
                    session.deposit(balance.asset, -balance.free)
            await until(lambda: not memory.positions, 90)
            assert session.now_ms - gone_ms >= 30_000  # never after one answer
            assert session.most_within(11_000, gone_ms) * 10 <= 120 + 11 * 10
            polls = running.engine.polls.rows()
            assert not [row for row in polls if row.problem], polls

    with caplog.at_level(logging.WARNING):
        simulate(main, seed=1)
    told = [record.getMessage() for record in caplog.records]
    assert not [words for words in told if "wait" in words or "room" in words or "429" in words], told
