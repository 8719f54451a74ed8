"""What comes of comparing our books with the exchange's (field-study F, reliability 2.3, I8)."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.severity import Severity


class Trigger(StrEnum):
    """Why books were compared."""

    START = "start"
    TIMER = "timer"
    HOLE = "hole"
    """The private stream was silent for a while."""
    PERSON = "person"
    OVER = "over"


class DifferenceKind(StrEnum):
    """What differs."""

    MISSED_FILL = "missed_fill"
    FEE = "fee"
    STATE = "state"
    """An order is in another state than we thought."""
    ABSENT = "absent"
    """An order that we thought sent does not exist."""
    REVIVED = "revived"
    """An order that we thought gone does exist."""
    OVERFILL = "overfill"
    FOREIGN = "foreign"
    """Somebody else's order on the account: shown, counted, left alone."""
    STRANGER = "stranger"
    """An order with our prefix that we never made."""
    DRIFT = "drift"
    """A balance moved without any order of ours."""
    SHORTFALL = "shortfall"
    """The account holds less of a coin than the desk owns."""
    DUST = "dust"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference, and whether something known accounts for all of it."""

    kind: DifferenceKind
    about: str
    """A client order id, or an asset."""
    ours: str
    theirs: str
    value: Decimal
    """Its worth in quote units; 0 if nothing is at stake."""
    severity: Severity
    explained: bool
    words: str
    """What it is and what was done about it."""


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    at_ms: int
    trigger: Trigger
    explained: tuple[Difference, ...] = ()
    unexplained: tuple[Difference, ...] = ()
    problem: str = ""
    """Why it could not be finished; empty if it was."""
    duration_ms: int = 0
