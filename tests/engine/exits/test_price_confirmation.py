"""A single price neither sells a position nor moves its stop; a real fall still does, at once."""

import asyncio
from pathlib import Path

import pytest

from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.intent import CloseReason
from mexc_tui.model.order import Side
from mexc_tui.model.position import Position
from mexc_tui.model.stream import StreamDeal
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import (
    SYMBOL,
    Overrides,
    closed_position,
    day_with,
    held_position,
    keep_bid,
    monitored_engine,
    set_bid,
)
from tests.support.engine.stalls import stop_process
from tests.support.samples.sniping_samples import D

pytestmark = pytest.mark.timeout(120)  # runs whole engines

NO_LADDER: Overrides = {"ladder": ""}


def print_at(
    components: TradingComponents, position: Position, share: str, *, count: int = 1, at_ms: int | None = None
) -> None:
    """Send one message with the fills of one sweep at this share of the entry price."""
    time_ms = components.port.now_ms() if at_ms is None else at_ms
    paid = position.entry_price * D(share)
    deals = [
        StreamDeal(
            symbol=SYMBOL,
            price=paid,
            quantity=D(1),
            taker_side=Side.SELL,
            time_ms=time_ms,
            trade_id=f"{time_ms}-{share}-{number}",
        )
        for number in range(count)
    ]
    components.prices.on_deals(deals)


def test_a_trade_dated_before_the_entry_sells_nothing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            for number in range(5):
                print_at(components, position, "0.1", at_ms=position.opened_ms - 60_000 + number)
                await asyncio.sleep(0.2)
            assert held_position(running) == position

    simulate(main)


def test_absurd_prints_against_an_intact_bid_sell_nothing_and_raise_no_stop(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        trailing: Overrides = {"trailing": True, "trailing_after_pct": 20, **NO_LADDER}
        async with monitored_engine(day_with(sim, tmp_path, overrides=trailing)) as (
            running,
            components,
            position,
        ):
            for share in ("10", "0.0001"):
                print_at(components, position, share, count=4)
                for _ in range(10):
                    print_at(components, position, share)
                    await asyncio.sleep(0.1)
            await asyncio.sleep(2)
            now = held_position(running)
            assert now.sold_quantity == 0
            assert now.stop_price == position.stop_price
            assert now.high_price < position.entry_price * 2

    simulate(main)


def test_bids_that_are_gone_for_a_second_and_a_half_sell_nothing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            await keep_bid(components, position, "0.00001", 1.5)
            await asyncio.sleep(2)
            assert held_position(running).sold_quantity == 0

    simulate(main)


def test_a_fall_confirmed_by_bid_and_trade_sells_immediately(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        slow: Overrides = {"stop_confirm_ms": 10_000, **NO_LADDER}
        async with monitored_engine(day_with(sim, tmp_path, overrides=slow)) as (
            running,
            components,
            position,
        ):
            print_at(components, position, "0.7")
            assert not components.exit_execution.is_selling(position.id)
            set_bid(components, position, "0.7")
            assert components.exit_execution.is_selling(position.id)
            assert (await closed_position(running)).close_reason is CloseReason.STOP

    simulate(main)


def test_a_block_after_one_low_bid_does_not_confirm_it(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        silent = FaultPlan(kind=FaultKind.SILENCE, at_s=42, path="spot@public")
        blind = FaultPlan(kind=FaultKind.MAINTENANCE, at_s=42, path="/api/v3/depth")
        day = day_with(sim, tmp_path, faults=(silent, blind), overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            await asyncio.sleep(2)
            await keep_bid(components, position, "1", 0.5)
            set_bid(components, position, "0.85")
            await asyncio.sleep(0.01)
            stop_process(1.6)
            await asyncio.sleep(0.005)
            await keep_bid(components, position, "1", 2)
            assert held_position(running).sold_quantity == 0
            assert not components.exit_execution.is_selling(position.id)

    simulate(main)
