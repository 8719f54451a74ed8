"""Severity of signals and alerts."""

from enum import StrEnum


class Severity(StrEnum):
    """Severity of a signal or an alert, lowest first."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"
