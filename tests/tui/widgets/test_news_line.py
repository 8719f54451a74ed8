"""News has its own line: it covers no figure and no input line."""

import re
from decimal import Decimal

import msgspec
import pytest

from mexc_tui.desk.engine_requests import FactPage
from mexc_tui.model.event import Alert, AnyEvent, Fact, FillBooked
from mexc_tui.model.intent import CloseReason
from mexc_tui.model.order import Side
from mexc_tui.model.position import PositionState
from mexc_tui.model.severity import Severity
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.news_line import FIRST_S, SHOWN_S, NewsItem, NewsLine
from mexc_tui.tui.widgets.styled_text import width_of
from tests.support.tui.command_desk import CommandDesk, command_desk, done
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk, position

pytestmark = pytest.mark.timeout(120)  # drives the app

SIZES = [(80, 24), (100, 30), (120, 40), (200, 60)]
BY_SIZE = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def _fill(number: int, quantity: str = "100", realised: str = "0", side: Side = Side.BUY) -> FillBooked:
    return FillBooked(
        at_ms=NOW_MS + number,
        about="OPENUSDT",
        client_order_id=f"order {number // 10}",
        side=side,
        quantity=Decimal(quantity),
        value=Decimal(quantity) * Decimal("0.02"),
        position_id="P-OPENUSDT",
        realised=Decimal(realised),
    )


def _come(frozen: FrozenDesk, sequence: int, event: AnyEvent) -> None:
    for follower in frozen.followers:
        follower(Fact(sequence, event))


def _texts(news: NewsLine, now_s: float, width: int = 200) -> list[str]:
    return [part.text for part in news.line(now_s, width)]


def _item(words: str, tone: Tone = Tone.PLAIN, at_s: float = 0.0) -> NewsItem:
    return NewsItem(words, tone, NOW_MS, at_s)


def test_the_newest_notice_is_shown_with_its_time_and_expires() -> None:
    news = NewsLine()
    assert news.line(0.0, 80) == []
    news.add(_item("one", at_s=0.0))
    assert _texts(news, 1.0) == ["14:13:20Z", "one"]
    news.add(_item("two", at_s=20.0))
    assert _texts(news, 20.0) == ["14:13:20Z", "two"]
    assert _texts(news, 20.0 + SHOWN_S) == []


def test_a_severe_notice_is_not_replaced_at_once_and_others_are_counted() -> None:
    news = NewsLine()
    news.add(_item("drawdown", Tone.BAD, 0.0))
    news.add(_item("bought", at_s=1.0))
    assert _texts(news, 2.0)[1:] == ["drawdown", "+1 more, m show all"]
    assert _texts(news, FIRST_S + 0.5)[1:] == ["bought"]


def test_the_news_line_fits_and_a_long_text_names_the_activity_log() -> None:
    news = NewsLine()
    news.add(_item("a long story of 12345.678 coins " * 9))
    for width in range(10, 200):
        assert width_of(news.line(0.0, width)) <= width
    assert _texts(news, 0.0, 80)[-1] == "m show all"


@BY_SIZE
async def test_news_covers_nothing_on_any_screen(size: tuple[int, int]) -> None:
    frozen = FrozenDesk()
    frozen.replies["journal"] = FactPage(())
    async with command_desk(frozen, size) as ui:
        for number in range(1, 10):
            await ui.press(str(number))
            await ui.pilot.pause(0.3)
            before = ui.text.split("\n")[3:]
            _come(ui.frozen, 10 + number, _alert(f"alert {number}"))
            ui.app.show_message("Copy: nothing to copy.", Tone.WARN)
            ui.frozen.risk.put("risk", next(iter(ui.frozen.risk.rows.values())))
            await ui.until(f"alert {number}")
            assert ui.text.split("\n")[3:] == before, number


def _alert(text: str) -> Alert:
    return Alert(at_ms=NOW_MS, about="FOOUSDT", severity=Severity.ERROR, rule="slippage", text=text)


async def test_news_is_shown_on_pages_too() -> None:
    async with command_desk(size=(80, 24)) as ui:
        for key in ("question_mark", "m", "ctrl+p", "q"):
            await ui.press(key)
            ui.app.show_message(f"news on {key}", Tone.BAD)
            await ui.until(f"news on {key}")
            await ui.press("escape")


async def test_fills_and_closes_are_announced_and_logged() -> None:
    frozen = FrozenDesk()
    frozen.replies["journal"] = FactPage(())
    async with command_desk(frozen, (120, 40)) as ui:
        _come(frozen, 1, _fill(1))
        _come(frozen, 2, _fill(2, "200"))
        await _news(ui, "bought 300 OPENUSDT at 0.02 for 6.00 USDT in 2 fills")
        _come(frozen, 3, _fill(11, "300", "1.94", Side.SELL))
        row = msgspec.structs.replace(
            position("OPENUSDT", "0.02471", None, None, "0"),
            state=PositionState.CLOSED,
            closed_ms=NOW_MS,
            close_reason=CloseReason.LADDER,
            realised=Decimal("1.94"),
            realised_pct=Decimal(20),
        )
        frozen.positions.put("P-OPENUSDT", row)
        await _news(ui, "closed OPENUSDT: ▲ +1.94 USDT (▲ +20.0%), take-profits after 41s")
        await ui.press("m")
        text = await ui.until("ACTION  ")
        for words in ("fill OPENUSDT", "closed OPENUSDT", "in 2 fills", "realised ▲ +1.94", "take-profits"):
            assert words in text
        assert len(re.findall(r"engine +fill OPENUSDT", text)) == 2


async def _news(ui: CommandDesk, words: str) -> None:
    ui.frozen.risk.put("risk", next(iter(ui.frozen.risk.rows.values())))
    await ui.until(words)


@BY_SIZE
@pytest.mark.parametrize("keys", ["1 slash", "2 N", "4 M"], ids=["filter", "listing", "exits"])
async def test_an_input_line_stays_visible_below_a_result(keys: str, size: tuple[int, int]) -> None:
    frozen = FrozenDesk()
    frozen.replies["halt"] = done("Entries are halted. " * 20)
    async with command_desk(frozen, size) as ui:
        board, key = keys.split()
        await ui.press(board)
        await ui.until("OPENUSDT")
        await ui.press("h")
        await ui.until("done: Entries are halted.")
        await ui.press(key, "z", "q", "w")
        await ui.until("zqw")
        await ui.until("HALT    done")
        await ui.press("escape")
        await ui.gone("zqw")


@BY_SIZE
async def test_a_result_during_typing_leaves_the_line_visible(size: tuple[int, int]) -> None:
    async with command_desk(size=size) as ui:
        ui.frozen.replies["halt"] = done("Entries are halted. " * 20)
        await ui.press("2", "N", "z", "q", "w")
        await ui.until("zqw")
        await ui.press("ctrl+x")
        await ui.until("done: Entries are halted.")
        assert "zqw" in ui.text
