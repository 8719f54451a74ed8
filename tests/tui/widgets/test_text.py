from datetime import timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mexc_tui.tui.widgets import text
from mexc_tui.tui.widgets.cell import UNKNOWN_CELL, Cell, Tone, fit, fit_cell

DEFAULT_ENVIRONMENT = timezone(timedelta(hours=2))
AT_MS = 1_790_000_000_000


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        ("0.02471", 5, "0.02471"),
        ("0.0247", 5, "0.02470"),
        ("65123.5", 2, "65,123.50"),
        ("9999.5", 1, "9999.5"),
        ("0.00000001234", 11, "0.00000001234"),
        ("1", 0, "1"),
    ],
)
def test_a_price_has_the_precision_of_its_symbol(value: str, places: int, shown: str) -> None:
    assert text.price(Decimal(value), places).text == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("0.024712345678"), "0.0247123"),
        (Decimal("1E-9"), "0.000000001"),
        (Decimal("1E+3"), "1000"),
        (1e-7, "0.0000001"),
        (65123.456789, "65,123.5"),
        (Decimal("0.10"), "0.1"),
    ],
)
def test_without_a_known_precision_six_digits_are_shown(value: Decimal | float, shown: str) -> None:
    assert text.price(value).text == shown


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), Decimal("NaN"), Decimal("1E+999999")])
def test_a_value_that_is_no_price_is_shown_as_unknown(value: Decimal | float | None) -> None:
    assert text.price(value) is text.gain(value) is text.amount(value) is UNKNOWN_CELL


def test_a_gain_shows_its_sign_in_arrow_sign_and_colour_and_zero_in_none() -> None:
    assert text.gain(Decimal("27.571")).text == "▲ +27.57"
    assert text.gain(Decimal("27.571")).tone is Tone.GOOD
    assert text.gain(Decimal("-0.97")).text == "▼ -0.97"
    assert text.gain(Decimal("-0.97")).tone is Tone.BAD
    assert text.gain(Decimal("-0.001")).text == "▼ -0.001"
    assert text.gain(Decimal("0.000")).text == "  0.00"
    assert text.gain(Decimal(0)).tone is Tone.PLAIN
    assert text.gain(Decimal("-12.34"), 1, "%").text == "▼ -12.3%"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_a_gain_never_shows_a_wrong_sign(value: Decimal) -> None:
    cell = text.gain(value)
    if "+" in cell.text:
        assert value > 0
    elif "-" in cell.text:
        assert value < 0
    else:
        assert abs(value) <= Decimal("0.005")


@given(st.floats(allow_nan=False, min_value=1e-12, max_value=1e12))
def test_a_formatted_price_is_parsed_back(value: float) -> None:
    shown = text.price(value).text
    assert "e" not in shown.lower()
    assert abs(float(shown.replace(",", "")) - value) <= value * 1e-5


@pytest.mark.parametrize(
    ("span_ms", "shown"),
    [
        (None, "–"),
        (-50, "0.0s"),
        (240, "0.2s"),
        (9_960, "9.9s"),
        (14_900, "14s"),
        (119_000, "119s"),
        (120_000, "2m"),
        (10_800_000, "3h"),
        (432_000_000, "5d"),
    ],
)
def test_ages_are_short(span_ms: float | None, shown: str) -> None:
    assert text.age(span_ms) == shown


@pytest.mark.parametrize(
    ("left_ms", "shown"),
    [
        (1, "T-00:01"),
        (1_000, "T-00:01"),
        (1_001, "T-00:02"),
        (0, "T+00:00"),
        (-999, "T+00:00"),
        (-12_000, "T+00:12"),
        (3_723_000, "T-1:02:03"),
        (183_600_000, "T-2d 03h"),
    ],
)
def test_a_countdown_reaches_zero_exactly_at_the_time(left_ms: int, shown: str) -> None:
    assert text.countdown(AT_MS + left_ms, AT_MS) == shown


def test_times_are_shown_in_local_time_and_utc() -> None:
    assert text.utc(AT_MS) == "14:13:20Z"
    assert text.local_and_utc(AT_MS, DEFAULT_ENVIRONMENT) == "16:13:20 (14:13:20Z)"
    assert text.local_and_utc(AT_MS, timezone(timedelta(0))) == "14:13:20Z"
    assert text.date_and_time(AT_MS, DEFAULT_ENVIRONMENT) == "2026-09-21 16:13:20 +0200"


@pytest.mark.parametrize("at_ms", [None, 10**18, -(10**18)])
def test_a_missing_time_is_shown_as_unknown(at_ms: int | None) -> None:
    assert (
        text.utc(at_ms)
        == text.local_and_utc(at_ms, DEFAULT_ENVIRONMENT)
        == text.date_and_time(at_ms, DEFAULT_ENVIRONMENT)
        == "–"
    )


HOSTILE = [
    "[bold red]x[/]",
    "\x1b[2J\x1b]52;c;x\x07",
    "a\u202eb",
    "日本語コイン",
    "e\u0301" * 9,
    "\r\n\t",
    "👩\u200d👩\u200d👧",
    "[/]",
    "[@click=app.quit]x[/]",
]


@given(st.one_of(st.sampled_from(HOSTILE), st.text()), st.integers(0, 30), st.booleans())
def test_any_text_fits_exactly_and_cannot_control_the_terminal(
    words: str, width: int, to_right: bool
) -> None:
    shown = fit(words, width, to_right=to_right)
    assert cell_len(shown) == width
    assert shown.isprintable()


def test_shortened_text_ends_in_an_ellipsis_and_numbers_are_right_aligned() -> None:
    assert fit("FOOUSDT", 5) == "FOOU…"
    assert fit("12.5", 7, to_right=True) == "   12.5"
    assert fit("[b]x", 6) == "[b]x  "


@pytest.mark.parametrize(
    ("cell", "width", "shown"),
    [
        (text.price(Decimal("0.000000000123"), 15), 11, "   1.23e-10"),
        (text.price(Decimal(77_157_012_345), 0), 11, "77157012345"),
        (text.price(Decimal(77_157_012_345), 0), 8, "  77.16B"),
        (text.gain(Decimal("-0.0000000123"), 2), 10, "▼ -1.23e-8"),
        (text.amount(Decimal(77_157_012_345)), 10, "    77.16B"),
        (Cell("123456789012"), 8, "       …"),
        (Cell("closed by hand"), 8, "closed…"),
    ],
)
def test_a_number_is_rounded_to_its_column_and_never_cut(cell: Cell, width: int, shown: str) -> None:
    assert fit_cell(cell, width, is_number=True).strip() == shown.strip()
    assert cell_len(fit_cell(cell, width, is_number=True)) == width
