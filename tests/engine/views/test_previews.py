"""What commands say beforehand: numbers of a sale as examples and properties, and all of them at the door."""

from dataclasses import dataclass, field
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.desk import trading_requests
from mexc_tui.desk.api_types import CommandOutcome, Reply
from mexc_tui.desk.client import DeskClient
from mexc_tui.engine.views.sale_preview import BidDepth, sale_of
from mexc_tui.model.plan_view import Preview, PreviewRow
from mexc_tui.model.position import Position
from mexc_tui.model.trading import TradingState
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.desk_server import client_of
from tests.support.desk_server import running_client as attached
from tests.support.engine.monitored_position import SYMBOL, day_with, monitored_engine
from tests.support.samples.position_samples import GRID, position

BIDS = BidDepth(D("2.1"), ((D("2.1"), D(4)), (D("2.0"), D(100))))


def test_a_sale_is_priced_along_the_bids() -> None:
    row = sale_of(position(), None, BIDS, grid=GRID, orders_to_cancel=2)
    assert (row.quantity, row.bid, row.value) == (D(10), D("2.1"), D(21))
    assert row.expected_price == D("2.04")
    assert row.slippage_pct is not None
    assert round(row.slippage_pct, 2) == D("2.86")
    assert (row.fee, row.proceeds) == (D("0.0204"), D("20.3796"))
    assert row.pnl == D("20.3796") - position().remaining_cost
    assert (row.is_covered, row.orders_to_cancel, row.text) == (True, 2, "")


def test_a_share_is_floored_to_the_step_size_with_its_share_of_the_cost() -> None:
    row = sale_of(position(), D("33.33"), BIDS, grid=GRID, orders_to_cancel=0)
    assert row.quantity == D("3.3")
    assert row.proceeds is not None
    assert row.pnl is not None
    assert row.proceeds - row.pnl == position().remaining_cost * D("0.33")


def test_bids_below_the_slippage_cap_are_not_used() -> None:
    thin = BidDepth(D("2.1"), ((D("2.1"), D(4)), (D("1.5"), D(100))))
    row = sale_of(position(), None, thin, grid=GRID, orders_to_cancel=0)
    assert (row.is_covered, row.expected_price) == (False, D("2.1"))
    assert row.text == "6 NEW exceed the bids within the slippage cap"


def test_without_a_fresh_price_a_preview_has_no_proceeds() -> None:
    row = sale_of(position(), None, BidDepth(None), grid=GRID, orders_to_cancel=0)
    assert (row.quantity, row.value, row.pnl, row.expected_price) == (D(10), None, None, None)
    assert "no current price" in row.text


@given(
    st.lists(st.tuples(st.decimals("0.01", "2", places=2), st.decimals("0.1", "50", places=1)), max_size=20),
    st.integers(1, 100),
)
def test_proceeds_never_exceed_the_best_bid(levels: list[tuple[D, D]], share: int) -> None:
    ordered = tuple(sorted(levels, reverse=True))
    best = ordered[0][0] if ordered else D(1)
    row = sale_of(position(), D(share), BidDepth(best, ordered), grid=GRID, orders_to_cancel=0)
    assert row.value is not None
    assert row.proceeds is not None
    assert row.slippage_pct is not None
    assert row.proceeds <= row.value
    assert row.slippage_pct >= D("-1e-15")
    assert row.quantity <= position().remaining


@dataclass
class Told:
    """Previews of an engine with an open position."""

    held: list[Position] = field(default_factory=list[Position])
    rows: dict[str, PreviewRow] = field(default_factory=dict[str, PreviewRow])
    refused: list[Reply[PreviewRow]] = field(default_factory=list[Reply[PreviewRow]])
    orders: int = 0


async def ask(
    client: DeskClient, name: Preview, symbol: str = "", share: str | None = None
) -> Reply[PreviewRow]:
    args = trading_requests.PreviewQuery(
        name=name, symbol=symbol, share_pct=None if share is None else D(share)
    )
    return await client.send(trading_requests.PREVIEW, args, deadline_s=5)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    found = Told()

    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path_factory.mktemp("previews"))
        async with (
            monitored_engine(day) as (_, components, bought),
            attached(client_of(day.paths.socket)) as client,
        ):
            found.held.append(bought)
            for name in Preview:
                reply = await ask(client, name, SYMBOL)
                assert reply.result is not None
                found.rows[name.value] = reply.result
            half = await ask(client, Preview.CLOSE, SYMBOL, "50")
            assert half.result is not None
            found.rows["half"] = half.result
            found.refused.append(await ask(client, Preview.CLOSE, SYMBOL, "101"))
            found.orders = len(components.ledger.state.live_orders())
            await client.send(trading_requests.HALT, trading_requests.HaltRequest(words="tea"), deadline_s=60)
            for name in (Preview.RESUME, Preview.REDUCE_ONLY):
                reply = await ask(client, name)
                assert reply.result is not None
                found.rows[f"halted {name.value}"] = reply.result
            assert list(components.ledger.state.positions) == [bought.id], "asking has sold nothing"

    simulate(main)
    return found


def test_a_close_preview_has_the_proceeds_at_current_bids(told: Told) -> None:
    row, position = told.rows["close"], told.held[0]
    sale = row.sales[0]
    assert (row.is_allowed, row.state, sale.quantity) == (True, TradingState.ACTIVE, position.remaining)
    assert sale.orders_to_cancel == row.orders_to_cancel == 3
    assert sale.bid is not None
    assert row.value == sale.quantity * sale.bid
    assert row.pnl == sale.pnl
    assert row.text.startswith("Sell 192.28 CLEAN, worth ")
    assert "cancels 3 take-profits first" in row.text
    assert told.rows["half"].sales[0].quantity == position.remaining / 2


def test_previews_of_flatten_and_kill_count_orders_and_positions(told: Told) -> None:
    for name in ("flatten", "kill"):
        row = told.rows[name]
        assert (row.orders_to_cancel, len(row.sales), row.snipes_to_disarm) == (told.orders, 1, 0)
        assert row.state_after is TradingState.HALTED
        assert row.text.startswith("Sell 1 position worth ")


def test_a_halt_preview_keeps_exits(told: Told) -> None:
    row = told.rows["halt"]
    assert (row.orders_to_cancel, row.sales, row.positions) == (0, (), 1)
    assert "keep 1 position with exits" in row.text


def test_a_preview_states_a_refusal_beforehand(told: Told) -> None:
    assert not told.rows["arm"].is_allowed
    assert told.rows["arm"].refusals
    assert told.rows["disarm"].text == f"No snipe is armed for {SYMBOL}."
    assert not told.rows["resume"].is_allowed
    assert told.refused[0].outcome is CommandOutcome.REFUSED
    assert "not a share of a position" in told.refused[0].message


def test_a_manual_halt_needs_no_typed_word_and_is_not_loosened(told: Told) -> None:
    resume = told.rows["halted resume"]
    assert (resume.is_allowed, resume.typed, resume.state_after) == (True, "", TradingState.ACTIVE)
    assert not told.rows["halted reduce_only"].is_allowed
    assert "stricter" in told.rows["halted reduce_only"].text
