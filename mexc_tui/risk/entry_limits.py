"""Pre-trade risk limits: each check returns its value, its limit and what would make it pass.

All checks run, even after a failure. Call `check_entry` inside the transaction that reserves the funds.
"""

from collections.abc import Callable
from decimal import Decimal

from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.risk.candidate import Candidate, RiskBook, RiskLimits
from mexc_tui.risk.entry_conditions import CONDITIONS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MS = 1_000
HUNDRED = Decimal(100)
ZERO = Decimal(0)

Check = Callable[[Candidate, RiskBook, RiskLimits, int], Verdict]


def check_entry(
    candidate: Candidate, book: RiskBook, limits: RiskLimits, *, now_ms: int
) -> tuple[Verdict, ...]:
    """Return the verdict of every check for an entry; `now_ms` is exchange time."""
    return tuple(check(candidate, book, limits, now_ms) for check in CHECKS)


def exposure(book: RiskBook, without_snipe: str = "") -> Decimal:
    """Return the exposure of positions and reservations, in quote units."""
    held = sum((held.value for held in book.held), ZERO)
    return held + sum((r.amount for r in book.reserved if not _is(r.snipe_id, without_snipe)), ZERO)


def _is(snipe_id: str, other: str) -> bool:
    return bool(other) and snipe_id == other


def _verdict(
    name: str, passed: bool, value: str, *, limit: str, flip: str = "", until_ms: int | None = None
) -> Verdict:
    return Verdict(
        stage=CheckStage.RISK, name=name, passed=passed, value=value, limit=limit,
        flip="" if passed else flip, until_ms=None if passed else until_ms,
    )  # fmt: skip


def _money(value: Decimal) -> str:
    return f"{value:.6g} USDT"


def _own(candidate: Candidate, book: RiskBook) -> Decimal:
    """Return the amount already reserved for the candidate itself."""
    return sum((r.amount for r in book.reserved if _is(r.snipe_id, candidate.snipe_id)), ZERO)


def _equity(_: Candidate, book: RiskBook, __: RiskLimits, ___: int) -> Verdict:
    value = "unknown" if book.equity is None else _money(book.equity)
    passed = book.equity is not None and book.equity > 0
    return _verdict(
        "equity",
        passed,
        value,
        limit="known and above 0",
        flip="wait for prices of all positions, or deposit",
    )


def _cash(candidate: Candidate, book: RiskBook, _: RiskLimits, __: int) -> Verdict:
    free = book.free_cash + _own(candidate, book)
    missing = candidate.spend - free
    flip = f"spend at most {free:.6g}, or free {missing:.6g} more" if missing > 0 else "set an amount above 0"
    return _verdict(
        "free_cash",
        0 < candidate.spend <= free,
        _money(candidate.spend),
        limit=f"{_money(free)} free",
        flip=flip,
    )


def _position_quote(candidate: Candidate, _: RiskBook, limits: RiskLimits, __: int) -> Verdict:
    cap = limits.position_cap_quote
    return _verdict(
        "position_cap_quote", candidate.spend <= cap, _money(candidate.spend), limit=_money(cap),
        flip=f"spend at most {cap:f}",
    )  # fmt: skip


def _position_pct(candidate: Candidate, book: RiskBook, limits: RiskLimits, _: int) -> Verdict:
    cap = (book.equity or ZERO) * limits.position_cap_pct / HUNDRED
    bound = sum((held.value for held in book.held if held.symbol == candidate.symbol), ZERO)
    value = candidate.spend + bound
    return _verdict(
        "position_cap", value <= cap, _money(value),
        limit=f"{_money(cap)} ({limits.position_cap_pct:f} % of equity)",
        flip=f"spend at most {max(cap - bound, ZERO):.6g}",
    )  # fmt: skip


def _exposure(candidate: Candidate, book: RiskBook, limits: RiskLimits, _: int) -> Verdict:
    cap = (book.equity or ZERO) * limits.exposure_cap_pct / HUNDRED
    basis = f"{limits.exposure_cap_pct:f} % of equity"
    if limits.exposure_cap_quote is not None and limits.exposure_cap_quote < cap:
        cap, basis = limits.exposure_cap_quote, "live cap"
    bound = exposure(book, candidate.snipe_id)
    value = bound + candidate.spend
    return _verdict(
        "exposure", value <= cap, f"{_money(value)} with this entry",
        limit=f"{_money(cap)} ({basis})",
        flip=f"spend at most {max(cap - bound, ZERO):.6g}, or close {value - cap:.6g} of positions",
    )  # fmt: skip


def _positions(candidate: Candidate, book: RiskBook, limits: RiskLimits, _: int) -> Verdict:
    reserved = {r.symbol for r in book.reserved if not _is(r.snipe_id, candidate.snipe_id)}
    count = len({held.symbol for held in book.held} | reserved) + 1
    return _verdict(
        "positions", count <= limits.max_positions, f"{count} with this entry and armed snipes",
        limit=str(limits.max_positions), flip=f"close or disarm {count - limits.max_positions} of them",
    )  # fmt: skip


def _symbol_free(candidate: Candidate, book: RiskBook, _: RiskLimits, __: int) -> Verdict:
    held = any(held.symbol == candidate.symbol for held in book.held)
    armed = any(
        r.symbol == candidate.symbol and not _is(r.snipe_id, candidate.snipe_id) for r in book.reserved
    )
    value = "position open" if held else "snipe armed" if armed else "none"
    return _verdict(
        "one_per_symbol", not (held or armed), value, limit="none",
        flip="close the position" if held else "disarm the other snipe",
    )  # fmt: skip


def _snipes(candidate: Candidate, book: RiskBook, limits: RiskLimits, _: int) -> Verdict:
    near = sum(
        abs(r.opens_ms - candidate.opens_ms) <= limits.overlap_ms
        and not _is(r.snipe_id, candidate.snipe_id)
        for r in book.reserved
    )  # fmt: skip
    return _verdict(
        "snipes_at_once", near < limits.max_snipes, f"{near + 1} around {limits.overlap_ms} ms",
        limit=str(limits.max_snipes), flip="disarm another snipe near this opening",
    )  # fmt: skip


def _pending(candidate: Candidate, book: RiskBook) -> int:
    return sum(not _is(r.snipe_id, candidate.snipe_id) for r in book.reserved)


def _trades_hour(candidate: Candidate, book: RiskBook, limits: RiskLimits, now_ms: int) -> Verdict:
    recent = sorted(at for at in book.entries_ms if now_ms - HOUR_MS < at <= now_ms)
    count = len(recent) + _pending(candidate, book) + 1
    over = count - limits.max_trades_hour
    until_ms = recent[over - 1] + HOUR_MS if 0 < over <= len(recent) else None
    return _verdict(
        "trades_hour",
        over <= 0,
        f"{count} in 60 minutes with this entry and armed snipes",
        limit=str(limits.max_trades_hour),
        flip="wait until an entry is an hour old, or disarm a snipe",
        until_ms=until_ms,
    )


def _trades_day(candidate: Candidate, book: RiskBook, limits: RiskLimits, now_ms: int) -> Verdict:
    midnight_ms = now_ms - now_ms % DAY_MS
    count = sum(midnight_ms <= at <= now_ms for at in book.entries_ms) + _pending(candidate, book) + 1
    return _verdict(
        "trades_day", count <= limits.max_trades_day, f"{count} today (UTC) with this entry and armed snipes",
        limit=str(limits.max_trades_day), flip="wait for the next UTC day", until_ms=midnight_ms + DAY_MS,
    )  # fmt: skip


def loss_of_day_pct(book: RiskBook) -> Decimal | None:
    """Return the loss of this UTC day in per cent of its opening equity, 0 for a gain; None: unknown."""
    if book.equity is None or not book.day_equity:
        return None
    return max((book.day_equity - book.equity) * HUNDRED / book.day_equity, ZERO)


def drawdown_pct(book: RiskBook) -> Decimal | None:
    """Return the drawdown from the peak in per cent; None: unknown."""
    if book.equity is None:
        return None
    return max((book.peak - book.equity) * HUNDRED / book.peak, ZERO) if book.peak > 0 else ZERO


def _daily_loss(_: Candidate, book: RiskBook, limits: RiskLimits, now_ms: int) -> Verdict:
    loss = loss_of_day_pct(book)
    return _verdict(
        "daily_loss",
        loss is not None and loss < limits.daily_loss_pct,
        "unknown" if loss is None else f"{loss:.3g} %",
        limit=f"below {limits.daily_loss_pct:f} % of equity",
        flip="wait for the next UTC day; after a halt, resume manually",
        until_ms=now_ms - now_ms % DAY_MS + DAY_MS,
    )


def _drawdown(_: Candidate, book: RiskBook, limits: RiskLimits, __: int) -> Verdict:
    fall = drawdown_pct(book)
    return _verdict(
        "drawdown",
        fall is not None and fall < limits.drawdown_pct,
        "unknown" if fall is None else f"{fall:.3g} %",
        limit=f"below {limits.drawdown_pct:f} % from the peak",
        flip="equity must recover; after a halt, resume manually",
    )


def _losses(_: Candidate, book: RiskBook, limits: RiskLimits, now_ms: int) -> Verdict:
    count = book.losses_in_a_row
    value = f"{count} consecutive"
    if count >= limits.losses_halt:
        flip = "resume with the typed word"
        return _verdict(
            "losses_in_a_row", False, value, limit=f"fewer than {limits.losses_halt}, then halts", flip=flip
        )
    until_ms = None if book.last_loss_ms is None else book.last_loss_ms + limits.losses_pause_s * MS
    paused = count >= limits.losses_pause and (until_ms is None or now_ms < until_ms)
    return _verdict(
        "losses_in_a_row", not paused, value,
        limit=f"fewer than {limits.losses_pause}, or {limits.losses_pause_s} s since the last loss",
        flip="wait until the pause ends", until_ms=until_ms,
    )  # fmt: skip


def _cooldown(candidate: Candidate, book: RiskBook, limits: RiskLimits, now_ms: int) -> Verdict:
    last_ms = max((at for symbol, at in book.exits_ms if symbol == candidate.symbol), default=None)
    limit = f"at least {limits.cooldown_s} s since the last exit"
    if last_ms is None:
        return _verdict("cooldown", True, "no exit yet", limit=limit)
    until_ms = last_ms + limits.cooldown_s * MS
    value = f"exit {(now_ms - last_ms) // MS} s ago"
    return _verdict(
        "cooldown",
        now_ms >= until_ms,
        value,
        limit=limit,
        flip="wait until the cool-down ends",
        until_ms=until_ms,
    )


CHECKS: tuple[Check, ...] = (
    _equity, _cash, _position_quote, _position_pct, _exposure, _positions, _symbol_free, _snipes,
    _trades_hour, _trades_day, _daily_loss, _drawdown, _losses, _cooldown, *CONDITIONS,
)  # fmt: skip
