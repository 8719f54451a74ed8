from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.tui.widgets.cell import UNKNOWN_CELL, Cell
from mexc_tui.tui.widgets.columns import GAP, MARK, Column, placed
from mexc_tui.tui.widgets.table_rows import Line, SortOrder, TableRows

COLUMNS = (
    Column("SYMBOL", 12),
    Column("PRICE", 10, drop_order=1, is_number=True),
    Column("WHY", 20, drop_order=3, grows=True),
    Column("AGE", 5, drop_order=2),
)


def _line(name: str, value: float | None = 0) -> Line:
    return Cell(name), UNKNOWN_CELL if value is None else Cell(f"{value:g}", rank=value)


def _rows(**values: float | None) -> TableRows:
    rows = TableRows()
    rows.apply({name: _line(name, value) for name, value in values.items()})
    return rows


def test_the_least_important_column_is_hidden_first() -> None:
    assert [place.column for place in placed(COLUMNS, 80)] == [0, 1, 2, 3]
    assert [place.column for place in placed(COLUMNS, 50)] == [0, 1, 3]
    assert [place.column for place in placed(COLUMNS, 28)] == [0, 1]
    assert [place.column for place in placed(COLUMNS, 5)] == [0]


@given(st.integers(30, 300))
def test_columns_fill_the_width_without_overlap(room: int) -> None:
    places = placed(COLUMNS, room)
    for one, after in pairwise(places):
        assert one.x + one.width + GAP == after.x
    assert places[0].x == MARK
    end = places[-1].x + places[-1].width
    assert end == room if 2 in {place.column for place in places} else end <= room


def test_only_changed_cells_are_repainted() -> None:
    rows = _rows(a=1, b=2, c=3)
    dirty = rows.apply({"b": _line("b", 9), "c": _line("c", 3)})
    assert dirty.lines == {1: frozenset({1})}
    assert not dirty.has_other_length


def test_a_new_row_is_painted_completely_and_rows_above_it_are_not() -> None:
    dirty = _rows(a=1, b=2).apply({"c": _line("c")})
    assert dirty.lines == {2: None}
    assert dirty.has_other_length


def test_rows_below_a_removed_row_move_up() -> None:
    dirty = _rows(a=1, b=2, c=3, d=4).apply({"b": None})
    assert dirty.lines == {1: None, 2: None, 3: None}
    assert dirty.gone == {"b"}


def test_equal_rows_keep_their_insertion_order() -> None:
    rows = _rows(a=1, b=2, c=1, d=2)
    rows.sort(SortOrder(1))
    assert rows.shown == ["a", "c", "b", "d"]
    rows.sort(SortOrder(1, is_reverse=True))
    assert rows.shown == ["b", "d", "a", "c"]


def test_unsorted_replaced_rows_keep_the_given_order() -> None:
    rows = _rows(b=1, a=2)
    rows.replace({"c": _line("c", 3), "b": _line("b", 1), "a": _line("a", 2)})
    assert rows.shown == ["c", "b", "a"]
    dirty = rows.replace({"d": _line("d", 4), "c": _line("c", 3)})
    assert rows.shown == ["d", "c"]
    assert (dirty.gone, dirty.has_other_length) == ({"a", "b"}, True)


def test_replaced_rows_keep_their_order_while_held() -> None:
    rows = _rows(b=1, a=2)
    rows.hold_rows(True)
    rows.replace({"c": _line("c", 3), "b": _line("b", 1)})
    assert rows.shown == ["b", "a"]
    rows.hold_rows(False)
    assert rows.shown == ["c", "b"]


def test_unknown_values_are_last_in_both_sort_orders() -> None:
    rows = _rows(a=None, b=2, c=1)
    rows.sort(SortOrder(1))
    assert rows.shown == ["c", "b", "a"]
    rows.sort(SortOrder(1, is_reverse=True))
    assert rows.shown == ["b", "c", "a"]


def test_a_filter_requires_every_word_and_excludes_marked_ones() -> None:
    rows = _rows(FOOUSDT=1, FOOUSDC=2, BARUSDT=3)
    rows.set_filter("foo")
    assert rows.shown == ["FOOUSDT", "FOOUSDC"]
    rows.set_filter("FOO !usdc")
    assert rows.shown == ["FOOUSDT"]
    rows.set_filter("!")
    assert rows.total == len(rows.shown) == 3


def test_held_rows_do_not_move_while_prices_update() -> None:
    rows = _rows(a=1, b=2, c=3)
    rows.sort(SortOrder(1))
    rows.hold_rows(True)
    dirty = rows.apply({"a": _line("a", 9), "b": None, "d": _line("d", 0)})
    assert rows.shown == ["a", "b", "c"]
    assert dirty.lines == {0: frozenset({1})}
    rows.hold_rows(False)
    assert rows.shown == ["d", "c", "a"]
    assert "b" not in rows


def test_a_row_that_returns_while_held_stays() -> None:
    rows = _rows(a=1, b=2)
    rows.hold_rows(True)
    rows.apply({"b": None})
    rows.apply({"b": _line("b", 2)})
    rows.hold_rows(False)
    assert rows.shown == ["a", "b"]


Changes = st.dictionaries(st.sampled_from("abcdefgh"), st.one_of(st.none(), st.integers(0, 3)), max_size=6)


@given(st.lists(Changes, max_size=8), st.sampled_from([None, 0, 1]), st.booleans())
def test_painting_the_dirty_lines_shows_the_current_rows(
    steps: list[dict[str, int | None]], column: int | None, is_reverse: bool
) -> None:
    rows = TableRows(SortOrder(column, is_reverse))
    screen: dict[int, list[Cell]] = {}
    for step in steps:
        dirty = rows.apply({key: None if value is None else _line(key, value) for key, value in step.items()})
        for index, columns in dirty.lines.items():
            if index >= len(rows.shown):
                screen.pop(index)
                continue
            line = rows[rows.shown[index]]
            if columns is None:
                screen[index] = list(line)
            else:
                for number in columns:
                    screen[index][number] = line[number]
        assert [screen[index] for index in sorted(screen)] == [list(rows[key]) for key in rows.shown]
