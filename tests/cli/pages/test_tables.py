"""Plain-text tables."""

import re
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.cli.pages.tables import Pen, TextCell, TextColumn, TextTone, cut, figure, fold, table, width
from mexc_tui.model.digits import quantity_number
from mexc_tui.model.text import clean

COLOURED = Pen(has_colour=True)


def test_columns_are_aligned_and_numbers_are_right_aligned() -> None:
    rows = [
        [TextCell("A"), TextCell("1", is_number=True), TextCell("x")],
        [TextCell("BBBB"), TextCell("10", is_number=True), TextCell("")],
    ]
    assert table(("NAME", "N", "NOTE"), rows, Pen()).splitlines() == [
        "NAME   N  NOTE",
        "A      1  x",
        "BBBB  10",
    ]


def test_wide_characters_take_two_columns() -> None:
    lines = table(
        ("NAME", "X"), [[TextCell("火币"), TextCell("x")], [TextCell("ab"), TextCell("y")]], Pen()
    ).splitlines()
    assert [width(line) for line in lines] == [7, 7, 7]


def test_colour_changes_no_column() -> None:
    rows = [[TextCell("A", TextTone.BAD), TextCell("x", TextTone.GOOD)], [TextCell("BBBB"), TextCell("y")]]
    coloured = table(("NAME", "X"), rows, COLOURED)
    assert "\x1b[31mA\x1b[0m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == table(("NAME", "X"), rows, Pen())


@given(st.lists(st.text(max_size=20).map(clean), min_size=1, max_size=5))
def test_foreign_text_never_becomes_markup(texts: list[str]) -> None:
    page = table(("TEXT", "END"), [[TextCell(text), TextCell("|")] for text in texts], Pen())
    assert "\x1b" not in page
    assert len(page.split("\n")) == len(texts) + 1
    assert all(text in page for text in texts)


_TEXT = st.text(max_size=40).map(clean)


@given(st.lists(st.tuples(_TEXT, _TEXT, _TEXT), min_size=1, max_size=5), st.integers(12, 120))
def test_a_table_fits_with_any_content(rows: list[tuple[str, str, str]], columns: int) -> None:
    heads = ("A", TextColumn("B", 1), "C")
    page = table(heads, [[TextCell(text) for text in row] for row in rows], Pen(columns=columns))
    assert max(width(line) for line in page.split("\n")) <= columns


def test_a_table_drops_the_least_important_columns_before_cutting() -> None:
    rows = [[TextCell("12345678"), TextCell("less"), TextCell("least"), TextCell("words " * 9)]]
    heads = ("KEY", TextColumn("L", 1), TextColumn("LL", 2), "WHY")
    whole = table(heads, rows, Pen(columns=80))
    assert [len(table(heads, rows, Pen(columns=c)).split("\n")[0].split()) for c in (80, 36, 30)] == [4, 3, 2]
    assert whole.endswith("words")
    assert table(heads, rows, Pen(columns=36)).endswith("…")


@given(_TEXT, st.integers(1, 50))
def test_a_cut_text_fits_and_ends_in_an_ellipsis(text: str, most: int) -> None:
    short = cut(text, most)
    assert width(short) <= most
    assert short == text or short.endswith("…")


def test_a_wrapped_text_keeps_every_word_and_is_measured_without_colours() -> None:
    text = f"  {COLOURED.write('one', TextTone.GOOD)} two three four"
    assert fold(text, "    ", Pen(columns=10)) == ["  \x1b[32mone\x1b[0m two", "    three", "    four"]


@pytest.mark.parametrize("columns", range(40, 121, 4))
def test_a_number_is_rounded_to_the_width_and_never_cut(columns: int) -> None:
    numbers = [D(77157012345), D("1.23e-10"), D("-0.00000012345"), D("97123.45")]
    cells = [
        TextCell("1000SATSUSDT"),
        *(figure(quantity_number(one)) for one in numbers),
        TextCell("open " * 20),
    ]
    text = table(("SYMBOL", "QUANTITY", "ENTRY", "P&L", "VALUE", "WHY"), [cells], Pen(columns=columns))
    row = text.splitlines()[1]
    assert len(row) <= columns
    shown = row.split()[1:5]
    for one, value in zip(shown, numbers, strict=True):
        read = D(one.replace(",", "").replace("B", "e9").replace("k", "e3"))
        assert abs(read - value) <= abs(value) / 2
        assert "…" not in one
