"""Confirmation of balance differences: never from one response (architecture 2.7)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.ledger.arithmetic import plain
from mexc_tui.ledger.comparison import LedgerSnapshot, ReconcileRules, UnconfirmedDifference, value_of
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import LedgerAccount, LedgerEntry, Posting

DRIFT_OBSERVATIONS, DRIFT_MS = 2, 10_000
"""Equal comparisons, and time span, before a balance change is booked."""
WRITE_OFF_OBSERVATIONS, WRITE_OFF_MS = 3, 30_000
"""Equal comparisons, and time span, before coins of a position are written off."""
PAUSE_MS = 120_000
"""Maximum pause of entries for a difference that keeps changing: someone else trades on the account."""
REVERSED_WITHIN_MS = 86_400_000
"""A change reversed within this time was a false alarm; later it is a new external flow."""
CONFIRM_EVERY_S = 5.0
"""Interval of comparisons while a difference is unconfirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetState:
    """One asset: ledger balances including order updates, and the exchange balance."""

    name: str
    desk: Decimal
    own: Decimal
    theirs: Decimal
    at_ms: int
    is_quote: bool

    @property
    def amount(self) -> Decimal:
        """Exchange balance minus ledger balance."""
        return self.theirs - self.desk - self.own

    @property
    def shortfall(self) -> Decimal:
        """The desk's coins missing from the account; 0 for quote assets."""
        return ZERO if self.is_quote else max(self.desk - self.theirs, ZERO)


def observe_difference(
    state: AssetState, before: UnconfirmedDifference | None, rules: ReconcileRules
) -> UnconfirmedDifference:
    """Return the difference after this comparison; a new amount restarts the count."""
    is_same = before is not None and (before.amount, before.shortfall) == (state.amount, state.shortfall)
    value = value_of(state.name, state.amount, rules)
    is_grave = value is None or value >= rules.explained_below
    since_ms = state.at_ms if before is None else before.since_ms
    difference = UnconfirmedDifference(
        asset=state.name,
        amount=state.amount,
        shortfall=state.shortfall,
        value=value,
        first_ms=before.first_ms if is_same and before is not None else state.at_ms,
        since_ms=since_ms,
        observations=before.observations + 1 if is_same and before is not None else 1,
        pauses_entries=is_grave and (state.is_quote or state.shortfall > 0),
        text=_describe_state(state),
    )
    return expire_pause(difference, state.at_ms)


def expire_pause(difference: UnconfirmedDifference, at_ms: int) -> UnconfirmedDifference:
    """Return the difference; after PAUSE_MS it no longer pauses entries."""
    if not difference.pauses_entries or at_ms - difference.since_ms < PAUSE_MS:
        return difference
    text = f"{difference.text}; differs for {PAUSE_MS // 1_000} s: entries continue"
    return replace(difference, pauses_entries=False, text=text)


def is_confirmed(difference: UnconfirmedDifference, at_ms: int) -> bool:
    """Whether a difference was observed often and long enough to be booked."""
    times, span_ms = (
        (WRITE_OFF_OBSERVATIONS, WRITE_OFF_MS) if difference.shortfall else (DRIFT_OBSERVATIONS, DRIFT_MS)
    )
    return difference.observations >= times and at_ms - difference.first_ms >= span_ms


def needs_history(difference: UnconfirmedDifference, at_ms: int) -> bool:
    """Whether the next comparison must read the order history of every pair that may explain the difference.

    History is needed before booking, and while the amount keeps changing. Otherwise balances and open
    orders suffice: the history of one pair weighs 20.
    """
    has_changed = difference.first_ms != difference.since_ms and at_ms - difference.since_ms >= DRIFT_MS
    return has_changed or is_confirmed(replace(difference, observations=difference.observations + 1), at_ms)


def drift_reversed_by(
    account: LedgerAccount, asset: str, amount: Decimal, *, ours: LedgerSnapshot, at_ms: int
) -> LedgerEntry | None:
    """Return the newest drift that this change reverses exactly; None: it is a separate change."""
    wanted = Posting(account, asset, -amount)
    recent = (drift for drift in reversed(ours.drifts) if at_ms - drift.at_ms <= REVERSED_WITHIN_MS)
    return next((entry for entry in recent if wanted in entry.postings), None)


def describe(unconfirmed: Iterable[UnconfirmedDifference]) -> str:
    """Return which differences await confirmation, as text; empty: none."""
    return "; ".join(difference.text for difference in unconfirmed)


def _describe_state(state: AssetState) -> str:
    if state.shortfall:
        return (
            f"the account shows {plain(state.theirs)} {state.name}, the desk bought {plain(state.desk)} "
            "and no sale explains the difference: not written off, checking again"
        )
    sign = "+" if state.amount > 0 else ""
    return f"unconfirmed balance change: {sign}{plain(state.amount)} {state.name}, checking again"
