"""Orders that are denied, foreign, or have unsettled fees."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.ledger.ids import make_ids
from mexc_tui.model.errors import RequestRefused
from mexc_tui.model.intent import Fee, Order, OrderState
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Advice, NotSent, Purpose, Refusal
from mexc_tui.model.report import OrderReport
from mexc_tui.model.rows import Rows
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER, assert_ledger_matches, stored_orders
from tests.support.engine.monitored_position import SYMBOL, buy, components_of, day_with, until
from tests.support.engine.open_position import place_take_profit
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

NO_SUCH_ORDER = Refusal(
    http_status=400,
    code=-2013,
    message="no such order",
    text="There is no such order",
    advice=Advice.QUERY,
    listing_advice=Advice.QUERY,
    definite=False,
)


def a_day(sim: Simulation, folder: Path) -> PracticeDay:
    return day_with(sim, folder, listing=NO_JITTER, overrides=EXITS_OFF)


def test_an_order_the_exchange_no_longer_knows_is_unknown_and_then_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await buy(running)
            await place_take_profit(components, running)
            order = components.ledger.state.live_orders()[0]
            states = set[OrderState]()
            components.ledger.on_change(
                lambda written: states.update(
                    one.state for one in written.orders if one.client_order_id == order.client_order_id
                )
            )

            async def denied(*_: object, **__: object) -> OrderReport:
                raise RequestRefused("GET", "/api/v3/order", NO_SUCH_ORDER)

            async def unsent(*_: object, **__: object) -> NotSent:
                return NotSent("the test keeps it")

            async def none(*_: object, **__: object) -> Rows[OrderReport]:
                return Rows(())

            monkeypatch.setattr(components.port, "order", denied)
            monkeypatch.setattr(components.port, "cancel", unsent)
            monkeypatch.setattr(components.port, "open_orders", none)
            monkeypatch.setattr(components.port, "all_orders", none)
            await asyncio.sleep(40)
            assert OrderState.UNKNOWN in states
            assert OrderState.CANCELLED in states
            assert not components.ledger.state.live_orders()

    simulate(main)


def test_marking_an_order_unknown_keeps_later_bookings(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await buy(running)
            before = await stored_orders(running)
            for name in before:
                await components.ledger.mark_order_unknown(name, components.port.now_ms(), 2_000)
            assert await stored_orders(running) == before  # ended orders are not doubted

    simulate(main)


def test_a_fee_without_a_price_is_booked_at_its_value_once_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await buy(running)
            rows = await stored_orders(running)
            bought = next(row for row in rows.values() if row.filled_quantity)
            odd = Fee(asset="ODD", amount=Decimal(3), unvalued=Decimal(3))
            owing = msgspec.structs.replace(bought, fees=(*bought.fees, odd))

            def owe(desk: LedgerTransaction) -> None:
                desk.save_order(owing, "a test")

            await components.ledger.write("a fee", owe)
            await asyncio.sleep(3)
            assert _odd(await stored_orders(running), bought).unvalued == 3
            components.prices.set_polled_value("ODD", Decimal("0.5"))
            await asyncio.sleep(3)
            fee = _odd(await stored_orders(running), bought)
            assert (fee.unvalued, fee.value) == (0, Decimal("1.5"))

    simulate(main)


def _odd(rows: dict[str, Order], order: Order) -> Fee:
    return next(fee for fee in rows[order.client_order_id].fees if fee.asset == "ODD")


def _buy(client_order_id: str, rooms_price: Decimal) -> NewOrder:
    return NewOrder(
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        client_order_id=client_order_id,
        price=rooms_price,
        quantity=Decimal(500),
    )


def test_a_manual_order_is_displayed_and_left_alone(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            await components.port.place(_buy("byhand", Decimal("0.02")), purpose=Purpose.ORDINARY)
            await until(lambda: "byhand" in components.ledger.state.foreign)
            await asyncio.sleep(15)
            assert [row.client_order_id for row in day.server.session.open_orders()] == ["byhand"]
            assert components.ledger.state.trading.state is TradingState.ACTIVE
            assert components.ledger.state.positions[position.id].remaining == position.remaining
            await assert_ledger_matches(day, running)

    simulate(main)


def test_another_desks_order_under_our_prefix_halts(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await buy(running)
            (name,) = make_ids("zzzz", 1, 1, attempts=1)
            await components.port.place(_buy(name, Decimal("0.02")), purpose=Purpose.ORDINARY)
            await until(lambda: components.ledger.state.trading.state is TradingState.HALTED)
            assert components.ledger.state.trading.cause is not Cause.MANUAL
            assert name in {row.client_order_id for row in day.server.session.open_orders()}

    simulate(main)
