"""The first stage: is the wish whole and sane? Nothing here asks the exchange or the books."""

from dataclasses import replace
from decimal import Decimal

from mexc_tui.ledger.numbers import short
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.text import is_tradable_name
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.sniping.request import ArmFacts, ArmWish
from mexc_tui.sniping.saying import moment, verdict

FAR_MS = 30 * 86_400_000
"""An opening further away is a mistake of somebody's units (reliability C5)."""
LARGEST = Decimal(10) ** 12
MAX_RUNGS = 6
LEAST_STOP, MOST_STOP = Decimal(2), Decimal(50)


def symbol_name(wish: ArmWish, _: ArmFacts, __: int) -> Verdict:
    """Whether the pair's name is one that the desk trades."""
    return verdict(
        CheckStage.SCHEMA, "symbol_name", is_tradable_name(wish.symbol), wish.symbol or "empty",
        "letters and digits", "use a symbol such as NEWUSDT",
    )  # fmt: skip


def signal_id(wish: ArmWish, _: ArmFacts, __: int) -> Verdict:
    """Whether it is told what the snipe comes from: one snipe a signal, ever."""
    return verdict(
        CheckStage.SCHEMA, "signal_id", bool(wish.signal_id), wish.signal_id or "empty", "not empty",
        "arm from a signal or by a command",
    )  # fmt: skip


def sane(wish: ArmWish) -> ArmWish:
    """Return the wish without absurd numbers, so that the later stages can judge the rest of it."""
    return replace(
        wish,
        spend=wish.spend if _is_sane(wish.spend) else Decimal(0),
        price=wish.price if _is_sane(wish.price) else None,
        reference_price=wish.reference_price if _is_sane(wish.reference_price) else None,
    )


def _is_sane(number: Decimal | None) -> bool:
    return number is not None and number.is_finite() and 0 < number < LARGEST


def spend(wish: ArmWish, facts: ArmFacts, _: int) -> Verdict:
    """Whether there is an amount to spend."""
    passed = _is_sane(wish.spend) and not wish.size_words
    return verdict(
        CheckStage.SCHEMA,
        "spend",
        passed,
        wish.size_words or f"{short(wish.spend)} USDT",
        "a number above 0",
        _how_to_size(facts) if wish.size_words else "set an amount above 0",
    )


def _how_to_size(facts: ArmFacts) -> str:
    """Say what changes first: without the pair or equity no setting gives a size."""
    if facts.pair.symbol is None:
        return "wait until exchangeInfo shows it"
    if facts.book.equity is None:
        return "wait for prices of all positions"
    return "change the sizing or its caps"


def prices(wish: ArmWish, _: ArmFacts, __: int) -> Verdict:
    """Whether its prices are numbers above 0."""
    named = [price for price in (wish.price, wish.reference_price) if price is not None]
    passed = all(_is_sane(price) for price in named)
    value = ", ".join(f"{short(price)}" for price in named) or "none"
    return verdict(CheckStage.SCHEMA, "prices", passed, value, "above 0", "set a price above 0")


def opening_time(wish: ArmWish, _: ArmFacts, now_ms: int) -> Verdict:
    """Whether its opening is a time near now."""
    limit = "within 30 days"
    if wish.opens_ms is None:
        return verdict(CheckStage.SCHEMA, "opening_time", False, "none", limit, "wait for an opening time")
    distance = abs(wish.opens_ms - now_ms)
    side = "ahead" if wish.opens_ms > now_ms else "ago"
    value = f"{moment(wish.opens_ms)}, {distance / 3_600_000:.1f} h {side}"
    return verdict(
        CheckStage.SCHEMA, "opening_time", distance <= FAR_MS, value, limit, "a plausible opening time"
    )


def exit_plan(wish: ArmWish, _: ArmFacts, __: int) -> Verdict:
    """Whether a way out is planned, and sane (rules 3)."""
    words = "no exit plan" if wish.plan is None else plan_fault(wish.plan)
    return verdict(
        CheckStage.SCHEMA, "exit_plan", not words, words or "valid stop and ladder",
        f"a stop of {LEAST_STOP}–{MOST_STOP} %, a ladder of at most {MAX_RUNGS} rising rungs and 100 %",
        "correct the exit settings",
    )  # fmt: skip


def plan_fault(plan: ExitPlan) -> str:
    """Return what is wrong with a plan, in words; empty: nothing."""
    if not LEAST_STOP <= plan.stop_loss_pct <= MOST_STOP:
        return f"the stop is {plan.stop_loss_pct:f} % below entry"
    if len(plan.ladder) > MAX_RUNGS:
        return f"the ladder has {len(plan.ladder)} rungs"
    if any(rung.share_pct <= 0 or rung.gain_pct <= 0 for rung in plan.ladder):
        return "a rung sells nothing or below entry"
    if sum(rung.share_pct for rung in plan.ladder) > 100:
        return "the ladder sells more than 100 %"
    gains = [rung.gain_pct for rung in plan.ladder]
    return "" if gains == sorted(gains) else "ladder prices do not rise"


CHECKS = (symbol_name, signal_id, spend, prices, opening_time, exit_plan)
