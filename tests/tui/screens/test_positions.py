from decimal import Decimal

import msgspec
import pytest

from mexc_tui.model.intent import CloseReason, OrderRole, OrderState
from mexc_tui.model.market_view import ExitLevelRow, LevelRow, MarketRow, OwnFillRow, SpanRow, TradeRow
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.position import PositionState, Protection
from mexc_tui.model.trading_view import OrderRow, PositionRow
from mexc_tui.tui.widgets import table_lines
from tests.support.tui.desk_app import desk, screen, until
from tests.support.tui.frozen_desk import NOW_MS, Frozen, position

pytestmark = pytest.mark.timeout(60)  # drives the app


def market() -> MarketRow:
    """Return the market of a pair that opened three minutes ago."""
    bid, ask = Decimal("0.03412"), Decimal("0.03420")
    step = Decimal("0.00003")
    return MarketRow(
        symbol="OPENUSDT",
        at_ms=NOW_MS,
        base_asset="OPEN",
        quote_asset="USDT",
        price_decimals=5,
        quantity_decimals=1,
        bid=bid,
        ask=ask,
        leveled_ms=NOW_MS - 200,
        is_exact=True,
        bids=tuple(LevelRow(price=bid - step * n, quantity=Decimal(100 + n), value=bid) for n in range(8)),
        asks=tuple(LevelRow(price=ask + step * n, quantity=Decimal(200 + n), value=ask) for n in range(8)),
        trades=(TradeRow(at_ms=NOW_MS - 300, price=ask, quantity=Decimal(55), side=Side.BUY),),
        path=tuple(
            SpanRow(
                start_ms=NOW_MS - 180_000 + n * 1_000, low=0.02, high=0.04, last=0.025 + n / 20_000, value=9.0
            )
            for n in range(180)
        ),
        path_step_ms=1_000,
        opened_ms=NOW_MS - 180_000,
        fills=(
            OwnFillRow(
                at_ms=NOW_MS - 179_000,
                side=Side.BUY,
                role=OrderRole.ENTRY,
                price=Decimal("0.02506"),
                quantity=Decimal(2_930),
                client_order_id="a-1",
            ),
        ),
        exits=(ExitLevelRow(name="stop", price=Decimal("0.03139"), quantity=None, where="engine"),),
    )


def order(symbol: str, client_order_id: str) -> OrderRow:
    """Return a take-profit that rests on the exchange."""
    return OrderRow(
        client_order_id=client_order_id,
        order_id="1",
        symbol=symbol,
        side=Side.SELL,
        type=OrderType.LIMIT,
        role=OrderRole.TAKE_PROFIT,
        state=OrderState.ACKNOWLEDGED,
        price=Decimal("0.04"),
        quantity=Decimal(900),
        filled_quantity=Decimal(0),
        filled_value=Decimal(0),
        average_price=None,
        fees="",
        created_ms=NOW_MS - 4_000,
        updated_ms=NOW_MS,
        reason="",
        snipe_id="S0",
        position_id="P-OPENUSDT",
    )


def _held() -> Frozen:
    frozen = Frozen()
    frozen.replies["market"] = market()
    frozen.orders.put("a", order("OPENUSDT", "a"))
    frozen.orders.put("b", order("QUXUSDT", "b"))
    return frozen


async def test_exits_stand_on_the_axis_of_the_price_from_the_highest_down() -> None:
    async with desk(_held()) as (app, pilot, _):
        await pilot.press("4")
        text = await until(pilot, app, "protected by the engine")
        places = [
            text.index(words) for words in ("take 2", "· high ", "► bid", "┴ stop", "take 1", "┼ entry")
        ]
        assert places == sorted(places)
        assert "900 OPEN, rests on the exchange" in text
        assert "900 OPEN, sold" in text


async def test_a_position_that_nothing_protects_says_so_and_why() -> None:
    frozen = _held()
    row = msgspec.structs.replace(
        position("OPENUSDT", "0.02471", "0.03412", "27.57", "38.1"),
        protection=Protection.NONE,
        protection_words="no fresh price since 14:12",
    )
    frozen.positions.put("P-OPENUSDT", row)
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("4")
        text = await until(pilot, app, "protected NOT AT ALL")
        assert "no fresh price since 14:12" in text


async def test_the_chosen_positions_market_is_drawn_with_our_fills_and_exits() -> None:
    async with desk(_held()) as (app, pilot, frozen):
        await pilot.press("4")
        text = await until(pilot, app, "stop 0.03139")
        for words in ("spread 0.23%", "14:13:19Z ▲", "0.03420", "B bought, S sold"):
            assert words in text
        assert ("market", "OPENUSDT") in [
            (name, args.symbol) for name, args in frozen.given if name == "market"
        ]


def test_an_orders_price_and_quantity_have_the_decimals_of_its_pair() -> None:
    row = msgspec.structs.replace(order("OPENUSDT", "a"), price_decimals=5, quantity_decimals=2)
    texts = [cell.text for cell in table_lines.order(row, NOW_MS)]
    assert "0.04000" in texts
    assert "0.00 of 900.00" in texts


async def test_orders_are_those_of_the_chosen_position() -> None:
    async with desk(_held()) as (app, pilot, _):
        await pilot.press("4")
        text = await until(pilot, app, "Orders 1")
        assert "take profit" not in text.split("Orders 1")[0]
        await pilot.press("down", "down")
        await until(pilot, app, "No open order belongs to it.")


async def test_a_market_that_is_not_watched_says_why() -> None:
    frozen = _held()
    frozen.replies["market"] = MarketRow(
        symbol="OPENUSDT", at_ms=NOW_MS, problem="30 pairs are watched already"
    )
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("4")
        await until(pilot, app, "30 pairs are watched already")


async def test_eighty_by_twenty_four_shows_positions_and_the_whole_ladder() -> None:
    async with desk(_held(), size=(80, 24)) as (app, pilot, _):
        await pilot.press("4")
        text = await until(pilot, app, "protected by the engine")
        assert "ends when the engine ends" in text
        assert "Positions 3" in text


def _opened(at_ms: int) -> PositionRow:
    symbol = "NEWUSDT" if at_ms < NOW_MS else "NEWERUSDT"
    return msgspec.structs.replace(position(symbol, "0.5", "0.6", "2", "20"), opened_ms=at_ms)


async def test_what_was_closed_this_day_stands_behind_what_is_open_with_what_it_made() -> None:
    frozen = _held()
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
        assert "◄ sold" in await until(pilot, app, "closed 5.0s ago: stop")
        await pilot.press("enter")
        frozen.positions.put("P-NEWUSDT", _opened(NOW_MS - 1_000))
        await until(pilot, app, "NEWUSDT  open")
        frozen.positions.put("P-NEWERUSDT", _opened(NOW_MS))
        assert "NEWUSDT  open" in await until(pilot, app, "NEWERUSDT")
        await pilot.press("end")
        await until(pilot, app, "made ▼ -1.25 USDT (▼ -5.0%), fees of 0.07 paid")
        await pilot.press("escape", "D")
        await until(pilot, app, "No position in OVERUSDT is open")


def test_the_bid_of_a_delisted_pair_is_never_shown_as_a_price() -> None:
    gone = "delisted or renamed: the exchange does not know this pair now"
    row = msgspec.structs.replace(position("NEWUSDT", "0.02", "0.03", "1", "1"), delisted=gone)
    texts = [cell.text for cell in table_lines.position(row, NOW_MS)]
    assert texts[3] == "delisted"
    assert "0.03" not in texts
