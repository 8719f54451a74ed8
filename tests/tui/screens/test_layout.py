"""At every size: complete numbers and frames, working keys, and a key to every pane."""

import re
from dataclasses import dataclass
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widget import Widget

from mexc_tui.model.trading import Tightening
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.screens.board_screen import BoardScreen
from mexc_tui.tui.screens.registry import NAMES
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


@dataclass(frozen=True)
class FocusedPane:
    """A pane that a key has moved the focus to, and the footer then."""

    text: str
    widget: Widget | None
    height: int
    footer_keys: tuple[str, ...]
    bound_keys: frozenset[str]


@dataclass(frozen=True)
class WalkedScreen:
    """A screen as it opened, its panes in the order of the next key, and the result of the previous key."""

    titles: tuple[str, ...]
    titles_with_room: tuple[str, ...]
    text: str
    pane_count: int
    hidden: int
    begun: Widget | None
    panes: tuple[FocusedPane, ...]
    back: FocusedPane


_WALKED: dict[tuple[int, int], list[WalkedScreen]] = {}


async def walked(size: tuple[int, int]) -> list[WalkedScreen]:
    """Focus every pane of every screen. The tests of one size share the result: drawing it takes seconds."""
    if size not in _WALKED:
        async with desk(full_desk(), size=size) as (app, pilot, _):
            _WALKED[size] = [await _walk(app, pilot, str(number)) for number in range(1, len(NAMES) + 1)]
    return _WALKED[size]


async def _walk(app: DeskApp, pilot: Pilot[None], key: str) -> WalkedScreen:
    await pilot.press(key)
    text = await settled(pilot, app)
    current = app.screen
    assert isinstance(current, BoardScreen)
    board, hidden = current.board, current.hidden
    pane_count = len(current.query(".pane")) - hidden - 1
    with_room = [pane.title for pane in board.panes if current._has_room(pane)]  # pyright: ignore[reportPrivateUsage]
    await pilot.pause()
    begun = current.focused
    panes = [await _focused(app, pilot, current, "tab") for _ in board.panes]
    back = await _focused(app, pilot, current, "shift+tab")
    await pilot.press("escape")
    return WalkedScreen(
        titles=tuple(pane.title for pane in board.panes),
        titles_with_room=tuple(with_room),
        text=text,
        pane_count=pane_count,
        hidden=hidden,
        begun=begun,
        panes=tuple(panes),
        back=back,
    )


async def _focused(app: DeskApp, pilot: Pilot[None], current: BoardScreen, key: str) -> FocusedPane:
    await pilot.press(key)
    await pilot.pause()
    widget = current.focused
    return FocusedPane(
        "\n".join(screen(app)),
        widget,
        0 if widget is None else widget.region.height,
        tuple(key for _, _, key in current._footer._spots),  # pyright: ignore[reportPrivateUsage]
        frozenset(current.active_bindings),
    )


@BY_SIZE
async def test_numbers_and_frames_are_complete_on_every_screen(size: tuple[int, int]) -> None:
    for shown in await walked(size):
        assert not HALF.search(shown.text), shown.text
        if size[1] >= TALL:
            for corner in "╭╮╰╯":
                assert shown.text.count(corner) == shown.pane_count, (corner, shown.text)
        else:
            assert sum(line.count("─") > 10 for line in shown.text.split("\n")) >= 1
            assert all(title in shown.text for title in shown.titles_with_room), shown.text


@BY_SIZE
async def test_the_pane_key_cycles_through_every_pane(size: tuple[int, int]) -> None:
    for shown in await walked(size):
        assert (f"tab +{shown.hidden} pane" in shown.text) is bool(shown.hidden)
        for title, pane in zip([*shown.titles[1:], shown.titles[0]], shown.panes, strict=True):
            assert title in pane.text, title
            assert pane.widget is not None
            assert pane.height >= 2
        assert shown.panes[-1].widget is shown.begun
        assert shown.titles[-1] in shown.back.text


@BY_SIZE
async def test_every_key_of_the_footer_is_bound_where_it_is_shown(size: tuple[int, int]) -> None:
    for shown in await walked(size):
        for pane in shown.panes:
            assert pane.bound_keys.issuperset(pane.footer_keys), pane.footer_keys
            assert ("s" in pane.footer_keys) <= isinstance(pane.widget, Table)


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
