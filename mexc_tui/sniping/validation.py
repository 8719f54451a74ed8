"""The validation pipeline: schema, rules, security, risk. `arm`, `why` and `what-if` all ask `judge`."""

from dataclasses import dataclass

from mexc_tui.model.verdict import Verdict, refusal_text, refusals
from mexc_tui.risk.limits import check_entry
from mexc_tui.sniping import rule_checks, schema_checks, security_checks
from mexc_tui.sniping.request import ArmFacts, ArmProposal, candidate_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """Every verdict, in the order of the stages; one no is a no."""

    verdicts: tuple[Verdict, ...]

    @property
    def approved(self) -> bool:
        """Whether no validator refuses."""
        return not refusals(self.verdicts)

    @property
    def first_refusal(self) -> Verdict | None:
        """Return the first no; it names the stage where the pipeline would have stopped."""
        return next((verdict for verdict in self.verdicts if not verdict.passed), None)

    @property
    def reason(self) -> str:
        """Return the first no in words; empty when approved."""
        no = self.first_refusal
        if no is None:
            return ""
        return refusal_text(no)


def judge(proposal: ArmProposal, facts: ArmFacts, now_ms: int) -> Judgement:
    """Judge a proposal by everything known at `now_ms` of the exchange. Every verdict is computed.

    Approval here reserves nothing: the risk limits are checked again in the transaction that does.
    """
    sane = schema_checks.sane(proposal)
    return Judgement(
        (
            *(check(proposal, facts, now_ms) for check in schema_checks.CHECKS),
            *(check(sane, facts, now_ms) for check in rule_checks.CHECKS),
            *(check(sane, facts, now_ms) for check in security_checks.CHECKS),
            *check_entry(candidate_of(sane, facts, now_ms), facts.book, facts.limits, now_ms),
        )
    )
