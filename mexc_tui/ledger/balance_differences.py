"""Balances of the account against the books, once the orders' own news are taken off."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from mexc_tui.ledger.accounts import drift_entry, from_outside
from mexc_tui.ledger.agreement import (
    Correction,
    Gone,
    Ours,
    Post,
    Rules,
    Theirs,
    difference,
    worth_of,
)
from mexc_tui.ledger.numbers import plain
from mexc_tui.model.intent import ZERO, Order
from mexc_tui.model.order import Side
from mexc_tui.model.position import Account, Entry, EntryKind, Position, Posting
from mexc_tui.model.reconciliation import Difference, DifferenceKind


@dataclass(frozen=True, slots=True)
class Pair:
    """A symbol's two assets."""

    base: str
    quote: str


@dataclass(slots=True)
class Moves:
    """What news of orders moved, by asset: coins and cash of the desk, and what is the person's own."""

    desk: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    own: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    entries: list[Entry] = field(default_factory=list[Entry])
    """Of foreign orders; ours are booked with their orders."""


def moves_of(
    changed: Iterable[tuple[Order, Order]], pairs: dict[str, Pair], rules: Rules, at_ms: int
) -> Moves:
    """Add up what orders moved since we last knew them."""
    moves = Moves()
    for before, after in changed:
        pair = pairs.get(after.symbol)
        if pair is None:
            continue
        moved = _moved(before, after, pair)
        is_ours = bool(after.intent_id)
        for asset, amount in moved.items():
            is_desks = asset in rules.quote_assets or (is_ours and asset in (pair.base, pair.quote))
            target = moves.desk if is_desks else moves.own
            target[asset] = target.get(asset, ZERO) + amount
        if not is_ours and any(moved.values()):
            moves.entries.append(_foreign_entry(after, moved, rules, at_ms))
    return moves


@dataclass(slots=True)
class FoundInBalances:
    """What came of comparing balances."""

    differences: list[Difference] = field(default_factory=list[Difference])
    corrections: list[Correction] = field(default_factory=list[Correction])
    postponed: set[str] = field(default_factory=set[str])
    """Coins that are missing while orders have news of them: these are booked first."""


def compare_balances(
    ours: Ours, theirs: Theirs, moves: Moves, skip: set[str], rules: Rules
) -> FoundInBalances:
    """Compare what is left of the differences, asset by asset; `skip`: assets that were moving."""
    found = FoundInBalances(corrections=[Post(entry) for entry in moves.entries])
    totals = {balance.asset: balance.total for balance in theirs.balances}
    assets = set(totals) | {asset for _, asset in ours.held} | set(moves.desk) | set(moves.own)
    for asset in sorted(assets - skip):
        desk = ours.held.get((Account.DESK, asset), ZERO) + moves.desk.get(asset, ZERO)
        own = ours.held.get((Account.OWN, asset), ZERO) + moves.own.get(asset, ZERO)
        state = _Asset(asset, desk, own, totals.get(asset, ZERO), theirs.at_ms)
        if asset in rules.quote_assets:
            _cash(found, state, rules)
        elif state.short and moves.desk.get(asset):
            found.postponed.add(asset)
        else:
            _coin(found, state, ours.positions, rules)
    return found


@dataclass(frozen=True, slots=True)
class _Asset:
    name: str
    desk: Decimal
    own: Decimal
    theirs: Decimal
    at_ms: int

    @property
    def off(self) -> Decimal:
        return self.theirs - self.desk - self.own

    @property
    def short(self) -> Decimal:
        """How much less the account holds than the desk owns."""
        return max(self.desk - self.theirs, ZERO)


def _cash(found: FoundInBalances, asset: _Asset, rules: Rules) -> None:
    """All quote money is the desk's: it has more or less of it now."""
    if asset.off:
        found.differences.append(_drift(asset, rules))
        found.corrections.append(Post(_drift_entry(asset, Account.DESK, asset.off, is_cash=True)))


def _coin(found: FoundInBalances, asset: _Asset, positions: tuple[Position, ...], rules: Rules) -> None:
    """What is missing was the person's own as long as there is any; beyond that the desk's coins are gone."""
    moved = asset.off + asset.short
    if moved:
        found.corrections.append(Post(_drift_entry(asset, Account.OWN, moved, is_cash=False)))
    if asset.short:
        _coins_gone(found, asset, positions, rules)
    elif moved:
        found.differences.append(_drift(asset, rules))


def _coins_gone(found: FoundInBalances, asset: _Asset, positions: tuple[Position, ...], rules: Rules) -> None:
    short = asset.short
    value = worth_of(asset.name, short, rules)
    explained = value is not None and value < rules.explained_below
    words = (
        f"the account holds {plain(asset.theirs)} {asset.name}, the desk owns {plain(asset.desk)}: "
        f"{plain(short)} are gone and written off"
    )
    gone = difference(
        DifferenceKind.SHORTFALL,
        asset.name,
        asset.desk,
        asset.theirs,
        value,
        rules,
        words,
        explained=explained,
    )
    found.differences.append(gone)
    found.corrections += _gone(asset, short, positions, words)


def _gone(asset: _Asset, short: Decimal, positions: tuple[Position, ...], words: str) -> list[Correction]:
    """Take it off positions, oldest first; what no position has is taken off the account."""
    corrections: list[Correction] = []
    for position in sorted(positions, key=lambda one: (one.opened_ms, one.id)):
        share = min(position.remaining, short) if position.base_asset == asset.name else ZERO
        if share:
            corrections.append(Gone(position.id, share, words))
            short -= share
    if short:
        corrections.append(Post(_drift_entry(asset, Account.DESK, -short, is_cash=False)))
    return corrections


def _drift(asset: _Asset, rules: Rules) -> Difference:
    value = worth_of(asset.name, asset.off, rules)
    explained = value is not None and value < rules.explained_below
    cause = "a fee, rounding or dust" if explained else "a deposit, a withdrawal or a trade outside this desk"
    words = f"{plain(asset.off)} {asset.name} came without an order of ours: {cause}; booked as from outside"
    ours = asset.desk + asset.own
    return difference(
        DifferenceKind.DRIFT, asset.name, ours, asset.theirs, value, rules, words, explained=explained
    )


def _drift_entry(asset: _Asset, account: Account, amount: Decimal, *, is_cash: bool) -> Entry:
    words = f"{plain(amount)} {asset.name} came or went without an order of ours"
    return drift_entry(account, asset.name, amount, is_cash=is_cash, at_ms=asset.at_ms, words=words)


def _moved(before: Order, after: Order, pair: Pair) -> dict[str, Decimal]:
    """What an order's news moved in the account, by asset."""
    sign = 1 if after.side is Side.BUY else -1
    moved = {
        pair.base: sign * (after.filled_quantity - before.filled_quantity),
        pair.quote: -sign * (after.filled_value - before.filled_value),
    }
    for fee in after.fees:
        moved[fee.asset] = moved.get(fee.asset, ZERO) - (fee.amount - before.fee_in(fee.asset))
    return moved


def _foreign_entry(order: Order, moved: dict[str, Decimal], rules: Rules, at_ms: int) -> Entry:
    postings: list[Posting] = []
    flow = ZERO
    for asset, amount in moved.items():
        is_cash = asset in rules.quote_assets
        postings += from_outside(Account.DESK if is_cash else Account.OWN, asset, amount)
        flow += amount if is_cash else ZERO
    fees = "/".join(f"{fee.asset}={plain(fee.amount)}" for fee in order.fees)
    return Entry(
        id=f"foreign/{order.order_id}/{plain(order.filled_quantity)}/{plain(order.filled_value)}/{fees}",
        kind=EntryKind.DRIFT,
        at_ms=at_ms,
        postings=tuple(postings),
        client_order_id=order.client_order_id,
        words="filled by an order placed outside this desk",
        flow=flow,
    )
