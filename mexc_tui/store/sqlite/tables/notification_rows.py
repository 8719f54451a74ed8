"""Tables of the outbox: notifications, deliveries, and the newest fact considered."""

from collections.abc import Iterable

from mexc_tui.model.notification import ChannelName, Delivery, Notification
from mexc_tui.store.sqlite.tables.bodies import Body
from mexc_tui.store.sqlite.tables.rows import Row, StoreRows, integer

_notification = Body(Notification, "notification")

_PENDING = """
    SELECT deliveries.id, body, attempts, next_ms FROM deliveries INDEXED BY deliveries_pending
    JOIN notifications ON notifications.id = notification_id
    WHERE channel = ? AND done_ms IS NULL ORDER BY next_ms LIMIT ?
"""
_SENT = "SELECT count(*) FROM deliveries WHERE channel = ? AND is_sent = 1 AND done_ms > ?"


class NotificationRows:
    """Outbox. A notification's key is stored once."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def add(self, notification: Notification, channels: Iterable[tuple[ChannelName, int]]) -> bool:
        """Store a notification to be sent by each channel from a time on. False: the key is stored."""
        added = self._rows.one(
            "INSERT INTO notifications (key, rule, about, at_ms, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO NOTHING RETURNING id",
            notification.key,
            notification.rule,
            notification.about,
            notification.at_ms,
            _notification.write(notification),
        )
        if added is None:
            return False
        self._rows.run_many(
            "INSERT INTO deliveries (notification_id, channel, next_ms) VALUES (?, ?, ?)",
            [(added[0], channel.value, next_ms) for channel, next_ms in channels],
        )
        return True

    def previous(self, rule: str, about: str) -> Notification | None:
        """Return the newest notification of a rule about a subject."""
        sql = "SELECT body FROM notifications WHERE rule = ? AND about = ? ORDER BY at_ms DESC LIMIT 1"
        row = self._rows.one(sql, rule, about)
        return None if row is None else _notification.read(row[0])

    def pending(self, channel: ChannelName, limit: int = 100) -> list[Delivery]:
        """Return what a channel has not received, the next attempt first."""
        rows = self._rows.all(_PENDING, channel.value, limit)
        return list(self._rows.damage.readable("notification", rows, _delivery))

    def sent_since(self, channel: ChannelName, since_ms: int) -> int:
        """Return how many notifications a channel has received after a time."""
        row = self._rows.one(_SENT, channel.value, since_ms)
        return 0 if row is None else integer(row[0])

    def save_sent(self, number: int, at_ms: int) -> None:
        """Store that a delivery succeeded."""
        sql = "UPDATE deliveries SET done_ms = ?, is_sent = 1, error = '' WHERE id = ?"
        self._rows.run(sql, at_ms, number)

    def save_failed(self, number: int, next_ms: int, error: str) -> None:
        """Store that an attempt failed, and the time of the next one."""
        sql = "UPDATE deliveries SET attempts = attempts + 1, next_ms = ?, error = ? WHERE id = ?"
        self._rows.run(sql, next_ms, error, number)

    def postpone(self, number: int, next_ms: int) -> None:
        """Move an attempt that was not made."""
        self._rows.run("UPDATE deliveries SET next_ms = ? WHERE id = ?", next_ms, number)

    def give_up(self, number: int, at_ms: int, reason: str) -> None:
        """Store that a delivery is not tried again."""
        self._rows.run("UPDATE deliveries SET done_ms = ?, error = ? WHERE id = ?", at_ms, reason, number)

    def position(self) -> int | None:
        """Return the newest fact considered; None: no channel was configured."""
        row = self._rows.one("SELECT sequence FROM notify_position WHERE id = 1")
        return None if row is None else integer(row[0])

    def save_position(self, sequence: int) -> None:
        """Store the newest fact considered; it never decreases."""
        self._rows.run(
            "INSERT INTO notify_position (id, sequence) VALUES (1, ?) "
            "ON CONFLICT (id) DO UPDATE SET sequence = max(sequence, excluded.sequence)",
            sequence,
        )

    def forget_position(self) -> None:
        """Start at the newest fact when a channel is configured again."""
        self._rows.run("DELETE FROM notify_position")


def _delivery(row: Row) -> Delivery:
    number, body, attempts, next_ms = row
    return Delivery(
        number=integer(number),
        notification=_notification.read(body),
        attempts=integer(attempts),
        next_ms=integer(next_ms),
    )
