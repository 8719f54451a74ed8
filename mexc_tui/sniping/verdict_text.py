"""Verdicts of validators and the texts they contain."""

from datetime import UTC, datetime

from mexc_tui.model.verdict import CheckStage, Verdict


def verdict(
    stage: CheckStage,
    name: str,
    passed: bool,
    *,
    value: str,
    limit: str,
    flip: str = "",
    until_ms: int | None = None,
) -> Verdict:
    """Return a verdict; a passed one has nothing to change."""
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
    """Return a UTC time as text: `2026-11-23 01:32:42.023 UTC`; `none` without one."""
    if at_ms is None:
        return "none"
    try:
        text = datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(" ", "milliseconds")
    except (OverflowError, OSError, ValueError):
        return f"{at_ms} ms, not a valid date"
    return text.replace("+00:00", " UTC")
