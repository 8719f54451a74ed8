"""Pre-trade checks of market and connection: premium, slippage, clock, stream, request budgets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.ledger.arithmetic import short
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.risk.candidate import Candidate, Level, RiskBook, RiskLimits

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Result of filling an amount from an order book: value, quantity, first and last price."""

    value: float
    quantity: float
    best: float
    worst: float
    is_enough: bool

    @property
    def average(self) -> float:
        """Return the average fill price; 0 without a fill."""
        return self.value / self.quantity if self.quantity else 0.0

    @property
    def slippage_pct(self) -> float:
        """Return the deviation of the average from the best price, in per cent, never negative."""
        return abs(self.average - self.best) / self.best * 100 if self.best else 0.0


def walk(levels: Sequence[Level], value: float) -> Walk:
    """Fill `value` quote units from one side of an order book, best level first."""
    taken = quantity = best = worst = 0.0
    for price, there in levels:
        best = best or price
        worst = price
        part = min(price * there, value - taken)
        taken += part
        quantity += part / price
        if taken >= value * (1 - 1e-12):
            return Walk(value=taken, quantity=quantity, best=best, worst=worst, is_enough=True)
    return Walk(value=taken, quantity=quantity, best=best, worst=worst, is_enough=False)


def _verdict(name: str, passed: bool, value: str, *, limit: str, flip: str) -> Verdict:
    return Verdict(
        stage=CheckStage.RISK, name=name, passed=passed, value=value, limit=limit, flip="" if passed else flip
    )


def _premium(candidate: Candidate, _: RiskBook, limits: RiskLimits, now_ms: int) -> Verdict:
    limit = f"{limits.premium_pct:f} % over the reference"
    if candidate.reference_price is None or candidate.reference_price <= 0:
        is_ahead = candidate.opens_ms > now_ms
        first = "no price yet: the reference is the first price at the opening, no order is sent before it"
        nothing = "no reference price: the opening has passed without a known price"
        return _verdict(
            "premium", is_ahead, first if is_ahead else nothing, limit=limit, flip="wait for a price"
        )
    cap = candidate.reference_price * (1 + limits.premium_pct / HUNDRED)
    if candidate.price is None:
        return _verdict("premium", True, f"capped at {short(cap)} when firing", limit=limit, flip="")
    premium = (candidate.price / candidate.reference_price - 1) * HUNDRED
    return _verdict(
        "premium",
        candidate.price <= cap,
        f"{premium:.4g} %",
        limit=limit,
        flip=f"lower the price to {short(cap)}",
    )


def _slippage(candidate: Candidate, _: RiskBook, limits: RiskLimits, __: int) -> Verdict:
    limit = f"{limits.slippage_pct:f} % in the order book"
    if candidate.asks is None:
        text = f"no order book yet: price at most {limits.slippage_pct:f} % over the best ask"
        return _verdict("slippage", True, f"{text}, and {_cap_text(candidate, limits)}", limit=limit, flip="")
    walked = walk(candidate.asks, float(candidate.spend))
    if not walked.is_enough:
        flip = f"spend at most {walked.value:.6g}, or wait for a deeper order book"
        return _verdict(
            "slippage", False, f"order book too thin: {walked.value:.6g} USDT of asks", limit=limit, flip=flip
        )
    passed = walked.slippage_pct <= float(limits.slippage_pct)
    flip = f"spend at most {_bearable(candidate.asks, float(limits.slippage_pct)):.6g}"
    return _verdict("slippage", passed, f"{walked.slippage_pct:.4g} %", limit=limit, flip=flip)


def _cap_text(candidate: Candidate, limits: RiskLimits) -> str:
    reference = candidate.reference_price
    if reference is None or reference <= 0:
        return f"{limits.premium_pct:f} % over the first price"
    return short(reference * (1 + limits.premium_pct / HUNDRED))


def _bearable(asks: Sequence[Level], slippage_pct: float) -> float:
    """Return the largest spend whose average price stays within the slippage limit."""
    if not asks:
        return 0.0
    bound = asks[0][0] * (1 + slippage_pct / 100)
    value = quantity = 0.0
    for price, there in asks:
        if price > bound:
            # (value + price x) / (quantity + x) = bound, solved for x
            more = max((bound * quantity - value) / (price - bound), 0.0)
            if more < there:
                return value + more * price
        value += price * there
        quantity += there
    return value


def _clock(_: Candidate, book: RiskBook, limits: RiskLimits, __: int) -> Verdict:
    limit = f"offset at most {limits.clock_offset_ms:g} ms, error at most {limits.clock_error_ms:g} ms"
    if book.clock_offset_ms is None or book.clock_error_ms is None:
        return _verdict("clock", False, "exchange time unknown", limit=limit, flip="measure the clock offset")
    passed = (
        abs(book.clock_offset_ms) <= limits.clock_offset_ms and book.clock_error_ms <= limits.clock_error_ms
    )
    value = f"offset {book.clock_offset_ms:.0f} ms, error {book.clock_error_ms:.0f} ms"
    return _verdict(
        "clock", passed, value, limit=limit, flip="synchronise the system clock, or use a faster connection"
    )


def _stream(_: Candidate, book: RiskBook, limits: RiskLimits, __: int) -> Verdict:
    age = book.stream_age_ms
    return _verdict(
        "stream_age", age is not None and age <= limits.stream_age_ms,
        "no message" if age is None else f"{age} ms", limit=f"{limits.stream_age_ms} ms",
        flip="wait for the market stream",
    )  # fmt: skip


def _weight(_: Candidate, book: RiskBook, limits: RiskLimits, __: int) -> Verdict:
    return _verdict(
        "weight_left", book.weight_left >= limits.weight_least, str(book.weight_left),
        limit=f"at least {limits.weight_least}", flip="wait a few seconds for the request budget",
    )  # fmt: skip


def _orders(_: Candidate, book: RiskBook, limits: RiskLimits, __: int) -> Verdict:
    return _verdict(
        "orders_left", book.orders_left >= limits.orders_least, str(book.orders_left),
        limit=f"at least {limits.orders_least}", flip="wait a second for the order budget",
    )  # fmt: skip


CONDITIONS: tuple[Callable[[Candidate, RiskBook, RiskLimits, int], Verdict], ...] = (
    _premium, _slippage, _clock, _stream, _weight, _orders,
)  # fmt: skip
