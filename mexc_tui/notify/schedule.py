"""Decides when a notification is sent: threshold, suppression, quiet hours, rate and back-off. Pure."""

from dataclasses import dataclass

from mexc_tui.model.notification import ChannelName, Notification
from mexc_tui.model.severity import Severity

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
FIRST_RETRY_MS, LAST_RETRY_MS = 5_000, 900_000
EXPIRES_MS = DAY_MS
"""An older notification is not sent: it would be mistaken for news."""
FAILING_RULE = "notify:channel"
"""Alert about a failing channel; it goes to the others."""

_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Minutes of the UTC day in which only critical notifications are sent; they may pass midnight."""

    start_minute: int
    end_minute: int

    def end_ms(self, now_ms: int) -> int | None:
        """Return when the quiet hours around `now_ms` end; None: it is outside of them."""
        day_ms = now_ms - now_ms % DAY_MS
        for start_of_day_ms in (day_ms - DAY_MS, day_ms):
            starts_ms = start_of_day_ms + self.start_minute * MINUTE_MS
            length = (self.end_minute - self.start_minute) % (24 * 60)
            ends_ms = starts_ms + length * MINUTE_MS
            if starts_ms <= now_ms < ends_ms:
                return ends_ms
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyPolicy:
    """Which notifications are sent, and when."""

    from_severity: Severity = Severity.INFO
    suppress_ms: int = 300_000
    """An alert of the same rule and subject is not sent again within this time, unless it is more severe."""
    per_hour: int = 60
    """Notifications sent to one channel within an hour; critical ones are always sent."""
    quiet: QuietHours | None = None


def is_expired(notification: Notification, now_ms: int) -> bool:
    """Whether a notification is too old to be sent."""
    return now_ms - notification.at_ms > EXPIRES_MS


def is_selected(notification: Notification, policy: NotifyPolicy, now_ms: int) -> bool:
    """Whether a notification is severe and recent enough to be sent."""
    is_severe = _ORDER.index(notification.severity) >= _ORDER.index(policy.from_severity)
    return is_severe and not is_expired(notification, now_ms)


def is_suppressed(notification: Notification, previous: Notification | None, policy: NotifyPolicy) -> bool:
    """Whether the previous notification of the same rule and subject makes this one unnecessary.

    Alerts and refused entries are suppressed. Each fill, stop, close and change of the trading state is sent.
    """
    if previous is None or notification.rule.startswith(_EACH):
        return False
    is_worse = _ORDER.index(notification.severity) > _ORDER.index(previous.severity)
    return not is_worse and 0 <= notification.at_ms - previous.at_ms < policy.suppress_ms


_EACH = ("fill", "opened", "stop", "closed", "trading:", "engine:start", "engine:stop")
"""Rules, or beginnings of rules, of which each notification is sent."""


def receives(channel: ChannelName, notification: Notification) -> bool:
    """Whether a channel gets a notification: one that fails does not get the alert about itself."""
    return not (notification.rule == FAILING_RULE and notification.about == channel.value)


def first_attempt_ms(notification: Notification, policy: NotifyPolicy, now_ms: int) -> int:
    """Return when to send a new notification: now, or at the end of the quiet hours."""
    if notification.severity is Severity.CRITICAL or policy.quiet is None:
        return now_ms
    return policy.quiet.end_ms(now_ms) or now_ms


def is_over_rate(notification: Notification, policy: NotifyPolicy, sent_in_hour: int) -> bool:
    """Whether a channel has had its share of this hour."""
    return notification.severity is not Severity.CRITICAL and sent_in_hour >= policy.per_hour


def retry_ms(attempts: int, now_ms: int, retry_after_s: float | None) -> int:
    """Return when to try again after `attempts` failures; the channel may ask for a longer pause."""
    pause_ms = min(FIRST_RETRY_MS * 2 ** min(attempts - 1, 20), LAST_RETRY_MS)
    asked_ms = 0 if retry_after_s is None else min(round(retry_after_s * 1_000), HOUR_MS)
    return now_ms + max(pause_ms, asked_ms)
