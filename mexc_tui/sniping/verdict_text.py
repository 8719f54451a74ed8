"""How a validator says what it saw."""

from datetime import UTC, datetime

from mexc_tui.model.verdict import CheckStage, Verdict


def verdict(
    stage: CheckStage,
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


def moment(at_ms: int | None) -> str:
    """Return a moment for people: `2026-11-23 01:32:42.023 UTC`; `none` if there is none."""
    if at_ms is None:
        return "none"
    try:
        text = datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(" ", "milliseconds")
    except (OverflowError, OSError, ValueError):
        return f"{at_ms} ms, which is no date"
    return text.replace("+00:00", " UTC")
