"""A pair without live streams is not bought: its own streams and the user stream, in the last seconds."""

from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Purpose
from mexc_tui.model.snipe import SnipeState
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.opening_day import NAME, OPENS_S, OpeningBench, listing, opening_engine, scenario

pytestmark = pytest.mark.timeout(120)  # runs whole engines

LATER_S = OPENS_S + 8


def half_open(path: str, before_s: float) -> FaultPlan:
    """Freeze the streams of these topics, without closing them, so long before the opening."""
    return FaultPlan(kind=FaultKind.HALF_OPEN, path=path, at_s=OPENS_S - before_s, for_s=60)


def test_a_pair_whose_streams_the_exchange_refuses_is_not_bought(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        plan = scenario(listing(blocked=True), auto_arm="never")
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(OPENS_S - 5)
            armed = await watcher.components.arming.arm(NAME, "ann")
            before = watcher.components.sniper.readiness.of(armed.id)
            assert [one.name for one in before.verdicts if not one.passed] == ["public_stream", "topics"]
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.DISARMED
            assert "topics" in snipe.reason
            assert "user stream" not in snipe.reason
            assert not watcher.session.buys_received

    simulate(main)


async def buy_by_hand(watcher: OpeningBench) -> None:
    """Buy another pair as the user; the user stream reports it."""
    pairs = watcher.running.engine.knowledge_store.knowledge.pairs.values()
    other = next(one.symbol for one in pairs if one.symbol != NAME and one.is_spot_trading_allowed)
    order = NewOrder(
        symbol=other,
        side=Side.BUY,
        type=OrderType.MARKET,
        client_order_id="byhand",
        quote_quantity=Decimal(5),
    )
    assert isinstance(await watcher.components.port.place(order, purpose=Purpose.ORDINARY), Accepted)


@pytest.mark.parametrize(
    ("path", "line"), [("spot@public", "public stream"), ("spot@private", "user stream")]
)
def test_no_pair_is_bought_while_a_stream_is_silent(tmp_path: Path, path: str, line: str) -> None:
    async def main(sim: Simulation) -> None:
        plan = scenario(faults=(half_open(path, 3.6),), auto_arm="never")
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(OPENS_S - 9)
            await watcher.components.arming.arm(NAME, "ann")
            await watcher.at(OPENS_S - 3.4)
            await buy_by_hand(watcher)
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.DISARMED
            assert line in snipe.reason
            assert [one for one in watcher.session.buys_received if one[1].symbol == NAME] == []

    simulate(main)
