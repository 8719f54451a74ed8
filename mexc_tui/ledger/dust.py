"""Rests that were too small to be sold: what of the account is nothing else, and the booking of their end."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from mexc_tui.ledger.numbers import exactly, plain
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, Posting

FEE_ASSET = "MX"
"""What dust is converted into (protocol 4.5)."""


@exactly
def written_off_dust(entries: Iterable[LedgerEntry]) -> dict[str, Decimal]:
    """Return how much lies in the account of each coin of which all is the desk's dust.

    `entries`: all of the books, oldest first. Whatever else came to a coin makes all of it the person's own,
    until none of it is left: the exchange converts all that it has of a coin.
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
    coins: Mapping[str, Decimal], received: Decimal, fee: Decimal, at_ms: int
) -> LedgerEntry:
    """Book coins out and MX in, after the fee. Both are the person's own: dust was written off at 0."""
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
    gone = ", ".join(f"{plain(amount)} {asset}" for asset, amount in coins.items())
    return LedgerEntry(
        id=f"converted/{at_ms}",
        kind=EntryKind.DUST,
        at_ms=at_ms,
        postings=tuple(postings),
        words=f"dust converted: {gone} to {plain(received)} {FEE_ASSET}",
    )
