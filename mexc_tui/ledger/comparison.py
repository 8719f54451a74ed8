"""Inputs and result of a reconciliation (see reconcile.py)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from mexc_tui.ledger.accounts import LedgerBalances
from mexc_tui.ledger.arithmetic import exactly, plain, rounded
from mexc_tui.ledger.evidence import Evidence
from mexc_tui.model.account import Balance, is_read
from mexc_tui.model.intent import ZERO, Intent, Order
from mexc_tui.model.position import LedgerEntry, Position
from mexc_tui.model.reconciliation import Difference, DifferenceKind, Reconciliation
from mexc_tui.model.report import OrderReport, TradeReport
from mexc_tui.model.rows import SkippedRow
from mexc_tui.model.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class UnconfirmedDifference:
    """A balance difference that has not been observed often or long enough to be booked."""

    asset: str
    amount: Decimal
    """Exchange balance minus ledger balance."""
    shortfall: Decimal
    """Coins of the desk missing from the account; 0: none."""
    value: Decimal | None
    """Value of the difference in quote units; None: unknown."""
    first_ms: int
    """First observation of this amount."""
    since_ms: int
    """First observation of any difference."""
    observations: int
    pauses_entries: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSnapshot:
    """The ledger, read in one transaction."""

    orders: tuple[Order, ...]
    """Open and recently closed orders, foreign orders included."""
    intents: tuple[Intent, ...]
    """Open intents, and those of `orders`."""
    positions: tuple[Position, ...]
    """Open positions."""
    balances: LedgerBalances
    agreed_ms: int
    """Time of the last agreement, initially the opening entry.

    """
    known_ids: frozenset[str] = frozenset()
    """Client order ids of old closed orders whose rows are not included."""
    changed_assets: frozenset[str] = frozenset()
    """Assets booked since the first query: the two sides describe different moments."""
    unconfirmed: tuple[UnconfirmedDifference, ...] = ()
    """Unconfirmed differences of earlier comparisons."""
    drifts: tuple[LedgerEntry, ...] = ()
    """Recently booked drift that was not reversed, oldest first."""
    written_off: tuple[Position, ...] = ()
    """Positions with recently written-off coins, which are restored if the coins reappear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSnapshot:
    """Responses of the exchange; orders are listed before and after the balances; this has the later list."""

    at_ms: int
    balances: tuple[Balance, ...]
    orders: tuple[OrderReport, ...]
    skipped: tuple[SkippedRow, ...] = ()
    """Malformed balance rows by asset; a row without a name may be any asset that is not listed."""
    trades: tuple[TradeReport, ...] = ()
    listed_symbols: frozenset[str] = frozenset()
    """Symbols whose open orders were listed completely."""
    changing_symbols: frozenset[str] = frozenset()
    """Symbols whose orders changed during the balance query (see `changed_symbols`)."""
    failed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Symbols whose history could not be read completely, with the reason."""
    delisted: Mapping[str, str] = field(default_factory=dict[str, str])
    """Symbols that the exchange no longer lists, with its message."""

    def has_balance(self, asset: str) -> bool:
        """Whether the response contains the balance of an asset."""
        return is_read(asset, self.balances, self.skipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRules:
    """Thresholds and prices of a reconciliation."""

    quote_assets: frozenset[str]
    severity_steps: tuple[Decimal, ...]
    """Values in quote units from which a difference is a warning, an error, critical."""
    explained_below: Decimal
    """Smaller balance differences count as fees, rounding or dust."""
    prices: Mapping[str, Decimal]
    """Price of each asset in quote units, where known."""


@dataclass(frozen=True, slots=True)
class ApplyEvidence:
    """Merge evidence into an order and book it; `order` is the initial row if none is stored."""

    order: Order
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class StoreForeignOrder:
    """Store the row of a foreign order, for display only."""

    order: Order


@dataclass(frozen=True, slots=True)
class PostEntry:
    """Book this entry."""

    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class WriteOffMissing:
    """Write off coins that are missing from the account (`booking.write_off_missing`)."""

    position_id: str
    quantity: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class RestoreWrittenOff:
    """Restore written-off coins to a position (`booking.restore_written_off`)."""

    position_id: str
    quantity: Decimal
    text: str


Correction: TypeAlias = ApplyEvidence | StoreForeignOrder | PostEntry | WriteOffMissing | RestoreWrittenOff
"""Correction of one difference. A correction never trades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonResult:
    """Result of a reconciliation."""

    run: Reconciliation
    corrections: tuple[Correction, ...]
    """Corrections in order of application; each may use its own unit of work."""
    ids_to_query: tuple[str, ...] = ()
    """Client order ids to query: open in the ledger, but not listed."""
    unrecorded_ids: tuple[str, ...] = ()
    """Client order ids with this desk's prefix that are not in the ledger: halt (reliability O16)."""
    postponed: tuple[str, ...] = ()
    """Assets not compared because their orders were changing or unsettled."""
    unconfirmed: tuple[UnconfirmedDifference, ...] = ()
    """Differences that need another comparison before they are booked."""


def changed_symbols(before: tuple[OrderReport, ...], after: tuple[OrderReport, ...]) -> frozenset[str]:
    """Return symbols whose orders differ between two listings: balances read in between prove nothing."""
    first = {report.order_id: (report.status, report.filled_quantity) for report in before}
    second = {report.order_id: (report.status, report.filled_quantity) for report in after}
    symbols = {report.order_id: report.symbol for report in (*before, *after)}
    return frozenset(
        symbol for order_id, symbol in symbols.items() if first.get(order_id) != second.get(order_id)
    )


_BY_STEPS = (Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.CRITICAL)


def severity_of(value: Decimal | None, rules: ReconcileRules) -> Severity:
    """Return the severity of a difference by its value (rules 6); an unknown value is a warning."""
    if value is None:
        return Severity.WARNING
    return _BY_STEPS[min(sum(value >= step for step in rules.severity_steps), len(_BY_STEPS) - 1)]


@exactly
def value_of(asset: str, amount: Decimal, rules: ReconcileRules) -> Decimal | None:
    """Return the value of an amount in quote units; None: no price."""
    if not amount:
        return ZERO
    price = Decimal(1) if asset in rules.quote_assets else rules.prices.get(asset)
    return None if price is None else rounded(abs(amount) * price)


def make_difference(
    kind: DifferenceKind,
    about: str,
    ours: Decimal | str,
    *,
    theirs: Decimal | str,
    value: Decimal | None,
    rules: ReconcileRules,
    text: str,
    explained: bool,
    severity: Severity | None = None,
) -> Difference:
    """Return a difference; its severity follows from its value unless given."""
    return Difference(
        kind=kind,
        about=about,
        ours=ours if isinstance(ours, str) else plain(ours),
        theirs=theirs if isinstance(theirs, str) else plain(theirs),
        value=value or ZERO,
        severity=severity or severity_of(value, rules),
        explained=explained,
        text=text,
    )
