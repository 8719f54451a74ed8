"""How a validator says what it saw."""

from mexc_tui.model.verdict import Stage, Verdict


def verdict(
    stage: Stage,
    name: str,
    passed: bool,
    value: str,
    limit: str,
    flip: str = "",
    until_ms: int | None = None,
) -> Verdict:
    """Return a verdict; one that passed needs nothing to flip it."""
    return Verdict(
        stage=stage,
        name=name,
        passed=passed,
        value=value,
        limit=limit,
        flip="" if passed else flip,
        until_ms=None if passed else until_ms,
    )
