"""Third stage of the validation pipeline: mode, trading state, key, and health of the engine."""

from mexc_tui.model.mode import Mode
from mexc_tui.model.policy import AutoArm
from mexc_tui.model.trading import TradingState
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.sniping.request import ArmFacts, ArmProposal
from mexc_tui.sniping.verdict_text import verdict


def _rule(name: str, passed: bool, value: str, *, limit: str, flip: str) -> Verdict:
    return verdict(CheckStage.SECURITY, name, passed, value=value, limit=limit, flip=flip)


def unlocked(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether live trading was unlocked manually for this session."""
    desk = facts.desk
    passed = desk.mode is not Mode.LIVE or desk.is_unlocked
    value = f"{desk.mode}, {'unlocked' if desk.is_unlocked else 'locked'}"
    return _rule("unlocked", passed, value, limit="unlocked for this session", flip="unlock live trading")


def key_rights(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether the key can trade and cannot withdraw."""
    key = facts.desk.key
    limit = "trade, no withdrawal"
    if key is None:
        return _rule("key_rights", False, "no key", limit=limit, flip="set an API key")
    passed = key.may_trade and not key.may_withdraw
    value = f"trade {_yes(key.may_trade)}, withdraw {_yes(key.may_withdraw)}"
    flip = (
        "use a key without withdrawal permission" if key.may_withdraw else "enable spot trading for the key"
    )
    return _rule("key_rights", passed, f"{value}{key.text and ': ' + key.text}", limit=limit, flip=flip)


def key_address(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether a live key is bound to IP addresses, if required: others expire and work for any thief."""
    bound = None if facts.desk.key is None else facts.desk.key.is_ip_bound
    is_required = facts.desk.mode is Mode.LIVE and facts.rules.require_bound_key
    return _rule(
        "key_address",
        bound is True or not is_required,
        "unknown" if bound is None else _yes(bound),
        limit="bound to an IP address" if is_required else "any",
        flip="bind the key to this IP address on the exchange's site, or set require_bound_key = false",
    )


def trading_state(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether the trading state allows entries."""
    trading = facts.desk.trading
    text = f"{trading.state}: {trading.text}" if trading.text else str(trading.state)
    flip = f"ends automatically with its cause ({trading.cause})"
    if trading.state in (TradingState.HALTED, TradingState.FLATTENING):
        flip = "resume entries"
    return _rule("trading_state", trading.state.allows_entries, text, limit="active", flip=flip)


def halt_generation(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether no halt happened since the request began."""
    now = facts.desk.trading.generation
    return _rule(
        "halt_generation",
        facts.desk.generation == now,
        str(facts.desk.generation),
        limit=str(now),
        flip="retry",
    )


def automatic(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether signals may arm in this mode without confirmation."""
    rule, mode = facts.rules.auto_arm, facts.desk.mode
    if proposal.is_manual:
        return _rule("automatic", True, "manual", limit=str(rule), flip="")
    passed = rule is AutoArm.EVERYWHERE or (rule is AutoArm.PRACTICE and mode is Mode.PRACTICE)
    return _rule(
        "automatic",
        passed,
        f"a signal in {mode}",
        limit=f"auto_arm = {rule}",
        flip="arm manually, or set auto_arm",
    )


def outcomes(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether enough outcomes are recorded to trust a probability with money (formulas E7)."""
    least, count = facts.rules.arm_outcomes, facts.desk.outcomes
    passed = proposal.is_manual or facts.desk.mode is Mode.PRACTICE or count >= least
    return _rule(
        "outcomes",
        passed,
        f"{count} recorded",
        limit=f"at least {least} for automatic arming in paper and live",
        flip=f"record {max(least - count, 0)} more outcomes, or arm manually",
    )


def workers(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether every worker that firing and protection depend on is healthy."""
    ill = [f"{w.name}: {w.text}" if w.text else w.name for w in facts.desk.workers if not w.is_healthy]
    value = "; ".join(ill) or f"{len(facts.desk.workers)} healthy"
    return _rule("workers", not ill, value, limit="all healthy", flip="wait for recovery (screen 7)")


def reconciled(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether the ledger was reconciled since the start or the last gap."""
    passed = facts.desk.is_reconciled
    return _rule("reconciled", passed, _yes(passed), limit="yes", flip="wait, or run `mexc-tui reconcile`")


def ban(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether the exchange currently bans this address or account."""
    text = facts.desk.ban
    return _rule("ban", not text, text or "none", limit="none", flip="wait until it ends")


def _yes(value: bool) -> str:
    return "yes" if value else "no"


CHECKS = (
    unlocked, key_rights, key_address, trading_state, halt_generation, automatic, outcomes, workers,
    reconciled, ban,
)  # fmt: skip
