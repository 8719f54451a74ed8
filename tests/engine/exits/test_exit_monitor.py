"""Protection and closing of positions, on the practice exchange in virtual time."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.exits.exit_intents import ExitIntents, ExitRequest
from mexc_tui.engine.market.polled_price import poll_price
from mexc_tui.ledger.checks import protected
from mexc_tui.ledger.orders import unknown_attempt
from mexc_tui.model.event import Alert
from mexc_tui.model.intent import CloseReason, OrderRole, OrderState
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.position import LedgerAccount, Protection
from mexc_tui.model.storage import StorageError
from mexc_tui.practice.scenario import FaultKind, FaultPlan, Knobs, ListingShape
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import (
    QUIET,
    SYMBOL,
    Overrides,
    assert_reconciled,
    buy,
    closed_position,
    components_of,
    day_with,
    held_position,
    keep_bid,
    monitored_engine,
    set_bid,
    shown_protection,
    until,
)

pytestmark = pytest.mark.timeout(120)  # runs whole engines

D = Decimal
NO_LADDER: Overrides = {"ladder": ""}


def test_a_confirmed_fall_cancels_the_ladder_and_sells_all(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path)) as (running, components, position):
            resting = [
                one for one in components.ledger.state.live_orders() if one.role is OrderRole.TAKE_PROFIT
            ]
            assert len(resting) == 3
            await keep_bid(components, position, "0.88", 0.4)
            after = await closed_position(running)
            assert (after.close_reason, after.remaining) == (CloseReason.STOP, 0)
            assert after.sold_quantity == position.bought_quantity
            assert not components.ledger.state.live_orders()
            await assert_reconciled(running)

    simulate(main)


def test_one_print_below_the_stop_sells_nothing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides={"stop_confirm_ms": 2_000})) as (
            running,
            components,
            position,
        ):
            set_bid(components, position, "0.89")
            await keep_bid(components, position, "1", 3)
            assert held_position(running).sold_quantity == 0

    simulate(main)


def test_a_price_far_below_the_stop_sells_at_once_over_the_warm_connection(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(
            day_with(sim, tmp_path, overrides={"stop_confirm_ms": 10_000, **NO_LADDER})
        ) as (
            running,
            components,
            position,
        ):
            sent = list[str]()
            components.ledger.on_change(lambda written: sent.extend(one.id for one in written.intents))
            set_bid(components, position, "0.7")
            for _ in range(20):
                await asyncio.sleep(0)
            assert not [
                one for one in components.ledger.state.orders_of(position.id) if one.role is OrderRole.STOP
            ]
            set_bid(components, position, "0.7")
            for _ in range(20):
                await asyncio.sleep(0)
            orders = components.ledger.state.orders_of(position.id)
            assert [one.state for one in orders if one.role is OrderRole.STOP] == [OrderState.SENT]
            assert sent == []
            assert (await closed_position(running)).close_reason is CloseReason.STOP

    simulate(main)


def test_a_real_crash_is_sold_at_the_stop(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        listing = msgspec.structs.replace(QUIET, shape=ListingShape.SPIKE, peak=1.08)
        day = day_with(sim, tmp_path, listing=listing)
        async with monitored_engine(day) as (running, _, _):
            after = await closed_position(running, 60)
            assert after.close_reason in (CloseReason.STOP, CloseReason.LADDER)
            await assert_reconciled(running)

    simulate(main)


def test_resting_rungs_fill_in_turn_and_close_the_position(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        listing = msgspec.structs.replace(QUIET, shape=ListingShape.RUSH, peak=2.0)
        async with monitored_engine(day_with(sim, tmp_path, listing=listing)) as (
            running,
            components,
            position,
        ):
            prices = sorted(one.price or D(0) for one in components.ledger.state.live_orders())
            assert [round(one / position.entry_price, 1) for one in prices] == [D("1.1"), D("1.2"), D("1.3")]
            after = await closed_position(running)
            assert after.close_reason is CloseReason.LADDER
            assert after.realised > 0
            await assert_reconciled(running)

    simulate(main)


def test_a_trailing_stop_remembers_the_highest_price_over_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        trailing = {"trailing": True, "trailing_after_pct": 20, "trailing_distance_pct": 15}
        slow = {"stop_confirm_ms": 10_000, "stop_confirm_trades": 100, "stop_at_once_factor": 10}
        day = day_with(sim, tmp_path, overrides={**trailing, **slow, **NO_LADDER})
        async with monitored_engine(day) as (_, components, position):
            await keep_bid(components, position, "1.5", 2)
        async with day.engine() as running:
            position = held_position(running)
            assert position.high_price == position.entry_price * D("1.5")
            assert position.stop_price == position.high_price * D("0.85")
            after = await closed_position(running)  # the market is far below the stop that moved
            assert after.close_reason is CloseReason.TRAILING

    simulate(main)


def test_the_stop_moves_to_break_even_after_its_rung(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        listing = msgspec.structs.replace(QUIET, shape=ListingShape.RUSH, peak=1.18)
        day = day_with(sim, tmp_path, listing=listing, overrides={"break_even_rung": 1})
        async with monitored_engine(day) as (running, components, position):
            await until(
                lambda: not components.ledger.state.positions or held_position(running).rungs_done, 60
            )
            await until(lambda: held_position(running).stop_price > position.entry_price)
            await keep_bid(components, position, "0.99", 0.4)
            assert (await closed_position(running)).close_reason is CloseReason.BREAK_EVEN

    simulate(main)


def test_a_time_stop_needs_no_price_and_sells_while_halted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides={"time_stop_s": 8})) as (
            running,
            components,
            position,
        ):
            await components.safety.emergency_stop.halt("ann", "lunch")
            after = await closed_position(running)
            assert after.close_reason is CloseReason.TIME
            assert after.closed_ms is not None
            assert 8_000 <= after.closed_ms - position.opened_ms < 10_000

    simulate(main)


def test_a_manual_partial_close_realigns_the_ladder(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path)) as (running, components, position):
            done = await components.exit_execution.close(
                position, D(50), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert abs(done.sold - position.remaining / 2) <= D("0.01")
            assert done.text == ""
            await asyncio.sleep(7)
            resting = sum(one.open_quantity for one in components.ledger.state.live_orders())
            assert resting == held_position(running).remaining
            await assert_reconciled(running)

    simulate(main)


def test_a_part_too_small_for_an_order_is_reported_and_not_sold(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path)) as (running, components, position):
            done = await components.exit_execution.close(
                position, D(5), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert done.sold == 0
            assert "remainder of the share cannot be sold" in done.text
            assert held_position(running).remaining == position.remaining

    simulate(main)


def test_concurrent_sales_never_sell_a_coin_twice(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path)) as (running, components, position):
            sell = components.exit_execution.close
            set_bid(components, position, "0.5")
            await asyncio.gather(
                sell(position, D(30), OrderRole.CLOSE, reason=CloseReason.RISK_MONITOR, text="a warning"),
                sell(position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"),
                sell(position, None, OrderRole.FLATTEN, reason=CloseReason.FLATTEN, text="flatten"),
            )
            after = await closed_position(running)
            assert after.sold_quantity == position.bought_quantity
            assert (LedgerAccount.OWN, "CLEAN") not in components.ledger.state.balances
            await assert_reconciled(running)

    simulate(main)


def test_a_sale_continues_after_its_caller_is_cancelled(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path)) as (running, components, position):
            asking = asyncio.ensure_future(
                components.exit_execution.close(
                    position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
                )
            )
            await asyncio.sleep(0.001)
            asking.cancel()
            assert (await closed_position(running)).close_reason is CloseReason.MANUAL

    simulate(main)


def test_a_remainder_too_small_for_an_order_is_written_off(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            done = await components.exit_execution.close(
                position, D(95), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="most"
            )
            assert done.left > 0
            left = held_position(running)
            await components.exit_execution.close(
                left, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="the rest"
            )
            after = await closed_position(running)
            assert after.dust == left.remaining
            assert components.ledger.state.balances[LedgerAccount.OWN, "CLEAN"] == after.dust

    simulate(main)


def test_a_trapped_coin_is_reported_and_sold_when_trading_resumes(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        knobs = Knobs(trapped=("CLEAN",))
        day = day_with(sim, tmp_path, knobs=knobs, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            done = await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert (done.sold, done.left) == (0, position.remaining)
            assert "suspended" in done.text
            assert "suspended" in held_position(running).trapped
            assert (await shown_protection(running))[0] is Protection.NONE
            msgspec.structs.force_setattr(knobs, "trapped", ())
            assert (await closed_position(running, 60)).remaining == 0

    simulate(main)


def test_a_stop_touched_during_downtime_sells_at_the_first_price(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        listing = msgspec.structs.replace(QUIET, shape=ListingShape.FADE, peak=1.0)
        day = day_with(sim, tmp_path, listing=listing, overrides={"stop_loss_pct": 2, **NO_LADDER})
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(22)
            await components_of(running).arming.arm(SYMBOL, "ann")
            await until(lambda: components_of(running).ledger.state.positions)
        await asyncio.sleep(25)
        async with day.engine() as running:
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            await assert_reconciled(running)

    simulate(main)


def test_a_silent_stream_makes_the_monitor_query_the_order_book(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        silence = FaultPlan(kind=FaultKind.SILENCE, at_s=45, path="spot@public")
        day = day_with(sim, tmp_path, faults=(silence,), overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, _):
            await asyncio.sleep(15)
            age_ms = components.prices.age_ms(SYMBOL)
            assert age_ms is not None
            assert age_ms < 5_000
            assert (await shown_protection(running))[0] is Protection.ENGINE

    simulate(main)


def test_a_missing_price_raises_an_alert_and_removes_protection(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        silence = FaultPlan(kind=FaultKind.SILENCE, at_s=45, path="spot@public")
        refused = FaultPlan(kind=FaultKind.MAINTENANCE, at_s=45, path="/api/v3/depth")
        day = day_with(sim, tmp_path, faults=(silence, refused), overrides=NO_LADDER)
        async with monitored_engine(day) as (running, _, _):
            await asyncio.sleep(20)
            place, words = await shown_protection(running)
            assert place is Protection.NONE
            assert "cannot trigger" in words
            facts = await running.store.read("facts", lambda stored: stored.journal.after(0, 10_000))
            alerts = [one.event for one in facts if isinstance(one.event, Alert)]
            assert any(one.rule == "guardian" for one in alerts)

    simulate(main)


def test_a_stop_sells_while_the_store_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path)) as (running, components, position):

            async def fails(*_: object, **__: object) -> None:
                raise StorageError("the disk is full")

            with monkeypatch.context() as patched:
                patched.setattr(components.ledger, "write", fails)
                await keep_bid(components, position, "0.7", 0.5)
                await until(lambda: not components.exit_execution.left(held_position(running)))
            after = await closed_position(running)
            assert after.close_reason is CloseReason.STOP
            await assert_reconciled(running)

    simulate(main)


def test_a_manual_close_works_while_the_store_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path)) as (running, components, position):

            async def fails(*_: object, **__: object) -> None:
                raise StorageError("the disk is full")

            with monkeypatch.context() as patched:
                patched.setattr(components.ledger, "write", fails)
                done = await components.exit_execution.close(
                    position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="ann"
                )
                assert done.left == 0
            assert (await closed_position(running)).sold_quantity == position.bought_quantity

    simulate(main)


def test_a_stop_sells_while_the_exchange_serves_nothing_else(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        storm = FaultPlan(kind=FaultKind.TOO_MANY_REQUESTS, at_s=45, for_s=30, path="/api/v3/depth")
        day = day_with(sim, tmp_path, faults=(storm,))
        async with monitored_engine(day) as (running, components, position):
            await asyncio.sleep(5)
            await keep_bid(components, position, "0.7", 0.5)
            assert (await closed_position(running)).close_reason is CloseReason.STOP

    simulate(main)


def test_a_lost_response_is_queried_and_nothing_is_sold_twice(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        lost = FaultPlan(kind=FaultKind.LOSE_RESPONSE, at_s=45, path="/api/v3/order", method="POST", times=1)
        async with monitored_engine(day_with(sim, tmp_path, faults=(lost,), overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            await asyncio.sleep(6)
            await keep_bid(components, position, "0.7", 0.5)
            after = await closed_position(running)
            assert (after.close_reason, after.sold_quantity) == (CloseReason.STOP, position.bought_quantity)
            await assert_reconciled(running)

    simulate(main)


def test_wrong_cancel_responses_do_not_delay_a_stop(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, knobs=Knobs(cancel_race=1.0))) as (
            running,
            components,
            position,
        ):
            await keep_bid(components, position, "0.7", 0.5)
            assert (await closed_position(running, 5)).close_reason is CloseReason.STOP
            await assert_reconciled(running)

    simulate(main)


def test_a_sale_continues_after_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        refused = FaultPlan(
            kind=FaultKind.MAINTENANCE, at_s=45, for_s=15, path="/api/v3/order", method="POST"
        )
        day = day_with(sim, tmp_path, faults=(refused,), overrides=NO_LADDER)
        async with monitored_engine(day) as (_, components, position):
            await asyncio.sleep(5)
            done = await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert done.left == position.remaining
            assert done.text
        async with day.engine() as running:
            assert (await closed_position(running)).close_reason is CloseReason.MANUAL
            await assert_reconciled(running)

    simulate(main)


def test_a_position_is_monitored_from_its_first_fill(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            naked = list[str]()

            def look(written: LedgerChanges) -> None:
                for one in written.positions:
                    if one.is_open:
                        intents = components.ledger.state.intents_of(one.id)
                        now_ms = components.port.now_ms()
                        naked.extend(
                            protected(one, intents, components.exit_monitor.heartbeat_ms(one), now_ms=now_ms)
                        )

            components.ledger.on_change(look)
            await buy(running)
            assert naked == []

    simulate(main)


def test_an_order_denied_after_its_fence_does_not_delay_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):

            async def never(*_: object) -> None:
                await asyncio.sleep(0)  # balances never prove anything: it stays unknown

            monkeypatch.setattr(components.order_resolution, "_differences", never)
            wish = ExitRequest(
                role=OrderRole.TAKE_PROFIT,
                reason=CloseReason.LADDER,
                text="never sent",
                quantity=position.remaining,
                rung=1,
            )
            intent = await ExitIntents(components.port, components.ledger).of_rung(position, wish)
            lost = unknown_attempt(intent, intent.client_ids[0], components.port.now_ms() + 3_000)
            components.ledger.register_sent(msgspec.structs.replace(lost, quantity=position.remaining))
            began_s = asyncio.get_running_loop().time()
            await keep_bid(components, position, "0.7", 0.5)
            assert (await closed_position(running)).sold_quantity == position.bought_quantity
            assert 3 <= asyncio.get_running_loop().time() - began_s < 8
            assert components.ledger.state.orders[lost.client_order_id].state is OrderState.UNKNOWN

    simulate(main)


def test_a_queried_order_book_counts_as_a_price_for_every_purpose(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path)) as (_, components, _position):
            for purpose in Purpose:
                components.prices.invalidate()
                before = components.prices.age_ms(SYMBOL)
                await poll_price(components.port, components.prices, SYMBOL, purpose=purpose)
                assert before is None
                assert components.prices.age_ms(SYMBOL) is not None

    simulate(main)
