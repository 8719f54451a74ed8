"""Pairs whose order history proves nothing beyond their open orders and balances."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mexc_tui.ledger.accounts import LedgerBalances, expected_balance
from mexc_tui.model.account import Balance, is_read
from mexc_tui.model.intent import ZERO, Intent, Order
from mexc_tui.model.report import OrderReport
from mexc_tui.model.rows import SkippedRow

if TYPE_CHECKING:
    from decimal import Decimal


def settled_pairs(
    orders: Iterable[Order],
    intents: Mapping[str, Intent],
    held: LedgerBalances,
    *,
    listed: Iterable[OrderReport],
    balances: Sequence[Balance],
    skipped: Sequence[SkippedRow],
) -> frozenset[str]:
    """Return the pairs with open orders that the exchange shows exactly as the ledger has them.

    `orders`: the open orders of the ledger, `listed`: those of the exchange. Each is listed with the fills of
    the ledger, no other order is open in the pair, and the balance of its base asset is the expected one: an
    attempt that the ledger does not know would be open, or would have changed that balance.
    """
    rows = list(orders)
    ours = _fills((order.symbol, order.client_order_id, order.filled_quantity) for order in rows)
    theirs = _fills(
        (report.symbol, report.client_order_id or report.order_id, report.filled_quantity)
        for report in listed
    )
    bases = {
        order.symbol: intents[order.intent_id].base_asset for order in rows if order.intent_id in intents
    }
    totals = {balance.asset: balance.total for balance in balances}
    return frozenset(
        symbol
        for symbol, asset in bases.items()
        if theirs.get(symbol) == ours[symbol]
        and is_read(asset, balances, skipped)
        and totals.get(asset, ZERO) == expected_balance(held, asset)
    )


def _fills(rows: Iterable[tuple[str, str, "Decimal"]]) -> dict[str, dict[str, "Decimal"]]:
    """Return the filled quantity of each order, by pair."""
    found: dict[str, dict[str, Decimal]] = {}
    for symbol, name, filled in rows:
        found.setdefault(symbol, {})[name] = filled
    return found
