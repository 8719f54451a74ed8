"""Tables for people."""

import re

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.text import clean
from mexc_tui.questions.tables import Cell, Pen, Tone, table, width

COLOURED = Pen(has_colour=True)


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    rows = [
        [Cell("A"), Cell("1", is_number=True), Cell("x")],
        [Cell("BBBB"), Cell("10", is_number=True), Cell("")],
    ]
    assert table(("NAME", "N", "NOTE"), rows, Pen()).splitlines() == [
        "NAME   N  NOTE",
        "A      1  x",
        "BBBB  10",
    ]


def test_wide_characters_take_two_columns() -> None:
    lines = table(("NAME", "X"), [[Cell("火币"), Cell("x")], [Cell("ab"), Cell("y")]], Pen()).splitlines()
    assert [width(line) for line in lines] == [7, 7, 7]


def test_colour_changes_no_column() -> None:
    rows = [[Cell("A", Tone.BAD), Cell("x", Tone.GOOD)], [Cell("BBBB"), Cell("y")]]
    coloured = table(("NAME", "X"), rows, COLOURED)
    assert "\x1b[31mA\x1b[0m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == table(("NAME", "X"), rows, Pen())


@given(st.lists(st.text(max_size=20).map(clean), min_size=1, max_size=5))
def test_clean_text_from_outside_never_becomes_markup(texts: list[str]) -> None:
    page = table(("TEXT", "END"), [[Cell(text), Cell("|")] for text in texts], Pen())
    assert "\x1b" not in page
    assert len(page.split("\n")) == len(texts) + 1
    assert all(text in page for text in texts)
