"""Dust: find the account's written-off remainders and book their conversion."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from mexc_tui.ledger.arithmetic import exactly, plain
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, Posting

FEE_ASSET = "MX"
"""Asset that dust is converted into (protocol 4.5)."""


@exactly
def written_off_dust(entries: Iterable[LedgerEntry]) -> dict[str, Decimal]:
    """Return the quantity of each coin whose whole balance is the desk's dust.

    `entries`: the whole ledger, oldest first. Any other inflow makes the whole balance the user's own
    until it is used up, because the exchange converts a coin's whole balance.
    """
    held, mixed = dict[str, Decimal](), set[str]()
    for entry in entries:
        for posting in entry.postings:
            if posting.account is not LedgerAccount.OWN:
                continue
            asset = posting.asset
            held[asset] = held.get(asset, ZERO) + posting.amount
            if not held[asset]:
                mixed.discard(asset)
            elif entry.kind is not EntryKind.DUST and (posting.amount > 0 or held[asset] < 0):
                mixed.add(asset)
    mixed.add(FEE_ASSET)
    return {asset: amount for asset, amount in held.items() if amount > 0 and asset not in mixed}


@exactly
def conversion_entry(
    coins: Mapping[str, Decimal], received: Decimal, fee: Decimal, *, at_ms: int
) -> LedgerEntry:
    """Return the entry of a dust conversion; both sides belong to the user, as dust was written off at 0."""
    postings = [
        posting
        for asset, amount in coins.items()
        for posting in (
            Posting(LedgerAccount.OWN, asset, -amount),
            Posting(LedgerAccount.EXCHANGE, asset, amount),
        )
    ]
    into = (
        (LedgerAccount.EXCHANGE, -(received + fee)),
        (LedgerAccount.OWN, received),
        (LedgerAccount.FEES, fee),
    )
    postings += [Posting(account, FEE_ASSET, amount) for account, amount in into if amount]
    missing = ", ".join(f"{plain(amount)} {asset}" for asset, amount in coins.items())
    return LedgerEntry(
        id=f"converted/{at_ms}",
        kind=EntryKind.DUST,
        at_ms=at_ms,
        postings=tuple(postings),
        text=f"dust converted: {missing} to {plain(received)} {FEE_ASSET}",
    )
