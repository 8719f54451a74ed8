"""Titles of alerts by their rule."""

_TITLES = {
    "books": "Order differs from ledger",
    "books:difference": "Ledger and exchange differ",
    "books:late": "Late fill",
    "books:unconfirmed": "Balance not confirmed",
    "engine:backup": "Backup failed",
    "engine:ban": "Requests banned",
    "engine:books": "Reconciliation failed",
    "engine:key": "API key expires",
    "engine:loop": "Event loop blocked",
    "engine:settings": "Settings not applied",
    "engine:source": "Source unavailable",
    "engine:store": "Database problem",
    "engine:trading": "Trading stopped",
    "engine:worker": "Worker failing",
    "guard:critical": "Risk monitor: critical",
    "guard:high": "Risk monitor: high",
    "guard:medium": "Risk monitor: warning",
    "guard:normal": "Risk monitor",
    "guardian": "Position at risk",
    "notify:channel": "Channel failing",
    "order:failed": "Order failed",
    "order:undecided": "Order outcome unknown",
    "selling": "Sale incomplete",
    "store:damage": "Database damaged",
}


def alert_title(rule: str) -> str:
    """Return the title of an alert; for an unknown rule, its name with spaces."""
    text = rule.replace(":", ": ").replace("_", " ")
    return _TITLES.get(rule, text[:1].upper() + text[1:])
