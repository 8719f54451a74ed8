"""Compare account balances with the ledger, after accounting for reported order changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from mexc_tui.ledger.accounts import drift_entry, external_postings, reversal_entry
from mexc_tui.ledger.arithmetic import plain
from mexc_tui.ledger.comparison import (
    Correction,
    ExchangeSnapshot,
    LedgerSnapshot,
    PostEntry,
    ReconcileRules,
    RestoreWrittenOff,
    UnconfirmedDifference,
    WriteOffMissing,
    make_difference,
    value_of,
)
from mexc_tui.ledger.confirmation import (
    AssetState,
    drift_reversed_by,
    expire_pause,
    is_confirmed,
    observe_difference,
)
from mexc_tui.model.intent import ZERO, Order
from mexc_tui.model.order import Side
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, Position, Posting
from mexc_tui.model.reconciliation import Difference, DifferenceKind
from mexc_tui.model.severity import Severity


@dataclass(frozen=True, slots=True)
class BalancePair:
    """The two assets of a symbol."""

    base: str
    quote: str


@dataclass(slots=True)
class OrderMovements:
    """Balance changes explained by order updates, by asset: those of the desk and those of the user."""

    desk: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    own: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    entries: list[LedgerEntry] = field(default_factory=list[LedgerEntry])
    """Entries of foreign orders; the desk's own orders book their own entries."""


def movements_of(
    changed: Iterable[tuple[Order, Order]],
    pairs: dict[str, BalancePair],
    rules: ReconcileRules,
    *,
    at_ms: int,
) -> OrderMovements:
    """Return the balance changes of orders since their last booked state."""
    moves = OrderMovements()
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
            moves.entries.append(_foreign_entry(after, moved, rules, at_ms=at_ms))
    return moves


@dataclass(slots=True, kw_only=True)
class BalanceFindings:
    """Result of a balance comparison."""

    differences: list[Difference] = field(default_factory=list[Difference])
    corrections: list[Correction] = field(default_factory=list[Correction])
    postponed: set[str] = field(default_factory=set[str])
    """Assets with a shortfall and unbooked order updates: the updates are booked first."""
    unconfirmed: list[UnconfirmedDifference] = field(default_factory=list[UnconfirmedDifference])
    unread: set[str] = field(default_factory=set[str])
    """Assets whose balance could not be read."""


def compare_balances(
    ours: LedgerSnapshot,
    theirs: ExchangeSnapshot,
    moves: OrderMovements,
    *,
    skip: set[str],
    rules: ReconcileRules,
) -> BalanceFindings:
    """Compare balances asset by asset, except those in `skip`, which were changing.

    A difference is booked once it is confirmed and returned as unconfirmed until then. An asset whose
    balance could not be read is not compared.
    """
    found = BalanceFindings(corrections=[PostEntry(entry) for entry in moves.entries])
    totals = {balance.asset: balance.total for balance in theirs.balances}
    before = {difference.asset: difference for difference in ours.unconfirmed}
    assets = (
        set(totals) | {asset for _, asset in ours.balances} | set(moves.desk) | set(moves.own) | set(before)
    )
    found.unread = {asset for asset in assets if not theirs.has_balance(asset)}
    skip = skip | found.unread
    found.unconfirmed += [
        expire_pause(difference, theirs.at_ms) for name, difference in before.items() if name in skip
    ]
    for asset in sorted(assets - skip):
        desk = ours.balances.get((LedgerAccount.DESK, asset), ZERO) + moves.desk.get(asset, ZERO)
        own = ours.balances.get((LedgerAccount.OWN, asset), ZERO) + moves.own.get(asset, ZERO)
        total, is_quote = totals.get(asset, ZERO), asset in rules.quote_assets
        state = AssetState(
            name=asset, desk=desk, own=own, theirs=total, at_ms=theirs.at_ms, is_quote=is_quote
        )
        if state.shortfall and moves.desk.get(asset):
            found.postponed.add(asset)
        else:
            _compare_asset(found, state, before.get(asset), ours=ours, rules=rules)
    return found


def _compare_asset(
    found: BalanceFindings,
    asset: AssetState,
    before: UnconfirmedDifference | None,
    *,
    ours: LedgerSnapshot,
    rules: ReconcileRules,
) -> None:
    """Book a confirmed difference, record an unconfirmed one, report a resolved one."""
    if not asset.amount and not asset.shortfall:
        if before is not None and before.pauses_entries:
            found.differences.append(_resolved(asset, before, rules))
        return
    observation = observe_difference(asset, before, rules)
    if not is_confirmed(observation, asset.at_ms):
        found.unconfirmed.append(observation)
    elif asset.is_quote:
        _outside(found, asset, LedgerAccount.DESK, amount=asset.amount, ours=ours, rules=rules)
    else:
        _coin(found, asset, ours, rules=rules)


def _coin(found: BalanceFindings, asset: AssetState, ours: LedgerSnapshot, *, rules: ReconcileRules) -> None:
    """Book a coin's difference: the user's own coins absorb a shortfall first, then the desk's.

    Reappearing coins are restored to the desk up to the quantity that was written off.

    """
    moved = asset.amount + asset.shortfall
    if asset.shortfall:
        if moved:
            found.corrections.append(PostEntry(_drift_entry(asset, LedgerAccount.OWN, moved)))
        _shortfall(found, asset, ours.positions, rules=rules)
        return
    back = _reappeared(found, asset, ours, rules=rules) if moved > 0 else ZERO
    if moved != back:
        _outside(found, asset, LedgerAccount.OWN, amount=moved - back, ours=ours, rules=rules)


def _outside(
    found: BalanceFindings,
    asset: AssetState,
    account: LedgerAccount,
    *,
    amount: Decimal,
    ours: LedgerSnapshot,
    rules: ReconcileRules,
) -> None:
    """Book an external flow, or reverse the drift that this change cancels out."""
    reversed_one = drift_reversed_by(account, asset.name, amount, ours=ours, at_ms=asset.at_ms)
    if reversed_one is None:
        found.differences.append(_drift(asset, amount, rules))
        found.corrections.append(PostEntry(_drift_entry(asset, account, amount)))
        return
    detail = (
        f"False alarm: {_signed(amount)} {asset.name} reverses the balance change booked before; "
        "no net external flow"
    )
    found.differences.append(_false_alarm(asset, amount, rules, detail=detail))
    found.corrections.append(PostEntry(reversal_entry(reversed_one, asset.at_ms, detail)))


def _reappeared(
    found: BalanceFindings, asset: AssetState, ours: LedgerSnapshot, *, rules: ReconcileRules
) -> Decimal:
    """Restore coins to the positions they were written off from; return the quantity."""
    left = asset.amount
    detail = f"{asset.name} written off as gone reappeared: position restored with its stop"
    for position in sorted(ours.written_off, key=lambda position: (position.opened_ms, position.id)):
        share = min(position.gone, left) if position.base_asset == asset.name else ZERO
        if share > 0:
            found.corrections.append(RestoreWrittenOff(position.id, share, f"{plain(share)} {detail}"))
            left -= share
    back = asset.amount - left
    if back:
        text = f"False alarm: {plain(back)} {detail}"
        found.differences.append(_false_alarm(asset, back, rules, detail=text))
    return back


def _resolved(asset: AssetState, before: UnconfirmedDifference, rules: ReconcileRules) -> Difference:
    detail = (
        f"False alarm: {_signed(before.amount)} {asset.name} in an earlier response of the exchange; "
        "account and ledger agree, nothing booked"
    )
    return _false_alarm(asset, ZERO, rules, detail=detail)


def _false_alarm(asset: AssetState, amount: Decimal, rules: ReconcileRules, *, detail: str) -> Difference:
    value = value_of(asset.name, amount, rules)
    ours = asset.theirs - amount
    return make_difference(
        DifferenceKind.FALSE_ALARM,
        asset.name,
        ours,
        theirs=asset.theirs,
        value=value,
        rules=rules,
        text=detail,
        explained=True,
        severity=Severity.WARNING,
    )


def _shortfall(
    found: BalanceFindings, asset: AssetState, positions: tuple[Position, ...], *, rules: ReconcileRules
) -> None:
    short = asset.shortfall
    value = value_of(asset.name, short, rules)
    explained = value is not None and value < rules.explained_below
    detail = (
        f"the account holds {plain(asset.theirs)} {asset.name}, the desk owns {plain(asset.desk)}: "
        f"{plain(short)} missing and written off"
    )
    missing = make_difference(
        DifferenceKind.SHORTFALL,
        asset.name,
        asset.desk,
        theirs=asset.theirs,
        value=value,
        rules=rules,
        text=detail,
        explained=explained,
    )
    found.differences.append(missing)
    found.corrections += _write_offs(asset, short, positions, detail=detail)


def _write_offs(
    asset: AssetState, short: Decimal, positions: tuple[Position, ...], *, detail: str
) -> list[Correction]:
    """Write off the shortfall from positions, oldest first, and any excess from the desk account."""
    corrections: list[Correction] = []
    for position in sorted(positions, key=lambda position: (position.opened_ms, position.id)):
        share = min(position.remaining, short) if position.base_asset == asset.name else ZERO
        if share:
            corrections.append(WriteOffMissing(position.id, share, detail))
            short -= share
    if short:
        corrections.append(PostEntry(_drift_entry(asset, LedgerAccount.DESK, -short)))
    return corrections


def _drift(asset: AssetState, amount: Decimal, rules: ReconcileRules) -> Difference:
    value = value_of(asset.name, amount, rules)
    explained = value is not None and value < rules.explained_below
    cause = "a fee, rounding or dust" if explained else "a deposit, a withdrawal or a trade outside this desk"
    detail = (
        f"balance change {_signed(amount)} {asset.name} (no matching order): {cause}; "
        "booked as an external flow"
    )
    ours = asset.theirs - amount
    return make_difference(
        DifferenceKind.DRIFT,
        asset.name,
        ours,
        theirs=asset.theirs,
        value=value,
        rules=rules,
        text=detail,
        explained=explained,
    )


def _drift_entry(asset: AssetState, account: LedgerAccount, amount: Decimal) -> LedgerEntry:
    detail = f"balance change of {_signed(amount)} {asset.name} without a matching order"
    return drift_entry(account, asset.name, amount, is_cash=asset.is_quote, at_ms=asset.at_ms, text=detail)


def _signed(amount: Decimal) -> str:
    return f"+{plain(amount)}" if amount > 0 else plain(amount)


def _moved(before: Order, after: Order, pair: BalancePair) -> dict[str, Decimal]:
    """Return the balance change of an order update, by asset."""
    sign = 1 if after.side is Side.BUY else -1
    moved = {
        pair.base: sign * (after.filled_quantity - before.filled_quantity),
        pair.quote: -sign * (after.filled_value - before.filled_value),
    }
    for fee in after.fees:
        moved[fee.asset] = moved.get(fee.asset, ZERO) - (fee.amount - before.fee_in(fee.asset))
    return moved


def _foreign_entry(
    order: Order, moved: dict[str, Decimal], rules: ReconcileRules, *, at_ms: int
) -> LedgerEntry:
    postings: list[Posting] = []
    flow = ZERO
    for asset, amount in moved.items():
        is_cash = asset in rules.quote_assets
        postings += external_postings(LedgerAccount.DESK if is_cash else LedgerAccount.OWN, asset, amount)
        flow += amount if is_cash else ZERO
    fees = "/".join(f"{fee.asset}={plain(fee.amount)}" for fee in order.fees)
    return LedgerEntry(
        id=f"foreign/{order.order_id}/{plain(order.filled_quantity)}/{plain(order.filled_value)}/{fees}",
        kind=EntryKind.DRIFT,
        at_ms=at_ms,
        postings=tuple(postings),
        client_order_id=order.client_order_id,
        text="filled by an order placed outside this desk",
        flow=flow,
    )
