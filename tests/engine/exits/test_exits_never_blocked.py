"""Nothing but the exchange may refuse a sale (architecture 2.4): on the practice exchange in virtual time."""

from pathlib import Path

import pytest

from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import (
    SYMBOL,
    assert_reconciled,
    closed_position,
    components_of,
    day_with,
    keep_bid,
    monitored_engine,
    until,
)

pytestmark = pytest.mark.timeout(120)  # runs whole engines

POLLED = "/api/v3/defaultSymbols"
EVERYTHING = "/api/v3/"
AT_THEIR_LIMIT = {
    "max_positions": 1,
    "max_trades_hour": 1,
    "max_trades_day": 1,
    "exposure_cap_pct": 1.2,
    "position_cap_pct": 1.2,
}


def test_exits_still_work_while_halted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path)) as (running, components, position):
            await components.safety.emergency_stop.halt("ann", "lunch")
            assert components.ledger.state.trading.state is TradingState.HALTED
            assert components.refusal(OrderRole.ENTRY, SYMBOL)
            await keep_bid(components, position, "0.7", 0.5)
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            assert components.ledger.state.trading.state is TradingState.HALTED
            await assert_reconciled(running)

    simulate(main)


@pytest.mark.parametrize(
    ("kind", "path", "wait_s"),
    [
        (FaultKind.TOO_MANY_REQUESTS, POLLED, 600),
        (FaultKind.BANNED, POLLED, 600),
        (FaultKind.BANNED, EVERYTHING, 8),
    ],
    ids=["429", "418", "418 for sales too, for a while"],
)
def test_exits_still_work_while_banned(tmp_path: Path, kind: FaultKind, path: str, wait_s: int) -> None:
    async def main(sim: Simulation) -> None:
        ban = FaultPlan(kind=kind, at_s=45, for_s=8, path=path, amount_ms=wait_s * 1_000)
        async with monitored_engine(day_with(sim, tmp_path, faults=(ban,))) as (
            running,
            components,
            position,
        ):
            await until(lambda: components.port.ban())
            await until(lambda: components.ledger.state.trading.cause is Cause.BAN)
            assert components.refusal(OrderRole.ENTRY, SYMBOL)
            assert len(components.ledger.state.live_orders()) == 3
            await keep_bid(components, position, "0.7", 0.5)
            after = await closed_position(running, 60)
            assert (after.close_reason, after.sold_quantity) == (CloseReason.STOP, position.bought_quantity)
            assert path == EVERYTHING or components.port.ban()

    simulate(main)


def test_exits_still_work_with_every_entry_limit_exhausted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=AT_THEIR_LIMIT)) as (
            running,
            components,
            position,
        ):
            judged = await components_of(running).arming.what_if(SYMBOL)
            failed = {one.name for one in judged.judgement.verdicts if not one.passed}
            exhausted = {
                "positions",
                "exposure",
                "position_cap",
                "trades_hour",
                "trades_day",
                "one_per_symbol",
            }
            assert failed >= exhausted, failed
            await keep_bid(components, position, "0.7", 0.5)
            after = await closed_position(running)
            assert (after.close_reason, after.sold_quantity) == (CloseReason.STOP, position.bought_quantity)
            await assert_reconciled(running)

    simulate(main)
