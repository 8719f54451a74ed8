import pytest

from mexc_tui.desk.engine_requests import FactPage, JournalQuery
from mexc_tui.tui.screens.journal import journal_query
from mexc_tui.tui.widgets.table import Table
from tests.support.tui.desk_app import desk, until
from tests.support.tui.frozen_desk import FrozenDesk
from tests.support.tui.sample_rows import fact

pytestmark = pytest.mark.timeout(120)  # drives the app


def _journal(*numbers: int) -> FactPage:
    return FactPage(tuple(fact(number) for number in sorted(numbers, reverse=True)))


def test_an_event_kind_or_symbol_in_the_filter_searches_the_whole_journal() -> None:
    assert journal_query("order_changed fooUSDT halt") == JournalQuery(kind="order_changed", about="FOOUSDT")
    assert journal_query("halt") == JournalQuery()


async def test_events_are_listed_newest_first_as_text_beside_the_selected_event() -> None:
    frozen = FrozenDesk()
    frozen.replies["journal"] = _journal(7, 8)
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("8")
        text = await until(pilot, app, "reason: requested by the operator")
        assert "Journal 2" in text
        await pilot.press("down")
        assert app.screen.query(Table).first().cursor == "7"


async def test_event_details_are_complete_on_a_small_terminal() -> None:
    frozen = FrozenDesk()
    reason = " ".join(f"word{number}" for number in range(40))
    frozen.replies["journal"] = FactPage((fact(7, reason=reason),))
    async with desk(frozen, (80, 24)) as (app, pilot, _):
        await pilot.press("8")
        await until(pilot, app, "engine_stopped")
        await pilot.press("enter")
        text = await until(pilot, app, "Details: Journal")
        assert all(f"word{number} " in text for number in range(40))


async def test_the_cursor_follows_new_events_from_the_newest_row_only() -> None:
    frozen = FrozenDesk()
    frozen.replies["journal"] = _journal(7, 8)
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("8")
        await until(pilot, app, "Journal 2")
        table = app.screen.query(Table).first()
        frozen.replies["journal"] = _journal(7, 8, 9)
        await until(pilot, app, "Journal 3")
        assert table.cursor == "9"
        await pilot.press("down")
        frozen.replies["journal"] = _journal(7, 8, 9, 10)
        await until(pilot, app, "Journal 4")
        assert table.cursor == "8"


async def test_control_sequences_in_events_are_shown_as_text() -> None:
    frozen = FrozenDesk()
    frozen.replies["journal"] = FactPage((fact(1, "[red]\x1b]52;c;x\x07", "[@click=x]boo[/]\x1b[2J"),))
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("8")
        assert "[@click=x]boo[/]" in await until(pilot, app, "reason:")
