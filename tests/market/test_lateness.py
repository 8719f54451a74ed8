"""A late stream message is as old as its sending."""

import pytest

from mexc_tui.market.lateness import as_of_ms

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize("late_ms", [501, 6_000, 60_000])
def test_a_late_message_is_valid_for_the_time_it_was_sent(late_ms: int) -> None:
    assert as_of_ms(NOW_MS - late_ms, NOW_MS) == NOW_MS - late_ms


@pytest.mark.parametrize("sent_ms", [0, -1, NOW_MS - 500, NOW_MS, NOW_MS + 10_000, NOW_MS - 60_001])
def test_a_prompt_message_one_without_time_and_a_wrong_clock_count_as_current(sent_ms: int) -> None:
    assert as_of_ms(sent_ms, NOW_MS) == NOW_MS
