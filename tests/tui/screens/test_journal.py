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


def test_a_kind_or_a_pair_in_the_filter_is_asked_of_the_whole_journal() -> None:
    assert journal_query("order_changed fooUSDT halt") == JournalQuery(kind="order_changed", about="FOOUSDT")
    assert journal_query("halt") == JournalQuery()


async def test_facts_are_listed_newest_first_in_plain_words_with_all_of_one_beside() -> None:
    frozen = FrozenDesk()
    frozen.replies["journal"] = _journal(7, 8)
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("8")
        text = await until(pilot, app, "reason: requested by the operator")
        assert "Journal 2" in text
        await pilot.press("down")
        assert app.screen.query(Table).first().cursor == "7"


async def test_enter_shows_all_of_a_fact_and_no_word_of_it_is_cut_off_where_room_is_short() -> None:
    frozen = FrozenDesk()
    reason = " ".join(f"word{number}" for number in range(40))
    frozen.replies["journal"] = FactPage((fact(7, reason=reason),))
    async with desk(frozen, (80, 24)) as (app, pilot, _):
        await pilot.press("8")
        await until(pilot, app, "engine_stopped")
        await pilot.press("enter")
        text = await until(pilot, app, "Details: Journal")
        assert all(f"word{number} " in text for number in range(40))


async def test_on_the_newest_fact_the_cursor_follows_and_elsewhere_it_stays() -> None:
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


async def test_hostile_facts_are_text() -> None:
    frozen = FrozenDesk()
    frozen.replies["journal"] = FactPage((fact(1, "[red]\x1b]52;c;x\x07", "[@click=x]boo[/]\x1b[2J"),))
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("8")
        assert "[@click=x]boo[/]" in await until(pilot, app, "reason:")
