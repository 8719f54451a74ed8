"""After an emergency stop nothing is sent but what reduces risk at once, and nothing of ours is left."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.accounting.ledger_transaction import intent_id_of
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.model.intent import Intent, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import NotSent
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.practice.scenario import Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.open_position import (
    SYMBOL,
    components_of,
    engine_with_position,
    place_take_profit,
    until,
)
from tests.support.engine.practice_day import DAY, PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

LADDER = "30@100,40@200,30@300"
KILLED = Trading(state=TradingState.HALTED, cause=Cause.EMERGENCY, text="kill --direct", since_ms=1, by="ann")
PAIRS, ORDERS = 5, 4


async def resting(components: TradingComponents, count: int) -> None:
    """Wait until the ladder rests, or nothing does."""
    await until(lambda: len(components.ledger.state.live_orders()) == count)


def test_take_profits_are_not_placed_again_until_the_user_resumes(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, ladder=LADDER) as (_, running, _closer):
            components = components_of(running)
            await resting(components, 3)
            acted = await components.safety.emergency_stop.emergency_stop("ann", sells=False)
            assert acted.is_all, acted.text
            assert (acted.result.orders_cancelled, acted.result.positions_left) == (3, 1)
            assert acted.result.state is TradingState.HALTED
            await asyncio.sleep(30)
            assert not await components.port.open_orders()
            await components.safety.emergency_stop.resume("ann", "resume")
            await resting(components, 3)

    simulate(main)


def test_a_halt_file_is_read_before_the_next_send(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, ladder=LADDER) as (day, running, _closer):
            components = components_of(running)
            await resting(components, 3)
            HaltFileOnDisk(day.paths.state, components.ledger.scope).write(KILLED)
            assert components.refusal(OrderRole.TAKE_PROFIT, SYMBOL)
            assert components.refusal(OrderRole.ENTRY, SYMBOL)
            assert not components.refusal(OrderRole.STOP, SYMBOL)
            await resting(components, 0)
            await asyncio.sleep(15)
            assert not await components.port.open_orders()
            assert running.engine.trading_state() == (TradingState.HALTED, "kill --direct")

    simulate(main)


def test_an_emergency_stop_in_the_halt_file_applies_after_a_manual_halt(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, ladder=LADDER) as (day, running, _closer):
            components = components_of(running)
            await resting(components, 3)
            await components.safety.emergency_stop.halt("ann", "lunch")
            assert not components.refusal(OrderRole.TAKE_PROFIT, SYMBOL)
            HaltFileOnDisk(day.paths.state, components.ledger.scope).write(KILLED)
            assert components.refusal(OrderRole.TAKE_PROFIT, SYMBOL)
            await resting(components, 0)

    simulate(main)


def test_a_start_after_an_emergency_stop_cancels_remaining_orders(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, ladder=LADDER) as (day, running, _closer):
            components = components_of(running)
            await resting(components, 3)
            scope = components.ledger.scope
        HaltFileOnDisk(day.paths.state, scope).write(KILLED)
        async with day.engine() as running:
            components = components_of(running)
            await resting(components, 0)
            await asyncio.sleep(15)
            assert not await components.port.open_orders()
            assert components.ledger.state.positions
            assert components.ledger.state.trading.state is TradingState.HALTED

    simulate(main)


def test_no_order_that_adds_risk_is_sent_while_trading_is_halted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with trading(sim, tmp_path) as (day, running):
            components = components_of(running)
            symbol = pairs_of(running)[0]
            await components.safety.emergency_stop.halt("ann", "news")
            intent, order = await wished(components, running, symbol)
            sent = await components.execution.place(intent, order)
            assert isinstance(sent.outcome, NotSent)
            assert "news" in sent.outcome.reason
            assert not orders_of(day, [symbol])

    simulate(main)


def test_one_empty_response_does_not_prove_that_no_order_is_open(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        knobs = Knobs()
        async with engine_with_position(sim, tmp_path, knobs=knobs) as (_, running, closer):
            components, closer.is_stuck = components_of(running), True
            msgspec.structs.force_setattr(knobs, "visibility_ms", (700, 700))
            intent = await place_take_profit(components, running)
            name = intent.client_ids[0]
            components.ledger.state.orders.pop(name)  # an order that no memory knows
            acted = await components.safety.emergency_stop.emergency_stop("ann", sells=False)
            assert acted.is_all
            assert acted.result.orders_cancelled == 1
            await asyncio.sleep(1)
            assert not await components.port.open_orders()

    simulate(main)


@asynccontextmanager
async def trading(
    sim: Simulation, folder: Path, knobs: Knobs | None = None
) -> AsyncGenerator[tuple[PracticeDay, RunningEngine]]:
    market = msgspec.structs.replace(DAY.market, active_pairs=PAIRS + 1, trades_per_s=0.01)
    plan = msgspec.structs.replace(DAY, listings=(), market=market, knobs=knobs or Knobs())
    day = PracticeDay(sim, folder, plan)
    await day.open()
    async with day.engine() as running:
        await asyncio.sleep(5)
        yield day, running


def pairs_of(running: RunningEngine) -> list[str]:
    pairs = running.engine.knowledge_store.knowledge.pairs.values()
    named = [one.symbol for one in pairs if one.quote_asset == "USDT" and one.symbol != "MXUSDT"]
    return sorted(named)[:PAIRS]


async def wished(
    components: TradingComponents, running: RunningEngine, symbol: str
) -> tuple[Intent, NewOrder]:
    """Return a buy far below the market, and its durable intent."""
    pair = running.engine.knowledge_store.knowledge.pairs[symbol]
    names = components.ledger.client_ids(1)
    price = D(10).scaleb(-pair.price_precision)
    quantity = (D(6) / price).quantize(D(1).scaleb(-pair.quantity_precision))
    intent = Intent(
        id=intent_id_of(names[0]),
        role=OrderRole.ENTRY,
        symbol=symbol,
        base_asset=pair.base_asset,
        quote_asset=pair.quote_asset,
        side=Side.BUY,
        client_ids=names,
        quantity=quantity,
        created_ms=components.port.now_ms(),
        reason="a test",
    )
    await components.ledger.save_intent(intent)
    return intent, NewOrder(
        symbol=symbol,
        side=Side.BUY,
        type=OrderType.LIMIT,
        client_order_id=names[0],
        price=price,
        quantity=quantity,
    )


def orders_of(day: PracticeDay, symbols: list[str]) -> list[OrderRecord]:
    return [row for one in symbols for row in day.server.session.all_orders(one, 0, 2**53, limit=1_000)]


async def rest_orders(running: RunningEngine) -> list[str]:
    """Let so many buys of ours rest on so many pairs."""
    components, symbols = components_of(running), pairs_of(running)
    for symbol in symbols:
        for _ in range(ORDERS):
            intent, order = await wished(components, running, symbol)
            await components.execution.place(intent, order)
    await until(lambda: len(components.ledger.state.live_orders()) == PAIRS * ORDERS)
    await asyncio.sleep(3)
    return symbols


async def stopped(day: PracticeDay, running: RunningEngine, symbols: list[str]) -> int:
    """Stop all; return after how many milliseconds the last order was cancelled."""
    components = components_of(running)
    began_ms = day.server.session.now_ms
    acted = await components.safety.emergency_stop.emergency_stop("ann")
    assert acted.is_all, acted.text
    assert acted.result.orders_cancelled == PAIRS * ORDERS
    gone = [row for row in orders_of(day, symbols) if row.client_order_id.startswith("mx")]
    assert {row.status.value for row in gone} == {"CANCELED"}
    return max(row.updated_ms or 0 for row in gone) - began_ms


def test_twenty_orders_on_five_pairs_are_cancelled_with_one_request(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with trading(sim, tmp_path) as (day, running):
            symbols = await rest_orders(running)
            assert await stopped(day, running, symbols) < 300

    simulate(main)


def test_orders_are_cancelled_pair_by_pair_where_the_exchange_requires_it(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with trading(sim, tmp_path, Knobs(cancel_open_pairs=1)) as (day, running):
            symbols = await rest_orders(running)
            assert await stopped(day, running, symbols) < 600

    simulate(main)


def test_a_user_order_stays_when_all_orders_of_the_desk_are_cancelled(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with trading(sim, tmp_path) as (day, running):
            symbols = await rest_orders(running)
            components = components_of(running)
            _, order = await wished(components, running, symbols[0])
            day.server.session.place(replace(order, client_order_id="by-hand"))
            await until(lambda: bool(components.ledger.state.foreign))
            assert await stopped(day, running, symbols) < 1_000
            rows = [row for row in orders_of(day, symbols) if row.client_order_id == "by-hand"]
            assert [row.status.value for row in rows] == ["NEW"]

    simulate(main)
