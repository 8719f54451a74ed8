"""Number formatting: the text reads back as the value to its last digit, at any width."""

import re
from collections.abc import Callable
from decimal import Decimal as D

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mexc_tui.model.digits import (
    TOO_NARROW,
    Number,
    exact,
    money_number,
    money_text,
    price_number,
    price_text,
    quantity_number,
    quote_number,
)

Written = Callable[[D], Number]
POWERS = {"k": 3, "M": 6, "B": 9, "T": 12}


def value_of(digits: int, power: int, sign: int) -> D:
    return D(digits).scaleb(power) * sign


VALUES = st.builds(value_of, st.integers(1, 10**9 - 1), st.integers(-18, 6), st.sampled_from([1, -1]))
"""From 1e-18 to 1e15."""
WAYS: list[Written] = [
    price_number,
    lambda value: price_number(value, 4),
    lambda value: price_number(value, 15),
    lambda value: price_number(value, 0),
    money_number,
    quote_number,
    quantity_number,
]


def read_back(text: str) -> tuple[D, D]:
    """Return the value that a text shows, and one unit of its last digit."""
    found = re.fullmatch(r"(-?[\d,]+(?:\.(\d+))?)(?:e(-?\d+)|([kMBT]))?", text)
    assert found is not None, text
    power = int(found[3] or 0) + POWERS.get(found[4] or "", 0)
    return D(found[1].replace(",", "")).scaleb(power), D(1).scaleb(power - len(found[2] or ""))


def assert_reads_back(text: str, value: D) -> None:
    shown, unit = read_back(text)
    assert abs(shown - value) <= unit / 2
    assert shown


@given(VALUES, st.sampled_from(WAYS))
@example(D("1e-18"), quote_number)
@example(D("9.9999995e14"), price_number)
def test_in_full_a_number_reads_back_and_is_never_zero(value: D, written: Written) -> None:
    text = str(written(value))
    assert "e" not in text
    assert_reads_back(text, value)


@given(VALUES, st.sampled_from(WAYS), st.integers(0, 24))
@example(D(77157012345), quantity_number, 7)
@example(D("9.996e8"), money_number, 6)
def test_in_any_width_a_number_is_rounded_and_never_cut_off(value: D, written: Written, room: int) -> None:
    text = written(value).fit(room)
    assert len(text) <= room
    if text not in ("", TOO_NARROW):
        assert_reads_back(text, value)


@given(VALUES, st.sampled_from(WAYS))
def test_nine_columns_hold_any_number_in_three_digits(value: D, written: Written) -> None:
    full, _ = read_back(str(written(value)))
    shown, _ = read_back(written(value).fit(9))
    assert abs(shown - value) <= max(abs(full - value), abs(value) / 100)


@pytest.mark.parametrize(
    ("value", "places", "room", "shown"),
    [
        ("0.000000000123", 15, 20, "0.000000000123000"),
        ("0.000000000123", 15, 11, "1.23e-10"),
        ("0.000000000123", None, 14, "0.000000000123"),
        ("77157012345", 0, 7, "77.16B"),
        ("77157012345", 0, 14, "77,157,012,345"),
        ("771570", 0, 5, "772k"),
        ("-77157012345", 2, 7, "-77.16B"),
        ("97123.45", 2, 8, "97,123.4"),
        ("0.0341", 5, 11, "0.03410"),
        ("0.03412345", 5, 11, "0.03412"),
        ("0.00001234", 4, 11, "0.00001234"),
        ("1e15", 0, 6, "1e15"),
        ("0.000000000123", 15, 3, "…"),
        ("12345", 0, 1, "…"),
        ("12345", 0, 0, ""),
        ("0", 2, 1, "0"),
    ],
)
def test_numbers_by_example(value: str, places: int | None, room: int, shown: str) -> None:
    assert price_number(D(value), places).fit(room) == shown


def test_marks_and_units_stay_with_a_number() -> None:
    number = Number(value=D("0.000000000123"), places=15, before="~", after=" NEW")
    assert str(number) == "~0.000000000123000 NEW"
    assert number.fit(13) == "~1.23e-10 NEW"
    assert number.fit(6) == "…"


def test_money_has_cents_and_what_is_smaller_has_digits() -> None:
    assert [money_text(D(one)) for one in ("12.345", "0.004", "-0.0000123", "0", "65123.5")] == [
        "12.34",
        "0.004",
        "-0.000012",
        "0.00",
        "65,123.50",
    ]
    assert str(quote_number(D("0.5"))) == "0.50"
    assert str(quote_number(D("0.012345"))) == "0.01234"
    assert price_text(D("1E+3")) == "1000"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), D("NaN"), D("1E+999999")])
def test_what_is_no_number_is_not_written(value: D | float | None) -> None:
    assert exact(value) is None
