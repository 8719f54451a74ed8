"""At every size: complete numbers and frames, working keys, and a key to every pane."""

import re
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mexc_tui.model.trading import Tightening
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.screens.board_screen import BoardScreen
from mexc_tui.tui.screens.registry import NAMES, all_boards
from mexc_tui.tui.widgets.canvas import Canvas
from mexc_tui.tui.widgets.cell import Cell, Tone, fit
from mexc_tui.tui.widgets.columns import Column, placed
from mexc_tui.tui.widgets.layout import MIN_WIDTH, TALL
from mexc_tui.tui.widgets.styled_text import Part, StyledSpan, fitting, width_of, wrap_hanging
from mexc_tui.tui.widgets.table import Table
from mexc_tui.tui.widgets.table_drawing import Drawing
from tests.support.tui.command_desk import command_desk
from tests.support.tui.counting_driver import SingleWidgetApp
from tests.support.tui.desk_app import desk, screen, settled, until
from tests.support.tui.frozen_desk import NOW_MS, position
from tests.support.tui.sample_rows import full_desk, order

pytestmark = pytest.mark.timeout(120)  # drives the app

SIZES = [(80, 24), (100, 30), (120, 40), (160, 45), (200, 60)]
BY_SIZE = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
HALF = re.compile(r"\d…")


@BY_SIZE
async def test_numbers_and_frames_are_complete_on_every_screen(size: tuple[int, int]) -> None:
    async with desk(full_desk(), size=size) as (app, pilot, _):
        for number in range(1, len(NAMES) + 1):
            await pilot.press(str(number % 10))
            text = await settled(pilot, app)
            assert not HALF.search(text), text
            assert isinstance(app.screen, BoardScreen)
            panes = len(app.screen.query(".pane")) - app.screen.hidden - 1
            if size[1] >= TALL:
                for corner in "╭╮╰╯":
                    assert text.count(corner) == panes, (corner, text)
            else:
                assert sum(line.count("─") > 10 for line in text.split("\n")) >= 1
                for pane in app.screen.board.panes:
                    if app.screen._has_room(pane):  # pyright: ignore[reportPrivateUsage]
                        assert pane.title in text


@BY_SIZE
async def test_the_pane_key_cycles_through_every_pane(size: tuple[int, int]) -> None:
    async with desk(full_desk(), size=size) as (app, pilot, _):
        for number, board in enumerate(all_boards(), 1):
            await pilot.press(str(number % 10))
            text = await settled(pilot, app)
            current = app.screen
            assert isinstance(current, BoardScreen)
            assert (f"tab +{current.hidden} pane" in text) is bool(current.hidden)
            await pilot.pause()
            begun = current.focused
            for title in [*(pane.title for pane in board.panes[1:]), board.panes[0].title]:
                await pilot.press("tab")
                await pilot.pause()
                assert title in "\n".join(screen(app)), title
                assert current.focused is not None
                assert current.focused.region.height >= 2
            assert current.focused is begun
            await pilot.press("shift+tab")
            await pilot.pause()
            assert board.panes[-1].title in "\n".join(screen(app))
            await pilot.press("escape")


@BY_SIZE
async def test_every_key_of_the_footer_is_bound_where_it_is_shown(size: tuple[int, int]) -> None:
    async with desk(full_desk(), size=size) as (app, pilot, _):
        for number in range(1, len(NAMES) + 1):
            await pilot.press(str(number % 10))
            await pilot.pause(0.2)
            current = app.screen
            assert isinstance(current, BoardScreen)
            for _ in current.board.panes:
                await pilot.press("tab")
                await pilot.pause()
                spots = current._footer._spots  # pyright: ignore[reportPrivateUsage]
                assert all(key in current.active_bindings for _, _, key in spots), spots
                is_table = isinstance(current.focused, Table)
                assert ("s" in [key for _, _, key in spots]) <= is_table


@BY_SIZE
async def test_tightened_limits_skipped_rows_and_a_trapped_position_are_shown_in_full(
    size: tuple[int, int],
) -> None:
    frozen = full_desk()
    cause = "spread of 12.5 % in 3 of 7 pairs"
    lowered = Tightening(steps=2, until_ms=NOW_MS + 3_600_000, by="risk monitor", cause=cause)
    frozen.risk.put("risk", msgspec.structs.replace(frozen.risk.rows["risk"], tightening=lowered))
    skipped = "exchangeInfo: 3 rows, the last one BADUSDT: name is not a text"
    engine = frozen.status.rows["engine"]
    budget = msgspec.structs.replace(engine.budget, skipped_rows=(skipped,))
    frozen.status.put("engine", msgspec.structs.replace(engine, budget=budget))
    row = position("OPENUSDT", "0.02471", "0.03412", "27.57", "38.1")
    trapped = msgspec.structs.replace(row, trapped="no bid for 61 s", protection_text="no bid for 61 s")
    frozen.positions.put("P-OPENUSDT", trapped)
    async with desk(frozen, size=size) as (app, pilot, _):
        await until(pilot, app, "TRAPPED")
        await pilot.press("4")
        await until(pilot, app, "TRAPPED")
        await until(pilot, app, "no bid for 61 s")
        await pilot.press("5")
        await until(pilot, app, "limits tightened 2 steps")
        said = _pane(app, "State")
        assert f"by risk monitor: {cause}" in said
        await pilot.press("7")
        await settled(pilot, app)
        await pilot.press("shift+tab")
        await until(pilot, app, "Skipped: exchangeInfo")
        assert f"Skipped: {skipped}" in _pane(app, "Streams, sources, queues")


def _pane(app: DeskApp, title: str) -> str:
    """Return the text of a drawn pane, its wrapped lines joined."""
    canvas = next(one for one in app.screen.query(Canvas) if title in str(one.border_title))
    return " ".join(" ".join(canvas.text).split())


async def test_a_long_figure_widens_its_column_and_hides_less_important_ones() -> None:
    async with command_desk(full_desk(), (80, 24)) as ui:
        await ui.press("4", "tab", "tab")
        row = order("OPENUSDT", "a")
        row = msgspec.structs.replace(
            row, filled_quantity=Decimal(771570123456), quantity=Decimal(871570123456)
        )
        ui.frozen.orders.put("a", row)
        await ui.until("Orders")
        await ui.until(" of 871")
        assert not HALF.search(ui.text)


@given(st.text(alphabet="ab 1.,9%+-", max_size=40), st.integers(0, 45))
def test_a_shortened_text_never_ends_inside_a_number(text: str, width: int) -> None:
    shown = fit(text, width)
    assert cell_len(shown) == width
    if "…" in shown:
        kept = shown[: shown.index("…")]
        behind = text[len(kept) :]
        assert not (kept[-1:].isdigit() and behind[:1].isdigit())


def test_a_number_that_does_not_fit_is_dropped() -> None:
    assert fit("771570.5", 6, to_right=True) == "     …"
    assert fit("said to come about 2.0 h before", 22).rstrip() == "said to come about…"
    assert fit("sell 56.56 at 0.0663", 18).rstrip() == "sell 56.56 at…"
    assert fit("api enabled", 8) == "api ena…"


@given(st.integers(1, 60))
def test_no_column_exceeds_the_available_width(room: int) -> None:
    columns = (Column("A", 12), Column("B", 11, is_number=True), Column("C", 11, is_number=True))
    assert all(one.x + one.width <= room for one in placed(columns, room))


def test_a_number_column_is_as_wide_as_its_numbers() -> None:
    drawing = Drawing((Column("A", 4, is_number=True), Column("B", 8, drop_order=1)), lambda _: None)  # type: ignore[arg-type, return-value]
    drawing.resize(20)
    assert [one.width for one in drawing.places] == [4, 8]
    assert drawing.make_room((Cell("1234567890"), Cell("x")))
    assert [one.width for one in drawing.places] == [10]
    assert not drawing.make_room((Cell("123"), Cell("x")))


def test_a_narrow_header_cuts_no_number() -> None:
    parts = [Part("equity 1003.88 USDT"), Part("day ▲ +3.88 (+0.45%)"), Part("open 2", drop_order=1)]
    for width in range(1, 70):
        shown = fitting(parts, width)
        assert width_of(shown) <= width or not shown
        assert not HALF.search(" ".join(one.text for one in shown))


@given(st.lists(st.text(alphabet="ab 1.", max_size=30), min_size=1, max_size=4), st.integers(16, 60))
def test_a_wrapped_line_fits_and_keeps_every_word(texts: list[str], width: int) -> None:
    drawn = tuple(StyledSpan(text, Tone.PLAIN) for text in texts)
    folded = wrap_hanging(drawn, width)
    joined = "".join(span.text for span in drawn)
    shown = "".join(span.text for line in folded for span in line)
    assert shown.replace(" ", "") == joined.replace(" ", "")
    if all(len(word) <= width // 2 for word in joined.split()):
        assert all(cell_len("".join(one.text for one in line).rstrip()) <= width for line in folded)


def test_wrapped_text_is_indented_below_its_label() -> None:
    line = (StyledSpan("loop lag       ", Tone.FAINT), StyledSpan("p50 0.871ms, p99 22.5ms, worst 31.2ms"))
    assert ["".join(one.text for one in each).rstrip() for each in wrap_hanging(line, 42)] == [
        "loop lag       p50 0.871ms, p99 22.5ms,",
        "               worst 31.2ms",
    ]


def test_tables_are_shown_at_the_minimum_width() -> None:
    assert MIN_WIDTH <= 80


async def test_lines_are_wrapped_again_when_a_scrollbar_appears() -> None:
    canvas = Canvas("picture")
    app = SingleWidgetApp(lambda: canvas)
    async with app.run_test(headless=False, size=(40, 6)) as pilot:
        rest = canvas.room[0] - len("lag  ")
        canvas.show([(StyledSpan("lag  ", Tone.FAINT), StyledSpan(("worst " * 9)[: rest - 1] + "w"))] * 20)
        await pilot.pause()
        await pilot.pause()
        assert canvas.show_vertical_scrollbar
        assert max(map(len, canvas.text)) <= canvas.room[0]
        assert len(canvas.text) == 40
