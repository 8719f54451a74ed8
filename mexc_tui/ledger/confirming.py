"""When a balance that differs from the books is booked: never after one answer (architecture 2.7)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.ledger.agreement import LedgerSnapshot, ReconcileRules, UnconfirmedDifference, value_of
from mexc_tui.ledger.numbers import plain
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import LedgerAccount, LedgerEntry, Posting

DRIFT_OBSERVATIONS, DRIFT_MS = 2, 10_000
"""A balance change is booked after so many equal comparisons over so long."""
WRITE_OFF_OBSERVATIONS, WRITE_OFF_MS = 3, 30_000
"""Coins of the desk are written off only after so many, over so long: a position depends on it."""
PAUSE_MS = 120_000
"""A difference that changes all the time pauses entries for so long: others trade on the account."""
REVERSED_WITHIN_MS = 86_400_000
"""A change that is reversed within so long was a false alarm; later it is a new external flow."""
CONFIRM_EVERY_S = 5.0
"""How soon an unconfirmed difference is compared again."""


@dataclass(frozen=True, slots=True)
class AssetState:
    """One asset: what the books say, orders' news included, and what the account shows."""

    name: str
    desk: Decimal
    own: Decimal
    theirs: Decimal
    at_ms: int
    is_quote: bool

    @property
    def amount(self) -> Decimal:
        """Account balance minus books."""
        return self.theirs - self.desk - self.own

    @property
    def shortfall(self) -> Decimal:
        """How much less the account holds than the desk owns, in coins; cash is never short."""
        return ZERO if self.is_quote else max(self.desk - self.theirs, ZERO)


def observe_difference(
    state: AssetState, before: UnconfirmedDifference | None, rules: ReconcileRules
) -> UnconfirmedDifference:
    """Return what is known of a difference after this comparison; another amount starts anew."""
    is_same = before is not None and (before.amount, before.shortfall) == (state.amount, state.shortfall)
    value = value_of(state.name, state.amount, rules)
    is_grave = value is None or value >= rules.explained_below
    since_ms = state.at_ms if before is None else before.since_ms
    seen = UnconfirmedDifference(
        asset=state.name,
        amount=state.amount,
        shortfall=state.shortfall,
        value=value,
        first_ms=before.first_ms if is_same and before is not None else state.at_ms,
        since_ms=since_ms,
        observations=before.observations + 1 if is_same and before is not None else 1,
        pauses_entries=is_grave and (state.is_quote or state.shortfall > 0),
        text=_words(state),
    )
    return expire_pause(seen, state.at_ms)


def expire_pause(seen: UnconfirmedDifference, at_ms: int) -> UnconfirmedDifference:
    """Return a difference as it stands at this moment: it pauses entries for a bounded time."""
    if not seen.pauses_entries or at_ms - seen.since_ms < PAUSE_MS:
        return seen
    words = f"{seen.text}; differs for {PAUSE_MS // 1_000} s: entries continue"
    return replace(seen, pauses_entries=False, text=words)


def is_confirmed(seen: UnconfirmedDifference, at_ms: int) -> bool:
    """Whether a difference was seen often and long enough to be booked."""
    times, span_ms = (
        (WRITE_OFF_OBSERVATIONS, WRITE_OFF_MS) if seen.shortfall else (DRIFT_OBSERVATIONS, DRIFT_MS)
    )
    return seen.observations >= times and at_ms - seen.first_ms >= span_ms


def needs_history(seen: UnconfirmedDifference, at_ms: int) -> bool:
    """Whether the next comparison must hold this difference against the orders of every pair it may be from.

    So it is before it is booked, and while it has changed for so long. Until then what the account shows is
    enough, and an order that has not ended is asked for anyway: the history of a pair weighs 20.
    """
    has_changed = seen.first_ms != seen.since_ms and at_ms - seen.since_ms >= DRIFT_MS
    return has_changed or is_confirmed(replace(seen, observations=seen.observations + 1), at_ms)


def drift_reversed_by(
    account: LedgerAccount, asset: str, amount: Decimal, ours: LedgerSnapshot, at_ms: int
) -> LedgerEntry | None:
    """Return the newest drift that this change takes back exactly; None: it is a change of its own."""
    wanted = Posting(account, asset, -amount)
    recent = (one for one in reversed(ours.drifts) if at_ms - one.at_ms <= REVERSED_WITHIN_MS)
    return next((one for one in recent if wanted in one.postings), None)


def describe(unconfirmed: Iterable[UnconfirmedDifference]) -> str:
    """Say what waits for confirmation; empty: nothing."""
    return "; ".join(one.text for one in unconfirmed)


def _words(state: AssetState) -> str:
    if state.shortfall:
        return (
            f"the account shows {plain(state.theirs)} {state.name}, the desk bought {plain(state.desk)} "
            "and no sale explains the difference: not written off, checking again"
        )
    sign = "+" if state.amount > 0 else ""
    return f"unconfirmed balance change: {sign}{plain(state.amount)} {state.name}, checking again"
