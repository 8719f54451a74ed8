"""When notifications are sent: threshold, suppression, quiet hours, rate and back-off."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.notification import ChannelName, Notification
from mexc_tui.model.severity import Severity
from mexc_tui.notify.schedule import (
    DAY_MS,
    EXPIRES_MS,
    HOUR_MS,
    LAST_RETRY_MS,
    MINUTE_MS,
    NotifyPolicy,
    QuietHours,
    first_attempt_ms,
    is_over_rate,
    is_selected,
    is_suppressed,
    receives,
    retry_ms,
)

POLICY = NotifyPolicy(suppress_ms=300_000, per_hour=2)
NIGHT = QuietHours(start_minute=22 * 60, end_minute=7 * 60)


def one(severity: Severity = Severity.WARNING, at_ms: int = 0, rule: str = "books") -> Notification:
    return Notification(
        key="k", rule=rule, about="NEWUSDT", severity=severity, title="t", text="x", at_ms=at_ms
    )


def test_only_notifications_of_the_chosen_severity_and_above_are_selected() -> None:
    policy = NotifyPolicy(from_severity=Severity.ERROR)
    found = [severity for severity in Severity if is_selected(one(severity), policy, 0)]
    assert found == [Severity.ERROR, Severity.CRITICAL]


def test_a_notification_older_than_a_day_is_not_news() -> None:
    assert is_selected(one(), POLICY, EXPIRES_MS)
    assert not is_selected(one(), POLICY, EXPIRES_MS + 1)


@pytest.mark.parametrize(
    ("now", "is_held_back"),
    [
        (one(at_ms=299_999), True),
        (one(at_ms=300_000), False),
        (one(Severity.CRITICAL, at_ms=1), False),
        (one(Severity.INFO, at_ms=1), True),
        (one(at_ms=-1), False),
    ],
)
def test_a_repeat_within_the_window_is_suppressed_unless_it_is_worse(
    now: Notification, is_held_back: bool
) -> None:
    assert is_suppressed(now, one(), POLICY) is is_held_back


@pytest.mark.parametrize(
    "rule", ["fill", "opened", "stop", "closed", "trading:halted", "engine:start", "engine:stop"]
)
def test_every_fill_stop_close_and_halt_is_sent(rule: str) -> None:
    assert not is_suppressed(one(rule=rule, at_ms=1), one(rule=rule), POLICY)


@pytest.mark.parametrize(
    ("minute", "ends"),
    [
        (21 * 60 + 59, None),
        (22 * 60, DAY_MS + 7 * HOUR_MS),
        (24 * 60 + 6 * 60 + 59, DAY_MS + 7 * HOUR_MS),
        (24 * 60 + 7 * 60, None),
    ],
)
def test_quiet_hours_pass_midnight(minute: int, ends: int | None) -> None:
    assert NIGHT.end_ms(minute * MINUTE_MS) == ends


@given(st.integers(0, 1_439), st.integers(0, 1_439), st.integers(0, 10 * DAY_MS))
def test_quiet_hours_always_end_later_and_within_a_day(start: int, end: int, now_ms: int) -> None:
    hours = QuietHours(start_minute=start, end_minute=end)
    ends_ms = hours.end_ms(now_ms)
    assert ends_ms is None or now_ms < ends_ms <= now_ms + DAY_MS
    if ends_ms is not None:
        assert hours.end_ms(ends_ms) is None


def test_quiet_hours_delay_all_but_critical_notifications() -> None:
    policy = NotifyPolicy(quiet=NIGHT)
    assert first_attempt_ms(one(Severity.ERROR), policy, 0) == 7 * HOUR_MS
    assert first_attempt_ms(one(Severity.CRITICAL), policy, 0) == 0
    assert first_attempt_ms(one(), POLICY, 5) == 5


def test_the_rate_cap_holds_for_all_but_critical_notifications() -> None:
    assert not is_over_rate(one(), POLICY, 1)
    assert is_over_rate(one(), POLICY, 2)
    assert not is_over_rate(one(Severity.CRITICAL), POLICY, 2)


def test_a_channel_does_not_get_the_alert_about_itself() -> None:
    failing = msgspec.structs.replace(one(rule="notify:channel"), about="ntfy")
    assert [name for name in ChannelName if not receives(name, failing)] == [ChannelName.NTFY]


def test_the_pause_doubles_up_to_a_quarter_of_an_hour() -> None:
    assert [retry_ms(attempts, 0, None) for attempts in (1, 2, 3)] == [5_000, 10_000, 20_000]
    assert retry_ms(1_000, 0, None) == LAST_RETRY_MS


def test_the_pause_that_a_channel_asks_for_is_kept_up_to_an_hour() -> None:
    assert retry_ms(1, 0, 60) == 60_000
    assert retry_ms(1, 0, 1) == 5_000
    assert retry_ms(1, 0, 999_999) == HOUR_MS
