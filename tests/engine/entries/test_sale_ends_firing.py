"""A sale of a pair ends its firing first, whatever its cause."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import SnipeState
from mexc_tui.practice.scenario import FaultKind, FaultPlan, ListingShape
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.opening_day import OPENS_S, OpeningBench, listing, opening_engine, scenario

pytestmark = pytest.mark.timeout(120)  # runs whole engines

THIN = listing(jitter_ms=0, shape=ListingShape.THIN, peak=1.0, depth_quote=Decimal(120), trades_per_s=4.0)
"""A book that gives a part of an entry at a time: it goes on buying for seconds."""

ORDER = "/api/v3/order"
Sell = Callable[[OpeningBench, Position], Awaitable[object]]


async def close_all(watcher: OpeningBench, position: Position) -> None:
    await watcher.components.exit_execution.close(
        position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by hand"
    )


async def close_half(watcher: OpeningBench, position: Position) -> None:
    half = Decimal(50)
    await watcher.components.exit_execution.close(
        position, half, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by hand"
    )


async def stop(watcher: OpeningBench, position: Position) -> None:
    watcher.components.exit_execution.begin(
        position, Decimal(0), OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
    )
    await asyncio.sleep(0)


async def while_buying(watcher: OpeningBench) -> Position:
    """Return the position after its first fill, while firing continues."""
    memory = watcher.components.ledger.state
    await watcher.until(lambda: bool(memory.positions and watcher.bought() > 3), OPENS_S + 4)
    assert (await watcher.last()).state is SnipeState.FIRING
    return next(iter(memory.positions.values()))


@pytest.mark.parametrize("sell", [close_all, close_half, stop])
def test_a_sale_within_the_entry_window_ends_the_buying_first(tmp_path: Path, sell: Sell) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(THIN)) as watcher:
            position = await while_buying(watcher)
            before = len(watcher.session.buys_received)
            await sell(watcher, position)
            await watcher.at(OPENS_S + 9)
            assert len(watcher.session.buys_received) == before
            snipe = await watcher.last()
            assert snipe.state in (SnipeState.PARTIAL, SnipeState.FILLED)
            assert "is being sold" in snipe.reason

    simulate(main)


def test_a_take_profit_that_fills_within_the_entry_window_ends_the_buying(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(THIN)) as watcher:
            position, ledger = await while_buying(watcher), watcher.components.ledger
            bought = (await watcher.orders(await watcher.last()))[0]
            rung = msgspec.structs.replace(
                bought,
                client_order_id="a rung",
                intent_id="rungs",
                position_id=position.id,
                side=Side.SELL,
                role=OrderRole.TAKE_PROFIT,
            )
            entry = next(iter(ledger.state.intents.values()))
            rungs = msgspec.structs.replace(
                entry, id="rungs", role=OrderRole.TAKE_PROFIT, side=Side.SELL, client_ids=("a rung",)
            )
            await ledger.save_intent(rungs)
            before = len(watcher.session.buys_received)
            await ledger.write("a filled take-profit", lambda desk: desk.save_order(rung, "test"))
            await watcher.at(OPENS_S + 9)
            assert len(watcher.session.buys_received) <= before + 1
            assert "is being sold" in (await watcher.last()).reason

    simulate(main)


def test_a_full_sale_also_sells_fills_of_a_pending_buy(tmp_path: Path) -> None:
    slow = FaultPlan(kind=FaultKind.LATE_REQUEST, at_s=OPENS_S, method="POST", path=ORDER, amount_ms=700)

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(THIN, faults=(slow,))) as watcher:
            memory, components = watcher.components.ledger.state, watcher.components
            await watcher.until(lambda: bool(memory.positions and watcher.bought() > 3), OPENS_S + 4)
            position = next(iter(memory.positions.values()))
            await watcher.until(lambda: any(one.side is Side.BUY for one in memory.live_orders()))
            before = len(watcher.session.buys_received)
            components.exit_execution.begin(
                position, Decimal(0), OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
            )
            await watcher.at(OPENS_S + 20)
            assert len(watcher.session.buys_received) <= before + 1
            bought = sum((one.executed for one in watcher.buys()), Decimal(0))
            assert bought > position.bought_quantity
            # All of it is sold, or the sale waits for more bids within its slippage cap.
            assert not memory.positions or components.exit_execution.is_selling(position.id)

    simulate(main)
