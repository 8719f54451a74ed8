"""Execution quality of orders (formulas E6). Basis points are costs: positive is bad."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.model.figure import Figure, FigureUnit, too_few, undefined, wilson_interval
from mexc_tui.model.order import Side
from mexc_tui.model.signal import MIN_N_FOR_RATE

ZERO = Decimal(0)
_BPS = 10_000

FillPart = tuple[Decimal, Decimal]
"""(price, quantity)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Implementation shortfall in quote units, by part; positive is cost."""

    delay: Decimal
    trading: Decimal
    opportunity: Decimal
    fees: Decimal
    bps: Figure
    """Notional of the intended quantity at the decision price."""

    @property
    def total(self) -> Decimal:
        """Sum of all parts."""
        return self.delay + self.trading + self.opportunity + self.fees


@dataclass(frozen=True, slots=True)
class RefusalRate:
    """Frequency of one response code."""

    code: int
    rate: Figure


def average_price(fills: Iterable[FillPart]) -> Decimal | None:
    """Return `sum q p / sum q`; None when nothing filled (formulas E6)."""
    quantity = value = ZERO
    for price, filled in fills:
        quantity += filled
        value += price * filled
    return value / quantity if quantity else None


def slippage_bps(side: Side, average: Decimal | None, reference: Decimal | None) -> Figure:
    """Return `10^4 d (P - P_ref) / P_ref`, d = +1 for a buy and -1 for a sale (formulas E6)."""
    if average is None:
        return undefined(0, 1, "nothing filled", unit=FigureUnit.BPS)
    if reference is None or reference <= 0:
        return undefined(0, 1, "no reference price", unit=FigureUnit.BPS)
    return _bps(_sign(side) * (average - reference), reference)


def implementation_shortfall(
    *,
    side: Side,
    wanted: Decimal,
    fills: Sequence[FillPart],
    decision: Decimal,
    arrival: Decimal,
    end: Decimal,
    fees: Decimal,
) -> Shortfall:
    """Return `d [q (P_a - P_d) + q (P - P_a) + (Q - q)(P_e - P_d)] + fees` (Perold 1988, formulas E6).

    Delay, trading and opportunity in that order, quote units; `end`: price at the end of the order.
    """
    sign, average = _sign(side), average_price(fills)
    filled = sum((quantity for _, quantity in fills), ZERO)
    delay = sign * filled * (arrival - decision)
    trading = ZERO if average is None else sign * filled * (average - arrival)
    opportunity = sign * (wanted - filled) * (end - decision)
    base = wanted * decision
    total = delay + trading + opportunity + fees
    bps = _bps(total, base) if base > 0 else undefined(1, 1, "the order was empty", unit=FigureUnit.BPS)
    return Shortfall(delay=delay, trading=trading, opportunity=opportunity, fees=fees, bps=bps)


def fill_ratio(filled: Decimal, wanted: Decimal) -> Figure:
    """Return `q / Q`, a share (formulas E6)."""
    if wanted <= 0:
        return undefined(1, 1, "the order was empty", unit=FigureUnit.SHARE)
    return Figure(value=float(filled / wanted), n=1, minimum=1, unit=FigureUnit.SHARE)


def refusal_rates(codes: Sequence[int | None]) -> tuple[RefusalRate, ...]:
    """Return the count of each response code, None for accepted; most frequent first (formulas E6)."""
    n = len(codes)
    counts = Counter(code for code in codes if code is not None)
    return tuple(
        RefusalRate(code, _rate(hits, n))
        for code, hits in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _rate(hits: int, n: int) -> Figure:
    if n < MIN_N_FOR_RATE:
        return too_few(n, MIN_N_FOR_RATE, FigureUnit.SHARE)
    low, high = wilson_interval(hits, n)
    return Figure(value=hits / n, n=n, minimum=MIN_N_FOR_RATE, unit=FigureUnit.SHARE, low=low, high=high)


def _bps(part: Decimal, whole: Decimal) -> Figure:
    return Figure(value=float(_BPS * part / whole), n=1, minimum=1, unit=FigureUnit.BPS)


def _sign(side: Side) -> int:
    return 1 if side is Side.BUY else -1
