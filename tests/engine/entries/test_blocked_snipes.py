"""Conditions that prevent arming or firing, and how they are reported."""

import asyncio
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.verdict import refusal_text, refusals
from mexc_tui.ports.trading import FiringLine
from mexc_tui.practice.scenario import FaultKind, FaultPlan, ListingPlan, ListingShape
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.opening_day import NAME, OPENS_S, listing, opening_engine, scenario

pytestmark = pytest.mark.timeout(120)  # runs whole engines

LATER_S = OPENS_S + 8


def test_a_storm_of_429_ends_without_a_second_buy(tmp_path: Path) -> None:
    storm = FaultPlan(
        kind=FaultKind.TOO_MANY_REQUESTS, path="/api/v3/order", method="POST", at_s=OPENS_S - 1, for_s=3
    )

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(faults=(storm,))) as watcher:
            await watcher.at(OPENS_S + 20)
            snipe = await watcher.last()
            assert snipe.state.is_over
            assert watcher.bought() == snipe.filled_value
            assert watcher.bought() <= snipe.spend_cap

    simulate(main)


def test_no_snipe_fires_while_the_user_stream_is_down(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            await watcher.at(OPENS_S - 4)
            port, state = watcher.components.port, watcher.components.port.private_state()
            down = type(state)(is_live=False)
            port.private_state = lambda: down
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.DISARMED
            assert "user stream" in snipe.reason
            assert not watcher.session.buys_received

    simulate(main)


def test_an_inaccurate_clock_blocks_firing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            await watcher.at(OPENS_S - 4)
            port = watcher.components.port
            port.clock = lambda: None
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.DISARMED
            assert "clock" in snipe.reason
            assert not watcher.session.buys_received

    simulate(main)


@pytest.mark.parametrize(("pairs", "may"), [((), True), (("XRPUSDT", "MXUSDT"), False)])
def test_a_pair_missing_from_the_key_s_list_is_not_bought(
    tmp_path: Path, pairs: tuple[str, ...], may: bool
) -> None:
    plan = scenario()
    plan = replace(plan, account=replace(plan.account, pairs=pairs))

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(OPENS_S - 8)
            face = await trading_queries(watcher.running.engine)
            assert face is not None
            row = await face.what_if(NAME)
            (said,) = (one for one in row.verdicts if one.name == "key_may_trade")
            assert said.passed is may
            assert said.value.startswith("yes: selfSymbols, read " if may else "no: selfSymbols, read ")
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert bool(watcher.session.buys_received) is may
            assert ("key may trade: no: selfSymbols" in snipe.reason) is not may

    simulate(main)


@pytest.mark.parametrize("mode", ["never", "practice"])
def test_signals_arm_only_where_enabled(tmp_path: Path, mode: str) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(auto_arm=mode)) as watcher:
            await watcher.at(LATER_S)
            assert bool(await watcher.snipes()) is (mode == "practice")

    simulate(main)


def test_a_manually_armed_snipe_fires(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(auto_arm="never")) as watcher:
            await watcher.at(OPENS_S - 9)
            snipe = await watcher.components.arming.arm(NAME, "ann")
            assert snipe.by == "ann"
            await watcher.at(LATER_S)
            assert (await watcher.last()).state is SnipeState.FILLED

    simulate(main)


def test_what_if_returns_the_same_verdicts_as_arming(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        plan = scenario(listing(api_allowed=False), auto_arm="never")
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(OPENS_S - 9)
            judged = await watcher.components.arming.what_if(NAME)
            said = refusals(judged.judgement.verdicts)
            assert said
            with pytest.raises(CommandRefused) as refused:
                await watcher.components.arming.arm(NAME, "ann")
            assert all(refusal_text(one) in str(refused.value) for one in said)
            assert not await watcher.snipes()

    simulate(main)


def test_a_refusal_is_reported_once_until_it_changes(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(listing(api_allowed=False))) as watcher:
            await watcher.at(LATER_S)
            told: dict[str, list[tuple[str, ...]]] = {}
            passing = ("weight_left", "orders_left")
            for fact in await watcher.refused():
                names = tuple(one.name for one in fact.verdicts if one.name not in passing)
                told.setdefault(fact.signal_id, []).append(names)
            assert told
            assert all(a != b for rows in told.values() for a, b in pairwise(rows))

    simulate(main)


@pytest.mark.parametrize(
    "plan",
    [
        listing(shape=ListingShape.THIN, depth_quote=Decimal(2000)),
        listing(shape=ListingShape.DUD),
        listing(suspended_after_s=3),
    ],
    ids=["thin", "dud", "suspended"],
)
def test_ledger_and_exchange_agree_after_a_poor_opening(tmp_path: Path, plan: ListingPlan) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(plan)) as watcher:
            await watcher.at(OPENS_S + 12)
            snipe = await watcher.last()
            assert snipe.state.is_over
            assert watcher.bought() == snipe.filled_value
            assert watcher.bought() <= snipe.spend_cap

    simulate(main)


def test_a_signal_does_not_arm_a_pair_twice(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            await watcher.at(LATER_S)
            await watcher.components.arming.process()
            assert len(await watcher.snipes()) == 1
            assert len({one.client_order_id.rpartition("-")[0] for one in watcher.buys()}) == 1

    simulate(main)


def test_a_connection_that_warms_up_too_slowly_fires_nothing_after_the_window(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            line_of = watcher.components.port.line

            def slow_line() -> FiringLine:
                line = line_of()
                warm = line.warm

                async def slow() -> None:
                    await asyncio.sleep(max(OPENS_S + 9 - watcher.now_s, 0))
                    await warm()

                line.warm = slow
                return line

            watcher.components.port.line = slow_line
            await watcher.at(OPENS_S + 12)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.MISSED
            assert "entry window of 5000 ms over" in snipe.reason
            assert not watcher.session.buys_received

    simulate(main)
