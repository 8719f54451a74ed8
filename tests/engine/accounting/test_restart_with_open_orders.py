"""A restart queries the order history only of pairs that open orders and balances do not settle."""

import asyncio
from pathlib import Path

import pytest

from mexc_tui.model.intent import OrderState
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import NO_JITTER
from tests.support.engine.monitored_position import SYMBOL, buy, components_of, day_with, until

pytestmark = pytest.mark.timeout(120)  # runs whole engines

NO_HISTORY = FaultPlan(kind=FaultKind.MAINTENANCE, path="/api/v3/allOrders", method="GET", at_s=45, for_s=600)


@pytest.mark.parametrize("is_cancelled_meanwhile", [False, True])
def test_a_resting_order_is_settled_without_history_unless_it_is_missing(
    tmp_path: Path, is_cancelled_meanwhile: bool
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, listing=NO_JITTER, faults=(NO_HISTORY,))
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await buy(running)
            await until(lambda: components.ledger.state.live_orders(SYMBOL))
            await asyncio.sleep(5)
            resting = {order.client_order_id for order in components.ledger.state.live_orders(SYMBOL)}
        if is_cancelled_meanwhile:
            day.server.session.cancel_all(SYMBOL)
        async with day.engine() as running:
            components = components_of(running)
            await until(lambda: components.reconciler.has_compared)
            run = components.ledger.state.reconciled
            assert run is not None
            assert (SYMBOL in run.problem) is is_cancelled_meanwhile
            if not is_cancelled_meanwhile:
                await until(lambda: components.reconciler.is_done, 10)
                live = components.ledger.state.live_orders(SYMBOL)
                assert {order.client_order_id for order in live} == resting
                assert {order.state for order in live} == {OrderState.ACKNOWLEDGED}
            assert run.unexplained == ()

    simulate(main)
