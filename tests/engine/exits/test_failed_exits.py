"""Exits that are refused, and stops that a price jumps over (reliability O14, O15)."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.model.event import Alert
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.practice.matching.book import RestingOrder
from mexc_tui.practice.matching.values import OrderRecord, PracticeRefusal
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER, desk_orders
from tests.support.engine.monitored_position import (
    SYMBOL,
    buy,
    closed_position,
    components_of,
    day_with,
    keep_bid,
    until,
)

pytestmark = pytest.mark.timeout(120)  # runs whole engines

D = Decimal
REFUSED = 8


def test_O14_a_failing_exit_escalates_alerts_and_keeps_its_plan(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, listing=NO_JITTER, overrides=EXITS_OFF)
        await day.open()
        async with day.engine() as running:
            position, components = await buy(running), components_of(running)
            session, offered = day.server.session, list[NewOrder]()
            take = session.place

            def place(order: NewOrder) -> OrderRecord:
                if order.side is Side.SELL:
                    offered.append(order)
                    if len(offered) <= REFUSED:
                        raise PracticeRefusal(30016, "trading disabled")
                return take(order)

            session.place = place
            components.exit_execution.begin(
                position, D(0), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by hand"
            )
            await until(lambda: len(offered) >= REFUSED, 60)
            assert components.ledger.state.positions[position.id].stop_price == position.stop_price
            await closed_position(running, 60)
            page = await running.store.read("journal", lambda stored: list(stored.journal.after(0, 5_000)))
            assert any(isinstance(one.event, Alert) and one.event.rule == "selling" for one in page)
            prices = [one.price for one in offered if one.price is not None]
            assert prices[1] < prices[0]
            assert offered[1].type is OrderType.IMMEDIATE_OR_CANCEL
            assert min(prices) >= prices[0] * D("0.85")

    simulate(main)


def test_O15_a_price_gap_below_the_stop_sells_at_once_and_stores_the_slippage(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, listing=NO_JITTER, overrides={**EXITS_OFF, "stop_loss_pct": 10})
        await day.open()
        async with day.engine() as running:
            position, components = await buy(running), components_of(running)
            pair = day.server.session.pair(SYMBOL)
            assert pair is not None
            floor = pair.ticks(position.entry_price / 2)
            pair.rest(RestingOrder(side=Side.BUY, ticks=floor, lots=pair.lots(D(1_000_000))))
            lots = sum(total for ticks, total in pair.book.bids.totals.items() if ticks > floor)
            pair.take(Side.SELL, floor + 1, lots)
            began_ms = components.port.now_ms()
            falling = asyncio.ensure_future(keep_bid(components, position, "0.5", 3))
            after = await closed_position(running, 30)
            falling.cancel()
            sold = [one for one in desk_orders(day) if one.side is Side.SELL]
            assert sold[0].created_ms - began_ms < 1_500
            assert after.close_reason is CloseReason.STOP
            exit_price = after.sold_value / after.sold_quantity
            assert exit_price < after.stop_price

    simulate(main)
