"""Sales that are refused or not filled: visible, bounded, and completed once possible."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.event import Alert
from mexc_tui.model.intent import CloseReason, OrderRole, OrderState
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.position import Position, Protection
from mexc_tui.model.stream import BestQuote, StreamDeal
from mexc_tui.practice.matching.pairs import PracticeTradeSides
from mexc_tui.practice.scenario import FaultKind, FaultPlan, Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import desk_orders
from tests.support.engine.monitored_position import (
    SYMBOL,
    assert_reconciled,
    closed_position,
    day_with,
    held_position,
    keep_bid,
    monitored_engine,
    set_bid,
    shown_protection,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

D = Decimal
NO_LADDER = {"ladder": "", "stop_loss_pct": 50}


async def alerts_of_sales(running: RunningEngine) -> list[Alert]:
    facts = await running.store.read("facts", lambda stored: list(stored.journal.after(0, 10_000)))
    return [one.event for one in facts if isinstance(one.event, Alert) and one.event.rule == "selling"]


def kinds(day: PracticeDay) -> list[str]:
    return [row.type.value for row in desk_orders(day) if row.side is Side.SELL]


def test_a_close_never_sells_below_the_cap_of_its_first_bid_until_repeated(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            set_bid(components, position, "2")
            done = await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert done.sold == 0
            assert "below the first bid" in done.text
            await asyncio.sleep(130)
            assert held_position(running).remaining == position.remaining
            assert "below the first bid" in held_position(running).trapped
            assert len(await alerts_of_sales(running)) >= 3
            again = await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert (again.sold, again.left) == (position.remaining, 0)
            await assert_reconciled(running)

    simulate(main)


def test_a_close_by_the_risk_monitor_is_not_blocked_by_the_cap_of_a_manual_one(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            set_bid(components, position, "2")
            sell = components.exit_execution.close
            manual = await sell(position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann")
            assert manual.sold == 0
            await sell(position, None, OrderRole.CLOSE, reason=CloseReason.RISK_MONITOR, text="a warning")
            await closed_position(running, 70)
            await assert_reconciled(running)

    simulate(main)


def test_a_stop_takes_a_bid_below_its_cap_after_it_lasted_a_minute(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            set_bid(components, position, "2")
            components.exit_execution.begin(
                position, D(0), OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
            )
            await asyncio.sleep(55)
            assert held_position(running).remaining == position.remaining
            assert (await closed_position(running, 10)).close_reason is CloseReason.STOP

    simulate(main)


def test_a_bid_that_returns_wakes_a_sale_at_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        silence = FaultPlan(kind=FaultKind.SILENCE, at_s=42, for_s=60, path="spot@public")
        blind = FaultPlan(kind=FaultKind.MAINTENANCE, at_s=42, for_s=60, path="/api/v3/depth")
        async with monitored_engine(
            day_with(sim, tmp_path, faults=(silence, blind), overrides=NO_LADDER)
        ) as (
            running,
            components,
            position,
        ):
            await asyncio.sleep(2)
            components.prices.on_quote(
                BestQuote(
                    symbol=SYMBOL,
                    bid_price=None,
                    bid_quantity=D(0),
                    ask_price=position.entry_price,
                    ask_quantity=D(100),
                    version=0,
                )
            )
            components.exit_execution.begin(
                position, D(0), OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
            )
            await asyncio.sleep(30)
            assert held_position(running).trapped == "no bid"
            began_ms = sim.clock.now_ms()
            set_bid(components, position, "0.9")
            await closed_position(running)
            assert sim.clock.now_ms() - began_ms < 500

    simulate(main)


def test_a_pair_that_accepts_no_sale_is_trapped_alerted_repeatedly_and_sold_later(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            pair = day.server.session.pair(SYMBOL)
            assert pair is not None
            pair.sides = PracticeTradeSides.CLOSED
            components.exit_execution.begin(
                position, D(0), OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
            )
            await asyncio.sleep(12)
            assert "30016" in held_position(running).trapped
            assert (await shown_protection(running))[0] is Protection.NONE
            await asyncio.sleep(120)
            assert len(await alerts_of_sales(running)) >= 3
            pair.sides = PracticeTradeSides.BOTH
            assert (await closed_position(running, 7)).close_reason is CloseReason.STOP
            await assert_reconciled(running)

    simulate(main)


def test_refused_take_profits_are_retried_with_back_off(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        overrides = {"stop_loss_pct": 50, "stop_confirm_ms": 10_000, "ladder": "50@1,50@2"}
        day = day_with(sim, tmp_path, knobs=Knobs(trapped=("CLEAN",)), overrides=overrides)
        async with monitored_engine(day) as (running, components, position):
            await keep_bid(components, position, "1.1", 5)
            assert held_position(running).high_price > position.entry_price
            await asyncio.sleep(115)
            orders = components.ledger.state.orders_of(position.id)
            tries = [one for one in orders if one.role is OrderRole.TAKE_PROFIT]
            assert {one.state for one in tries} == {OrderState.REJECTED}
            assert 2 * 2 < len(tries) <= 2 * 9

    simulate(main)


async def last_price_for(
    components: TradingComponents, position: Position, share: str, seconds: float
) -> None:
    """Set the last trade to this share of the entry price for a while."""
    for number in range(round(seconds / 0.05)):
        last = position.entry_price * D(share)
        deal = StreamDeal(
            symbol=SYMBOL,
            price=last,
            quantity=D(1),
            taker_side=Side.BUY,
            time_ms=components.port.now_ms(),
            trade_id=f"{number}",
        )
        components.prices.on_deals([deal])
        await asyncio.sleep(0.05)


def test_a_bid_below_the_price_band_is_sold_at_market(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            telling = asyncio.ensure_future(last_price_for(components, position, "3", 2))
            await asyncio.sleep(0.1)
            components.exit_execution.begin(
                position, D(0), OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
            )
            assert (await closed_position(running, 2)).close_reason is CloseReason.STOP
            await telling
            assert kinds(day) == [OrderType.MARKET.value]
            await assert_reconciled(running)

    simulate(main)


def test_without_market_orders_a_limit_order_follows_the_price_band(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, knobs=Knobs(market_enabled=False), overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            telling = asyncio.ensure_future(last_price_for(components, position, "3", 8))
            await asyncio.sleep(0.1)
            components.exit_execution.begin(
                position, D(0), OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
            )
            await until(lambda: OrderType.LIMIT.value in kinds(day), 2)
            await telling
            assert kinds(day).count(OrderType.LIMIT.value) >= 2
            assert (await closed_position(running, 15)).sold_quantity == position.bought_quantity
            assert not components.ledger.state.live_orders()
            await assert_reconciled(running)

    simulate(main)
