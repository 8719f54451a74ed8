"""Parsing and formatting of times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.wording.times import moment_ms, relative_time, source_text, when

NOW_MS = 1_795_380_000_000


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2026-11-22T20:40:00Z", NOW_MS),
        ("2026-11-22 20:40", NOW_MS),
        ("2026-11-22T21:40+01:00", NOW_MS),
        ("1795380000000", NOW_MS),
        ("+15m", NOW_MS + 900_000),
        ("+500ms", NOW_MS + 500),
        ("in 5m", NOW_MS + 300_000),
        ("in 5 min", NOW_MS + 300_000),
    ],
)
def test_a_time_is_parsed_in_every_format(text: str, at_ms: int) -> None:
    assert moment_ms(text, NOW_MS) == at_ms


@pytest.mark.parametrize("text", ["", "tomorrow", "14:00", "15m", "1795380000", "2026-13-01", "+15 minutes"])
def test_an_invalid_time_is_rejected_with_the_allowed_formats(text: str) -> None:
    with pytest.raises(ValueError, match="use 2026-01-31T14:00Z"):
        moment_ms(text, NOW_MS)


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    words = ""
    try:
        moment_ms(text, NOW_MS)
    except ValueError as error:
        words = str(error)
    assert not words or "is not a time" in words


@given(st.integers(0, 4_000_000_000_000))
def test_a_formatted_time_is_parsed_back_to_the_second(at_ms: int) -> None:
    assert moment_ms(when(at_ms), NOW_MS) == at_ms // 1_000 * 1_000


def test_a_duration_is_formatted_in_a_suitable_unit() -> None:
    said = [relative_time(NOW_MS + ms, NOW_MS) for ms in (0, 90_000, -600_000, 7_200_000, 432_000_000)]
    assert said == ["in 0 s", "in 90 s", "10 min ago", "in 2 h", "in 5 d"]


def test_a_source_by_hand_is_shown_as_manual() -> None:
    assert (source_text("manual"), source_text("calendar")) == ("manually", "by calendar")
