"""What a check said of a trade: its input, its limit, and what would turn it round."""

from enum import StrEnum

import msgspec


class CheckStage(StrEnum):
    """The pipeline's stages, in their order (architecture 6)."""

    SCHEMA = "schema"
    """Is the request whole and sane?"""
    RULES = "rules"
    """Do the exchange's rules and the desk's own allow it?"""
    SECURITY = "security"
    """May this engine, in this mode and state, with this key, do it?"""
    RISK = "risk"
    """Does it fit the limits?"""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one validator said. Verdicts are kept with what they were about."""

    stage: CheckStage
    name: str
    """The validator's, in snake_case: it is the same word everywhere."""
    passed: bool
    value: str
    """What was looked at, with its unit."""
    limit: str
    """What it was held against, with its unit."""
    flip: str = ""
    """The first change that would turn the verdict round, in plain words."""
    until_ms: int | None = None
    """When time alone turns a refusal round; None: it does not."""

    def __str__(self) -> str:
        """Return it in one line."""
        mark = "ok" if self.passed else "NO"
        return f"{mark} {self.stage}/{self.name}: {self.value} (limit {self.limit})"


def refusals(verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """Return those that say no; none: it is approved."""
    return tuple(verdict for verdict in verdicts if not verdict.passed)


def refusal_text(verdict: Verdict) -> str:
    """Return why a check refused, in one line, and what makes it pass."""
    to_pass = f" ({verdict.flip})" if verdict.flip else ""
    return f"{verdict.stage}/{verdict.name}: {verdict.value}, limit {verdict.limit}{to_pass}"
