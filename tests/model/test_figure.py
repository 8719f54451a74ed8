"""Texts of figures, and Wilson's interval against published values."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.figure import Figure, FigureUnit, too_few, undefined, wilson_interval


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Figure(value=1.234, n=60, minimum=60), "1.23, n 60"),
        (Figure(value=1.5, n=60, minimum=60, low=0.5, high=2.5), "1.50 (0.50 to 2.50), n 60"),
        (Figure(value=0.125, n=40, minimum=20, unit=FigureUnit.SHARE), "12.5%, n 40"),
        (Figure(value=1234.5, n=100, minimum=100, unit=FigureUnit.QUOTE), "1,234.50, n 100"),
        (Figure(value=-3.25, n=1, minimum=1, unit=FigureUnit.BPS), "-3.2 bps, n 1"),
        (Figure(value=12.0, n=5, minimum=1, unit=FigureUnit.MS), "12.0 ms, n 5"),
        (Figure(value=7_586.0, n=5, minimum=1, unit=FigureUnit.MS), "7.6 s, n 5"),
        (Figure(value=150_000.0, n=5, minimum=1, unit=FigureUnit.MS), "2.5 min, n 5"),
        (Figure(value=9_000_000.0, n=5, minimum=1, unit=FigureUnit.MS), "2.5 h, n 5"),
        (Figure(value=0.4, n=25, minimum=20, unit=FigureUnit.R), "0.40 R, n 25"),
        (Figure(value=1.0, n=100, minimum=90, text="over 100 days"), "1.00, n 100, over 100 days"),
        (too_few(12, 60), "not enough data (12 of 60)"),
        (undefined(30, 20, "no losses yet"), "n/a (no losses yet)"),
    ],
)
def test_a_figure_shows_its_number_or_the_reason_for_none(figure: Figure, words: str) -> None:
    assert str(figure) == words


def test_a_figure_travels_as_json_and_back() -> None:
    figure = Figure(value=0.125, n=40, minimum=20, text="words", unit=FigureUnit.SHARE, low=0.1, high=0.2)
    assert msgspec.json.decode(msgspec.json.encode(figure), type=Figure) == figure


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe 1998, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    found = wilson_interval(hits, n)
    assert (round(found[0], 4), round(found[1], 4)) == (low, high)


@given(st.integers(1, 5000), st.data())
def test_wilsons_interval_is_within_zero_and_one_and_contains_the_share(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = wilson_interval(hits, n)
    assert 0 <= low <= hits / n <= high <= 1
    mirrored = wilson_interval(n - hits, n)
    assert abs(low - (1 - mirrored[1])) < 1e-12
