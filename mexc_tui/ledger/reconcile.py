"""Our books against the exchange's: from local rows and reports to explained corrections, nothing in silence.

Orders first, as they explain most of what balances show; then what is left of each asset. An order's report
explains its difference; a balance that moved without one is unexplained unless it is worth next to nothing.
Either way it is booked, as a fill, a fee, money from outside or coins gone, and the next run finds nothing.
Nothing is ever made good by trading, and no coin of the person becomes the desk's.
"""

from mexc_tui.ledger.agreement import Ours, Outcome, Rules, Theirs
from mexc_tui.ledger.balance_differences import Pair, compare_balances, moves_of
from mexc_tui.ledger.numbers import exactly
from mexc_tui.ledger.order_differences import compare_orders
from mexc_tui.model.reconciliation import Reconciliation, Trigger


@exactly
def reconcile(ours: Ours, theirs: Theirs, rules: Rules, trigger: Trigger) -> Outcome:
    """Compare, and return what differs with what puts it right. Changes nothing by itself."""
    found = compare_orders(ours, theirs, rules)
    pairs = _pairs(ours, theirs, rules)
    moves = moves_of(found.changed, pairs, rules, theirs.at_ms)
    moving = found.unsettled | theirs.moving
    skip = {asset for symbol in moving if symbol in pairs for asset in _assets(pairs[symbol])}
    balances = compare_balances(ours, theirs, moves, skip, rules)
    skip |= balances.postponed
    every = (*found.differences, *balances.differences)
    run = Reconciliation(
        at_ms=theirs.at_ms,
        trigger=trigger,
        explained=tuple(one for one in every if one.explained),
        unexplained=tuple(one for one in every if not one.explained),
        problem=_problem(skip),
    )
    return Outcome(
        run=run,
        corrections=(*found.corrections, *balances.corrections),
        ask=tuple(found.ask),
        strangers=tuple(found.strangers),
        postponed=tuple(sorted(skip)),
    )


def _pairs(ours: Ours, theirs: Theirs, rules: Rules) -> dict[str, Pair]:
    """The assets of each symbol: from our own rows, a foreign symbol's by its quote asset at the end."""
    pairs: dict[str, Pair] = {}
    for symbol in {order.symbol for order in ours.orders} | {report.symbol for report in theirs.orders}:
        for quote in sorted(rules.quote_assets, key=len, reverse=True):
            if symbol.endswith(quote) and symbol != quote:
                pairs[symbol] = Pair(symbol.removesuffix(quote), quote)
                break
    pairs |= {intent.symbol: Pair(intent.base_asset, intent.quote_asset) for intent in ours.intents}
    return pairs | {one.symbol: Pair(one.base_asset, one.quote_asset) for one in ours.positions}


def _assets(pair: Pair) -> tuple[str, str]:
    return (pair.base, pair.quote)


def _problem(skip: set[str]) -> str:
    if not skip:
        return ""
    return f"orders were moving or unsettled: {', '.join(sorted(skip))} are compared with the next run"
