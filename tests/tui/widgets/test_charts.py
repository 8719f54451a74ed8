import math

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.charts import ChartLevel, ChartMark, Plot, band, chart, waterfall
from mexc_tui.tui.widgets.progress_bar import bar
from mexc_tui.tui.widgets.styled_text import Drawn

NUMBERS = st.floats(-1e9, 1e9) | st.just(math.nan) | st.just(math.inf)


def _text(lines: list[Drawn]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def _two(value: float) -> str:
    return f"{value:.2f}"


def test_a_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    lines = _text(chart(Plot([(0, 1), (1, 2)]), 40, 5, label=_two))
    assert lines[0].index(next(one for one in lines[0] if one > "⠀")) > 20
    assert lines[-1][0] > "⠀"
    assert lines[0].endswith("2.00")
    assert lines[-1].endswith("1.00")


def test_marks_are_at_their_points_and_levels_have_names() -> None:
    plot = Plot([(0, 1), (10, 3)], [ChartMark(0, 1, "B", Tone.GOOD)], [ChartLevel(2, "stop", Tone.BAD)])
    lines = _text(chart(plot, 50, 7, label=_two, foot="T+00:10"))
    assert lines[5].startswith("B")
    assert any("┈" in line and line.endswith("stop 2.00") for line in lines)
    assert lines[-1].strip() == "T+00:10"


def test_a_level_far_away_does_not_flatten_the_line() -> None:
    lines = _text(
        chart(Plot([(0, 1), (10, 3)], levels=[ChartLevel(900, "target", Tone.GOOD)]), 50, 7, label=_two)
    )
    assert "900" not in "".join(lines)


def test_a_chart_without_points_or_room_shows_a_text() -> None:
    assert "Not enough data" in _text(chart(Plot([(0, 1)]), 40, 5, label=_two))[0]
    assert "Too small" in _text(chart(Plot([(0, 1), (1, 2)]), 30, 2, label=_two))[0]


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=60), st.integers(0, 90), st.integers(0, 30))
def test_a_chart_of_any_numbers_fits_any_size(
    points: list[tuple[float, float]], width: int, height: int
) -> None:
    lines = _text(chart(Plot(points), width, height, label=lambda value: f"{value:.4g}"))
    assert len(lines) <= max(height, 1)
    assert all(cell_len(line) <= max(width, 40) for line in lines)


@given(NUMBERS, st.integers(0, 60))
def test_a_bar_has_the_requested_width(share: float, width: int) -> None:
    assert cell_len(bar(share, width)) == width


def test_a_bar_shows_a_share_to_an_eighth_of_a_column() -> None:
    assert bar(0.5, 4) == "██░░"
    assert bar(1.7, 4) == "████"
    assert bar(0.28, 4) == "█▏░░"


def test_each_waterfall_bar_starts_where_the_previous_one_ends() -> None:
    assert waterfall([1, None, 3], 8) == ["██      ", "        ", "  ██████"]


def test_the_shortest_stage_of_a_waterfall_is_visible() -> None:
    assert waterfall([0.001, 5], 10)[0].strip() == "█"


@given(st.lists(st.floats(0, 1e6) | st.none(), max_size=9), st.integers(1, 60))
def test_every_waterfall_bar_fits_its_width(took: list[float | None], width: int) -> None:
    assert all(cell_len(line) == width for line in waterfall(took, width))


def test_a_band_shows_a_value_in_its_interval() -> None:
    assert band(0.25, 0.5, 0.75, width=9) == "··├─●─┤··"
    assert band(0, 0, 1, width=5) == "●───┤"
