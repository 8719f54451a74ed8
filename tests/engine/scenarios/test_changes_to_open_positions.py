"""Open positions while fills race a stop, a day ends, fees change, deposits arrive and bids fall."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.accounting.equity_monitor import DAY_MS
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.ledger.days import utc_day
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.position import LedgerAccount, Position, TradingDay
from mexc_tui.practice.matching.book import RestingOrder
from mexc_tui.practice.matching.pairs import PracticePair
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.practice.scenario import AccountPlan, FaultKind, FaultPlan, Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER, desk_orders
from tests.support.engine.monitored_position import (
    SYMBOL,
    assert_reconciled,
    buy,
    closed_position,
    components_of,
    day_with,
    held_position,
    keep_bid,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

D = Decimal
COIN = "CLEAN"
RUNG = "50@30"
"""Half of what is held rests as a take-profit."""
OWN = D(10_000)
"""Coins of the user that no sale of the desk may touch."""
MIDNIGHT_MS = 20_423 * DAY_MS


def a_day(
    sim: Simulation, folder: Path, *faults: FaultPlan, knobs: Knobs | None = None, **overrides: float | str
) -> PracticeDay:
    return day_with(
        sim, folder, faults=faults, knobs=knobs, listing=NO_JITTER, overrides={**EXITS_OFF, **overrides}
    )


def pair_of(day: PracticeDay) -> PracticePair:
    pair = day.server.session.pair(SYMBOL)
    assert pair is not None
    return pair


def sells(day: PracticeDay) -> list[OrderRecord]:
    return [one for one in desk_orders(day) if one.side is Side.SELL]


def balance(day: PracticeDay, asset: str) -> Decimal:
    return sum((one.free + one.locked for one in day.server.session.balances() if one.asset == asset), D(0))


async def deposit_own(day: PracticeDay, components: TradingComponents) -> None:
    """Let the user deposit coins of the same kind, and wait until they are booked as the user's own."""
    day.server.session.deposit(COIN, OWN)
    await until(lambda: components.ledger.state.balances.get((LedgerAccount.OWN, COIN), D(0)) >= OWN, 90)


def take_share(day: PracticeDay, order: OrderRecord, share: str) -> None:
    """Buy a share of a resting take-profit and every cheaper ask."""
    pair = pair_of(day)
    limit = pair.ticks(order.price)
    cheaper = sum(pair.book.asks.totals[ticks] for ticks in pair.book.asks.prices() if ticks < limit)
    pair.take(Side.BUY, limit, cheaper + pair.lots(order.quantity * D(share)))


# ---- a partial fill of a take-profit races a stop


@pytest.mark.parametrize("after_s", [0.0, 0.002, 0.02, 0.2])
@pytest.mark.parametrize("is_silent", [False, True], ids=["fill pushed", "fill not pushed"])
def test_a_partial_take_profit_fill_that_races_a_stop_sells_each_coin_once(
    tmp_path: Path, after_s: float, is_silent: bool
) -> None:
    async def main(sim: Simulation) -> None:
        silence = FaultPlan(kind=FaultKind.SILENCE, at_s=55, path="spot@private")
        day = a_day(sim, tmp_path, *((silence,) if is_silent else ()), ladder=RUNG, reconcile_s=10)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            await until(lambda: [one for one in components.ledger.state.live_orders() if one.order_id])
            await deposit_own(day, components)
            (rung,) = sells(day)
            selling = asyncio.ensure_future(
                components.exit_execution.close(
                    position, None, OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
                )
            )
            await asyncio.sleep(after_s)
            take_share(day, rung, "0.4")
            await selling
            after = await closed_position(running, 60)
            assert (after.sold_quantity, after.dust) == (position.bought_quantity, 0)
            if not after_s:
                assert next(one for one in sells(day) if one.order_id == rung.order_id).executed > 0
            assert sum((one.executed for one in sells(day)), D(0)) == position.bought_quantity
            assert balance(day, COIN) == OWN
            await assert_reconciled(running)

    simulate(main)


# ---- a UTC day ends


async def days(running: RunningEngine) -> dict[str, TradingDay]:
    scope = components_of(running).ledger.scope
    rows = await running.store.read("days", lambda stored: stored.trading(scope).days.latest(10))
    return {one.day: one for one in rows}


def test_a_position_held_over_midnight_keeps_its_stop_and_is_booked_on_the_day_of_its_sale(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, stop_loss_pct=10)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            assert components.port.now_ms() < MIDNIGHT_MS
            before = (
                held_position(running).stop_price,
                components.exit_monitor.heartbeat_ms(held_position(running)),
            )
            await until(lambda: components.port.now_ms() > MIDNIGHT_MS + 1_000, 60)
            heartbeat_ms = components.exit_monitor.heartbeat_ms(held_position(running))
            assert held_position(running).stop_price == before[0]
            assert heartbeat_ms is not None
            assert heartbeat_ms > MIDNIGHT_MS
            await keep_bid(components, position, "0.85", 0.4)
            after = await closed_position(running)
            assert after.close_reason is CloseReason.STOP
            kept = await days(running)
            first, second = kept[utc_day(MIDNIGHT_MS - 1)], kept[utc_day(MIDNIGHT_MS)]
            assert (first.opened, first.closed, first.sold_value) == (1, 0, 0)
            assert (second.opened, second.closed, second.sold_value) == (0, 1, after.sold_value)
            assert first.realised + second.realised == after.realised
            await assert_reconciled(running)

    simulate(main, start_ms=MIDNIGHT_MS - 60_000)


def test_a_stop_confirmed_across_midnight_sells(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, stop_loss_pct=10, stop_confirm_ms=2_000, stop_confirm_trades=100)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            await until(lambda: components.port.now_ms() > MIDNIGHT_MS - 1_000, 60)
            assert components.port.now_ms() < MIDNIGHT_MS
            await keep_bid(components, position, "0.89", 2.5)
            after = await closed_position(running)
            assert after.close_reason is CloseReason.STOP
            assert after.closed_ms is not None
            assert after.closed_ms > MIDNIGHT_MS

    simulate(main, start_ms=MIDNIGHT_MS - 60_000)


# ---- the asset that pays fees changes


@pytest.mark.parametrize("was_on", [False, True], ids=["USDT then MX", "MX then USDT"])
def test_exit_fees_in_another_asset_than_entry_fees_are_counted(tmp_path: Path, was_on: bool) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, knobs=Knobs(mx_deduction=was_on, taker_fee=D("0.001")), ladder=RUNG)
        plan = AccountPlan(balances={"USDT": D(1_000), "MX": D(5)})
        day = PracticeDay(sim, tmp_path, msgspec.structs.replace(day.server.session.scenario, account=plan))
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            await until(lambda: held_position(running).fees)
            day.server.session.mx_deduction = not was_on
            bought_fees, mx = held_position(running).fees, balance(day, "MX")
            done = await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="ann"
            )
            assert done.left == 0
            await asyncio.sleep(3)
            after = await closed_position(running)
            assert (after.sold_quantity, after.dust) == (position.bought_quantity, 0)
            assert after.fees > bought_fees
            assert (balance(day, "MX") < mx) is not was_on
            assert after.realised == after.sold_value - after.bought_value - after.fees
            await assert_reconciled(running)

    simulate(main)


# ---- deposits of the coin that is held


def test_a_deposit_of_the_same_coin_while_holding_is_never_sold_by_a_stop(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, ladder=RUNG, reconcile_s=10)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            await deposit_own(day, components)
            assert held_position(running).remaining == position.remaining
            await keep_bid(components, position, "0.4", 0.4)
            after = await closed_position(running, 60)
            assert (after.sold_quantity, after.close_reason) == (position.bought_quantity, CloseReason.STOP)
            assert balance(day, COIN) == OWN
            await assert_reconciled(running)

    simulate(main)


@pytest.mark.parametrize("after_s", [0.0, 0.005, 0.05])
def test_a_deposit_in_the_middle_of_a_sale_is_not_sold_with_it(tmp_path: Path, after_s: float) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, reconcile_s=10)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            selling = asyncio.ensure_future(
                components.exit_execution.close(
                    position, None, OrderRole.FLATTEN, reason=CloseReason.FLATTEN, text="flatten"
                )
            )
            await asyncio.sleep(after_s)
            day.server.session.deposit(COIN, OWN)
            await selling
            after = await closed_position(running, 60)
            assert after.sold_quantity == position.bought_quantity
            assert balance(day, COIN) == OWN
            await until(lambda: components.ledger.state.balances.get((LedgerAccount.OWN, COIN)) == OWN, 90)

    simulate(main)


# ---- a gap through the price band, on the exchange's own book


def best_bid(day: PracticeDay) -> Decimal:
    pair = pair_of(day)
    return pair.price(pair.book.bids.best() or 0)


def withdraw_bids(day: PracticeDay, above: Decimal) -> None:
    """Take every bid above a price out of the book, and leave a deep one at it. Nothing trades."""
    pair, floor = pair_of(day), pair_of(day).ticks(above)
    for ticks in [one for one in pair.book.bids.prices() if one > floor]:
        for order in list(pair.book.bids.levels[ticks]):
            pair.remove(order)
    if pair.book.bids.best() != floor:
        pair.rest(RestingOrder(side=Side.BUY, ticks=floor, lots=pair.lots(D(1_000_000))))


async def hold_down(day: PracticeDay, position: Position) -> None:
    """Keep the best bid at half the entry price."""
    while True:
        withdraw_bids(day, position.entry_price / 2)
        await asyncio.sleep(0.01)


def test_a_sweep_through_the_price_band_sells_at_the_remaining_bids(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, stop_loss_pct=10)
        await day.open()
        async with day.engine() as running:
            position = await buy(running)
            pair, floor = pair_of(day), position.entry_price / 2
            pair.rest(RestingOrder(side=Side.BUY, ticks=pair.ticks(floor), lots=pair.lots(D(1_000_000))))
            falling = asyncio.ensure_future(hold_down(day, position))
            lots = sum(total for ticks, total in pair.book.bids.totals.items() if ticks >= pair.ticks(floor))
            pair.take(Side.SELL, pair.ticks(floor), min(lots, lots - pair.lots(D(900_000))))
            after = await closed_position(running)
            falling.cancel()
            assert (after.close_reason, after.dust) == (CloseReason.STOP, 0)
            assert after.sold_quantity == position.bought_quantity
            assert after.sold_value / after.sold_quantity < position.entry_price * D("0.6")
            await assert_reconciled(running)

    simulate(main)


def test_a_sale_continues_across_a_gap_below_the_price_band(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, stop_loss_pct=10)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position, pair = await buy(running), pair_of(day)
            band = pair.rules.band_down
            assert band is not None
            falling = asyncio.ensure_future(hold_down(day, position))
            await asyncio.sleep(5)
            assert best_bid(day) < position.entry_price * (1 - band)
            for _ in range(3):
                pair.take(Side.SELL, pair.ticks(position.entry_price / 2), 1)
                await asyncio.sleep(1)
            after = await closed_position(running, 60)
            falling.cancel()
            assert (after.close_reason, after.dust) == (CloseReason.STOP, 0)
            assert after.sold_quantity == position.bought_quantity
            assert components.ledger.state.balances.get((LedgerAccount.DESK, COIN), D(0)) == 0
            await assert_reconciled(running)

    simulate(main)
