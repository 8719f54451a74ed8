"""A blocked event loop around an opening: the attempt is planned again or dropped (reliability C3, C4)."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.stream import TopLevels
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.scenario import ListingShape
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.opening_day import NAME, OPENS_S, OpeningBench, listing, opening_engine, scenario
from tests.support.engine.stalls import stop_process, suspend_machine

pytestmark = pytest.mark.timeout(120)  # runs whole engines

LATER_S = OPENS_S + 12
PUNCTUAL = listing(jitter_ms=0, shape=ListingShape.RUSH, peak=4.0)
CALM = listing(jitter_ms=0, shape=ListingShape.DUD, peak=1.0)
CAP = Decimal("0.0625")
TOO_EARLY = PracticeRefusal(30001, "current transaction direction not allowed")


async def arm_with_price(watcher: OpeningBench) -> None:
    """Arm the pair manually with a known price: its cap is 25 % above 0.05."""
    await watcher.at(OPENS_S - 8)
    level = ((Decimal("0.05"), Decimal(1_000)),)
    bid = ((Decimal("0.049"), Decimal(1_000)),)
    watcher.components.prices.on_levels(TopLevels(symbol=NAME, asks=level, bids=bid, version=0))
    snipe = await watcher.components.arming.arm(NAME, "ann")
    assert snipe.price_cap == CAP


@pytest.mark.parametrize(
    ("from_s", "to_s"), [(-1.5, 4.0), (-1.5, 9.0), (-0.3, 3.0), (-0.1, 1.5), (-0.02, 2.0), (-0.5, 0.4)]
)
def test_a_blocked_loop_across_the_opening_of_a_pair_without_a_price_buys_nothing(
    tmp_path: Path, from_s: float, to_s: float
) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(PUNCTUAL)) as watcher:
            await watcher.at(OPENS_S + from_s)
            stop_process(to_s - from_s)
            await watcher.at(LATER_S)
            assert not watcher.session.buys_received
            assert (await watcher.last()).state in (SnipeState.MISSED, SnipeState.DISARMED)

    simulate(main)


@pytest.mark.parametrize(("from_s", "to_s"), [(-1.5, 4.0), (-0.1, 2.5), (0.1, 3.0)])
def test_a_long_block_stops_buying_until_reconciliation(tmp_path: Path, from_s: float, to_s: float) -> None:
    async def main(sim: Simulation) -> None:
        refusals = [TOO_EARLY] * 18
        async with opening_engine(sim, tmp_path, scenario(CALM, auto_arm="never"), *refusals) as watcher:
            await arm_with_price(watcher)
            await watcher.at(OPENS_S + from_s)
            before = len(watcher.session.buys_received)
            stop_process(to_s - from_s)
            await watcher.at(LATER_S)
            assert len(watcher.session.buys_received) == before

    simulate(main)


@pytest.mark.parametrize(("from_s", "to_s"), [(-0.3, 0.4), (-0.05, 0.8), (-1.0, 0.5)])
def test_after_a_short_block_a_pair_with_a_known_price_is_planned_again(
    tmp_path: Path, from_s: float, to_s: float
) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(CALM, auto_arm="never")) as watcher:
            await arm_with_price(watcher)
            await watcher.at(OPENS_S + from_s)
            stop_process(to_s - from_s)
            await watcher.at(LATER_S)
            for at_ms, order in watcher.session.buys_received:
                assert at_ms >= watcher.session.start_ms + (OPENS_S + to_s) * 1_000
                assert order.price is not None
                assert order.price <= CAP
            assert (await watcher.last()).state is SnipeState.FILLED

    simulate(main)


def test_a_block_between_attempts_makes_the_next_one_query_the_order_book_first(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(PUNCTUAL), *[TOO_EARLY] * 3) as watcher:
            await watcher.until(lambda: len(watcher.session.buys_received) == 3, OPENS_S + 3)
            asked = watcher.day.server.session  # the exchange's own book
            stop_process(0.6)
            await watcher.until(lambda: len(watcher.session.buys_received) == 4)
            _, order = watcher.session.buys_received[3]
            book = asked.depth(NAME, 1)
            assert order.price is not None
            assert order.price <= Decimal(book.asks[0][0]) * Decimal("1.04")

    simulate(main)


def test_a_block_that_ends_before_the_opening_keeps_the_attempt(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(PUNCTUAL)) as watcher:
            await watcher.at(OPENS_S - 2.5)
            stop_process(1.2)
            await watcher.at(LATER_S)
            assert (await watcher.last()).state is SnipeState.FILLED
            assert watcher.session.buys_received[0][0] >= watcher.session.start_ms + OPENS_S * 1_000

    simulate(main)


@pytest.mark.parametrize("from_s", [-2.0, -0.3])
def test_a_machine_suspended_before_the_opening_does_not_buy_by_its_old_clock(
    tmp_path: Path, from_s: float
) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(PUNCTUAL)) as watcher:
            await watcher.at(OPENS_S + from_s)
            suspend_machine(sim, 30)
            await asyncio.sleep(9 - from_s)
            assert not watcher.session.buys_received

    simulate(main)


def test_a_block_between_decision_and_write_drops_the_decided_order(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(CALM, auto_arm="never")) as watcher:
            await arm_with_price(watcher)
            # The attempt is decided and signed 0.4 s before, and waits for its time.
            await watcher.at(OPENS_S - 0.01)
            stop_process(0.5)
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            first = (await watcher.attempts(snipe))[0]
            assert first.stamps.written_ns is None
            assert "stopped before sending" in first.answer

    simulate(main)


def test_the_event_loop_is_on_the_checklist_and_its_gap_is_alerted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(PUNCTUAL)) as watcher:
            await watcher.at(OPENS_S - 3.2)
            stop_process(2.4)
            await watcher.at(LATER_S)
            snipe = (await watcher.snipes())[0]
            assert snipe.state is SnipeState.DISARMED
            assert "event loop" in snipe.reason
            conditions = {one.rule: one.text for one in watcher.running.engine.alert_conditions()}
            assert "was blocked" in conditions["engine:loop"]
            loop = watcher.running.queries.status().loop
            assert loop.gaps == 1
            assert loop.longest_gap_ms is not None
            assert 2_400 <= loop.longest_gap_ms <= 2_500

    simulate(main)
