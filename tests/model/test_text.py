"""Cleaning of external text (reliability 4.5)."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.text import (
    MAX_COMBINING,
    NAME_LIMIT,
    TEXT_LIMIT,
    are_clean,
    clean,
    clean_all,
    clean_name,
    is_tradable_name,
    many,
)

HOSTILE = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[?1049l",
    "\x9b31m",
    "NEW\x00\x7f",
    "abc\u202edef",
    "zero\u200bwidth\u200d",
    "e" + "\u0301" * 40,
    "e" + "\u20dd" * 40,
    "\u0915" + "\u093e" * 40,
    "line\nbreak\r\ttab",
    "\u2028\u2029",
    "\ue000\U000f0000",
    "\ud800",
    "\ufdfa" * 600,
    "x" * 10_000,
    "\u1100\u1161\u11a8" * 200,
    "a\u0323\u0307\u0301b",
    "\U0001f468\u200d\U0001f469",
]


def marks_in_a_row(text: str) -> int:
    longest = row = 0
    for char in text:
        row = row + 1 if unicodedata.category(char).startswith("M") else 0
        longest = max(longest, row)
    return longest


def assert_harmless(text: str, limit: int) -> None:
    assert text.isprintable()
    assert len(text) <= limit
    assert unicodedata.is_normalized("NFC", text)
    assert marks_in_a_row(text) <= MAX_COMBINING


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_made_harmless(text: str) -> None:
    assert_harmless(clean(text), TEXT_LIMIT)
    assert_harmless(clean_name(text), NAME_LIMIT)


def test_every_code_point_comes_out_printable() -> None:
    bad = [
        code
        for code in range(sys.maxunicode + 1)
        if not (made := clean(chr(code))).isprintable() or clean(made) != made
    ]
    assert bad == []


def test_control_characters_are_replaced_not_dropped() -> None:
    assert clean("a\x1b[31mb") == "a\ufffd[31mb"


def test_marks_of_every_kind_stop_at_two() -> None:
    for mark in ("\u0301", "\u20dd", "\u093e"):
        assert clean("\u0915" + mark * 5) == "\u0915" + mark * 2


def test_chinese_tickers_stay_as_they_are() -> None:
    assert clean_name("币安人生USDT") == "币安人生USDT"


@given(st.text(st.characters(), max_size=700))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    assert_harmless(once, TEXT_LIMIT)
    assert clean(once) == once


@given(
    st.text(
        st.sampled_from("a\u0301\u0323\u0307\u09c7\u09be\u1100\u1161\u11a8\u200d\u20dd\x1b"), max_size=300
    )
)
def test_marks_and_pieces_that_join_are_stable(text: str) -> None:
    once = clean_name(text)
    assert_harmless(once, NAME_LIMIT)
    assert clean_name(once) == once


@given(st.lists(st.text(max_size=80), max_size=5))
def test_a_quick_yes_is_never_wrong(texts: list[str]) -> None:
    together = tuple(texts)
    if are_clean(together):
        assert tuple(map(clean_name, together)) == together
    assert clean_all(together) == tuple(map(clean_name, together))


@pytest.mark.parametrize("name", ["BTCUSDT", "1R0RUSDT", "A" * 20])
def test_plain_names_may_be_traded(name: str) -> None:
    assert is_tradable_name(name)


@pytest.mark.parametrize("name", ["", "btcusdt", "币安人生USDT", "A" * 21, "A B", "BTCUSDT\n", "ВTC"])
def test_other_names_are_shown_only(name: str) -> None:
    assert not is_tradable_name(name)


def test_one_thing_is_no_plural() -> None:
    assert [many(count, "order") for count in (0, 1, 2)] == ["0 orders", "1 order", "2 orders"]
