"""A position that cannot be sold stays open, is reported, retried and sold; only dust is written off."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.engine.views.trading_queries import TradingQueries, trading_queries
from mexc_tui.ledger.arithmetic import plain
from mexc_tui.model.event import Alert
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.position import LedgerAccount, Protection
from mexc_tui.model.stream import BestQuote
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import (
    SYMBOL,
    Overrides,
    assert_reconciled,
    change_rules,
    closed_position,
    day_with,
    held_position,
    monitored_engine,
    rules_of,
    shown_protection,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

D = Decimal
NO_LADDER: Overrides = {
    "ladder": "",
    "exchange_info_least_s": 3,
    "symbols_poll_near_s": 3,
    "stop_loss_pct": 50,
}
SILENCE = FaultPlan(kind=FaultKind.SILENCE, at_s=42, path="spot@public")
NO_BOOK = FaultPlan(kind=FaultKind.MAINTENANCE, at_s=42, path="/api/v3/depth")
LOW_BID = D("0.00001")


async def bid_for(components: TradingComponents, bid: Decimal | None, seconds: float) -> None:
    """Stream this best bid only; asks and trades stay unchanged."""
    for _ in range(round(seconds / 0.05)):
        ask = components.prices.of(SYMBOL).ask
        components.prices.on_quote(
            BestQuote(
                symbol=SYMBOL, bid_price=bid, bid_quantity=D(5), ask_price=ask, ask_quantity=D(100), version=0
            )
        )
        await asyncio.sleep(0.05)


async def face_of(running: RunningEngine) -> TradingQueries:
    face = await trading_queries(running.engine)
    assert face is not None
    return face


async def alerts(running: RunningEngine) -> list[Alert]:
    facts = await running.store.read("facts", lambda stored: stored.journal.after(0, 10_000))
    return [one.event for one in facts if isinstance(one.event, Alert)]


def quiet_day(sim: Simulation, folder: Path, **overrides: float | str) -> PracticeDay:
    """Return a day without further prices once the position is open."""
    return day_with(sim, folder, faults=(SILENCE, NO_BOOK), overrides={**NO_LADDER, **overrides})


@pytest.mark.parametrize("bid", [LOW_BID, D(0), None])
@pytest.mark.parametrize("seconds", [1.5, 12])
def test_coins_are_not_written_off_at_a_low_or_missing_bid_and_sold_when_bids_return(
    tmp_path: Path, bid: Decimal | None, seconds: float
) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(quiet_day(sim, tmp_path)) as (running, components, position):
            await asyncio.sleep(3)
            good = components.prices.of(SYMBOL).bid
            selling = asyncio.ensure_future(
                components.exit_execution.close(
                    position, None, OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
                )
            )
            await bid_for(components, bid, seconds)
            assert held_position(running).remaining == position.remaining
            await bid_for(components, good, 6)
            after = await closed_position(running)
            assert (after.sold_quantity, after.dust) == (position.bought_quantity, 0)
            await selling
            await assert_reconciled(running)

    simulate(main)


def test_a_stop_triggered_by_a_low_bid_sells_when_bids_return(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(quiet_day(sim, tmp_path, stop_loss_pct=10)) as (
            running,
            components,
            position,
        ):
            await asyncio.sleep(3)
            good = components.prices.of(SYMBOL).bid
            await bid_for(components, LOW_BID, 1.5)
            await bid_for(components, good, 6)
            row = (await face_of(running)).positions()[0]
            assert row.dust == 0
            assert row.quantity in (0, position.remaining)
            await assert_reconciled(running)

    simulate(main)


@pytest.mark.parametrize("command", ["kill", "flatten"])
def test_an_emergency_stop_during_a_low_bid_reports_remaining_quantities(
    tmp_path: Path, command: str
) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(quiet_day(sim, tmp_path)) as (running, components, position):
            await asyncio.sleep(3)
            good = components.prices.of(SYMBOL).bid
            low = asyncio.ensure_future(bid_for(components, LOW_BID, 60))
            face = await face_of(running)
            acted = await (face.kill("ann") if command == "kill" else face.flatten("ann"))
            assert not acted.is_all
            assert (acted.result.positions_closed, acted.result.positions_left) == (0, 1)
            assert f"still held: {plain(position.remaining)} CLEAN" in acted.text
            assert "best bid too low" in acted.text
            assert held_position(running).trapped
            low.cancel()
            await bid_for(components, good, 6)
            after = await closed_position(running)
            assert (after.sold_quantity, after.dust) == (position.bought_quantity, 0)
            await assert_reconciled(running)

    simulate(main)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"min_quantity": D(50_000)}, "below the minimum 50000"),
        ({"min_value": D(50), "min_value_market": D(50)}, "minimum notional 50"),
        ({"max_value": D("0.5"), "max_value_market": D("0.5")}, "maximum order value of 0.5"),
    ],
    ids=["minimum quantity", "minimum notional", "maximum order value"],
)
def test_a_changed_rule_traps_a_position_until_it_is_changed_back(
    tmp_path: Path, rule: dict[str, Decimal], words: str
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, _, position):
            before = rules_of(day)
            change_rules(day, **rule)
            await until(lambda: words in held_position(running).trapped, 40)
            place, said = await shown_protection(running)
            assert place is Protection.NONE
            assert words in said
            assert any("cannot be sold" in one.text for one in await alerts(running))
            acted = await (await face_of(running)).close(SYMBOL, None, "ann")
            assert not acted.is_all
            assert f"Nothing sold, {plain(position.remaining)} CLEAN still held: " in acted.text
            assert words in acted.text
            await asyncio.sleep(90)
            assert held_position(running).remaining == position.remaining
            change_rules(day, **before)
            after = await closed_position(running, 60)
            assert (after.close_reason, after.dust) == (CloseReason.MANUAL, 0)
            assert after.sold_quantity == position.bought_quantity
            await assert_reconciled(running)

    simulate(main)


def test_a_restored_filter_clears_the_trapped_state_without_a_sale(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, _, position):
            before = rules_of(day)
            change_rules(day, min_quantity=D(50_000))
            await until(lambda: held_position(running).trapped, 40)
            change_rules(day, **before)
            await until(lambda: not held_position(running).trapped, 40)
            assert held_position(running).remaining == position.remaining
            assert (await shown_protection(running))[0] is Protection.ENGINE

    simulate(main)


def test_a_trapped_sale_continues_after_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            before = rules_of(day)
            change_rules(day, min_value=D(50), min_value_market=D(50))
            await until(lambda: held_position(running).trapped, 40)
            await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
        async with day.engine() as running:
            await asyncio.sleep(5)
            assert held_position(running).trapped
            assert held_position(running).remaining == position.remaining
            change_rules(day, **before)
            after = await closed_position(running, 60)
            assert (after.close_reason, after.dust) == (CloseReason.MANUAL, 0)

    simulate(main)


def test_a_refused_partial_close_leaves_the_position_unchanged(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            change_rules(day, min_value=D(50), min_value_market=D(50))
            await until(lambda: held_position(running).trapped, 40)
            acted = await (await face_of(running)).close(SYMBOL, D(50), "ann")
            assert not acted.is_all
            assert "remainder of the share cannot be sold" in acted.text
            assert not components.exit_execution.is_selling(position.id)

    simulate(main)


def test_a_share_below_one_quantity_step_is_reported_as_refused(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            acted = await (await face_of(running)).close(SYMBOL, D("0.00001"), "ann")
            assert not acted.is_all
            assert acted.text.startswith("Nothing sold, ")
            assert "less than one quantity step" in acted.text
            assert held_position(running).remaining == position.remaining
            assert not components.exit_execution.is_selling(position.id)

    simulate(main)


def test_dust_that_a_close_writes_off_is_reported(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            await components.exit_execution.close(
                position, D(95), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="most"
            )
            rest = held_position(running)
            acted = await (await face_of(running)).close(SYMBOL, None, "ann")
            assert f"{plain(rest.remaining)} CLEAN written off as dust" in acted.text
            assert components.ledger.state.balances[LedgerAccount.OWN, "CLEAN"] == rest.remaining

    simulate(main)


def test_dust_that_a_kill_writes_off_is_reported(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            await components.exit_execution.close(
                position, D(95), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="most"
            )
            rest = held_position(running)
            acted = await (await face_of(running)).kill("ann")
            assert f"written off as dust: {plain(rest.remaining)} CLEAN" in acted.text

    simulate(main)
