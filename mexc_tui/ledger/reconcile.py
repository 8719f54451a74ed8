"""Reconcile ledger and exchange: return explained and unexplained differences with their corrections.

Orders are compared first, as they explain most balance changes; then each asset. An order's report
explains its difference; a balance change without one is unexplained unless its value is negligible.
Either way it is booked as a fill, a fee, an external flow or a write-off, so the next run finds nothing. A
balance is booked only after several comparisons over some time found the same difference.
Differences are never traded back, and no coin of the user becomes the desk's.
"""

from collections.abc import Iterable, Mapping

from mexc_tui.ledger.arithmetic import exactly, plain
from mexc_tui.ledger.balance_differences import BalancePair, compare_balances, movements_of
from mexc_tui.ledger.comparison import (
    ComparisonResult,
    ExchangeSnapshot,
    LedgerSnapshot,
    ReconcileRules,
    UnconfirmedDifference,
)
from mexc_tui.ledger.confirmation import describe
from mexc_tui.ledger.order_differences import compare_orders
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.reconciliation import Excluded, ExcludedCause, Reconciliation, Trigger
from mexc_tui.model.rows import skipped_text


@exactly
def reconcile(
    ours: LedgerSnapshot, theirs: ExchangeSnapshot, rules: ReconcileRules, *, trigger: Trigger
) -> ComparisonResult:
    """Return the differences between ledger and exchange with their corrections. Changes nothing."""
    found = compare_orders(ours, theirs, rules)
    pairs = _pairs(ours, theirs, rules)
    moves = movements_of(found.changed, pairs, rules, at_ms=theirs.at_ms)
    dead = _excluded(theirs.delisted, pairs, ours)
    skip = _moving(found.unsettled, pairs, ours, theirs=theirs)
    missing = {excluded.asset for excluded in dead}
    balances = compare_balances(ours, theirs, moves, skip=skip | missing, rules=rules)
    excluded = (*dead, *_unread(balances.unread - missing, ours, theirs))
    unconfirmed = tuple(difference for difference in balances.unconfirmed if difference.asset not in missing)
    skip |= balances.postponed
    every = (*found.differences, *balances.differences)
    run = Reconciliation(
        at_ms=theirs.at_ms,
        trigger=trigger,
        explained=tuple(difference for difference in every if difference.explained),
        unexplained=tuple(difference for difference in every if not difference.explained),
        problem=_problem(skip, theirs, unconfirmed),
        excluded=excluded,
    )
    return ComparisonResult(
        run=run,
        corrections=(*found.corrections, *balances.corrections),
        ids_to_query=tuple(found.ids_to_query),
        unrecorded_ids=tuple(found.unrecorded_ids),
        postponed=tuple(sorted(skip)),
        unconfirmed=unconfirmed,
    )


def _pairs(ours: LedgerSnapshot, theirs: ExchangeSnapshot, rules: ReconcileRules) -> dict[str, BalancePair]:
    """Return the assets of each symbol: from ledger rows; of a foreign symbol, by its quote suffix."""
    pairs: dict[str, BalancePair] = {}
    for symbol in {order.symbol for order in ours.orders} | {report.symbol for report in theirs.orders}:
        for quote in sorted(rules.quote_assets, key=len, reverse=True):
            if symbol.endswith(quote) and symbol != quote:
                pairs[symbol] = BalancePair(symbol.removesuffix(quote), quote)
                break
    pairs |= {intent.symbol: BalancePair(intent.base_asset, intent.quote_asset) for intent in ours.intents}
    return pairs | {
        position.symbol: BalancePair(position.base_asset, position.quote_asset) for position in ours.positions
    }


def _moving(
    unsettled: set[str], pairs: dict[str, BalancePair], ours: LedgerSnapshot, *, theirs: ExchangeSnapshot
) -> set[str]:
    """Return the assets whose two sides may describe different moments.

    An order of a delisted pair never settles: it blocks its coin (see `_excluded`), not the quote asset.
    """
    moving = {symbol for symbol in unsettled | theirs.changing_symbols if symbol not in theirs.delisted}
    assets = {asset for symbol in moving if symbol in pairs for asset in _assets(pairs[symbol])}
    unread = {pairs[symbol].base for symbol in theirs.failed if symbol in pairs}
    return assets | unread | set(ours.changed_assets)


def _excluded(
    dead: Mapping[str, str], pairs: dict[str, BalancePair], ours: LedgerSnapshot
) -> tuple[Excluded, ...]:
    """Exclude coins of delisted pairs: they may have been renamed, so nothing is written off."""
    found: list[Excluded] = []
    for symbol in sorted(dead):
        pair = pairs.get(symbol)
        held = ZERO if pair is None else ours.balances.get((LedgerAccount.DESK, pair.base), ZERO)
        if pair is not None:
            text = (
                f"{symbol}: no longer known to the exchange (delisted or renamed): {plain(held)} {pair.base} "
                f"stay in the ledger, not reconciled: {dead[symbol]}"
            )
            found.append(Excluded(asset=pair.base, text=text))
    return tuple(found)


def _unread(assets: Iterable[str], ours: LedgerSnapshot, theirs: ExchangeSnapshot) -> Iterable[Excluded]:
    """Exclude assets whose balance could not be read: a missing row is not a loss."""
    why = skipped_text(theirs.skipped, len(theirs.balances) + len(theirs.skipped))
    held = {asset for (_, asset), amount in ours.balances.items() if amount}
    for asset in sorted(held.intersection(assets)):
        text = f"{asset}: its balance could not be read, not reconciled: {why}"
        yield Excluded(asset=asset, text=text, cause=ExcludedCause.UNREAD)


def _assets(pair: BalancePair) -> tuple[str, str]:
    return (pair.base, pair.quote)


def _problem(skip: set[str], theirs: ExchangeSnapshot, unconfirmed: Iterable[UnconfirmedDifference]) -> str:
    text = [f"{symbol} is reconciled in the next run: {why}" for symbol, why in theirs.failed.items()]
    if skip:
        text.append(
            f"orders or ledger were changing: {', '.join(sorted(skip))} are reconciled in the next run"
        )
    text.append(describe(unconfirmed))
    return "; ".join(filter(None, text))
