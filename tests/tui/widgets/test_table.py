from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from textual.geometry import Region
from textual.pilot import Pilot

from mexc_tui.tui.widgets.cell import Cell, Tone
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.table import Table
from mexc_tui.tui.widgets.table_rows import Line, SortOrder
from tests.support.tui.counting_driver import RecordingTable, SingleWidgetApp

COLUMNS = (
    Column("SYMBOL", 12),
    *(Column(f"C{number}", 10, drop_order=number, is_number=True) for number in range(1, 8)),
)
ROWS = 50


def _line(row: int, seed: int = 0) -> Line:
    numbers = ((row * 7919 + column * 104729 + seed * 15485863) % 1_000_000 for column in range(1, 8))
    tones = (Tone.PLAIN, Tone.GOOD, Tone.BAD)
    return (Cell(f"S{row:02}USDT"), *(Cell(f"{n / 100:.2f}", tones[n % 3], n) for n in numbers))


@asynccontextmanager
async def _shown(
    rows: int = ROWS, size: tuple[int, int] = (120, 40), order: SortOrder | None = None
) -> AsyncGenerator[tuple[SingleWidgetApp, RecordingTable, Pilot[None]]]:
    app = SingleWidgetApp(lambda: RecordingTable(COLUMNS, empty="Nothing yet.", order=order))
    async with app.run_test(headless=False, size=size) as pilot:
        table = app.query_one(RecordingTable)
        table.focus()
        table.apply({f"{row}": _line(row) for row in range(rows)})
        await pilot.pause()
        app.wire.written = ""
        table.drawn.clear()
        table.asked.clear()
        yield app, table, pilot


def _text(table: Table) -> list[str]:
    return [table.render_line(y).text for y in range(table.size.height)]


async def test_one_cell_costs_one_line_and_a_few_hundred_bytes() -> None:
    async with _shown() as (app, table, pilot):
        changed = list(_line(5))
        changed[3] = Cell("1.23", Tone.GOOD, 123)
        table.apply({"5": tuple(changed)})
        await pilot.pause()
        assert table.asked == [Region(40, 6, 10, 1)]
        assert set(table.drawn) == {6}
        assert 0 < len(app.wire.written) < 500


async def test_three_cells_in_ten_rows_cost_under_nine_kilobytes_a_second() -> None:
    async with _shown() as (app, table, pilot):
        changes: dict[str, Line] = {}
        for row in range(2, 32, 3):
            new = _line(row, seed=1)
            changes[f"{row}"] = (*_line(row)[:2], *new[2:5], *_line(row)[5:])
        table.apply(changes)
        await pilot.pause()
        assert set(table.drawn) == {row + 1 for row in range(2, 32, 3)}
        assert 0 < len(app.wire.written) < 9_000 / 4


async def test_unchanged_and_invisible_rows_cost_nothing() -> None:
    async with _shown() as (app, table, pilot):
        table.apply({f"{row}": _line(row) for row in range(ROWS)})
        table.apply({"49": _line(49, seed=1)})
        await pilot.pause()
        assert table.asked == []
        assert app.wire.written == ""


async def test_a_changed_cell_of_a_hidden_column_costs_nothing() -> None:
    async with _shown(size=(40, 20)) as (app, table, pilot):
        table.apply({"5": (*_line(5)[:7], Cell("new"))})
        await pilot.pause()
        assert app.wire.written == ""


async def test_a_cursor_move_paints_two_lines() -> None:
    async with _shown() as (app, table, pilot):
        await pilot.press("down")
        assert set(table.drawn) == {1, 2}
        assert len(app.wire.written) < 1_000


async def test_a_page_down_costs_under_twelve_kilobytes() -> None:
    async with _shown(rows=200, size=(120, 24)) as (app, table, pilot):
        await pilot.press("pagedown", "pagedown")
        await pilot.pause()
        assert table.cursor == "44"
        assert 0 < len(app.wire.written) < 2 * 12_000


async def test_the_table_shows_its_rows_after_scrolling_and_changes() -> None:
    async with _shown(rows=100, size=(120, 10)) as (_, table, pilot):
        await pilot.press("G")
        table.apply({"99": _line(99, seed=3), "98": None, "0": _line(0, seed=3)})
        await pilot.pause()
        assert _text(table)[-1].startswith("> S99USDT")
        assert _text(table)[-2].startswith("  S97USDT")
        assert _line(99, seed=3)[1].text in _text(table)[-1]


async def test_the_cursor_stays_on_its_row_when_the_order_changes() -> None:
    async with _shown(rows=5, order=SortOrder(1)) as (_, table, pilot):
        await pilot.press("down")
        key = table.cursor
        assert key is not None
        line = table.rows[key]
        table.apply({key: (line[0], Cell("0.00", rank=-1), *line[2:])})
        await pilot.pause()
        assert table.cursor == key
        assert table.rows.shown[0] == key
        assert _text(table)[1].startswith(">")


async def test_the_cursor_moves_to_the_row_in_place_of_a_removed_one() -> None:
    async with _shown(rows=3) as (_, table, _pilot):
        table.action_move(1)
        table.apply({"1": None})
        assert table.cursor == "2"
        table.apply({"2": None})
        assert table.cursor == "0"
        table.apply({"0": None})
        assert table.cursor is None


async def test_a_click_on_a_head_sorts_and_on_a_row_selects() -> None:
    async with _shown(rows=5) as (_, table, pilot):
        await pilot.click(table, offset=(20, 0))
        assert table.rows.order == SortOrder(1)
        assert "C1↑" in _text(table)[0]
        await pilot.click(table, offset=(20, 0))
        assert table.rows.order == SortOrder(1, is_reverse=True)
        await pilot.click(table, offset=(5, 3))
        assert table.cursor == table.rows.shown[2]


async def test_the_sort_key_cycles_through_visible_columns() -> None:
    async with _shown(rows=5, size=(40, 10)) as (_, table, pilot):
        seen: list[int | None] = []
        for _ in range(4):
            await pilot.press("s")
            seen.append(table.rows.order.column)
        assert seen == [0, 1, 2, None]
        await pilot.press("S")
        assert table.rows.order == SortOrder(None, is_reverse=True)


async def test_an_empty_table_shows_its_text_or_the_filter_that_hides_all() -> None:
    async with _shown(rows=0) as (app, table, pilot):
        assert "Nothing yet." in _text(table)[1]
        table.apply({"1": _line(1)})
        table.set_filter("none")
        await pilot.pause()
        assert "None of 1 rows matches 'none'" in _text(table)[1]
        table.set_filter("")
        app.wire.written = ""
        table.apply({"1": None})
        await pilot.pause()
        assert "Nothing yet." in app.wire.written


async def test_stale_numbers_are_dimmed() -> None:
    async with _shown(rows=3) as (_, table, _pilot):
        fresh = {segment.style for segment in table.render_line(2)}
        table.set_stale(True)
        stale = {segment.style for segment in table.render_line(2)}
        assert len(stale) < len(fresh)


async def test_foreign_text_is_shown_literally() -> None:
    async with _shown(rows=0) as (app, table, pilot):
        table.apply(
            {"x": (Cell("[b]\x1b[2J\x07"), *_line(1)[1:]), "y": (Cell("日本\u202e[/]"), *_line(2)[1:])}
        )
        await pilot.pause()
        assert "[b]" in app.wire.written
        assert "\x1b[2J" not in app.wire.written
        assert "\x07" not in app.wire.written
        assert "\u202e" not in app.wire.written
        assert all(
            table.render_line(y).cell_length == table.scrollable_content_region.width for y in range(5)
        )


async def test_the_text_of_an_empty_table_is_wrapped_and_complete() -> None:
    async with _shown(rows=0, size=(34, 12)) as (_, table, pilot):
        table.set_empty("No open position. Arm a listing on screen 2.")
        await pilot.pause()
        said = " ".join(" ".join(_text(table)).split())
        assert said.endswith("No open position. Arm a listing on screen 2.")


async def test_an_unmoved_cursor_is_on_the_first_row_when_the_table_is_shown() -> None:
    async with _shown(rows=3, order=SortOrder(1)) as (_, table, pilot):
        first = (Cell("A"), *(Cell("0", rank=-1) for _ in range(7)))
        table.apply({"a": first})
        was_before = table.cursor
        table.start_at_first_row()
        assert (was_before != "a", table.cursor) == (True, "a")
        await pilot.press("down")
        chosen = table.cursor
        table.apply({"b": (Cell("B"), *(Cell("0", rank=-2) for _ in range(7)))})
        table.start_at_first_row()
        assert table.cursor == chosen


async def test_a_refilled_table_widens_for_a_figure_that_cannot_be_rounded() -> None:
    async with _shown(rows=2) as (app, table, pilot):
        wide = "771570123456 of 9"
        line = _line(0)
        table.replace({"0": (line[0], Cell(wide), *line[2:]), "1": _line(1)})
        await pilot.pause()
        assert wide in app.wire.written
        assert "…" not in app.wire.written
