"""Stale data is marked: when painted, and again when it becomes stale."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from mexc_tui.model.market_view import MarketRow
from mexc_tui.model.snipe import SnipeState
from mexc_tui.tui.action_mixin import AppEnvironment
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.screens.board_screen import BoardScreen
from mexc_tui.tui.widgets import table_lines
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.staleness import CURRENT, OLD_VIEWS_MS, ResponseAge, ShownResponses, StaleMark
from tests.support.tui.counting_driver import RecordingDriver
from tests.support.tui.desk_app import desk, screen, until
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk, listing, position
from tests.support.tui.sample_rows import market

pytestmark = pytest.mark.timeout(120)  # drives the app


def _wire(app: DeskApp) -> RecordingDriver:
    wire = app._driver  # pyright: ignore[reportPrivateUsage]
    assert isinstance(wire, RecordingDriver)
    return wire


def _opens_now(frozen: FrozenDesk) -> None:
    """Let the armed pair open now, so that all other repaints wait."""
    row = frozen.snipes.rows["S1"]
    frozen.snipes.put("S1", msgspec.structs.replace(row, opens_ms=frozen.now_ms, state=SnipeState.FIRING))


async def _left_and_entered_again(frozen: FrozenDesk, app: DeskApp, pilot: Pilot[None]) -> str:
    """Switch away, advance a minute, return during an opening; return the painted text."""
    await pilot.press("4")
    await until(pilot, app, "protection by the engine")
    frozen.advance(60_000)
    await until(pilot, app, "14:14:20Z")
    _opens_now(frozen)
    _wire(app).written = ""
    await pilot.press("1")
    await until(pilot, app, "Next openings")
    return _wire(app).written


async def test_a_revisited_screen_is_current_during_an_opening() -> None:
    frozen = FrozenDesk()
    async with desk(frozen) as (app, pilot, _):
        painted = await _left_and_entered_again(frozen, app, pilot)
        assert "14:14:20Z" in painted
        assert "T-00:47" not in painted


async def test_a_screen_behind_a_page_is_current_when_the_page_closes() -> None:
    frozen = FrozenDesk()
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("question_mark")
        await until(pilot, app, "Reverse the sort order")
        frozen.advance(60_000)
        await until(pilot, app, "14:14:20Z")
        _opens_now(frozen)
        _wire(app).written = ""
        await pilot.press("escape")
        await until(pilot, app, "Next openings")
        assert "T-00:47" not in _wire(app).written


async def test_rows_of_the_opening_pair_are_painted_while_others_wait() -> None:
    frozen = FrozenDesk()
    async with desk(frozen) as (app, pilot, _):
        _opens_now(frozen)
        await until(pilot, app, "firing")
        frozen.positions.put("P-FOOUSDT", position("FOOUSDT", "0.5", "0.6", "2", "20"))
        await until(pilot, app, "▲ +20.0%")


async def test_the_palette_hides_the_screen_that_is_not_updated() -> None:
    frozen = FrozenDesk()
    async with desk(frozen, size=(120, 100)) as (app, pilot, _):
        await pilot.press("ctrl+p")
        text = await until(pilot, app, "Search commands")
        assert "FOOUSDT" not in text
        assert "Next openings 5" not in text


async def test_views_without_updates_are_marked_while_connected() -> None:
    frozen = FrozenDesk()
    async with desk(frozen) as (app, pilot, _):
        frozen.now_ms += 12_000
        text = await until(pilot, app, "DATA 12s OLD")
        assert "was: entries allowed" in text
        assert text.count("OLD: 12s") == 5
        frozen.advance(250)
        assert "OLD" not in await until(pilot, app, "clock +4")


async def test_a_minute_old_response_is_marked_until_the_next_arrives() -> None:
    frozen, came = FrozenDesk(), asyncio.Event()
    first = market()

    async def answers(_: object) -> MarketRow:
        if frozen.now_ms > NOW_MS:
            await came.wait()
        return msgspec.structs.replace(first, at_ms=frozen.now_ms, leveled_ms=frozen.now_ms)

    frozen.replies["market"] = answers
    async with desk(frozen, size=(120, 40)) as (app, pilot, _):
        await pilot.press("4")
        await until(pilot, app, "stop 0.03139")
        await pilot.press("1")
        await until(pilot, app, "Next openings")
        frozen.advance(61_000)
        await pilot.press("4")
        text = await until(pilot, app, "OLD: 61s")
        assert "Trades  OLD: 61s" in text
        assert "0.0s old" not in text
        came.set()
        await until(pilot, app, "0.0s old")
        assert "OLD" not in "\n".join(screen(app))


def _aged(age_ms: float, every_ms: float, since_query_ms: float | None = None) -> ShownResponses:
    waited_ms = age_ms if since_query_ms is None else since_query_ms
    return ShownResponses([ResponseAge(NOW_MS - round(age_ms), age_ms, waited_ms, every_ms)])


def test_an_old_response_is_marked_and_dimmed_when_the_next_is_overdue() -> None:
    assert ShownResponses().mark() == CURRENT
    assert _aged(1_400, 750).mark() == CURRENT
    assert _aged(1_600, 750).mark() == StaleMark("as of 14:13:18Z")
    assert _aged(2_300, 750).mark() == StaleMark("OLD: 2.3s", is_dim=True)


def test_a_rarely_repeated_response_always_states_its_time() -> None:
    assert _aged(100, 5_000).mark() == StaleMark("as of 14:13:19Z")
    assert _aged(6_400, 5_000).mark() == StaleMark("as of 14:13:13Z")
    assert _aged(9_000, 5_000, since_query_ms=4_000).mark() == StaleMark("as of 14:13:11Z")
    assert _aged(6_600, 5_000).mark() == StaleMark("OLD: 6.6s", is_dim=True)


@pytest.mark.parametrize("age_ms", [0, 700, 1_499, 1_501, 2_000])
def test_a_mark_is_valid_for_the_stated_time(age_ms: int) -> None:
    now, left_ms = _aged(age_ms, 750), _aged(age_ms, 750).left_ms()
    if left_ms < float("inf"):
        assert _aged(age_ms + left_ms, 750).mark().is_dim is now.mark().is_dim
        assert bool(_aged(age_ms + left_ms, 750).mark().text) is bool(now.mark().text)
        assert _aged(age_ms + left_ms + 1, 750).mark() != now.mark()


async def test_a_screen_states_when_its_marks_expire() -> None:
    frozen = FrozenDesk()
    async with desk(frozen) as (app, pilot, _):
        shown = app.screen
        assert isinstance(shown, BoardScreen)
        frozen.now_ms += 400
        frozen.positions.put("P-QUXUSDT", position("QUXUSDT", "0.441", "0.5", "13.2", "13.4"))
        await until(pilot, app, "▲ +13.20")
        assert shown.mark_left_ms == OLD_VIEWS_MS - 400
        row = listing("FRESHUSDT", "open", 0, "calendar", "exchangeInfo")
        row = msgspec.structs.replace(row, price=0.5, priced_ms=NOW_MS - 1_000, stage="api_enabled")
        frozen.listings.put("L-FRESHUSDT", row)
        await until(pilot, app, "FRESHUSDT")
        assert shown.mark_left_ms == table_lines.OLD_PRICE_MS - 1_400


def test_a_listing_price_without_updates_is_marked() -> None:
    row = listing("DEADUSDT", "open", 0, "calendar")
    heard = msgspec.structs.replace(row, price=0.03412, priced_ms=NOW_MS - 1_000)
    assert [cell.text for cell in table_lines.listing(heard, NOW_MS) if "0.034" in cell.text] == ["0.03412"]
    for priced_ms in (NOW_MS - 2_000, None):
        old = msgspec.structs.replace(heard, priced_ms=priced_ms)
        marked = [cell for cell in table_lines.listing(old, NOW_MS) if "0.034" in cell.text]
        assert [(cell.text, cell.tone) for cell in marked] == [("~0.03412", Tone.FAINT)]


def test_an_old_bid_and_values_from_it_are_marked() -> None:
    row = position("OPENUSDT", "0.02471", "0.03412", "27.57", "38.1")
    old = msgspec.structs.replace(row, bid_age_ms=1_100)
    marked = [cell for cell in table_lines.position(old, NOW_MS) if cell.text.startswith("~")]
    assert [cell.text for cell in marked] == ["~▲ +27.57", "~▲ +38.1%", "~0.03412", "~99.97"]
    assert {cell.tone for cell in marked} == {Tone.FAINT}
    assert not [cell for cell in table_lines.position(row, NOW_MS) if cell.text.startswith("~")]


@pytest.mark.parametrize(
    ("is_exact", "words"), [(True, "spread 0.23%  0.0s old"), (False, "spread 0.23%  34s old  resyncing")]
)
async def test_the_age_of_an_order_book_is_that_of_its_last_confirmation(is_exact: bool, words: str) -> None:
    frozen = FrozenDesk()
    frozen.replies["market"] = msgspec.structs.replace(
        market(), is_exact=is_exact, leveled_ms=NOW_MS - 34_000
    )
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("4")
        await until(pilot, app, words)


async def test_an_export_states_the_age_of_its_rows(tmp_path: Path) -> None:
    frozen = FrozenDesk()
    async with desk(frozen, size=(160, 40), environment=AppEnvironment(tmp_path)) as (app, pilot, _):
        frozen.now_ms += 12_000
        await until(pilot, app, "DATA 12s OLD")
        app.action_export("csv")
        await until(pilot, app, "rows (OLD: 12s) saved to")
