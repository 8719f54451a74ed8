"""First stage of the validation pipeline: completeness and plausibility, without exchange or ledger."""

from dataclasses import replace
from decimal import Decimal

from mexc_tui.ledger.arithmetic import short
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.text import is_tradable_name
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.sniping.request import ArmFacts, ArmProposal
from mexc_tui.sniping.verdict_text import moment, verdict

FAR_MS = 30 * 86_400_000
"""An opening further away is a unit mistake (reliability C5)."""
LARGEST = Decimal(10) ** 12
MAX_RUNGS = 6
MIN_STOP, MAX_STOP = Decimal(2), Decimal(50)


def symbol_name(proposal: ArmProposal, _: ArmFacts, __: int) -> Verdict:
    """Whether the symbol is one that the desk trades."""
    return verdict(
        CheckStage.SCHEMA, "symbol_name", is_tradable_name(proposal.symbol), value=proposal.symbol or "empty",
        limit="letters and digits", flip="use a symbol such as NEWUSDT",
    )  # fmt: skip


def signal_id(proposal: ArmProposal, _: ArmFacts, __: int) -> Verdict:
    """Whether the origin of the snipe is named: each signal arms once."""
    return verdict(
        CheckStage.SCHEMA,
        "signal_id",
        bool(proposal.signal_id),
        value=proposal.signal_id or "empty",
        limit="not empty",
        flip="arm from a signal or by a command",
    )


def sane(proposal: ArmProposal) -> ArmProposal:
    """Return the proposal without implausible numbers, so that the later stages can check the rest."""
    return replace(
        proposal,
        spend=proposal.spend if _is_sane(proposal.spend) else Decimal(0),
        price=proposal.price if _is_sane(proposal.price) else None,
        reference_price=proposal.reference_price if _is_sane(proposal.reference_price) else None,
    )


def _is_sane(number: Decimal | None) -> bool:
    return number is not None and number.is_finite() and 0 < number < LARGEST


def spend(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether there is an amount to spend."""
    passed = _is_sane(proposal.spend) and not proposal.size_text
    return verdict(
        CheckStage.SCHEMA,
        "spend",
        passed,
        value=proposal.size_text or f"{short(proposal.spend)} USDT",
        limit="above 0",
        flip=_how_to_size(facts) if proposal.size_text else "set an amount above 0",
    )


def _how_to_size(facts: ArmFacts) -> str:
    """Return the next step: without the pair or equity no setting gives a size."""
    if facts.pair.symbol is None:
        return "wait until exchangeInfo lists it"
    if facts.book.equity is None:
        return "wait for prices of all positions"
    return "change the sizing or its caps"


def prices(proposal: ArmProposal, _: ArmFacts, __: int) -> Verdict:
    """Whether its prices are above 0."""
    named = [price for price in (proposal.price, proposal.reference_price) if price is not None]
    passed = all(_is_sane(price) for price in named)
    value = ", ".join(f"{short(price)}" for price in named) or "none set"
    return verdict(
        CheckStage.SCHEMA, "prices", passed, value=value, limit="above 0", flip="set a price above 0"
    )


def opening_time(proposal: ArmProposal, _: ArmFacts, now_ms: int) -> Verdict:
    """Whether its opening is close to now."""
    limit = "within 30 days"
    if proposal.opens_ms is None:
        return verdict(
            CheckStage.SCHEMA,
            "opening_time",
            False,
            value="none",
            limit=limit,
            flip="wait for an opening time",
        )
    distance = abs(proposal.opens_ms - now_ms)
    side = "ahead" if proposal.opens_ms > now_ms else "ago"
    value = f"{moment(proposal.opens_ms)}, {distance / 3_600_000:.1f} h {side}"
    return verdict(
        CheckStage.SCHEMA,
        "opening_time",
        distance <= FAR_MS,
        value=value,
        limit=limit,
        flip="set a plausible opening time",
    )


def exit_plan(proposal: ArmProposal, _: ArmFacts, __: int) -> Verdict:
    """Whether the exit plan is present and plausible (rules 3)."""
    text = "no exit plan" if proposal.plan is None else plan_fault(proposal.plan)
    return verdict(
        CheckStage.SCHEMA,
        "exit_plan",
        not text,
        value=text or "valid stop and ladder",
        limit=f"stop {MIN_STOP}–{MAX_STOP} % below entry, "
        f"ladder of at most {MAX_RUNGS} rising rungs and 100 %",
        flip="correct the exit settings",
    )


def plan_fault(plan: ExitPlan) -> str:
    """Return what is wrong with a plan; empty: nothing."""
    if not MIN_STOP <= plan.stop_loss_pct <= MAX_STOP:
        return f"the stop is {plan.stop_loss_pct:f} % below entry"
    if len(plan.ladder) > MAX_RUNGS:
        return f"the ladder has {len(plan.ladder)} rungs"
    if any(rung.share_pct <= 0 or rung.gain_pct <= 0 for rung in plan.ladder):
        return "a rung has no share or no gain"
    if sum(rung.share_pct for rung in plan.ladder) > 100:
        return "the ladder sells more than 100 %"
    gains = [rung.gain_pct for rung in plan.ladder]
    return "" if gains == sorted(gains) else "ladder prices do not rise"


CHECKS = (symbol_name, signal_id, spend, prices, opening_time, exit_plan)
