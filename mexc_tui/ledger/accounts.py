"""The desk's accounts: how they begin, what they add up to, and money that came from outside."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from mexc_tui.ledger.numbers import exactly
from mexc_tui.model.account import Balance
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, Posting

START_ENTRY = "start"
"""Id of the entry that opens the books."""

REVERSAL_SUFFIX = "/taken-back"
"""Ends the id of an entry that reverses a drift."""

LedgerBalances = Mapping[tuple[LedgerAccount, str], Decimal]
"""What each account holds of each asset; one that is not there holds nothing."""


def start_entry(balances: Iterable[Balance], quote_assets: frozenset[str], at_ms: int) -> LedgerEntry:
    """Open the books: quote money is the desk's cash, every other coin is the person's own and stays so."""
    postings: list[Posting] = []
    for balance in balances:
        if balance.total:
            account = LedgerAccount.DESK if balance.asset in quote_assets else LedgerAccount.OWN
            postings += external_postings(account, balance.asset, balance.total)
    words = "initial account balance; own coins of the user"
    return LedgerEntry(
        id=START_ENTRY, kind=EntryKind.START, at_ms=at_ms, postings=tuple(postings), words=words
    )


def external_postings(account: LedgerAccount, asset: str, amount: Decimal) -> tuple[Posting, ...]:
    """Return the postings of money that came from outside (negative: went there)."""
    return (
        (Posting(LedgerAccount.EXTERNAL, asset, -amount), Posting(account, asset, amount)) if amount else ()
    )


def drift_entry(
    account: LedgerAccount, asset: str, amount: Decimal, *, is_cash: bool, at_ms: int, words: str
) -> LedgerEntry:
    """Book what a balance moved by without an order of ours. Never made good by trading (reliability O9)."""
    return LedgerEntry(
        id=f"drift/{account.value}/{asset}/{at_ms}",
        kind=EntryKind.DRIFT,
        at_ms=at_ms,
        postings=external_postings(account, asset, amount),
        words=words,
        flow=amount if is_cash else ZERO,
    )


def reversal_entry(entry: LedgerEntry, at_ms: int, words: str) -> LedgerEntry:
    """Reverse a drift that was a false alarm: both together move nothing and are no external flow."""
    return LedgerEntry(
        id=f"{entry.id}{REVERSAL_SUFFIX}",
        kind=EntryKind.CORRECTION,
        at_ms=at_ms,
        postings=tuple(Posting(one.account, one.asset, -one.amount) for one in entry.postings),
        words=words,
        flow=-entry.flow,
    )


def unreversed_drifts(entries: Iterable[LedgerEntry]) -> tuple[LedgerEntry, ...]:
    """Return the balance drifts among these entries that were not taken back, oldest first."""
    found = {entry.id: entry for entry in entries}
    drifts = (one for one in found.values() if one.kind is EntryKind.DRIFT and not one.client_order_id)
    standing = (one for one in drifts if f"{one.id}{REVERSAL_SUFFIX}" not in found)
    return tuple(sorted(standing, key=lambda one: one.at_ms))


@exactly
def sum_balances(entries: Iterable[LedgerEntry]) -> dict[tuple[LedgerAccount, str], Decimal]:
    """Add up entries by account and asset."""
    held: dict[tuple[LedgerAccount, str], Decimal] = {}
    for entry in entries:
        for posting in entry.postings:
            place = (posting.account, posting.asset)
            held[place] = held.get(place, ZERO) + posting.amount
    return held


@exactly
def sum_flows(entries: Iterable[LedgerEntry]) -> Decimal:
    """Add up what came from outside since the start, in quote units."""
    return sum((entry.flow for entry in entries), ZERO)


@exactly
def expected_balance(held: LedgerBalances, asset: str) -> Decimal:
    """Return what the account of the exchange must hold of an asset, free and locked (reliability I8)."""
    return held.get((LedgerAccount.DESK, asset), ZERO) + held.get((LedgerAccount.OWN, asset), ZERO)
