"""Notifications for tests."""

from mexc_tui.model.notification import Notification
from mexc_tui.model.severity import Severity


def notification(
    number: int = 0,
    *,
    severity: Severity = Severity.WARNING,
    at_ms: int | None = None,
    rule: str = "books",
    title: str = "Ledger and exchange differ",
    text: str = "difference of 1",
) -> Notification:
    """Return a notification identified by `number`, at that time unless `at_ms` is given."""
    return Notification(
        key=f"fact:{number}",
        rule=rule,
        about="NEWUSDT",
        severity=severity,
        title=title,
        text=text,
        at_ms=number if at_ms is None else at_ms,
    )
