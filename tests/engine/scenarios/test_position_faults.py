"""Coins that are held while pushes, keys, fees and other hands go wrong (reliability 2.1 to 2.3)."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.event import Alert, EntryBooked
from mexc_tui.model.intent import CloseReason, Order, OrderRole, OrderState
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Purpose
from mexc_tui.model.position import EntryKind, LedgerAccount
from mexc_tui.model.reconciliation import DifferenceKind, Reconciliation, Trigger
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.practice.scenario import AccountPlan, FaultKind, FaultPlan, Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import (
    EXITS_OFF,
    NO_JITTER,
    assert_ledger_matches,
    desk_orders,
    killed_engine,
    stored_orders,
)
from tests.support.engine.monitored_position import (
    SYMBOL,
    assert_reconciled,
    buy,
    closed_position,
    components_of,
    day_with,
    held_position,
    reconcile_confirmed,
    shown_protection,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

PRIVATE = "spot@private"
RUNG = "50@30"
"""Half of what is held rests as a sale."""


def a_day(
    sim: Simulation, folder: Path, *faults: FaultPlan, knobs: Knobs | None = None, **overrides: float | str
) -> PracticeDay:
    return day_with(
        sim, folder, faults=faults, knobs=knobs, listing=NO_JITTER, overrides={**EXITS_OFF, **overrides}
    )


def others_buy(day: PracticeDay, order: OrderRecord, share: str = "1") -> None:
    """Let the crowd buy a share of a sale that rests, and all that is cheaper."""
    pair = day.server.session.pair(SYMBOL)
    assert pair is not None
    limit = pair.ticks(order.price)
    cheaper = [
        one for ticks in pair.book.asks.prices() if ticks < limit for one in pair.book.asks.levels[ticks]
    ]
    lots = sum(one.lots for one in cheaper) + pair.lots(order.quantity * Decimal(share))
    pair.take(Side.BUY, limit, lots)


def the_sale(day: PracticeDay) -> OrderRecord:
    (sale,) = (row for row in desk_orders(day) if row.side is Side.SELL)
    return sale


async def resting(running: RunningEngine) -> Order:
    """Wait until the take-profit of half the position rests; return it."""
    await until(lambda: [one for one in _live(running) if one.order_id])
    (order,) = _live(running)
    await asyncio.sleep(1)
    return order


def _live(running: RunningEngine) -> list[Order]:
    return components_of(running).ledger.state.live_orders()


def test_M12_a_resting_sale_filled_during_stream_silence_is_found_by_query(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        silence = FaultPlan(kind=FaultKind.SILENCE, at_s=43, path=PRIVATE)
        day = a_day(sim, tmp_path, silence, reconcile_s=3_600, ladder=RUNG)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            order = await resting(running)
            await asyncio.sleep(2)
            others_buy(day, the_sale(day))
            assert the_sale(day).status.value == "FILLED"
            await asyncio.sleep(1)
            assert components.ledger.state.live_orders()  # not reported
            await until(lambda: not components.ledger.state.live_orders(), 12)
            assert held_position(running).remaining == position.remaining - the_sale(day).executed
            assert (await stored_orders(running))[order.client_order_id].state is OrderState.FILLED
            await assert_ledger_matches(day, running)

    simulate(main)


def drop_private_sockets(day: PracticeDay) -> None:
    sockets = day.server._sockets  # pyright: ignore[reportPrivateUsage]
    for socket in list(sockets._open):  # pyright: ignore[reportPrivateUsage]
        if socket.listen_key:
            sockets.drop(socket)


def test_M11_a_gap_in_the_user_stream_is_reconciled_at_once(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, reconcile_s=3_600, ladder=RUNG)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await buy(running)
            order = await resting(running)
            told = list[Reconciliation]()
            compare = components.reconciler.compare

            async def noted(trigger: Trigger, runs: list[Reconciliation] | None = None) -> Reconciliation:
                told.append(await compare(trigger, runs))
                return told[-1]

            components.reconciler.compare = noted
            drop_private_sockets(day)
            others_buy(day, the_sale(day))
            await until(lambda: not components.ledger.state.live_orders(), 6)  # before the first query
            assert [run.trigger for run in told] == [Trigger.STREAM_GAP]
            found = [one.text for one in told[0].explained]
            assert any(order.client_order_id in one for one in found), found
            assert not told[0].unexplained
            await assert_ledger_matches(day, running)

    simulate(main)


def test_an_engine_killed_during_a_partly_filled_sale_continues_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, ladder=RUNG)
        await day.open()
        async with killed_engine(day, monkeypatch) as running:
            await buy(running)
            order = await resting(running)
            others_buy(day, the_sale(day), "0.25")
            await until(lambda: held_position(running).sold_quantity)
        monkeypatch.undo()
        assert the_sale(day).status.value == "PARTIALLY_FILLED"
        others_buy(day, the_sale(day), "0.25")  # no engine runs
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(10)
            live = components.ledger.state.orders[order.client_order_id]
            assert (live.state, live.filled_quantity) == (OrderState.PARTIAL, the_sale(day).executed)
            assert held_position(running).sold_quantity == the_sale(day).executed > order.filled_quantity
            others_buy(day, the_sale(day))
            await until(lambda: not _live(running))
            assert the_sale(day).status.value == "FILLED"
            await asyncio.sleep(3)
            await assert_ledger_matches(day, running)

    simulate(main)


def test_R18_a_key_rejected_with_an_open_position_halts_and_states_that_nothing_can_be_sold(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, reconcile_s=10)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await buy(running)
            gate = day.server._gate  # pyright: ignore[reportPrivateUsage]
            gate._plan = AccountPlan(ips=("203.0.113.9",))  # pyright: ignore[reportPrivateUsage]
            await until(lambda: components.ledger.state.trading.state is TradingState.HALTED)
            assert components.ledger.state.trading.cause is Cause.KEY
            await asyncio.sleep(3)
            where, words = await shown_protection(running)
            assert "key" in words, (where, words)
            async with asyncio.timeout(30):
                while not any("API key rejected by the exchange" in one for one in await alerts(running)):  # noqa: ASYNC110
                    await asyncio.sleep(1)
            gate._plan = AccountPlan()  # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(12)
            await components.exit_execution.close(
                held_position(running), None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="ann"
            )
            assert (await closed_position(running)).close_reason is CloseReason.MANUAL  # though halted still

    simulate(main)


async def alerts(running: RunningEngine) -> list[str]:
    """Return the texts of all alerts."""
    facts = await running.store.read("facts", lambda stored: list(stored.journal.after(0, 9_000)))
    return [one.event.text for one in facts if isinstance(one.event, Alert)]


async def entries(running: RunningEngine) -> list[EntryBooked]:
    """Return the bookings in the journal."""
    facts = await running.store.read("facts", lambda stored: list(stored.journal.after(0, 9_000)))
    return [one.event for one in facts if isinstance(one.event, EntryBooked)]


async def trade_by_hand(components: TradingComponents, side: Side, quantity: Decimal) -> None:
    """Trade as the user does on the web site."""
    price = components.prices.of(SYMBOL).ask if side is Side.BUY else components.prices.of(SYMBOL).bid
    assert price is not None
    worse = price * (Decimal("1.04") if side is Side.BUY else Decimal("0.96"))
    order = NewOrder(
        symbol=SYMBOL,
        side=side,
        type=OrderType.IMMEDIATE_OR_CANCEL,
        client_order_id=f"byhand{side}",
        price=worse.quantize(Decimal("0.00001")),
        quantity=quantity,
    )
    outcome = await components.port.place(order, purpose=Purpose.ORDINARY)
    assert isinstance(outcome, Accepted), outcome


def test_O5_a_fill_larger_than_ordered_is_not_booked_and_halts_with_its_evidence(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            session, record = day.server.session, desk_orders(day)[0]
            more = record.executed / 10
            cost = more * record.average_price
            larger = msgspec.structs.replace(
                record,
                executed=record.executed + more,
                executed_quote=record.executed_quote + cost,
                updated_ms=session.now_ms,
            )
            session._log.put(larger)  # pyright: ignore[reportPrivateUsage]
            session.deposit(position.base_asset, more)
            session.deposit("USDT", -cost)
            run = await components.reconciler.compare(Trigger.MANUAL)
            assert DifferenceKind.OVERFILL in [one.kind for one in run.explained]
            assert held_position(running).remaining == position.remaining
            (stop,) = (one for one in components.ledger.state.intents.values() if one.role is OrderRole.STOP)
            assert stop.quantity == held_position(running).remaining
            assert components.safety.trading_state.kept.state is TradingState.HALTED
            assert components.safety.trading_state.kept.cause is Cause.INVARIANT
            facts = await running.store.read("facts", lambda stored: list(stored.journal.after(0, 9_000)))
            (alert,) = [
                one.event
                for one in facts
                if isinstance(one.event, Alert) and one.event.rule == "order:overfill"
            ]
            assert "ordered (question: exchange: filled)" in alert.text

    simulate(main)


def test_O6_fees_in_mx_reduce_no_coins_and_count_at_their_value(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, knobs=Knobs(mx_deduction=True, taker_fee=Decimal("0.001")))
        plan = AccountPlan(balances={"USDT": Decimal(1_000), "MX": Decimal(5)})
        day = PracticeDay(sim, tmp_path, msgspec.structs.replace(day.server.session.scenario, account=plan))
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            await until(lambda: all(one.fees for one in components.ledger.state.orders.values()))
            (record,) = desk_orders(day)
            assert position.remaining == record.executed
            (order,) = (one for one in (await stored_orders(running)).values() if one.filled_quantity)
            (fee,) = order.fees
            assert fee.asset == "MX"
            assert fee.value > 0
            await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="ann"
            )
            after = await closed_position(running)
            await asyncio.sleep(3)
            await assert_reconciled(running)
            after = await closed_position(running)
            assert after.sold_quantity == record.executed
            assert after.realised < after.sold_value - after.bought_value  # both fees are in it
            assert not components.ledger.state.balances.get((LedgerAccount.DESK, "MX"))  # paid by the user's
            mx = {one.asset: one.free for one in day.server.session.balances()}["MX"]
            scope = components.ledger.scope
            kept = await running.store.read("kept", lambda stored: stored.trading(scope).entries.balances())
            assert sum(one.amount for one in kept if one.asset == "MX" and _is_ours(one.account)) == mx

    simulate(main)


def _is_ours(account: LedgerAccount) -> bool:
    return account in (LedgerAccount.DESK, LedgerAccount.OWN)


def test_O7_O9_withdrawn_coins_are_not_sold_and_the_remainder_is(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, reconcile_s=20)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            gone = (position.remaining / 3).quantize(Decimal("0.001"))
            day.server.session.deposit(position.base_asset, -gone)
            await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="ann"
            )
            await until(lambda: not components.ledger.state.positions, 60)
            sold = sum((row.executed for row in desk_orders(day) if row.side is Side.SELL), Decimal(0))
            assert 0 < sold <= position.remaining - gone
            assert position.remaining - gone - sold <= Decimal("0.01")  # a step of the pair
            assert len([row for row in desk_orders(day) if row.side is Side.SELL]) <= 3
            await assert_reconciled(running)

    simulate(main)


def test_O9_O10_manual_trades_deposits_and_withdrawals_are_external_flows_and_never_traded(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position, before = await buy(running), len(desk_orders(day))
            await trade_by_hand(components, Side.BUY, Decimal(200))
            await asyncio.sleep(5)
            own = components.ledger.state.balances[(LedgerAccount.OWN, position.base_asset)]
            assert own > 199
            await trade_by_hand(components, Side.SELL, Decimal(150))
            await asyncio.sleep(5)
            assert components.ledger.state.balances[(LedgerAccount.OWN, position.base_asset)] == own - 150
            await assert_reconciled(running)  # manual trades are explained by their orders
            session = day.server.session
            session.deposit("ODD", Decimal(7))  # an airdrop
            session.deposit("USDT", Decimal(-50))
            runs = await reconcile_confirmed(running, frozenset({"ODD", "USDT"}))
            assert {one.about for run in runs for one in run.unexplained} == {"ODD", "USDT"}
            await assert_reconciled(running)  # reported once, and booked
            assert held_position(running).remaining == position.remaining
            assert len(desk_orders(day)) == before  # nothing was made good by trading
            booked = [one.entry for one in await entries(running) if one.entry.kind is EntryKind.DRIFT]
            assert {post.asset for one in booked for post in one.postings} >= {"USDT", "ODD", "CLEAN"}

    simulate(main)
