"""Plan and checklist of a snipe in the desk API, before and after the last second."""

import asyncio
from pathlib import Path

from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.engine_requests import WHY, WhyQuery
from mexc_tui.engine.entries.readiness import CONNECTION_CHECKS
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.why import WhyRow
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.desk_server import client_of
from tests.support.desk_server import running_client as attached
from tests.support.engine.monitored_position import ARM_S, SYMBOL, components_of, day_with, until


async def why(client: DeskClient) -> WhyRow:
    reply = await client.send(WHY, WhyQuery(symbol=SYMBOL), deadline_s=5)
    assert reply.result is not None
    return reply.result


def test_a_checklist_is_a_preview_until_it_is_final(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path)
        await day.open()
        async with day.engine() as running, attached(client_of(day.paths.socket)) as client:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            nothing = await why(client)
            await components.arming.arm(SYMBOL, "ann")
            before = (await why(client)).snipes[0]
            await until(lambda: components.ledger.state.positions)
            await asyncio.sleep(1)
            after = await why(client)
        assert nothing.snipes == ()
        assert nothing.what_if is not None
        assert nothing.what_if.plan is not None
        assert nothing.what_if.plan.stop_loss_pct > 0
        assert (before.checked_ms, before.snipe.state) == (None, SnipeState.ARMED)
        assert before.checklist
        assert all(one.passed and one.value and one.limit for one in before.checklist)
        assert not {one.name for one in before.checklist} & set(CONNECTION_CHECKS)
        last = after.snipes[0]
        assert last.checked_ms is not None
        assert 0 < last.snipe.opens_ms - last.checked_ms <= 1_200
        assert {one.name for one in last.checklist} >= set(CONNECTION_CHECKS)
        assert last.plan == before.plan == nothing.what_if.plan
        story = after.listings[0]
        assert story.listing.price_decimals == 5
        assert {one.source for one in story.sources} >= {"calendar", "exchangeInfo"}
        assert story.changes

    simulate(main)
