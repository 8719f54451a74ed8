"""Results of reconciliations (rules 6; reliability 2.3, I8)."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.severity import Severity

DELISTED = (
    "delisted or renamed: the exchange no longer lists this pair, so it has no current price; "
    "withdraw the coins, or sell them under the new name"
)
"""Text for a held coin whose pair is gone (reliability M14)."""


class Trigger(StrEnum):
    """Trigger of a reconciliation."""

    START = "start"
    TIMER = "timer"
    STREAM_GAP = "stream_gap"
    """The user stream had a gap."""
    MANUAL = "manual"
    PRACTICE_END = "practice_end"

    @classmethod
    def _missing_(cls, value: object) -> "Trigger | None":
        """Read the names that databases before 0.2 contain."""
        old = {"hole": cls.STREAM_GAP, "person": cls.MANUAL, "over": cls.PRACTICE_END}
        return old.get(str(value))


class DifferenceKind(StrEnum):
    """Kind of a difference."""

    MISSED_FILL = "missed_fill"
    FEE = "fee"
    STATE = "state"
    """An order has another state than in the ledger."""
    ABSENT = "absent"
    """An order sent according to the ledger does not exist."""
    REVIVED = "revived"
    """An order absent according to the ledger exists."""
    OVERFILL = "overfill"
    FOREIGN = "foreign"
    """A foreign order on the account: displayed, counted, left alone."""
    UNRECORDED_ORDER = "unrecorded_order"
    """An order with this desk's prefix that is not in its ledger."""
    DRIFT = "drift"
    """A balance changed without a matching order."""
    SHORTFALL = "shortfall"
    """The account holds less of a coin than the desk owns."""
    DUST = "dust"
    FALSE_ALARM = "false_alarm"
    """An earlier balance difference disappeared: a response was wrong or outdated."""

    @classmethod
    def _missing_(cls, value: object) -> "DifferenceKind | None":
        """Read the names that older databases contain."""
        return cls.UNRECORDED_ORDER if value in ("stranger", "unknown_order") else None


_OF_BALANCES = (DifferenceKind.DRIFT, DifferenceKind.SHORTFALL)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference, and whether it is fully explained."""

    kind: DifferenceKind
    about: str
    """Client order id or asset."""
    ours: str
    theirs: str
    value: Decimal
    """Value in quote units; 0: nothing at risk."""
    severity: Severity
    explained: bool
    text: str = msgspec.field(name="words")
    """Description and correction."""


class ExcludedCause(StrEnum):
    """Reason for excluding an asset."""

    DEAD_PAIR = "dead_pair"
    """The exchange no longer lists its pair."""
    UNREAD = "unread"
    """Its balance could not be read."""


class Excluded(msgspec.Struct, frozen=True, kw_only=True):
    """An asset excluded from a reconciliation."""

    asset: str
    text: str = msgspec.field(name="words")
    cause: ExcludedCause = ExcludedCause.DEAD_PAIR


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """One reconciliation run."""

    at_ms: int
    trigger: Trigger
    explained: tuple[Difference, ...] = ()
    unexplained: tuple[Difference, ...] = ()
    problem: str = ""
    """Why it is incomplete; empty: it is complete."""
    duration_ms: int = 0
    excluded: tuple[Excluded, ...] = ()


def delisted_text(run: Reconciliation | None, asset: str) -> str:
    """Return the text for an asset whose pair is delisted; empty: it is not, or was not queried."""
    excluded = () if run is None else run.excluded
    is_dead = any(entry.asset == asset and entry.cause is ExcludedCause.DEAD_PAIR for entry in excluded)
    return DELISTED * is_dead


def lasting(runs: Iterable[Reconciliation]) -> tuple[Difference, ...]:
    """Return the unexplained differences of these runs, oldest first, without false alarms."""
    kept: list[Difference] = []
    for run in sorted(runs, key=lambda run: run.at_ms):
        for alarm in run.explained:
            if alarm.kind is DifferenceKind.FALSE_ALARM:
                _drop_opposite(kept, alarm)
        kept += run.unexplained
    return tuple(kept)


def _drop_opposite(kept: list[Difference], alarm: Difference) -> None:
    """Drop the newest difference of the same asset that this alarm reverses."""
    reversed_amount = -_amount(alarm)
    for number in range(len(kept) - 1, -1, -1):
        one = kept[number]
        if one.kind in _OF_BALANCES and one.about == alarm.about and _amount(one) == reversed_amount:
            del kept[number]
            return


def _amount(one: Difference) -> Decimal:
    return Decimal(one.theirs) - Decimal(one.ours)
