"""Runtime invariants; a breach halts trading (reliability 2.8).

Each check returns its breaches as texts; empty: the invariant holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.ledger.accounts import LedgerBalances, expected_balance
from mexc_tui.ledger.arithmetic import exactly, plain
from mexc_tui.ledger.positions import spent
from mexc_tui.model.account import Balance
from mexc_tui.model.intent import ZERO, Intent, Order, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.position import EquityPoint, LedgerAccount, Position

HEARTBEAT_MS = 5_000
_MAY_BE_NEGATIVE = (LedgerAccount.EXCHANGE, LedgerAccount.EXTERNAL, LedgerAccount.FEES, LedgerAccount.OWN)


@dataclass(frozen=True, slots=True)
class BalanceDifference:
    """What the account holds more of an asset than the ledger, in units; negative: less."""

    asset: str
    amount: Decimal

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"the account holds {plain(self.amount)} {self.asset} more than the ledger"


@exactly
def exposure(intents: Iterable[Intent], positions: Iterable[Position]) -> Decimal:
    """Return the exposure: reservations plus the cost of open positions, in quote units."""
    held_back = sum((intent.reserved for intent in intents if intent.is_open), ZERO)
    return held_back + sum((position.remaining_cost for position in positions), ZERO)


@exactly
def within_limit(intents: Iterable[Intent], positions: Iterable[Position], limit: Decimal) -> tuple[str, ...]:
    """Check I1: reservations plus the cost of open positions are within the limit."""
    total = exposure(intents, positions)
    if total <= limit:
        return ()
    return (f"{plain(total)} reserved or held, above the limit of {plain(limit)}",)


@exactly
def within_reservation(intent: Intent, orders: tuple[Order, ...]) -> tuple[str, ...]:
    """Check I1: the attempts of an intent cost no more than its reservation."""
    cost = spent(intent, orders)
    if intent.side is Side.SELL or cost <= intent.spend_cap:
        return ()
    return (f"{intent.symbol}: {plain(cost)} spent of a reservation of {plain(intent.spend_cap)}",)


def solvent(held: LedgerBalances) -> tuple[str, ...]:
    """Check I6: no account that must not be negative is negative."""
    return tuple(
        f"the ledger has {plain(amount)} {asset} in the {account.value} account"
        for (account, asset), amount in held.items()
        if amount < 0 and account not in _MAY_BE_NEGATIVE
    )


@exactly
def lots_agree(
    held: LedgerBalances, positions: Iterable[Position], quote_assets: frozenset[str]
) -> tuple[str, ...]:
    """Check I6: the desk's balance of a coin equals the remainder of its positions."""
    left: dict[str, Decimal] = {}
    for position in positions:
        left[position.base_asset] = left.get(position.base_asset, ZERO) + position.remaining
    for account, asset in held:
        if account is LedgerAccount.DESK and asset not in quote_assets:
            left.setdefault(asset, ZERO)
    return tuple(
        f"positions hold {plain(amount)} {asset}, the ledger "
        f"{plain(held.get((LedgerAccount.DESK, asset), ZERO))}"
        for asset, amount in left.items()
        if held.get((LedgerAccount.DESK, asset), ZERO) != amount
    )


@exactly
def equity_identity(
    start: Decimal, point: EquityPoint, realised: Decimal, *, unrealised: Decimal, tolerance: Decimal
) -> tuple[str, ...]:
    """Check I7: equity equals start, flows and profits (net of fees).

    `tolerance`: one price tick per position. An incomplete point is not checked.
    """
    if not point.is_complete:
        return ()
    off = point.equity - (start + point.flows + realised + unrealised)
    if abs(off) <= tolerance:
        return ()
    return (f"equity is {plain(point.equity)}, {plain(off)} away from start, flows and profits",)


@exactly
def balance_differences(
    held: LedgerBalances, balances: Iterable[Balance], assets: Iterable[str], *, tolerance: Decimal
) -> tuple[BalanceDifference, ...]:
    """Return where the exchange's balances differ from the ledger's, within a tolerance in units."""
    theirs = {balance.asset: balance.total for balance in balances}
    off = ((asset, theirs.get(asset, ZERO) - expected_balance(held, asset)) for asset in sorted(set(assets)))
    return tuple(BalanceDifference(asset, amount) for asset, amount in off if abs(amount) > tolerance)


def agrees(
    held: LedgerBalances, balances: Iterable[Balance], assets: Iterable[str], *, tolerance: Decimal
) -> tuple[str, ...]:
    """Check I8: exchange balances match the ledger for these assets, within a tolerance in units."""
    return tuple(map(str, balance_differences(held, balances, assets, tolerance=tolerance)))


def protected(
    position: Position, intents: Iterable[Intent], heartbeat_ms: int | None, *, now_ms: int
) -> tuple[str, ...]:
    """Check I9: an open position has an active stop that covers it, and its worker is running."""
    if not position.is_open or not position.remaining:
        return ()
    wrong: list[str] = []
    stops = [
        intent
        for intent in intents
        if intent.role is OrderRole.STOP and intent.is_open and intent.position_id == position.id
    ]
    if not stops or position.stop_price <= 0:
        wrong.append(f"{position.symbol} has no active stop")
    elif max(stop.quantity for stop in stops) < position.remaining:
        wrong.append(f"the stop of {position.symbol} covers less than the {plain(position.remaining)} held")
    if heartbeat_ms is None or now_ms - heartbeat_ms > HEARTBEAT_MS:
        wrong.append(f"{position.symbol} was not monitored for more than {HEARTBEAT_MS} ms")
    return tuple(wrong)
