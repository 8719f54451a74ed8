import asyncio
from contextlib import suppress
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input

from mexc_tui.desk.api_types import CommandOutcome, Reply
from mexc_tui.desk.engine_requests import (
    AddListing,
    CheckPassed,
    FactPage,
    SettingChange,
    SettingList,
    SettingUndo,
)
from mexc_tui.desk.trading_requests import ExitsEdit, RungEdit
from mexc_tui.model.event import SettingChanged
from mexc_tui.model.view import FactRow
from mexc_tui.tui.screens.forms import EXITS_HINT, InvalidLine, parse_exits, undoing
from tests.support.tui.command_desk import command_desk
from tests.support.tui.desk_app import desk, screen, until
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk
from tests.support.tui.sample_rows import setting

pytestmark = pytest.mark.timeout(120)  # drives the app


def test_exits_are_parsed_from_a_line() -> None:
    text = "stop 0.031 trail 15@20 tp 30@10,30@25 even 1 time 600"
    assert parse_exits("FOOUSDT", text) == ExitsEdit(
        symbol="FOOUSDT",
        stop_price=Decimal("0.031"),
        trailing=True,
        trailing_distance_pct=Decimal(15),
        trailing_after_pct=Decimal(20),
        ladder=(
            RungEdit(share_pct=Decimal(30), gain_pct=Decimal(10)),
            RungEdit(share_pct=Decimal(30), gain_pct=Decimal(25)),
        ),
        break_even_rung=1,
        time_stop_s=600,
    )
    assert parse_exits("A", "tp none trail off") == ExitsEdit(symbol="A", ladder=(), trailing=False)


@pytest.mark.parametrize("text", ["", "stop", "stop x", "stop nan", "tp 30", "even -1", "sell 3", "time 1.5"])
def test_an_invalid_exits_line_is_rejected_with_a_reason(text: str) -> None:
    with pytest.raises(InvalidLine, match=r"\w"):
        parse_exits("FOOUSDT", text)


@given(st.text(max_size=60))
def test_any_exits_line_is_parsed_or_rejected(text: str) -> None:
    with suppress(InvalidLine):
        assert parse_exits("FOOUSDT", text).symbol == "FOOUSDT"


def _settings() -> FrozenDesk:
    frozen = FrozenDesk()
    frozen.replies["settings"] = SettingList([setting("spend", "25", "25"), setting("other", "1", "1")])
    frozen.replies["settings_check"] = CheckPassed()
    frozen.replies["settings_set"] = Reply(
        CommandOutcome.DONE, "spend = 50.", setting("spend", "50", "25"), False
    )
    frozen.replies["settings_undo"] = Reply(
        CommandOutcome.DONE, "spend = 25 again.", setting("spend", "25", "25"), False
    )
    return frozen


async def test_a_setting_is_changed_after_its_change_was_shown_and_confirmed() -> None:
    async with command_desk(_settings(), (120, 40)) as ui:
        await ui.press("9")
        await ui.until("What one snipe may spend.")
        await ui.press("C")
        await ui.until("spend: new value; empty: default")
        await ui.press("backspace", "backspace", "5", "0", "enter")
        await ui.until("spend: 25 → 50 USDT, immediately. Allowed: 1 to 1,000.")
        assert not any(name == "settings_set" for name, _ in ui.frozen.received)
        await ui.press("Y")
        await ui.until("spend = 50.")
        assert ("settings_set", SettingChange(name="spend", text="50")) in ui.frozen.received


async def test_the_exits_line_shows_symbol_and_full_hint_at_80_columns() -> None:
    async with command_desk(FrozenDesk(), (80, 24)) as ui:
        await ui.press("4")
        await ui.until("protection by the engine")
        await ui.press("M")
        await ui.until(f"OPENUSDT: {EXITS_HINT} ")


async def test_a_line_rejected_by_the_engine_stays_open_with_the_reason() -> None:
    frozen = _settings()
    frozen.replies["settings_check"] = Reply(CommandOutcome.REFUSED, "spend = x: not allowed.", None, False)
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("9")
        await until(pilot, app, "What one snipe may spend.")
        await pilot.press("C", "x", "enter")
        shown = await until(pilot, app, "spend = x: not allowed.")
        assert app.screen.query_one(Input).value == "25x"
        assert "Y confirm" not in shown
        frozen.replies["settings_check"] = CheckPassed()
        await pilot.press("backspace", "backspace", "6", "enter")
        await until(pilot, app, "spend: 25 → 26 USDT, immediately.")


async def test_a_line_closed_during_validation_opens_no_confirmation() -> None:
    frozen, looked = _settings(), asyncio.Event()

    async def looks(_: object) -> CheckPassed:
        await looked.wait()
        return CheckPassed()

    frozen.replies["settings_check"] = looks
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("9")
        await until(pilot, app, "What one snipe may spend.")
        await pilot.press("C", "0", "enter", "escape")
        looked.set()
        await app.workers.wait_for_complete()  # pyright: ignore[reportUnknownMemberType] Textual says Worker
        assert "Y confirm" not in "\n".join(screen(app))


async def test_an_unchanged_setting_needs_no_confirmation() -> None:
    async with desk(_settings()) as (app, pilot, frozen):
        await pilot.press("9")
        await until(pilot, app, "What one snipe may spend.")
        await pilot.press("C", "enter")
        await until(pilot, app, "spend is already 25.")
        await pilot.press("escape")
        assert not any(name == "settings_set" for name, _ in frozen.received)


def _changed(old: str, new: str, *, needs_restart: bool = False) -> FactPage:
    event = SettingChanged(
        at_ms=NOW_MS, about="spend", old=old, new=new, needs_restart=needs_restart, origin="a person"
    )
    body = msgspec.Raw(msgspec.json.encode(event))
    row = FactRow(sequence=7, at_ms=NOW_MS, kind="setting_changed", version=1, about="spend", body=body)
    return FactPage(rows=(row,))


async def test_the_last_setting_change_is_undone_after_it_was_shown() -> None:
    frozen = _settings()
    frozen.replies["journal"] = _changed("25", "50")
    async with command_desk(frozen, (120, 40)) as ui:
        await ui.press("9")
        await ui.until("What one snipe may spend.")
        await ui.press("U")
        await ui.until("spend: 50 → 25, immediately.")
        await ui.press("Y")
        await ui.until("spend = 25 again.")
        assert ("settings_undo", SettingUndo(name="spend")) in ui.frozen.received


async def test_without_a_setting_change_there_is_nothing_to_undo() -> None:
    frozen = _settings()
    frozen.replies["journal"] = FactPage(rows=())
    async with command_desk(frozen, (120, 40)) as ui:
        await ui.press("9")
        await ui.press("U")
        assert "Y confirm" not in await ui.until("No setting has been changed yet.")


def test_undo_of_a_pending_change_applies_after_restart() -> None:
    assert undoing(_changed("", "A", needs_restart=True)).effect == ("spend: A → empty, after restart.")


async def test_exits_are_changed_after_the_new_stop_was_shown() -> None:
    frozen = FrozenDesk()
    frozen.replies["check_exits"] = Reply(
        CommandOutcome.DONE, "It makes -0.12 USDT there.", CheckPassed(), False
    )
    frozen.replies["edit_exits"] = Reply(CommandOutcome.DONE, "Stop 0.03139 → 0.032.", None, False)
    async with command_desk(frozen, (120, 40)) as ui:
        await ui.press("4")
        await ui.until("protection by the engine")
        await ui.press("M")
        await ui.until("OPENUSDT: stop PRICE")
        await ui.press(*"stop", "space", *"0.032", "enter")
        text = await ui.until("OPENUSDT: stop 0.03139 → 0.032")
        assert "It makes -0.12 USDT there." in " ".join(text.split())
        await ui.press("Y")
        await ui.until("Stop 0.03139 → 0.032.")
        edit = ExitsEdit(symbol="OPENUSDT", stop_price=Decimal("0.032"))
        assert ("edit_exits", edit) in ui.frozen.received


async def test_a_listing_is_added_manually_and_dropped() -> None:
    frozen = FrozenDesk()
    row = frozen.listings.rows["L-FOOUSDT"]
    frozen.replies["listings_add"] = Reply(CommandOutcome.DONE, "Watching NEWUSDT: scheduled.", row, False)
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("2", "N", *"newusdt", "space", *"+15m", "enter")
        await until(pilot, app, "Watching NEWUSDT: scheduled.")
        added = AddListing(symbol="NEWUSDT", opens_ms=NOW_MS + 900_000)
        assert ("listings_add", added) in frozen.received
        await pilot.press("W", "enter")
        await until(pilot, app, "Drop FOOUSDT.")


async def test_a_read_only_screen_changes_no_setting() -> None:
    frozen = _settings()
    frozen.may_operate = False
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("9")
        await until(pilot, app, "What one snipe may spend.")
        await pilot.press("C")
        await until(pilot, app, "Unavailable in read-only mode")
