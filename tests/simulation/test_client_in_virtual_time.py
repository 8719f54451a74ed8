"""The real client against the practice exchange at MEXC's address, in virtual time."""

import asyncio

from mexc_tui.exchange.client import MexcClient
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.practice.scenario import MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer
from mexc_tui.simulation.run import Simulation, simulate


async def an_hour(sim: Simulation) -> tuple[int, str]:
    """Measure the clock and read the account every minute; return the responses and the history digest."""
    scenario = Scenario(name="quiet", market=MarketPlan(symbols=20, active_pairs=1, trades_per_s=0.1))
    server = PracticeServer(scenario, 1, sim.clock)
    host = await sim.network.serve("api.mexc.com", 443, server.application())
    host.latency_s = (0.02, 0.2)
    answers = 0
    async with MexcClient(
        "https://api.mexc.com",
        clock=sim.clock,
        rng=sim.rng,
        connector=sim.network.connector(),
        credentials=Credentials(server.api_key, Secret(server.api_secret)),
    ) as client:
        for _ in range(60):
            await client.measure_clock()
            account = await client.account.account()
            answers += len(account.balances)
            await asyncio.sleep(60)
    return answers, sim.network.trace_hash()


def test_an_hour_of_signed_requests_succeeds_and_is_reproducible() -> None:
    first = simulate(an_hour, seed=3)
    assert first[0] == 60
    assert simulate(an_hour, seed=3) == first
