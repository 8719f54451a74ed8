"""Account balances, the opening entry and external flows."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from mexc_tui.ledger.arithmetic import exactly
from mexc_tui.model.account import Balance
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, Posting

START_ENTRY = "start"
"""Id of the opening entry."""

REVERSAL_SUFFIX = "/taken-back"
"""Suffix of the id of an entry that reverses a drift."""

LedgerBalances = Mapping[tuple[LedgerAccount, str], Decimal]
"""Balance by account and asset; a missing key is a zero balance."""


def start_entry(balances: Iterable[Balance], quote_assets: frozenset[str], at_ms: int) -> LedgerEntry:
    """Return the opening entry: quote assets belong to the desk, every other coin to the user."""
    postings: list[Posting] = []
    for balance in balances:
        if balance.total:
            account = LedgerAccount.DESK if balance.asset in quote_assets else LedgerAccount.OWN
            postings += external_postings(account, balance.asset, balance.total)
    text = "initial account balance; own coins of the user"
    return LedgerEntry(id=START_ENTRY, kind=EntryKind.START, at_ms=at_ms, postings=tuple(postings), text=text)


def external_postings(account: LedgerAccount, asset: str, amount: Decimal) -> tuple[Posting, ...]:
    """Return the postings of an external flow: positive for a deposit, negative for a withdrawal."""
    return (
        (Posting(LedgerAccount.EXTERNAL, asset, -amount), Posting(account, asset, amount)) if amount else ()
    )


def drift_entry(
    account: LedgerAccount, asset: str, amount: Decimal, *, is_cash: bool, at_ms: int, text: str
) -> LedgerEntry:
    """Return the entry of a balance change without a matching order; never traded back (reliability O9)."""
    return LedgerEntry(
        id=f"drift/{account.value}/{asset}/{at_ms}",
        kind=EntryKind.DRIFT,
        at_ms=at_ms,
        postings=external_postings(account, asset, amount),
        text=text,
        flow=amount if is_cash else ZERO,
    )


def reversal_entry(entry: LedgerEntry, at_ms: int, text: str) -> LedgerEntry:
    """Return the entry that reverses a drift booked by mistake; both together move nothing."""
    return LedgerEntry(
        id=f"{entry.id}{REVERSAL_SUFFIX}",
        kind=EntryKind.CORRECTION,
        at_ms=at_ms,
        postings=tuple(
            Posting(posting.account, posting.asset, -posting.amount) for posting in entry.postings
        ),
        text=text,
        flow=-entry.flow,
    )


def unreversed_drifts(entries: Iterable[LedgerEntry]) -> tuple[LedgerEntry, ...]:
    """Return the balance drifts that no later entry reverses, oldest first."""
    found = {entry.id: entry for entry in entries}
    drifts = (
        entry for entry in found.values() if entry.kind is EntryKind.DRIFT and not entry.client_order_id
    )
    unreversed = (drift for drift in drifts if f"{drift.id}{REVERSAL_SUFFIX}" not in found)
    return tuple(sorted(unreversed, key=lambda entry: entry.at_ms))


@exactly
def sum_balances(entries: Iterable[LedgerEntry]) -> dict[tuple[LedgerAccount, str], Decimal]:
    """Return the balance of each account and asset."""
    held: dict[tuple[LedgerAccount, str], Decimal] = {}
    for entry in entries:
        for posting in entry.postings:
            place = (posting.account, posting.asset)
            held[place] = held.get(place, ZERO) + posting.amount
    return held


@exactly
def sum_flows(entries: Iterable[LedgerEntry]) -> Decimal:
    """Return the sum of external flows since the start, in quote units."""
    return sum((entry.flow for entry in entries), ZERO)


@exactly
def expected_balance(held: LedgerBalances, asset: str) -> Decimal:
    """Return the expected exchange balance of an asset, free and locked (reliability I8)."""
    return held.get((LedgerAccount.DESK, asset), ZERO) + held.get((LedgerAccount.OWN, asset), ZERO)
