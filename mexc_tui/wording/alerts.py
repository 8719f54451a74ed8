"""Titles of alerts, for people; rules are how the engine tells them apart. Pure."""

_TITLES = {
    "books": "Order differs from the books",
    "books:difference": "Ledger and exchange differ",
    "books:late": "Late fill",
    "books:unconfirmed": "Balance not confirmed",
    "engine:backup": "Backup failed",
    "engine:ban": "Requests banned",
    "engine:books": "Books not compared",
    "engine:loop": "Engine stood still",
    "engine:settings": "Settings not applied",
    "engine:source": "Source not read",
    "engine:store": "Database problem",
    "engine:trading": "Trading stopped",
    "engine:worker": "Worker fails",
    "guard:critical": "Risk monitor: critical",
    "guard:high": "Risk monitor: high",
    "guard:medium": "Risk monitor: warning",
    "guard:normal": "Risk monitor",
    "guardian": "Position at risk",
    "order:failed": "Order failed",
    "order:undecided": "Order outcome unknown",
    "selling": "Sale not finished",
    "store:damage": "Database damaged",
}


def alert_title(rule: str) -> str:
    """Return what an alert of a rule is called; of an unknown rule its name in plain words."""
    words = rule.replace(":", ": ").replace("_", " ")
    return _TITLES.get(rule, words[:1].upper() + words[1:])
