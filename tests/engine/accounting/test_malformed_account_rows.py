"""A malformed row of a private list costs only that row: nothing is concluded from its absence."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.orders.cancel_sweep import CancelSweep
from mexc_tui.model.intent import CloseReason, OrderRole, OrderState
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.reconciliation import ExcludedCause, Trigger
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER, fault_at_opening
from tests.support.engine.monitored_position import (
    SYMBOL,
    assert_reconciled,
    buy,
    closed_position,
    components_of,
    day_with,
    held_position,
    keep_bid,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

OTHER = "OTHERUSDT"
LISTS = ("/api/v3/account", "/api/v3/openOrders", "/api/v3/allOrders", "/api/v3/myTrades")


def torn(path: str, at_s: float = 0) -> FaultPlan:
    return FaultPlan(kind=FaultKind.MALFORMED_ROW, method="GET", path=path, at_s=at_s)


def a_day(sim: Simulation, folder: Path, *faults: FaultPlan) -> PracticeDay:
    return day_with(sim, folder, listing=NO_JITTER, faults=faults, overrides={**EXITS_OFF, "reconcile_s": 10})


def is_shown(running: RunningEngine, path: str) -> bool:
    return any(words.startswith(path) for words in running.queries.status().budget.skipped_rows)


def last_price(day: PracticeDay) -> Decimal:
    pair = day.server.session.pair(SYMBOL)
    return Decimal(0) if pair is None else pair.last_price


def rest_by_hand(day: PracticeDay) -> None:
    """Place a resting order of the user whose row cannot be read."""
    pair = day.server.session.pair(SYMBOL)
    assert pair is not None
    price = (last_price(day) / 2).quantize(Decimal(1).scaleb(-pair.rules.price_decimals))
    order = NewOrder(
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        client_order_id="by-hand",
        price=price,
        quantity=round(9 / price, 0),
    )
    day.server.session.place(order)


@pytest.mark.parametrize("path", LISTS)
def test_a_start_with_a_malformed_row_continues_and_a_stop_still_sells(tmp_path: Path, path: str) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, torn(path, at_s=60))
        await day.open()
        async with day.engine() as running:
            before = await buy(running)
            await assert_reconciled(running)
        await asyncio.sleep(20)
        async with day.engine() as running:
            components, position = components_of(running), held_position(running)
            await until(lambda: components.reconciler.is_done, 10)
            await asyncio.sleep(60)
            assert held_position(running).remaining == position.remaining == before.remaining
            run = components.ledger.state.reconciled
            assert run is not None
            assert run.unexplained == ()
            await keep_bid(components, position, "0.2", 3)
            assert (await closed_position(running)).close_reason is CloseReason.STOP

    simulate(main)


def test_a_balance_that_cannot_be_read_is_not_written_off_and_is_shown(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, torn("/api/v3/account", at_s=60))
        await day.open()
        async with day.engine() as running:
            components, position = components_of(running), await buy(running)
            await assert_reconciled(running)
            await asyncio.sleep(150)
            run = components.ledger.state.reconciled
            assert run is not None
            ((asset, cause),) = ((one.asset, one.cause) for one in run.excluded)
            assert (asset, cause) == (position.base_asset, ExcludedCause.UNREAD)
            assert (run.explained, run.unexplained, run.problem) == ((), (), "")
            assert held_position(running).remaining == position.remaining
            assert is_shown(running, "/api/v3/account")
            assert not components.refusal(OrderRole.ENTRY, OTHER)

    simulate(main)


def test_an_order_is_not_absent_while_a_row_of_the_lists_cannot_be_read(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        lost = fault_at_opening(FaultKind.LOSE_REQUEST, times=50)
        day = a_day(
            sim, tmp_path, lost, torn("/api/v3/allOrders", at_s=41), torn("/api/v3/openOrders", at_s=41)
        )
        await day.open()
        async with day.engine() as running:
            components, states = components_of(running), set[OrderState]()
            components.ledger.on_change(lambda written: states.update(one.state for one in written.orders))
            await asyncio.sleep(22)
            await components.arming.arm(SYMBOL, "ann")
            await until(lambda: OrderState.UNKNOWN in states)
            await until(lambda: last_price(day))
            rest_by_hand(day)
            await asyncio.sleep(60)
            assert OrderState.ABSENT not in states
            assert OrderState.UNKNOWN in {one.state for one in components.ledger.state.orders.values()}

    simulate(main)


def test_a_sweep_does_not_take_an_unreadable_list_for_an_empty_one(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, torn("/api/v3/openOrders", at_s=60))
        await day.open()
        async with day.engine() as running:
            components, position = components_of(running), await buy(running)
            rest_by_hand(day)
            await asyncio.sleep(30)
            done = await CancelSweep(
                trading=components.port,
                ledger=components.ledger,
                execution=components.execution,
                resolution=components.order_resolution,
            ).cancel(lambda _: True)
            assert "rows skipped" in done.text
            run = await components.reconciler.compare(Trigger.MANUAL)
            assert f"{position.symbol} is reconciled in the next run: open orders" in run.problem

    simulate(main)
