"""Paper days in virtual time: a practice exchange replaces MEXC, orders go to the paper exchange."""

import asyncio
from decimal import Decimal as D
from pathlib import Path

import pytest

from mexc_tui.model.event import OrderChanged, SnipeRefused
from mexc_tui.model.intent import OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.trading import TradingState
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.paper_day import NAME, OPENS_S, QUIET, PaperDay
from tests.support.engine.practice_day import HOST, PORT

pytestmark = pytest.mark.timeout(120)  # runs whole engines


def test_a_listing_without_an_earlier_price_fills_at_market_prices(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(**QUIET, entry_early_ms="500") as desk:
            before = desk.exchange_balances()
            await desk.buy()
            assert set(await desk.codes()) == {None}
            filled = [one for one in desk.records(Side.BUY) if one.executed]
            assert filled
            spent = sum((one.executed_quote for one in filled), D(0))
            fills = desk.session.my_trades(NAME)
            prices = [one.price for one in day.market.session.trades(NAME, 1_000)]
            assert (
                min(prices)
                <= min(one.price for one in fills)
                <= max(one.price for one in fills)
                <= max(prices)
            )
            assert desk.exchange_balances()["NEW"] == sum((one.executed for one in filled), D(0))
            assert desk.exchange_balances()["USDT"] == before["USDT"] - spent - sum(
                (one.fee for one in fills), D(0)
            )
            await desk.assert_ledger_agrees()
        assert not day.market.session.all_orders(NAME, 0, 2**60, limit=1_000), "nothing reached the market"

    simulate(main)


def test_latency_applies_before_and_after_a_match(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(**QUIET, paper_delay_ms="600") as desk:
            await desk.buy()
            began_ms = desk.components.port.now_ms()
            await desk.queries.close(NAME, None, "test")
            sold = desk.records(Side.SELL)[-1]
            assert 300 <= sold.created_ms - began_ms < 600
            await desk.assert_ledger_agrees()

    simulate(main)


def test_paper_trading_sends_only_public_requests(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(**QUIET) as desk:
            await desk.buy()
        assert {one.method for one in day.requests} == {"GET"}
        signed = [
            one.path for one in day.requests if "X-MEXC-APIKEY" in one.headers or "signature" in one.query
        ]
        assert signed == []
        assert not [one.path for one in day.requests if "listenKey" in one.path_qs]

    simulate(main)


def test_a_restart_keeps_position_and_cash_and_replaces_lost_orders(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(stop_loss_pct="50", ladder="100@400") as desk:
            await desk.buy()
            await desk.until(lambda: bool(desk.session.open_orders(NAME)))
            bought = desk.components.ledger.state.position_of(NAME)
            (resting,) = desk.session.open_orders(NAME)
            held = desk.exchange_balances()
            assert bought is not None
        async with day.desk(stop_loss_pct="50", ladder="100@400") as desk:
            again = desk.components.ledger.state.position_of(NAME)
            assert again is not None
            assert (again.id, again.remaining) == (bought.id, bought.remaining)
            assert desk.exchange_balances() == held
            await asyncio.sleep(5)
            await desk.assert_ledger_agrees()
            assert desk.components.ledger.state.trading.state is TradingState.ACTIVE
            facts = await desk.facts()
            ends = [
                (one.order.state, one.order.reason)
                for one in facts
                if isinstance(one, OrderChanged) and one.about == NAME
                if one.order.client_order_id == resting.client_order_id
            ]
            state, reason = ends[-1]
            assert state is OrderState.CANCELLED
            assert "no longer known to the exchange" in reason
            await desk.until(lambda: bool(desk.session.open_orders(NAME)))
            (anew,) = desk.session.open_orders(NAME)
            assert (anew.price, anew.quantity) == (resting.price, resting.quantity)

    simulate(main)


def test_a_resting_take_profit_is_filled_when_the_market_reaches_it(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(stop_loss_pct="50", ladder="100@3") as desk:
            await desk.buy()
            await desk.until(lambda: desk.components.ledger.state.position_of(NAME) is None, 60)
            (sold,) = [one for one in desk.records(Side.SELL) if one.executed]
            assert sold.is_maker
            assert sold.average_price >= sold.price
            assert "NEW" not in desk.exchange_balances() or desk.exchange_balances()["NEW"] < 1
            await desk.assert_ledger_agrees()

    simulate(main)


def test_no_order_fills_at_old_prices_while_market_data_is_missing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(**QUIET) as desk:
            await desk.buy()
            assert desk.session.depth(NAME).bids
            market = sim.network.find(HOST, PORT)
            market.refusing = True
            market.reset()
            await desk.until(lambda: not desk.session.depth(NAME).bids)
            market.refusing = False
            await desk.until(lambda: bool(desk.session.depth(NAME).bids))

    simulate(main)


@pytest.mark.parametrize(
    ("auto_arm", "gates"), [("practice", ["automatic", "outcomes"]), ("everywhere", ["outcomes"])]
)
def test_a_signal_does_not_arm_on_paper_before_it_is_set_and_outcomes_exist(
    tmp_path: Path, auto_arm: str, gates: list[str]
) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(auto_arm=auto_arm) as desk:
            await desk.at(OPENS_S + 5)
            (refused,) = [one for one in await desk.facts() if isinstance(one, SnipeRefused)]
            assert [one.name for one in refused.verdicts] == gates
            assert desk.records(Side.BUY) == []

    simulate(main)
