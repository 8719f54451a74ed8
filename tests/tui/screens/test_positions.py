from decimal import Decimal

import msgspec
import pytest

from mexc_tui.model.intent import CloseReason
from mexc_tui.model.market_view import MarketRow
from mexc_tui.model.position import PositionState, Protection
from mexc_tui.model.trading_view import PositionRow
from mexc_tui.tui.widgets import table_lines
from tests.support.tui.desk_app import desk, screen, until
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk, position
from tests.support.tui.sample_rows import market, order

pytestmark = pytest.mark.timeout(120)  # drives the app


def _position_desk() -> FrozenDesk:
    frozen = FrozenDesk()
    frozen.replies["market"] = market()
    frozen.orders.put("a", order("OPENUSDT", "a"))
    frozen.orders.put("b", order("QUXUSDT", "b"))
    return frozen


async def test_exits_are_drawn_on_the_price_axis_highest_first() -> None:
    async with desk(_position_desk()) as (app, pilot, _):
        await pilot.press("4")
        text = await until(pilot, app, "protection by the engine")
        places = [text.index(words) for words in ("TP 2", "· high ", "► bid", "┴ stop", "TP 1", "┼ entry")]
        assert places == sorted(places)
        assert "900 OPEN, resting" in text
        assert "900 OPEN, sold" in text


async def test_an_unprotected_position_is_shown_with_the_reason() -> None:
    frozen = _position_desk()
    row = msgspec.structs.replace(
        position("OPENUSDT", "0.02471", "0.03412", "27.57", "38.1"),
        protection=Protection.NONE,
        protection_text="no fresh price since 14:12",
    )
    frozen.positions.put("P-OPENUSDT", row)
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("4")
        text = await until(pilot, app, "protection NONE")
        assert "no fresh price since 14:12" in text


async def test_the_chart_of_the_selected_position_shows_own_fills_and_exits() -> None:
    async with desk(_position_desk()) as (app, pilot, frozen):
        await pilot.press("4")
        text = await until(pilot, app, "stop 0.03139")
        for words in ("spread 0.23%", "14:13:19Z ▲", "0.03420", "B bought, S sold"):
            assert words in text
        assert ("market", "OPENUSDT") in [
            (name, args.symbol) for name, args in frozen.received if name == "market"
        ]


def test_an_orders_price_and_quantity_have_the_decimals_of_its_pair() -> None:
    row = msgspec.structs.replace(order("OPENUSDT", "a"), price_decimals=5, quantity_decimals=2)
    texts = [cell.text for cell in table_lines.order(row, NOW_MS)]
    assert "0.04000" in texts
    assert "0.00 of 900.00" in texts


async def test_only_orders_of_the_selected_position_are_shown() -> None:
    async with desk(_position_desk()) as (app, pilot, _):
        await pilot.press("4")
        text = await until(pilot, app, "Orders 1")
        assert "take profit" not in text.split("Orders 1")[0]
        await pilot.press("down", "down")
        await until(pilot, app, "No open orders.")


async def test_a_market_without_data_shows_the_reason() -> None:
    frozen = _position_desk()
    frozen.replies["market"] = MarketRow(
        symbol="OPENUSDT", at_ms=NOW_MS, problem="30 pairs are watched already"
    )
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("4")
        await until(pilot, app, "30 pairs are watched already")


async def test_positions_and_the_complete_ladder_fit_80_by_24() -> None:
    async with desk(_position_desk(), size=(80, 24)) as (app, pilot, _):
        await pilot.press("4")
        text = await until(pilot, app, "protection by the engine")
        assert "ends with this engine" in text
        assert "Positions 3" in text


def _opened(at_ms: int) -> PositionRow:
    symbol = "NEWUSDT" if at_ms < NOW_MS else "NEWERUSDT"
    return msgspec.structs.replace(position(symbol, "0.5", "0.6", "2", "20"), opened_ms=at_ms)


async def test_positions_closed_today_follow_open_ones_with_their_pnl() -> None:
    frozen = _position_desk()
    over = msgspec.structs.replace(
        position("OVERUSDT", "0.5", None, None, "0"),
        state=PositionState.CLOSED,
        realised=Decimal("-1.25"),
        realised_pct=Decimal("-5.0"),
        exit_price=Decimal("0.475"),
        opened_ms=NOW_MS - 10_000,
        closed_ms=NOW_MS - 5_000,
        close_reason=CloseReason.STOP,
        rungs=(),
    )
    frozen.positions.put("P-OVERUSDT", over)
    frozen.positions.put("P-LATEUSDT", position("LATEUSDT", "0.5", "0.6", "2", "20"))
    async with desk(frozen, size=(200, 60)) as (app, pilot, _):
        assert "OVERUSDT" not in "\n".join(screen(app)), "the first screen shows what is held"
        await pilot.press("4")
        text = await until(pilot, app, "OVERUSDT")
        line = next(line for line in text.splitlines() if "OVERUSDT" in line)
        assert all(words in line for words in ("-1.25", "-5.0%", "closed", "stop"))
        assert text.index("LATEUSDT") < text.index("OVERUSDT")
        await pilot.press("end")
        assert "◄ sold" in await until(pilot, app, "closed 5.0s ago: stop-loss")
        await pilot.press("enter")
        frozen.positions.put("P-NEWUSDT", _opened(NOW_MS - 1_000))
        await until(pilot, app, "NEWUSDT  open")
        frozen.positions.put("P-NEWERUSDT", _opened(NOW_MS))
        assert "NEWUSDT  open" in await until(pilot, app, "NEWERUSDT")
        await pilot.press("end")
        await until(pilot, app, "P&L ▼ -1.25 USDT (▼ -5.0%), fees 0.07")
        await pilot.press("escape", "D")
        await until(pilot, app, "No open position in OVERUSDT")


def test_the_bid_of_a_delisted_pair_is_never_shown_as_a_price() -> None:
    gone = "delisted or renamed: the exchange no longer lists this pair"
    row = msgspec.structs.replace(position("NEWUSDT", "0.02", "0.03", "1", "1"), delisted=gone)
    texts = [cell.text for cell in table_lines.position(row, NOW_MS)]
    assert texts[3] == "delisted"
    assert "0.03" not in texts
