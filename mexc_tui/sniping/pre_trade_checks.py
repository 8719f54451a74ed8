"""The validation pipeline: schema, rules, security, risk. Used by `arm`, `why` and `what-if`."""

from dataclasses import dataclass

from mexc_tui.model.verdict import Verdict, refusal_text, refusals
from mexc_tui.risk.entry_limits import check_entry
from mexc_tui.sniping import rule_checks, schema_checks, security_checks
from mexc_tui.sniping.request import ArmFacts, ArmProposal, candidate_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """Every verdict, in the order of the stages; one failed check refuses the entry."""

    verdicts: tuple[Verdict, ...]

    @property
    def approved(self) -> bool:
        """Whether every check passed."""
        return not refusals(self.verdicts)

    @property
    def first_refusal(self) -> Verdict | None:
        """Return the first failed check, which would stop the pipeline."""
        return next((verdict for verdict in self.verdicts if not verdict.passed), None)

    @property
    def reason(self) -> str:
        """Return the reason of the first failed check; empty if approved."""
        no = self.first_refusal
        if no is None:
            return ""
        return refusal_text(no)


def judge(proposal: ArmProposal, facts: ArmFacts, now_ms: int) -> Judgement:
    """Run every check of a proposed entry at `now_ms` exchange time.

    An approval reserves nothing: the transaction that reserves funds checks the risk limits again.
    """
    sane = schema_checks.sane(proposal)
    return Judgement(
        (
            *(check(proposal, facts, now_ms) for check in schema_checks.CHECKS),
            *(check(sane, facts, now_ms) for check in rule_checks.CHECKS),
            *(check(sane, facts, now_ms) for check in security_checks.CHECKS),
            *check_entry(candidate_of(sane, facts, now_ms), facts.book, facts.limits, now_ms=now_ms),
        )
    )
