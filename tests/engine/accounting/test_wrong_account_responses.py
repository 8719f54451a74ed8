"""Temporarily wrong balance responses, and delisted pairs."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.position import Protection
from mexc_tui.model.reconciliation import Difference, DifferenceKind, Trigger, lasting
from mexc_tui.practice.matching.values import OrderRecord, PracticeRefusal
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER
from tests.support.engine.monitored_position import (
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


def a_day(sim: Simulation, folder: Path, **overrides: float | str) -> PracticeDay:
    return day_with(sim, folder, listing=NO_JITTER, overrides={**EXITS_OFF, **overrides})


async def lasting_of(running: RunningEngine) -> list[Difference]:
    scope = components_of(running).ledger.scope
    found = await running.store.read(
        "runs", lambda stored: stored.trading(scope).reconciliations.page(limit=1_000)
    )
    return list(lasting(run for _, run in found))


def test_coins_missing_from_one_response_are_not_written_off_and_entries_wait(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, reconcile_s=3_600)
        await day.open()
        async with day.engine() as running:
            components, position = components_of(running), await buy(running)
            await assert_reconciled(running)
            assert not components.refusal(OrderRole.ENTRY, OTHER)
            day.server.session.deposit(position.base_asset, -position.remaining)
            run = await components.reconciler.compare(Trigger.MANUAL)
            day.server.session.deposit(position.base_asset, position.remaining)
            assert (run.explained, run.unexplained) == ((), ())
            assert "not written off" in run.problem
            assert "balances are being confirmed" in components.refusal(OrderRole.ENTRY, OTHER)
            assert not components.refusal(OrderRole.STOP, position.symbol)
            await until(lambda: not components.refusal(OrderRole.ENTRY, OTHER), 10)
            assert held_position(running).remaining == position.remaining
            last = components.ledger.state.reconciled
            assert last is not None
            assert [one.kind for one in last.explained] == [DifferenceKind.FALSE_ALARM]
            assert await lasting_of(running) == []

    simulate(main)


def test_coins_that_reappear_after_a_write_off_are_the_desks_and_its_stop_sells_them(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, reconcile_s=10)
        await day.open()
        async with day.engine() as running:
            components, position = components_of(running), await buy(running)
            await assert_reconciled(running)
            day.server.session.deposit(position.base_asset, -position.remaining)
            await asyncio.sleep(25)
            assert components.ledger.state.positions
            assert (await closed_position(running, 30)).close_reason is CloseReason.CORRECTED
            day.server.session.deposit(position.base_asset, position.remaining)
            await until(lambda: components.ledger.state.positions, 30)
            back = held_position(running)
            assert (back.id, back.remaining, back.gone) == (position.id, position.remaining, 0)
            assert [one.role for one in components.ledger.state.intents_of(back.id)] == [OrderRole.STOP]
            await keep_bid(components, back, "0.2", 3)
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            await assert_reconciled(running)
            assert await lasting_of(running) == []

    simulate(main)


def test_a_delisted_pair_affects_only_itself_and_not_the_start(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, reconcile_s=10)
        await day.open()
        async with day.engine() as running:
            components, position = components_of(running), await buy(running)
            await assert_reconciled(running)
            close_the_history_of(day, position.symbol)
            day.server.session.deposit(position.base_asset, -position.remaining)
            day.server.session.deposit("NEWNAME", position.remaining * 1_000)
            await asyncio.sleep(60)
            run = components.ledger.state.reconciled
            assert run is not None
            assert run.at_ms > components.port.now_ms() - 15_000
            assert ([one.asset for one in run.excluded], run.problem) == ([position.base_asset], "")
            assert held_position(running).remaining == position.remaining
            assert "delisted or renamed" in running.queries.status().not_compared[0]
            face = await trading_queries(running.engine)
            assert face is not None
            (row,) = face.positions()
            assert row.delisted.startswith("delisted or renamed")
            assert "withdraw the coins" in row.delisted
            assert (row.bid, row.value, row.unrealised) == (None, None, None)
            assert (row.protection, row.protection_text) == (Protection.NONE, row.delisted)
            assert [one.asset for one in (await face.reconcile()).excluded] == [position.base_asset]
            assert not components.refusal(OrderRole.ENTRY, OTHER)
            assert [one.about for one in await lasting_of(running)] == ["NEWNAME"]
        async with day.engine() as running:
            assert held_position(running).remaining == position.remaining
            await until(lambda: not components_of(running).refusal(OrderRole.ENTRY, OTHER))

    simulate(main)


def close_the_history_of(day: PracticeDay, gone: str) -> None:
    """Let the exchange refuse the history of a pair that it renamed."""
    all_orders = day.server.session.all_orders

    def refuse(
        symbol: str, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500
    ) -> list[OrderRecord]:
        if symbol == gone:
            raise PracticeRefusal(-1121, "Invalid symbol.")
        return all_orders(symbol, start_ms, end_ms, limit=limit)

    day.server.session.all_orders = refuse


def test_a_manual_buy_listed_after_its_balance_change_is_explained(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, reconcile_s=3_600)
        await day.open()
        async with day.engine() as running:
            components, position = components_of(running), await buy(running)
            await assert_reconciled(running)
            all_orders, is_hidden = day.server.session.all_orders, True

            def late(
                symbol: str, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500
            ) -> list[OrderRecord]:
                found = all_orders(symbol, start_ms, end_ms, limit=limit)
                return [one for one in found if not (is_hidden and one.client_order_id == "by-hand")]

            day.server.session.all_orders = late
            buy_by_hand(day, position.symbol)
            run = await components.reconciler.compare(Trigger.MANUAL)
            assert "unconfirmed balance change" in run.problem
            is_hidden = False
            await asyncio.sleep(30)
            last = components.ledger.state.reconciled
            assert last is not None
            assert (last.problem, await lasting_of(running)) == ("", [])

    simulate(main)


def buy_by_hand(day: PracticeDay, symbol: str) -> None:
    """Buy for 9 USDT at market as the user."""
    order = NewOrder(
        symbol=symbol,
        side=Side.BUY,
        type=OrderType.MARKET,
        client_order_id="by-hand",
        quote_quantity=Decimal(9),
    )
    day.server.session.place(order)
