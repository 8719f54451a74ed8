"""Protection of a position: where it runs, whether it can sell, and what ends it (reliability 1.3, I9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.ledger.arithmetic import plain
from mexc_tui.ledger.checks import HEARTBEAT_MS
from mexc_tui.model.intent import Intent, Order, OrderRole
from mexc_tui.model.position import Position, Protection
from mexc_tui.model.symbol import Symbol, SymbolStatus, TradeSides
from mexc_tui.model.trading import Cause, Trading
from mexc_tui.sniping.rounding import Grid
from mexc_tui.sniping.sellable import SELLABLE, KnownPrices, Sellability, SellableJudgement, judge

WATCHED = "ends with this engine"
NO_SALES = (TradeSides.BUY_ONLY, TradeSides.CLOSED)
SHUT = (SymbolStatus.PAUSED, SymbolStatus.OFFLINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionFacts:
    """Inputs for the protection of a position."""

    position: Position
    orders: Iterable[Order]
    intents: Iterable[Intent]
    bid: Decimal | None
    """None: no fresh one."""
    grid: Grid | None
    last: Decimal | None = None
    """Price of the last trade."""
    blocked_reason: str = ""
    """Why it cannot be sold at any price; empty: it can."""


def protection(facts: ProtectionFacts) -> tuple[Protection, str]:
    """Return where a position's protection runs, and what ends it."""
    position = facts.position
    if not position.is_open:
        return Protection.NONE, "closed"
    if not position.remaining:
        return Protection.NONE, "no position"
    judgement = _judge(facts)
    if judgement.sellability is Sellability.DUST:
        return Protection.DUST, "dust"
    missing = _missing(facts, judgement)
    if missing:
        return Protection.NONE, missing + _resting(facts.orders)
    return Protection.ENGINE, f"stop in this engine: {WATCHED}{_resting(facts.orders)}"


def blocked_reason(pair: Symbol | None, trading: Trading, heartbeat_ms: int | None, *, now_ms: int) -> str:
    """Return why a stop could not sell a pair now at any price; empty: it could.

    `pair`: None: not listed by the exchange, a sale is attempted anyway; `heartbeat_ms`: last check of the
    position, None: never.
    """
    if trading.cause is Cause.KEY:
        return "API key rejected by the exchange"
    if heartbeat_ms is None or now_ms - heartbeat_ms > HEARTBEAT_MS:
        return "not monitored"
    if pair is None:
        return ""
    if pair.sides in NO_SALES:
        return "the exchange accepts no sell orders"
    if pair.status in SHUT or not pair.is_spot_trading_allowed:
        return "trading suspended at the exchange"
    return ""


def _missing(facts: ProtectionFacts, judgement: SellableJudgement) -> str:
    position = facts.position
    if position.trapped:
        return f"trapped: {position.trapped}; retrying"
    if facts.blocked_reason:
        return facts.blocked_reason
    if judgement.text:
        return f"cannot be sold now: {judgement.text}"
    stop = next(
        (intent for intent in facts.intents if intent.role is OrderRole.STOP and intent.is_open), None
    )
    if stop is None or position.stop_price <= 0:
        return "no stop set"
    if stop.quantity < position.remaining:
        return f"the stop covers {plain(stop.quantity)} of {plain(position.remaining)}"
    return "" if facts.bid is not None else "no current price: the stop cannot trigger"


def _judge(facts: ProtectionFacts) -> SellableJudgement:
    """Return whether it can be sold at the current prices."""
    position = facts.position
    prices = KnownPrices(bid=facts.bid, last=facts.last, entry=position.entry_price, high=position.high_price)
    return SELLABLE if facts.grid is None else judge(position.remaining, facts.grid, prices)


def _resting(orders: Iterable[Order]) -> str:
    resting = sum(order.role is OrderRole.TAKE_PROFIT and order.state.is_on_exchange for order in orders)
    if not resting:
        return ""
    return f"; {resting} take-profit{'s' if resting > 1 else ''} on the exchange, not a stop"
