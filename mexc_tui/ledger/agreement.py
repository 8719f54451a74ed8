"""What is compared when books are reconciled, and what comes of it: values only (see reconcile.py)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from mexc_tui.ledger.accounts import LedgerBalances
from mexc_tui.ledger.evidence import Evidence
from mexc_tui.ledger.numbers import exactly, plain, rounded
from mexc_tui.model.account import Balance, is_read
from mexc_tui.model.intent import ZERO, Intent, Order
from mexc_tui.model.position import LedgerEntry, Position
from mexc_tui.model.reconciliation import Difference, DifferenceKind, Reconciliation
from mexc_tui.model.report import OrderReport, TradeReport
from mexc_tui.model.rows import SkippedRow
from mexc_tui.model.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class UnconfirmedDifference:
    """A balance that differs from the books and was not seen often or long enough to be booked."""

    asset: str
    amount: Decimal
    """Account balance minus books."""
    shortfall: Decimal
    """How many coins of the desk the account does not show; 0: none."""
    value: Decimal | None
    """Worth of the difference in quote units; None: unknown."""
    first_ms: int
    """Since when it differs by this amount."""
    since_ms: int
    """Since when it differs at all."""
    observations: int
    pauses_entries: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSnapshot:
    """Our books, read in one transaction."""

    orders: tuple[Order, ...]
    """Everything that may still change, and what ended lately; foreign orders too."""
    intents: tuple[Intent, ...]
    """Every open one, and those of `orders`."""
    positions: tuple[Position, ...]
    """Those with something left."""
    balances: LedgerBalances
    agreed_ms: int
    """When balances last agreed, at first the start entry: fills of older foreign orders are in them already.

    0: nobody knows; then no foreign fill explains a balance.
    """
    known_ids: frozenset[str] = frozenset()
    """Client ids of ours whose rows are not here, as they ended long ago (see `ids_to_look_up`)."""
    changed_assets: frozenset[str] = frozenset()
    """Assets whose books changed since the first query: both sides are of different moments."""
    unconfirmed: tuple[UnconfirmedDifference, ...] = ()
    """Differences that earlier comparisons saw."""
    drifts: tuple[LedgerEntry, ...] = ()
    """Drift booked lately and not taken back, oldest first."""
    written_off: tuple[Position, ...] = ()
    """Positions whose coins were lately written off as gone: coins that reappear are theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSnapshot:
    """The exchange's reports: orders asked before and after the balances, the later ones here."""

    at_ms: int
    balances: tuple[Balance, ...]
    orders: tuple[OrderReport, ...]
    skipped: tuple[SkippedRow, ...] = ()
    """Balances that could not be read, by asset; one without a name may be of any asset not listed."""
    trades: tuple[TradeReport, ...] = ()
    listed_symbols: frozenset[str] = frozenset()
    """Symbols whose open orders were all listed, and read."""
    changing_symbols: frozenset[str] = frozenset()
    """Symbols whose orders changed while the balances were asked for (see `moving_symbols`)."""
    failed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Symbols whose history could not be read, or not to its end, and why."""
    delisted: Mapping[str, str] = field(default_factory=dict[str, str])
    """Symbols that the exchange does not know any more, and its words."""

    def has_balance(self, asset: str) -> bool:
        """Whether the answer tells what the account holds of an asset."""
        return is_read(asset, self.balances, self.skipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRules:
    """Numbers of the settings, and what things are worth."""

    quote_assets: frozenset[str]
    severity_steps: tuple[Decimal, ...]
    """Values from which on a difference is a warning, an error, critical; in quote units."""
    explained_below: Decimal
    """A smaller difference of a balance is a fee, rounding or dust."""
    prices: Mapping[str, Decimal]
    """Quote units for one unit of an asset, where known."""


@dataclass(frozen=True, slots=True)
class ApplyEvidence:
    """Merge this evidence into the order and book it; `order` is the row to begin with if there is none."""

    order: Order
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class StoreForeignOrder:
    """Store this row of an order that is not ours; it is never touched."""

    order: Order


@dataclass(frozen=True, slots=True)
class PostEntry:
    """Add this entry to the books."""

    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class WriteOffMissing:
    """Take coins off a position that the account does not hold (`booking.write_off_gone`)."""

    position_id: str
    quantity: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class RestoreWrittenOff:
    """Return coins to a position that were written off as gone (`booking.take_back_gone`)."""

    position_id: str
    quantity: Decimal
    text: str


Correction: TypeAlias = ApplyEvidence | StoreForeignOrder | PostEntry | WriteOffMissing | RestoreWrittenOff
"""What puts one difference right. Nothing here trades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonResult:
    """What a comparison found."""

    run: Reconciliation
    corrections: tuple[Correction, ...]
    """To apply in this order; each in a unit of work of its own is fine."""
    ids_to_query: tuple[str, ...] = ()
    """Client ids that the exchange must be asked about: we think them open, and they were not listed."""
    unknown_ids: tuple[str, ...] = ()
    """Client ids with our prefix that we never made: halt (reliability O16)."""
    postponed: tuple[str, ...] = ()
    """Assets that could not be compared, as orders on them were moving or unsettled."""
    unconfirmed: tuple[UnconfirmedDifference, ...] = ()
    """Differences that wait for another comparison; nothing was booked of them."""


def changed_symbols(before: tuple[OrderReport, ...], after: tuple[OrderReport, ...]) -> frozenset[str]:
    """Return symbols whose orders differ between two listings; their balances prove nothing in between."""
    first = {report.order_id: (report.status, report.filled_quantity) for report in before}
    second = {report.order_id: (report.status, report.filled_quantity) for report in after}
    symbols = {report.order_id: report.symbol for report in (*before, *after)}
    return frozenset(
        symbol for order_id, symbol in symbols.items() if first.get(order_id) != second.get(order_id)
    )


_BY_STEPS = (Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.CRITICAL)


def severity_of(value: Decimal | None, rules: ReconcileRules) -> Severity:
    """Grade a difference by its value (rules 6); one of unknown worth is a warning."""
    if value is None:
        return Severity.WARNING
    return _BY_STEPS[min(sum(value >= step for step in rules.severity_steps), len(_BY_STEPS) - 1)]


@exactly
def value_of(asset: str, amount: Decimal, rules: ReconcileRules) -> Decimal | None:
    """Return what an amount is worth, in quote units; None if nobody knows."""
    if not amount:
        return ZERO
    price = Decimal(1) if asset in rules.quote_assets else rules.prices.get(asset)
    return None if price is None else rounded(abs(amount) * price)


def make_difference(
    kind: DifferenceKind,
    about: str,
    ours: Decimal | str,
    theirs: Decimal | str,
    value: Decimal | None,
    rules: ReconcileRules,
    words: str,
    *,
    explained: bool,
    severity: Severity | None = None,
) -> Difference:
    """Make one difference, its severity by its value unless given."""
    return Difference(
        kind=kind,
        about=about,
        ours=ours if isinstance(ours, str) else plain(ours),
        theirs=theirs if isinstance(theirs, str) else plain(theirs),
        value=value or ZERO,
        severity=severity or severity_of(value, rules),
        explained=explained,
        words=words,
    )
