import asyncio
from dataclasses import replace

import msgspec
import pytest
from textual.pilot import Pilot

from mexc_tui.desk.client import Link
from mexc_tui.model.trading import TradingState
from mexc_tui.model.view import SourceRow
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.keys import KEYS, Scope
from mexc_tui.tui.screens.pages import HelpScreen
from mexc_tui.tui.screens.quit import Ending
from mexc_tui.tui.themes import chosen
from mexc_tui.tui.widgets.header_bar import HeaderBar
from mexc_tui.tui.widgets.table import Table
from tests.support.tui.counting_driver import RecordingDriver
from tests.support.tui.desk_app import SOON_S, THEMES, desk, screen, until
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk, listing, position, risk, status

pytestmark = pytest.mark.timeout(120)  # drives the app


async def _settled(app: DeskApp, pilot: Pilot[None], frozen: FrozenDesk) -> RecordingDriver:
    """Advance a second, so that the start is painted completely, and reset the byte count."""
    wire = app._driver  # pyright: ignore[reportPrivateUsage]
    assert isinstance(wire, RecordingDriver)
    frozen.advance(1_000)
    await _sent(pilot, wire, "14:13:21Z")
    wire.written = ""
    return wire


async def _sent(pilot: Pilot[None], wire: RecordingDriver, words: str) -> int:
    """Wait until a text was sent to the terminal; return the bytes sent until then."""
    async with asyncio.timeout(SOON_S):
        while words not in wire.written:
            await pilot.pause(0.02)
    return len(wire.written)


async def test_the_first_screen_shows_openings_signals_positions_and_equity() -> None:
    async with desk() as (app, pilot, _):
        text = await until(pilot, app, "LOSTUSDT")
        for words in (
            "PRACTICE",
            "entries allowed",
            "clock +4 ±2ms",
            "equity 512.40 USDT",
            "T-00:47",
            "DISPUTED",
            "82%",
            "▲ +27.57",
            "stop in engine",
            "armed",
            "? Help",
        ):
            assert words in text


async def test_every_pane_and_the_equity_fit_80_by_24() -> None:
    async with desk(size=(80, 24)) as (app, pilot, _):
        text = await until(pilot, app, "LOSTUSDT")
        lines = text.split("\n")
        assert len(lines) == 24
        for words in ("Next openings 5", "Active signals 3", "Positions 3", "Snipes 1", "q Leave"):
            assert words in text
        assert "▼ -0.97" in text


async def test_every_theme_shows_the_same_text() -> None:
    async with desk() as (app, pilot, _):
        dark = await until(pilot, app, "LOSTUSDT")
        for name in THEMES.by_name:
            app.theme = name
            await pilot.pause()
            assert "\n".join(screen(app)) == dark


async def test_number_keys_switch_screens() -> None:
    async with desk() as (app, pilot, _):
        await pilot.press("2")
        await until(pilot, app, "+38% peak")
        await pilot.press("3")
        await until(pilot, app, "pre ready")
        await pilot.press("1")
        await until(pilot, app, "Next openings 5")


async def test_a_changed_row_is_updated_and_a_removed_position_disappears() -> None:
    async with desk() as (app, pilot, frozen):
        frozen.positions.put("P-QUXUSDT", position("QUXUSDT", "0.441", "0.5", "13.2", "13.4"))
        await until(pilot, app, "▲ +13.20")
        frozen.positions.put("P-QUXUSDT", None)
        await until(pilot, app, "Positions 2")
        assert "QUXUSDT " not in "\n".join(screen(app)).replace("QUUXUSDT", "")


async def test_an_opened_listing_is_removed_from_next_openings() -> None:
    async with desk() as (app, pilot, frozen):
        frozen.listings.put("L-FOOUSDT", listing("FOOUSDT", "open", 0, "calendar", "exchangeInfo"))
        await until(pilot, app, "Next openings 4")


async def test_a_changed_cell_does_not_resend_the_screen() -> None:
    async with desk() as (app, pilot, frozen):
        await until(pilot, app, "LOSTUSDT")
        wire = await _settled(app, pilot, frozen)
        frozen.positions.put("P-QUXUSDT", position("QUXUSDT", "0.441", "0.5", "13.2", "13.4"))
        assert await _sent(pilot, wire, "+13.20") < 2_500


async def test_an_idle_second_costs_a_hundred_bytes() -> None:
    frozen = FrozenDesk(is_empty=True)
    frozen.status.put("engine", status())
    frozen.risk.put("risk", risk())
    async with desk(frozen) as (app, pilot, _):
        await until(pilot, app, "No snipe is armed.")
        wire = await _settled(app, pilot, frozen)
        frozen.advance(1_000)
        assert await _sent(pilot, wire, "14:13:22Z") < 150


async def test_a_lost_engine_is_shown_in_the_header_and_on_every_table() -> None:
    async with desk() as (app, pilot, frozen):
        frozen.link = replace(frozen.link, link=Link.DISCONNECTED)
        frozen.silence_ms = 12_000
        frozen.status.put("engine", status())
        text = await until(pilot, app, "NO CONNECTION 12s")
        assert text.count("OLD: 12s") == 5


async def test_live_mode_is_unmistakable() -> None:
    async with desk() as (app, pilot, frozen):
        frozen.status.put("engine", status("live"))
        await until(pilot, app, "LIVE - REAL MONEY")
        assert app.screen.query_one(HeaderBar).has_class("-live")


async def test_panes_show_loading_and_then_why_they_are_empty() -> None:
    async with desk(FrozenDesk(is_empty=True, is_complete=False)) as (app, pilot, frozen):
        text = await until(pilot, app, "Loading…")
        assert "CONNECTING" in text
        for view in (frozen.listings, frozen.signals, frozen.snipes, frozen.positions):
            view.is_complete = True
        frozen.status.put("engine", status())
        text = await until(pilot, app, "No open position.")
        assert "No opening known. Calendar not read yet." in text
        assert "No snipe is armed." in text


async def test_no_opening_is_claimed_only_if_the_calendar_was_read_and_nothing_is_armed() -> None:
    frozen = FrozenDesk(is_empty=True)
    read = SourceRow(source="calendar", read_ms=NOW_MS - 3_000, failures=0, problem="")
    async with desk(frozen) as (app, pilot, _):
        frozen.status.put("engine", msgspec.structs.replace(status(), sources=(read,)))
        text = await until(pilot, app, "No opening expected. Calendar read at")
        failed = msgspec.structs.replace(read, failures=2, problem="no answer within 10 s")
        frozen.status.put("engine", msgspec.structs.replace(status(), sources=(failed,)))
        text = await until(pilot, app, "no answer within 10 s")
        assert "No opening expected" not in text
        frozen.snipes.put("S1", FrozenDesk().snipes.rows["S1"])
        text = await until(pilot, app, "No opening listed for 1 armed snipe")
        assert "No opening expected" not in text


async def test_a_filter_applies_while_typing_and_escape_clears_it() -> None:
    async with desk() as (app, pilot, _):
        await pilot.press("2")
        await until(pilot, app, "Listings 6")
        await pilot.press("slash", "f", "o", "o")
        text = await until(pilot, app, "Listings 1 of 6")
        assert "BARUSDT" not in text
        await pilot.press("enter")
        assert isinstance(app.focused, Table)
        await pilot.press("escape")
        await until(pilot, app, "BARUSDT")


async def test_keys_are_text_while_typing() -> None:
    async with desk() as (app, pilot, _):
        await pilot.press("slash", "q", "2", "T")
        assert app.theme == "dark"
        assert app.screen.name == "desk"
        assert app.is_running


async def test_help_describes_the_screen_and_closes() -> None:
    async with desk() as (app, pilot, _):
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await until(pilot, app, "Reverse the sort order")
        await pilot.press("escape")
        await until(pilot, app, "Next openings")


async def test_the_theme_changes_at_runtime() -> None:
    async with desk() as (app, pilot, _):
        names = sorted(THEMES.by_name)
        for expected in [*names[names.index("dark") + 1 :], *names[: names.index("dark") + 1]]:
            await pilot.press("T")
            assert app.theme == expected


async def test_the_palette_lists_every_global_key() -> None:
    async with desk() as (app, _pilot, _):
        titles = [command.title for command in app.get_system_commands(app.screen)]
        wanted = [key.name for key in KEYS if key.scope is Scope.EVERYWHERE and key.id != "palette"]
        assert all(any(title.startswith(name) for title in titles) for name in wanted)
        assert "Theme amber" in titles


async def test_every_key_has_an_existing_action() -> None:
    async with desk() as (app, _pilot, _):
        table = app.screen.query(Table).first()
        for key in KEYS:
            name = key.action.removeprefix("app.").split("(")[0]
            owner = {Scope.EVERYWHERE: app, Scope.TABLE: table, Scope.FILTER: app.screen}[key.scope]
            assert callable(getattr(owner, f"action_{name}")), key.id


async def test_leaving_asks_and_detaches_by_default() -> None:
    async with desk() as (app, pilot, _):
        await pilot.press("q")
        text = await until(pilot, app, "3 positions are open; the engine manages the stops.")
        assert "mexc-tui attach" in text
        await pilot.press("enter")
        await pilot.pause()
        assert not app.is_running or app.return_code == 0
        assert app.ending is Ending.LEFT


async def test_leaving_can_be_cancelled() -> None:
    async with desk() as (app, pilot, _):
        await pilot.press("q")
        await until(pilot, app, "Enter detaches.")
        await pilot.press("escape")
        await until(pilot, app, "Next openings")


async def test_stopping_the_engine_asks_for_a_typed_word_while_positions_are_open() -> None:
    async with desk() as (app, pilot, frozen):
        await pilot.press("q")
        await until(pilot, app, "would stay open without a stop")
        await pilot.press("s")
        await until(pilot, app, "type stop")
        assert not any(name == "stop" for name, _ in frozen.received)


async def test_a_read_only_screen_closes_without_a_question() -> None:
    frozen = FrozenDesk()
    frozen.may_operate = False
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running or app.return_code == 0


async def test_control_sequences_in_names_reach_no_terminal() -> None:
    frozen = FrozenDesk()
    frozen.listings.put("x", listing("\x1b]52;c\x07[@a]A", "scheduled", 9, "calendar"))
    async with desk(frozen) as (app, pilot, _):
        await until(pilot, app, "[@a]A")
        wire = app._driver  # pyright: ignore[reportPrivateUsage]
        assert isinstance(wire, RecordingDriver)
        assert "\x1b]52" not in wire.written
        assert "c\x07" not in wire.written


async def test_countdowns_continue_without_new_data() -> None:
    async with desk() as (app, pilot, frozen):
        await until(pilot, app, "T-00:47")
        frozen.advance(5_000)
        await until(pilot, app, "T-00:42")


def test_without_colour_the_desk_starts_in_monochrome() -> None:
    assert chosen(THEMES, "dark", {"NO_COLOR": "1"})[0].name == "monochrome"


async def test_the_palette_shows_no_character_of_ambiguous_width() -> None:
    async with desk() as (app, pilot, _):
        await pilot.press("ctrl+p")
        shown = await until(pilot, app, "Search commands")
        assert not [one for one in shown if ord(one) > 0xFFFF]


@pytest.mark.parametrize("key", ["question_mark", "m", "q", "ctrl+p"])
async def test_the_header_stays_current_on_every_page_and_in_the_palette(key: str) -> None:
    async with desk() as (app, pilot, frozen):
        await pilot.press(key)
        await until(pilot, app, "entries allowed")
        frozen.risk.put("risk", risk(TradingState.HALTED, "asked by somebody else"))
        assert "equity" in await until(pilot, app, "HALTED: asked by somebody else")


async def test_a_terminal_too_small_shows_the_header_and_a_hint() -> None:
    async with desk(size=(40, 8)) as (app, pilot, _):
        text = await until(pilot, app, "terminal too small: 80×24 or more")
        assert "SYMBOL" not in text
        assert "equity 512.40" in text
        await pilot.resize_terminal(80, 24)
        assert "too small" not in await until(pilot, app, "FOOUSDT")
