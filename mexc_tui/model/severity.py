"""How much something matters to the one who reads it."""

from enum import StrEnum


class Severity(StrEnum):
    """How much a signal or an alert matters, mildest first."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"
