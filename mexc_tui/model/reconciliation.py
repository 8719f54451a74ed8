"""What comes of comparing our books with the exchange's (rules 6; reliability 2.3, I8)."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.severity import Severity


class Trigger(StrEnum):
    """Why books were compared."""

    START = "start"
    TIMER = "timer"
    STREAM_GAP = "hole"
    """The private stream was silent for a while."""
    MANUAL = "person"
    PRACTICE_END = "over"


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
    UNKNOWN_ORDER = "stranger"
    """An order with our prefix that we never made."""
    DRIFT = "drift"
    """A balance moved without any order of ours."""
    SHORTFALL = "shortfall"
    """The account holds less of a coin than the desk owns."""
    DUST = "dust"
    FALSE_ALARM = "false_alarm"
    """A balance that differed agrees again: an answer of the exchange was wrong or too old."""


_OF_BALANCES = (DifferenceKind.DRIFT, DifferenceKind.SHORTFALL)


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


class ExcludedCause(StrEnum):
    """Why an asset is not compared."""

    DEAD_PAIR = "dead_pair"
    """The exchange does not know its pair any more."""
    UNREAD = "unread"
    """Its balance could not be read."""


class Excluded(msgspec.Struct, frozen=True, kw_only=True):
    """An asset that cannot be compared."""

    asset: str
    words: str
    cause: ExcludedCause = ExcludedCause.DEAD_PAIR


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    at_ms: int
    trigger: Trigger
    explained: tuple[Difference, ...] = ()
    unexplained: tuple[Difference, ...] = ()
    problem: str = ""
    """Why it could not be finished; empty if it was."""
    duration_ms: int = 0
    excluded: tuple[Excluded, ...] = ()


def delisted_words(run: Reconciliation | None, asset: str) -> str:
    """Say that the exchange does not know the pair of an asset any more; empty: it does, or was not asked."""
    excluded = () if run is None else run.excluded
    is_dead = any(one.asset == asset and one.cause is ExcludedCause.DEAD_PAIR for one in excluded)
    return "delisted or renamed: the exchange does not know this pair now, it has no current price" * is_dead


def lasting(runs: Iterable[Reconciliation]) -> tuple[Difference, ...]:
    """Return the unexplained differences of these runs, oldest first; false alarms are left out."""
    kept: list[Difference] = []
    for run in sorted(runs, key=lambda one: one.at_ms):
        for alarm in run.explained:
            if alarm.kind is DifferenceKind.FALSE_ALARM:
                _drop_opposite(kept, alarm)
        kept += run.unexplained
    return tuple(kept)


def _drop_opposite(kept: list[Difference], alarm: Difference) -> None:
    """Drop the newest difference of the same asset that this alarm takes back."""
    taken_back = -_amount(alarm)
    for number in range(len(kept) - 1, -1, -1):
        one = kept[number]
        if one.kind in _OF_BALANCES and one.about == alarm.about and _amount(one) == taken_back:
            del kept[number]
            return


def _amount(one: Difference) -> Decimal:
    return Decimal(one.theirs) - Decimal(one.ours)
