"""Results of pre-trade checks: value, limit, and what is needed to pass."""

from enum import StrEnum

import msgspec


class CheckStage(StrEnum):
    """Stages of the pre-trade check, in order (architecture 6)."""

    SCHEMA = "schema"
    """Is the request complete and valid?"""
    RULES = "rules"
    """Do the exchange's rules and the desk's own allow it?"""
    SECURITY = "security"
    """May this engine, in this mode and state, with this key, do it?"""
    RISK = "risk"
    """Does it fit the limits?"""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Result of one check; stored with its subject."""

    stage: CheckStage
    name: str
    """Name of the check, in snake_case, the same everywhere."""
    passed: bool
    value: str
    """Checked value with its unit."""
    limit: str
    """Limit with its unit."""
    flip: str = ""
    """What is needed to pass."""
    until_ms: int | None = None
    """When a refusal ends by time alone; None: it does not."""

    @property
    def measured(self) -> str:
        """Return the value with its limit or requirement, which is omitted if both are the same."""
        return self.value if self.passed and self.value == self.limit else f"{self.value} ({self.bound})"

    @property
    def bound(self) -> str:
        """Return the limit with its kind: `limit 60 USDT`, or `required: status online`."""
        is_number = self.stage is CheckStage.RISK and self.limit[:1].isdecimal()
        return f"limit {self.limit}" if is_number else f"required: {self.limit}"

    def __str__(self) -> str:
        """Return the result in one line."""
        mark = "ok" if self.passed else "NO"
        return f"{mark} {self.name}: {self.measured}"


def refusals(verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """Return the failed checks; empty if all passed."""
    return tuple(verdict for verdict in verdicts if not verdict.passed)


def refusal_text(verdict: Verdict) -> str:
    """Return why a check refused, in one line, and what makes it pass."""
    to_pass = f" (to pass: {verdict.flip})" if verdict.flip else ""
    return f"{verdict.name.replace('_', ' ')}: {verdict.value}, {verdict.bound}{to_pass}"
