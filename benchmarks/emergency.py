"""The emergency stop with 20 open orders on 5 pairs, and restarts with 50 open orders on 20 pairs.

The engine runs on a practice exchange in a separate process. Time of a stop: from the command until the last
cancel is confirmed in the ledger. Time of a restart: from the start of the engine in this process until its
first reconciliation, and until every order of the previous engine is resolved, which includes the fence.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from random import Random

from benchmarks.common import Row, emit, percentile
from benchmarks.firing import exchange_of
from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.endpoints import SystemClock
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges, LedgerTransaction, intent_id_of
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.host.paths import paths_of
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.intent import Intent, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.symbol import Symbol
from mexc_tui.sniping.rounding import grid_of

SCENARIO = """
name = "emergency"
[market]
symbols = 60
active_pairs = 20
trades_per_s = 1.0
[account.balances]
USDT = "10000"
"""
SPEND = Decimal(6)
PAUSE_S = 0.3
"""Between queries of order books, whose weight is 3 of 300 in ten seconds."""
BUDGET_S = 11.0
"""Pause before a restart: the exchange counts the requests of the previous engine for ten seconds."""
STOPS, RESTARTS = 20, 3
GOAL_STOP_MS, GOAL_REPORT_MS, GOAL_RECONCILED_S, GOAL_ACTIVE_S = 1_000, 2_000, 3, 10


@asynccontextmanager
async def engine(endpoint: Endpoint, folder: Path) -> AsyncGenerator[tuple[RunningEngine, TradingComponents]]:
    """Run an engine on the exchange."""
    place = EngineLocation(endpoint, is_practice=True, paths=paths_of("practice", {"HOME": str(folder)}))
    async with running_engine(place, EngineEnvironment(SystemClock(), Random(1))) as running:
        components = running.engine.trading_components
        assert components is not None
        yield running, components


async def until_done(components: TradingComponents) -> None:
    """Wait until the orders of the previous engine are resolved."""
    while not components.reconciler.is_done:  # noqa: ASYNC110 - it is polled
        await asyncio.sleep(0.005)


def pairs_of(running: RunningEngine, count: int) -> list[Symbol]:
    """Return pairs against USDT that trade."""
    pairs = running.engine.knowledge_store.knowledge.pairs.values()
    return [pair for pair in pairs if pair.quote_asset == "USDT" and pair.is_spot_trading_allowed][:count]


async def place(components: TradingComponents, pair: Symbol, last: Decimal) -> None:
    """Place a buy at half of the last price, which rests."""
    grid, symbol = grid_of(pair), pair.symbol
    names = components.ledger.client_ids(1)
    name = intent_id_of(names[0])
    intent = Intent(
        id=name, role=OrderRole.ENTRY, symbol=symbol, base_asset=pair.base_asset, quote_asset="USDT",
        side=Side.BUY, client_ids=names, spend_cap=SPEND, reserved=SPEND, position_id=f"{name}p",
        created_ms=components.port.now_ms(), reason="bench",
    )  # fmt: skip

    def work(desk: LedgerTransaction) -> None:
        desk.save_intent(intent)

    await components.ledger.write("bench", work)
    price = (last / 2).quantize(grid.price_tick, ROUND_DOWN)
    quantity = ((SPEND - 1) / price / grid.quantity_step).to_integral_value(ROUND_DOWN) * grid.quantity_step
    order = NewOrder(
        symbol=symbol,
        side=Side.BUY,
        type=OrderType.LIMIT,
        client_order_id=names[0],
        price=price,
        quantity=quantity,
    )
    sent = await components.execution.place(intent, order)
    if not sent.order.state.is_on_exchange:
        raise RuntimeError(f"{symbol}: {sent.order.state} {sent.order.reason}")


async def fill(running: RunningEngine, components: TradingComponents, *, orders: int, pairs: int) -> None:
    """Place resting orders, evenly over pairs, below the order limit of the exchange."""
    chosen, last = pairs_of(running, pairs), dict[str, Decimal]()
    for pair in chosen:
        book = await components.port.depth(pair.symbol, 5, purpose=Purpose.EXIT)
        last[pair.symbol] = Decimal(book.bids[0][0])
        await asyncio.sleep(PAUSE_S)
    for number in range(orders):
        pair = chosen[number % len(chosen)]
        await place(components, pair, last[pair.symbol])
        await asyncio.sleep(0.12)


async def stop_times(endpoint: Endpoint, folder: Path) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each emergency stop until its last cancel, and until its report."""
    took_ms, whole_ms = list[float](), list[float]()
    async with engine(endpoint, folder) as (running, components):
        await until_done(components)
        closed_s = 0.0

        def on_change(changes: LedgerChanges) -> None:
            nonlocal closed_s
            if any(order.state.is_terminal for order in changes.orders):
                closed_s = time.perf_counter()

        components.ledger.on_change(on_change)
        for _ in range(STOPS):
            await fill(running, components, orders=20, pairs=5)
            began = time.perf_counter()
            done = await components.safety.emergency_stop.emergency_stop("bench", sells=False)
            took_ms.append((closed_s - began) * 1e3)
            whole_ms.append((time.perf_counter() - began) * 1e3)
            left = len(components.ledger.state.live_orders())
            if left or not done.is_all:
                raise RuntimeError(f"{left} orders left: {done.text}")
            await components.safety.emergency_stop.resume("bench", "resume")
    return took_ms, whole_ms


async def restart_times(endpoint: Endpoint, folder: Path) -> tuple[list[float], list[float]]:
    """Return the seconds of each restart until reconciled, and until active."""
    reconciled_s, active_s = list[float](), list[float]()
    async with engine(endpoint, folder) as (running, components):
        await until_done(components)
        await fill(running, components, orders=50, pairs=20)
    for _ in range(RESTARTS):
        await asyncio.sleep(BUDGET_S)
        began = time.perf_counter()
        async with engine(endpoint, folder) as (_, components):
            while not components.reconciler.has_compared:  # noqa: ASYNC110 - it is polled
                await asyncio.sleep(0.005)
            reconciled_s.append(time.perf_counter() - began)
            await until_done(components)
            active_s.append(time.perf_counter() - began)
            if len(components.ledger.state.live_orders()) != 50:
                raise RuntimeError("an order was lost")
    return reconciled_s, active_s


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        async with exchange_of(SCENARIO) as endpoint:
            took_ms, whole_ms = await stop_times(endpoint, Path(first))
        async with exchange_of(SCENARIO) as endpoint:
            reconciled_s, active_s = await restart_times(endpoint, Path(second))
    stop, restart = "20 open orders on 5 pairs", "50 open orders on 20 pairs"
    emit(
        [
            _row(stop, "emergency stop to last cancel confirmed", took_ms, "ms", goal=GOAL_STOP_MS),
            _row(
                stop, "emergency stop to its report: two empty listings", whole_ms, "ms", goal=GOAL_REPORT_MS
            ),
            _row(restart, "restart to reconciled", reconciled_s, "s", goal=GOAL_RECONCILED_S),
            _row(restart, "restart to active", active_s, "s", goal=GOAL_ACTIVE_S),
        ]
    )


def _row(group: str, name: str, values: list[float], unit: str, *, goal: int) -> Row:
    note = f"{len(values)} times; goal: at most {goal:,}"
    return Row(group, name, percentile(values, 0.5), percentile(values, 0.99), unit, note=note)


if __name__ == "__main__":
    asyncio.run(main())
