"""Text output of `doctor`."""

from collections.abc import Sequence

from mexc_tui.cli.pages.tables import Pen, TextTone, fold
from mexc_tui.doctor.check import Check, CheckStatus

NAME_WIDTH = 14
INDENT = " " * (5 + NAME_WIDTH)
TONES = {CheckStatus.OK: TextTone.GOOD, CheckStatus.WARN: TextTone.WARN, CheckStatus.FAIL: TextTone.BAD}


def doctor_page(checks: Sequence[Check], pen: Pen) -> str:
    """Return one line per check, its fix below it, and the totals."""
    lines = [line for check in checks for line in _lines(check, pen)]
    return "\n".join([*lines, _totals(checks)])


def _lines(check: Check, pen: Pen) -> list[str]:
    status = pen.write(f"{check.status.value:<5}", TONES[check.status])
    lines = fold(f"{status}{check.name:<{NAME_WIDTH}}{check.text}", INDENT, pen)
    if check.fix:
        lines += fold(f"{INDENT}Fix: {check.fix}", f"{INDENT}  ", pen)
    return lines


def _totals(checks: Sequence[Check]) -> str:
    counts = {status: sum(check.status is status for check in checks) for status in CheckStatus}
    return ", ".join(f"{count} {status.value}" for status, count in counts.items())
