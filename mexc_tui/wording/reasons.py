"""Readable text of enum values: close reasons, causes of a halt, triggers of a reconciliation."""

from enum import StrEnum

from mexc_tui.model.intent import CloseReason
from mexc_tui.model.reconciliation import Trigger
from mexc_tui.model.trading import Cause

_TEXTS: dict[type[StrEnum], dict[str, str]] = {
    CloseReason: {
        CloseReason.NONE: "no reason recorded",
        CloseReason.STOP: "stop-loss",
        CloseReason.TRAILING: "trailing stop",
        CloseReason.BREAK_EVEN: "break-even stop",
        CloseReason.LADDER: "take-profits",
        CloseReason.TIME: "time stop",
        CloseReason.MANUAL: "manual",
        CloseReason.RISK_MONITOR: "risk monitor",
        CloseReason.PRACTICE_END: "end of the practice day",
        CloseReason.CORRECTED: "corrected",
    },
    Cause: {
        Cause.MANUAL: "manual",
        Cause.DAILY_LOSS: "daily loss limit",
        Cause.DRAWDOWN: "drawdown limit",
        Cause.LOSSES_IN_A_ROW: "consecutive losses",
        Cause.INVARIANT: "inconsistent ledger",
        Cause.UNRECORDED_ORDER: "order with the prefix of the desk that is not in its ledger",
        Cause.KEY: "API key rejected",
        Cause.ACCOUNT: "account restricted by the exchange",
        Cause.ORDER_WORKER: "order worker failed",
        Cause.STORAGE: "database failed",
        Cause.CLOCK: "clock offset unknown",
        Cause.WORKER: "worker failed",
        Cause.STREAM: "user stream down",
        Cause.BAN: "banned by the exchange",
        Cause.BOOKS: "reconciliation overdue",
    },
    Trigger: {
        Trigger.START: "at start",
        Trigger.TIMER: "scheduled",
        Trigger.STREAM_GAP: "after a stream gap",
        Trigger.MANUAL: "manual",
        Trigger.PRACTICE_END: "at the end",
    },
}
"""By type, because members of different enums with the same value are equal."""

_SHORT = {
    CloseReason.STOP.value: "stop",
    CloseReason.TRAILING.value: "trailing",
    CloseReason.BREAK_EVEN.value: "BE stop",
    CloseReason.LADDER.value: "TP",
    CloseReason.TIME.value: "time",
    CloseReason.MANUAL.value: "manual",
    CloseReason.RISK_MONITOR.value: "risk",
    CloseReason.PRACTICE_END.value: "day end",
    CloseReason.CORRECTED.value: "gone",
}


def short_close_reason(value: CloseReason) -> str:
    """Return why a position was closed in at most eight characters."""
    return _SHORT.get(value.value, value.value or "unknown")


def reason_text(value: StrEnum) -> str:
    """Return the text of an enum value; without an entry here, the value with spaces."""
    return _TEXTS.get(type(value), {}).get(value, spaced(value))


def spaced(value: StrEnum) -> str:
    """Return an enum value with spaces: partially cancelled."""
    return value.value.replace("_", " ")
