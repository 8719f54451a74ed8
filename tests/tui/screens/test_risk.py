import msgspec
import pytest

from mexc_tui.desk.engine_requests import FactPage
from mexc_tui.model.event import RiskMonitorActed, encode
from mexc_tui.model.trading import Cause, RiskLevel, TradingState
from mexc_tui.model.view import FactRow
from tests.support.tui.desk_app import desk, until
from tests.support.tui.frozen_desk import NOW_MS, risk
from tests.support.tui.sample_rows import desk_at_limits

pytestmark = pytest.mark.timeout(120)  # drives the app


async def test_limits_are_bars_with_the_remaining_room_or_reached() -> None:
    async with desk(desk_at_limits(), size=(200, 60)) as (app, pilot, _):
        await pilot.press("5")
        text = await until(pilot, app, "147.50 of 150 USDT, 2.50 left")
        assert "3 of 3, REACHED" in text
        assert "0.60 of 5%, 4.40% left  then halts" in text


async def test_equity_and_drawdown_are_drawn_and_metrics_state_their_sample() -> None:
    async with desk(desk_at_limits()) as (app, pilot, _):
        await pilot.press("5")
        text = await until(pilot, app, "530.00")
        assert "-3.4%" in text
        assert "not enough data" in text
        assert "6 points since" in text


async def test_a_halt_shows_cause_author_and_time() -> None:
    frozen = desk_at_limits()
    halted = msgspec.structs.replace(
        risk(),
        state=TradingState.HALTED,
        cause=Cause.DAILY_LOSS,
        cause_text="5.2% of the day's equity is lost",
        by="risk monitor",
        since_ms=NOW_MS - 60_000,
        risk_level=RiskLevel.CRITICAL,
    )
    frozen.risk.put("risk", halted)
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("5")
        text = await until(pilot, app, "HALTED: no entries, exits active; resume manually")
        assert "cause: 5.2% of the day's equity is lost" in text
        assert "by risk monitor, since 16:12:20 (14:12:20Z)" in text


async def test_risk_monitor_actions_are_listed_with_their_results() -> None:
    frozen = desk_at_limits()
    acted = RiskMonitorActed(
        at_ms=NOW_MS - 14_000,
        about="QUXUSDT",
        level=RiskLevel.CRITICAL,
        finding="lost 12%",
        action="close",
        achieved="1 of 1 closed",
    )
    body = msgspec.Raw(encode(acted))
    row = FactRow(sequence=7, at_ms=acted.at_ms, kind="guard_acted", version=1, about="QUXUSDT", body=body)
    frozen.replies["journal"] = FactPage((row,))
    async with desk(frozen, size=(200, 60)) as (app, pilot, _):
        await pilot.press("5")
        assert "1 of 1 closed" in await until(pilot, app, "lost 12%")


async def test_a_missing_response_is_shown_with_its_reason() -> None:
    frozen = desk_at_limits()
    del frozen.replies["performance"]
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("5")
        await until(pilot, app, "No reply is set for performance")


async def test_the_risk_screen_is_complete_at_80_by_24() -> None:
    async with desk(desk_at_limits(), size=(80, 24)) as (app, pilot, _):
        await pilot.press("5")
        text = await until(pilot, app, "win rate")
        for words in ("ENTRIES ALLOWED", "exposure", "positions", "daily loss", "Performance 2"):
            assert words in text
