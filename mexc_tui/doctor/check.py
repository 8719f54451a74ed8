"""Result of one check of the doctor."""

from enum import Enum

import msgspec


class CheckStatus(Enum):
    """Result of a check."""

    OK = "ok"
    WARN = "warn"
    """The desk works, but something needs attention."""
    FAIL = "fail"
    """The desk does not work, or money is at risk."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the diagnosis."""

    name: str
    status: CheckStatus
    text: str
    fix: str = ""
    """Command or action that corrects it; empty: nothing to do."""


def ok(name: str, text: str) -> Check:
    """Return a check without a finding."""
    return Check(name=name, status=CheckStatus.OK, text=text)


def warn(name: str, text: str, fix: str) -> Check:
    """Return a warning."""
    return Check(name=name, status=CheckStatus.WARN, text=text, fix=fix)


def fail(name: str, text: str, fix: str) -> Check:
    """Return a failure."""
    return Check(name=name, status=CheckStatus.FAIL, text=text, fix=fix)
