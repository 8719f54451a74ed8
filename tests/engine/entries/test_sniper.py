"""Snipes through every kind of opening, with the orders and responses of the practice exchange."""

import asyncio
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mexc_tui.model.listing import ListingSource
from mexc_tui.model.order import OrderType
from mexc_tui.model.snipe import ReferenceSource, SnipeState
from mexc_tui.model.stream import TopLevels
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.scenario import FaultKind, FaultPlan, MarketPolicy, Postponement
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.sniping.reference import confirmed_price
from mexc_tui.sniping.rounding import floored, grid_of
from tests.support.engine.opening_day import NAME, OPENS_S, OpeningBench, listing, opening_engine, scenario

if TYPE_CHECKING:
    from mexc_tui.engine.market.prices import Price

pytestmark = pytest.mark.timeout(120)  # runs whole engines

LATER_S = OPENS_S + 8


def test_a_clean_listing_is_armed_ready_fired_and_filled(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            states = watcher.record_states()
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert list(dict.fromkeys(states)) == [
                SnipeState.ARMED,
                SnipeState.READY,
                SnipeState.FIRING,
                SnipeState.FILLED,
            ]
            assert 0 < snipe.filled_value <= snipe.spend_cap
            assert watcher.bought() == snipe.filled_value
            assert watcher.session.buys_received[0][0] - snipe.opens_ms >= -20
            last = (await watcher.attempts(snipe))[-1].stamps
            assert last.decided_ns is not None
            assert last.written_ns is not None
            assert last.filled_ns is not None
            assert last.decided_ns <= last.written_ns <= last.filled_ns

    simulate(main)


def test_the_first_price_at_the_opening_is_the_reference_and_bounds_the_entry_price(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            heard: list[Price] = []
            watcher.components.prices.on_move(lambda move: heard.append(move.price))
            await watcher.at(OPENS_S - 2)
            armed = await watcher.last()
            assert (armed.reference_price, armed.price_cap) == (None, None)
            said = {one.name: one.value for one in armed.verdicts}
            assert "the reference is the first price at the opening" in said["premium"]
            assert said["slippage"].endswith("and 25 % over the first price")
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            grid = grid_of(watcher.running.engine.knowledge_store.knowledge.pairs[NAME])
            prices = {
                confirmed_price(one.bid, one.ask, one.last, premium_pct=Decimal(25))
                for one in heard
                if one.symbol == NAME
            }
            assert snipe.reference_source is ReferenceSource.FIRST
            assert snipe.reference_price is not None
            assert snipe.price_cap is not None
            assert snipe.reference_price in prices
            assert snipe.price_cap == floored(snipe.reference_price * Decimal("1.25"), grid.price_tick)
            assert watcher.buys()[0].price <= snipe.price_cap

    simulate(main)


def test_an_ask_far_above_the_first_trade_is_not_paid(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            await watcher.at(OPENS_S - 0.3)
            far = (Decimal(1_000), Decimal(1_000))
            watcher.components.prices.on_levels(TopLevels(symbol=NAME, asks=(far,), bids=(), version=0))
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert snipe.reference_price is not None
            assert snipe.reference_price < 1
            assert all(order.price < 1 for order in watcher.buys())

    simulate(main)


EARLY = [
    PracticeRefusal(30001, "current transaction direction not allowed"),
    PracticeRefusal(10007, "bad symbol"),
    PracticeRefusal(30016, "trading disabled"),
    PracticeRefusal(30014, "invalid symbol"),
]


@pytest.mark.parametrize("refusal", EARLY, ids=lambda one: str(one.code))
def test_a_too_early_response_is_retried_in_the_window(tmp_path: Path, refusal: PracticeRefusal) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(), refusal, refusal, refusal) as watcher:
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            attempts = await watcher.attempts(snipe)
            assert [one.code for one in attempts[:3]] == [refusal.code] * 3
            assert re.fullmatch(r"filled for [\d.]+ USDT", snipe.reason)
            assert snipe.state is SnipeState.FILLED
            assert watcher.bought() <= snipe.spend_cap
            gaps = [
                b[0] - a[0]
                for a, b in zip(
                    watcher.session.buys_received, watcher.session.buys_received[1:], strict=False
                )
            ]
            assert min(gaps) >= 1_000 // 12

    simulate(main)


@pytest.mark.parametrize(
    "refusal", [*EARLY, PracticeRefusal(30004, "Insufficient position")], ids=lambda one: str(one.code)
)
def test_a_refused_buy_that_was_executed_is_found_before_the_next_attempt(
    tmp_path: Path, refusal: PracticeRefusal
) -> None:
    silent = FaultPlan(kind=FaultKind.DROP_PUSH, at_s=OPENS_S - 1, path="private.orders")

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(faults=(silent,)), refusal) as watcher:
            watcher.session.executes_refused = True
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            (bought,) = watcher.buys()
            assert watcher.session.buys_received[-1][1].client_order_id == bought.client_order_id
            assert watcher.bought() <= snipe.spend_cap
            assert snipe.state is SnipeState.FILLED
            assert snipe.filled_value == watcher.bought()

    simulate(main)


async def ended(watcher: OpeningBench) -> SnipeState:
    await watcher.at(LATER_S)
    return (await watcher.last()).state


def test_insufficient_funds_halve_the_order_twice_and_then_stop(tmp_path: Path) -> None:
    refusal = PracticeRefusal(30004, "Insufficient position")

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(), *[refusal] * 3) as watcher:
            assert await ended(watcher) is SnipeState.REJECTED
            assert len(watcher.session.buys_received) <= 3
            assert not watcher.buys()

    simulate(main)


def test_a_minimum_above_the_cap_is_not_paid(tmp_path: Path) -> None:
    refusal = PracticeRefusal(30002, "The minimum transaction volume cannot be less than:500USDT")

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(), refusal) as watcher:
            assert await ended(watcher) is SnipeState.REJECTED
            assert not watcher.buys()

    simulate(main)


def test_a_timestamp_outside_the_window_is_measured_again_and_retried_once(tmp_path: Path) -> None:
    refusal = PracticeRefusal(700003, "Timestamp for this request is outside of the recvWindow.")

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(), refusal) as watcher:
            assert await ended(watcher) is SnipeState.FILLED

    simulate(main)


def test_every_attempt_has_a_limit_once_a_price_is_known(tmp_path: Path) -> None:
    refusal = PracticeRefusal(30001, "current transaction direction not allowed")

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(), *[refusal] * 6) as watcher:
            await watcher.at(LATER_S)
            attempts = await watcher.attempts(await watcher.last())
            assert attempts[-1].best_ask is not None
            assert all(one.price is not None for one in attempts if one.best_ask is not None)

    simulate(main)


@pytest.mark.parametrize("policy", list(MarketPolicy))
def test_a_pair_without_an_earlier_price_is_bought_with_a_limit_above_its_first_price(
    tmp_path: Path, policy: MarketPolicy
) -> None:
    kinds = {OrderType.IMMEDIATE_OR_CANCEL}
    if policy is MarketPolicy.LIMIT_ONLY:
        kinds.add(OrderType.LIMIT)

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(listing(market_policy=policy))) as watcher:
            await watcher.at(OPENS_S - 1)
            assert (await watcher.last()).price_cap is None
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.FILLED
            first_price = Decimal("0.05")
            for _, order in watcher.session.buys_received:
                assert order.type in kinds
                assert order.price is not None
                assert order.price <= first_price * Decimal("1.25")
            assert watcher.bought() <= snipe.spend_cap

    simulate(main)


def test_a_pair_without_any_price_is_not_bought(tmp_path: Path) -> None:
    quiet = FaultPlan(kind=FaultKind.DROP_PUSH, path="spot@public")

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(faults=(quiet,))) as watcher:
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.MISSED
            assert "no price observed" in snipe.reason
            assert not watcher.session.buys_received

    simulate(main)


def test_a_price_ceiling_is_read_from_the_refusal_and_used(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        ceiling = Decimal("1.01")
        plan = scenario(listing(ceiling_factor=ceiling))
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(LATER_S)
            attempts = await watcher.attempts(await watcher.last())
            refused = next(n for n, one in enumerate(attempts) if one.code == 30010)
            assert attempts[refused + 1].price == Decimal("0.0505")

    simulate(main)


def test_an_order_with_a_lost_response_is_unknown_buys_once_and_is_resolved(tmp_path: Path) -> None:
    lost = FaultPlan(kind=FaultKind.LOSE_RESPONSE, path="/api/v3/order", method="POST", times=1)

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(listing(jitter_ms=0), faults=(lost,))) as watcher:
            states = watcher.record_states()
            await watcher.at(OPENS_S + 15)
            snipe = await watcher.last()
            assert SnipeState.UNKNOWN in states
            assert SnipeState.MISSED not in states
            assert snipe.state is SnipeState.FILLED
            assert len(watcher.buys()) == 1
            assert watcher.bought() == snipe.filled_value

    simulate(main)


def test_a_listing_postponed_in_the_last_seconds_is_disarmed_and_armed_again(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        plan = scenario(listing(postponed=(Postponement(at_s=8, by_s=20),)))
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(OPENS_S + 28)
            first, *_, last = await watcher.snipes()
            assert first.state is SnipeState.DISARMED
            assert last.opens_ms - first.opens_ms == 20_000
            assert last.state is SnipeState.FILLED
            assert all(at >= last.opens_ms - 20 for at, _ in watcher.session.buys_received)

    simulate(main)


@pytest.mark.parametrize("before_s", [0.3, 0.06])
def test_a_listing_postponed_during_a_timed_attempt_sends_nothing_and_is_armed_again(
    tmp_path: Path, before_s: float
) -> None:
    async def main(sim: Simulation) -> None:
        plan = scenario(listing(postponed=(Postponement(at_s=before_s, by_s=20),), jitter_ms=0))
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(OPENS_S - before_s + 0.005)
            first = await watcher.last()
            assert first.state is SnipeState.FIRING, "its shot waits for its moment"
            await asyncio.gather(
                *map(
                    watcher.running.engine.polls.poll_now, (ListingSource.CALENDAR, ListingSource.SYMBOLS_V2)
                )
            )
            assert watcher.now_s < OPENS_S - 0.02
            await watcher.at(OPENS_S + 2)
            assert not watcher.session.buys_received
            first = (await watcher.snipes())[0]
            assert first.state is SnipeState.MISSED
            assert re.match(r"the opening moved to \d{4}-\d\d-\d\d [\d:.]+ UTC", first.reason)
            await watcher.at(OPENS_S + 28)
            last = await watcher.last()
            assert last.opens_ms - first.opens_ms == 20_000
            assert last.state is SnipeState.FILLED
            assert all(at >= last.opens_ms - 20 for at, _ in watcher.session.buys_received)

    simulate(main)


def test_a_listing_cancelled_in_the_last_second_buys_nothing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(listing(cancelled_before_s=0.8))) as watcher:
            await watcher.at(LATER_S)
            assert (await watcher.last()).state.is_over
            assert not watcher.buys()
            assert watcher.components.ledger.state.reserved() == 0

    simulate(main)


def test_a_renamed_listing_is_disarmed(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        plan = scenario(listing(renamed_before_s=12, renamed_to="OTHER"))
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(LATER_S)
            assert (await watcher.last()).state is SnipeState.DISARMED
            assert not watcher.buys(NAME)

    simulate(main)


def test_a_listing_that_opens_early_is_not_bought_seconds_later(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(listing(early_s=6))) as watcher:
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.DISARMED
            assert "early" in snipe.reason
            assert not watcher.buys()

    simulate(main)


def test_a_listing_never_open_to_the_api_is_never_armed(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(listing(api_allowed=False))) as watcher:
            await watcher.at(LATER_S)
            assert not await watcher.snipes()
            assert any(v.name == "sides" for fact in await watcher.refused() for v in fact.verdicts)

    simulate(main)


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_listings_of_a_cluster_are_armed_than_allowed(tmp_path: Path, most: int) -> None:
    async def main(sim: Simulation) -> None:
        names = ("NEWA", "NEWB", "NEWC")
        plan = scenario(*(listing(one) for one in names), max_snipes=most)
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(OPENS_S - 1.5)
            memory = watcher.components.ledger.state
            assert len(memory.snipes) == most
            assert memory.reserved() <= most * max(one.spend_cap for one in memory.snipes.values())
            await watcher.at(LATER_S)
            bought = [one for one in names if watcher.buys(f"{one}USDT")]
            assert len(bought) == most

    simulate(main)


def test_concurrent_arm_requests_create_one_snipe(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(auto_arm="never")) as watcher:
            await watcher.at(OPENS_S - 12)
            arm = watcher.components.arming.arm
            done = await asyncio.gather(arm(NAME, "ann"), arm(NAME, "bob"), return_exceptions=True)
            assert sum(isinstance(one, Exception) for one in done) == 1
            assert len(await watcher.snipes()) == 1

    simulate(main)


def test_a_manually_disarmed_snipe_is_rearmed_manually_only(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            memory = watcher.components.ledger.state
            await watcher.until(lambda: memory.snipe_of(NAME) is not None, OPENS_S)
            await watcher.components.sniper.disarm(NAME, "ann")
            await watcher.at(OPENS_S - 6)
            assert len(await watcher.snipes()) == 1
            assert memory.reserved() == 0
            await watcher.components.arming.arm(NAME, "ann")
            await watcher.at(LATER_S)
            assert (await watcher.last()).state is SnipeState.FILLED

    simulate(main)


def test_a_halt_after_ready_stops_a_snipe_before_its_first_byte(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            await watcher.at(OPENS_S - 0.1)
            await watcher.components.safety.emergency_stop.halt("ann", "enough")
            await watcher.at(LATER_S)
            assert (await watcher.last()).state in (SnipeState.DISARMED, SnipeState.MISSED)
            assert not watcher.session.buys_received

    simulate(main)


def test_firing_removes_its_ledger_listener(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            before = len(watcher.components.ledger._listeners)  # pyright: ignore[reportPrivateUsage]
            await watcher.at(LATER_S)
            assert watcher.buys()
            assert len(watcher.components.ledger._listeners) == before  # pyright: ignore[reportPrivateUsage]

    simulate(main)
