"""Readiness checklist, evaluated seconds before an opening. The snipe fires only if every check passes."""

from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.ledger.arithmetic import short
from mexc_tui.model.snipe import Snipe, SnipeState
from mexc_tui.model.symbol import Symbol
from mexc_tui.model.trading import TradingState
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.sniping.key_pairs import UNREAD, KeyPermission
from mexc_tui.sniping.plan import FireRules
from mexc_tui.sniping.rounding import ZERO, buy_quantity, grid_of, misfit
from mexc_tui.sniping.verdict_text import moment, verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyFacts:
    """Inputs of the checklist. None means unknown."""

    trading: TradingState
    generation: int
    armed_generation: int
    """Halt generation when the snipe was armed."""
    symbol: Symbol | None
    opens_ms: int | None
    """Current opening time of the listing."""
    is_warm: bool
    round_trip_ms: float | None
    clock_error_ms: float | None
    clock_age_s: float | None
    free_quote: Decimal | None
    """Free balance on the exchange; includes the snipe's reservation."""
    is_private_live: bool
    private_silent_ms: int | None
    """Time since the last message on the user stream; None: not connected."""
    public_silent_ms: int | None
    """Time since the last message on the connections that stream the pair."""
    missing_topics: tuple[str, ...]
    """Topics of the pair whose subscription is not accepted; without them a stop has no price."""
    has_unknown_order: bool
    orders_left: int
    are_requests_ready: bool
    ban: str = ""
    key_permission: KeyPermission = UNREAD
    """Whether the key's own symbol list contains the pair."""
    standstill: str = ""
    """Reason why reconciliation is pending after the event loop was blocked; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyLimits:
    """Limits of the checklist."""

    clock_error_ms: float = 1_000
    clock_age_s: float = 60
    round_trip_ms: float = 2_000
    silent_ms: int = 7_500
    """A stream connection without messages for longer counts as dead."""


def checklist(
    snipe: Snipe, facts: ReadyFacts, limits: ReadyLimits, *, rules: FireRules
) -> tuple[Verdict, ...]:
    """Return the verdict of every check; a failed one keeps the snipe from firing."""
    armed = snipe.state in (SnipeState.ARMED, SnipeState.READY)
    moved = facts.opens_ms != snipe.opens_ms
    known, unknown = "none", "an order outcome is unknown"
    return (
        _line("armed", armed, str(snipe.state), limit="armed", flip="arm again"),
        _line(
            "trading_state",
            facts.trading.allows_entries,
            str(facts.trading),
            limit="active",
            flip="resume entries",
        ),
        _line(
            "halt_generation",
            facts.generation == facts.armed_generation,
            str(facts.armed_generation),
            limit=str(facts.generation),
            flip="arm again",
        ),
        _line("opening", not moved, moment(snipe.opens_ms), limit=moment(facts.opens_ms), flip="arm again"),
        _pair(snipe, facts),
        _line(
            "key_may_trade",
            facts.key_permission.is_allowed is not False,
            facts.key_permission.text,
            limit="not refused",
            flip="allow this symbol for the key",
        ),
        _line("connection", facts.is_warm, "warm" if facts.is_warm else "cold", limit="warm", flip="open it"),
        _round_trip(facts, limits),
        _clock(facts, limits),
        _funds(snipe, facts),
        _private(facts, limits),
        _silence("public_stream", facts.public_silent_ms, limits, flip="wait for the market streams"),
        _topics(facts),
        _line(
            "unknown_orders",
            not facts.has_unknown_order,
            unknown if facts.has_unknown_order else known,
            limit="none",
            flip="wait until it is resolved",
        ),
        _line(
            "orders_left",
            facts.orders_left >= 1,
            str(facts.orders_left),
            limit="at least 1",
            flip="wait a second",
        ),
        _line(
            "requests",
            facts.are_requests_ready,
            "signed" if facts.are_requests_ready else "missing",
            limit="signed",
            flip="build and sign the orders",
        ),
        _line(
            "event_loop",
            not facts.standstill,
            facts.standstill or "not blocked",
            limit="not blocked",
            flip="wait for reconciliation",
        ),
        _line("ban", not facts.ban, facts.ban or "none", limit="none", flip="wait until it ends"),
        _line(
            "attempts",
            rules.attempts >= 1,
            str(rules.attempts),
            limit="at least 1",
            flip="raise entry_attempts",
        ),
    )


def _line(name: str, passed: bool, value: str, *, limit: str, flip: str) -> Verdict:
    return verdict(CheckStage.SECURITY, name, passed, value=value, limit=limit, flip=flip)


def _pair(snipe: Snipe, facts: ReadyFacts) -> Verdict:
    """Check the order against the current filters: they may have changed while armed (reliability O11)."""
    text = "not in exchangeInfo"
    if facts.symbol is not None:
        text = _misfit(snipe, facts.symbol)
    return _line("pair", not text, text or "order still valid", limit="order still valid", flip="arm again")


def _misfit(snipe: Snipe, symbol: Symbol) -> str:
    grid = grid_of(symbol)
    low, high = grid.bounds(snipe.type)
    net = snipe.spend_cap / (1 + grid.taker_fee)
    if net < low or (high is not None and net > high):
        return f"{short(net)} is outside the order limits"
    if snipe.price_cap is None:
        return ""
    quantity = buy_quantity(snipe.spend_cap, snipe.price_cap, grid.taker_fee, grid=grid)
    return misfit(quantity, snipe.price_cap, grid, kind=snipe.type)


def _private(facts: ReadyFacts, limits: ReadyLimits) -> Verdict:
    silent_ms = facts.private_silent_ms if facts.is_private_live else None
    return _silence("user_stream", silent_ms, limits, flip="wait for the user stream")


def _silence(name: str, silent_ms: int | None, limits: ReadyLimits, *, flip: str) -> Verdict:
    passed = silent_ms is not None and silent_ms <= limits.silent_ms
    text = "down" if silent_ms is None else f"live, last message {silent_ms} ms ago"
    return _line(name, passed, text, limit=f"live, last message at most {limits.silent_ms} ms ago", flip=flip)


def _topics(facts: ReadyFacts) -> Verdict:
    missing = ", ".join(facts.missing_topics).replace("_", " ")
    text = f"subscription not accepted: {missing}" if missing else "accepted"
    return _line("topics", not missing, text, limit="accepted", flip="wait for the subscriptions")


def _round_trip(facts: ReadyFacts, limits: ReadyLimits) -> Verdict:
    value = facts.round_trip_ms
    passed = value is not None and value <= limits.round_trip_ms
    text = "not measured" if value is None else f"{value:.1f} ms"
    return _line(
        "round_trip",
        passed,
        text,
        limit=f"at most {limits.round_trip_ms:g} ms",
        flip="open a warm connection",
    )


def _clock(facts: ReadyFacts, limits: ReadyLimits) -> Verdict:
    error, age = facts.clock_error_ms, facts.clock_age_s
    limit = f"error at most {limits.clock_error_ms:g} ms, at most {limits.clock_age_s:g} s old"
    if error is None or age is None:
        return _line("clock", False, "unknown", limit=limit, flip="measure the clock offset")
    passed = error <= limits.clock_error_ms and age <= limits.clock_age_s
    return _line(
        "clock",
        passed,
        f"error {error:.1f} ms, {age:.0f} s old",
        limit=limit,
        flip="measure the clock offset",
    )


def _funds(snipe: Snipe, facts: ReadyFacts) -> Verdict:
    free = facts.free_quote
    passed = free is not None and free >= snipe.spend_cap
    text = "unknown" if free is None else f"{short(free)} free"
    missing = max(snipe.spend_cap - (free or ZERO), ZERO)
    return _line(
        "funds", passed, text, limit=f"at least {short(snipe.spend_cap)}", flip=f"free {short(missing)} more"
    )
