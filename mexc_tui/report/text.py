"""Plain text of the report: times in seconds of the day, no colours, at most 80 columns."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from textwrap import wrap

from mexc_tui.model.digits import money_text, price_text
from mexc_tui.model.outcome_of_listing import OutcomeEnd
from mexc_tui.model.signal import MIN_N_FOR_RATE, ClaimKind
from mexc_tui.report.day import (
    DayReport,
    DetectorResult,
    ListingReport,
    Passes,
    ReportedAlert,
    ReportedOutcome,
    ReportedSignal,
    TimelineEntry,
    Totals,
)
from mexc_tui.report.trading_text import snipe_lines, trading_lines

MOST_COLUMNS = 80
_TEXT_COLUMN, _CONTINUATION_COLUMN = 12, 4
"""Columns of the text in a listing's lines, and of continuation lines."""
_OF_LISTING = re.compile(r"  [a-z ]{9} ")
_CLAIMS = {
    ClaimKind.OPENS_BY: "opens",
    ClaimKind.PROFITS: "profits",
    ClaimKind.GOES_WRONG: "goes wrong",
    ClaimKind.OPENS_TOGETHER: "opens together",
}
_ENDS = {
    OutcomeEnd.OPENED: "opened",
    OutcomeEnd.CANCELLED: "was cancelled",
    OutcomeEnd.NEVER_API: "was never open to API keys",
    OutcomeEnd.UNKNOWN: "has an unknown outcome",
    OutcomeEnd.SESSION_ENDED: "was undecided when its session ended",
}


def to_text(report: DayReport) -> str:
    """Return the whole report; ends with a line break."""
    return "".join(f"{part}\n" for line in _lines(report) for part in _folded(line))


def _folded(line: str) -> list[str]:
    """Wrap a long line; continuation lines align with its text."""
    column = _TEXT_COLUMN if _OF_LISTING.match(line) else _CONTINUATION_COLUMN
    return wrap(line, MOST_COLUMNS, subsequent_indent=" " * column, break_on_hyphens=False) or [""]


def _lines(report: DayReport) -> Iterator[str]:
    clock = _Clock(report.from_ms)
    yield f"Report of {report.exchange_session or 'the real exchange'} ({report.mode})"
    yield f"from {_utc(report.from_ms)} to {_utc(report.to_ms)}, {clock.span(report.to_ms)}"
    yield "Times are seconds from the start of the day."
    for listing in report.listings:
        yield ""
        yield from _listing(listing, clock)
    yield ""
    yield from _totals(report.totals)
    if report.trading is not None:
        yield ""
        yield from trading_lines(report.trading, clock.at)
    yield ""
    yield from _claims(report.claims)
    yield ""
    yield from _passes(report.passes)
    yield ""
    yield from _alerts(report.alerts, clock)
    if report.overrides:
        yield ""
        yield "Scenario overrides"
        yield from (f"  {override.name} = {override.value}" for override in report.overrides)
    yield ""
    yield "Unknown"
    yield from (f"  {line}" for line in report.unknown or ("Nothing: every listing has an outcome.",))


class _Clock:
    """Format times as seconds of the day."""

    def __init__(self, from_ms: int) -> None:
        self._from_ms = from_ms

    def at(self, at_ms: int) -> str:
        return f"{(at_ms - self._from_ms) / 1_000:.1f} s"

    def span(self, to_ms: int) -> str:
        return f"{(to_ms - self._from_ms) / 1_000:.0f} s"


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _listing(listing: ListingReport, clock: _Clock) -> Iterator[str]:
    also = [name for name in listing.names if name != listing.symbol]
    names = f" (before: {', '.join(also)})" if also else ""
    head = (f"{listing.symbol}{names}", listing.full_name, f"[{listing.stage}]")
    yield "  ".join(part for part in head if part)
    yield from (f"  detected  {_timeline_line(entry, clock)}" for entry in listing.timeline)
    if not listing.signals:
        yield "  signalled none"
    for signal in listing.signals:
        yield f"  signalled {_signalled(signal, clock)}"
        yield f"            {signal.probability_text}{_result(signal)}"
        yield from (f"            - {reason}" for reason in signal.reasons)
    yield from (f"  conflict  {line}" for line in listing.disagreements)
    yield from snipe_lines(listing.refusals, listing.snipes, clock.at)
    yield f"  outcome   {_outcome(listing.outcome, clock)}"
    yield from (f"  unknown   {line}" for line in listing.outcome.unknown)


def _timeline_line(entry: TimelineEntry, clock: _Clock) -> str:
    source = entry.source if entry.source is not None else "time"
    opens = f", opens at {clock.at(entry.opens_ms)}" if entry.opens_ms is not None else ""
    return f"{clock.at(entry.at_ms):>8}  {source:<14}  {entry.text}{opens}"


def _signalled(signal: ReportedSignal, clock: _Clock) -> str:
    due = f" by {clock.at(signal.due_ms)}" if signal.due_ms is not None else ""
    claim = f"{_CLAIMS[signal.claim]}{due}"
    return (
        f"{clock.at(signal.at_ms):>8}  {signal.severity:<8}  {signal.detector} {signal.topic}, "
        f"{_lead(signal)}: {claim}"
    )


def _lead(signal: ReportedSignal) -> str:
    if signal.lead_ms is None:
        return "lead time unknown"
    seconds = abs(signal.lead_ms) / 1_000
    side = "before" if signal.lead_ms >= 0 else "after"
    what = "the scheduled opening" if signal.is_lead_to_plan else "the opening"
    return f"{seconds:.1f} s {side} {what}"


def _result(signal: ReportedSignal) -> str:
    match signal.is_correct:
        case None:
            return "; undecided"
        case True:
            return "; correct"
        case False:
            return "; wrong"


def _ratio(value: float | None) -> str:
    return "unknown" if value is None else f"×{money_text(value)}"


def _outcome(outcome: ReportedOutcome, clock: _Clock) -> str:
    parts = [_ENDS[outcome.end] if outcome.end is not None else "is undecided"]
    if outcome.opened_ms is not None:
        parts.append(f"open since {clock.at(outcome.opened_ms)}{_late(outcome.late_ms)}")
    elif outcome.planned_ms is not None:
        parts.append(f"scheduled for {clock.at(outcome.planned_ms)}, not opened")
    if outcome.trades and outcome.first_price is not None:
        parts.append(f"{outcome.trades} trades from {price_text(outcome.first_price)}")
        parts.append(
            f"highest {_ratio(outcome.high_ratio)}, lowest {_ratio(outcome.low_ratio)}, "
            f"last {_ratio(outcome.last_ratio)}"
        )
    if outcome.reference_return is not None:
        parts.append(f"reference return {outcome.reference_return:+.1%}")
    if outcome.cluster_size is not None and outcome.cluster_size > 1:
        parts.append(f"one of a cluster of {outcome.cluster_size}")
    parts += ["bought by the desk"] if outcome.traded else []
    return "; ".join(parts)


def _late(late_ms: int | None) -> str:
    if late_ms is None:
        return ""
    side = "after" if late_ms >= 0 else "before"
    return f", {abs(late_ms) / 1_000:.1f} s {side} schedule"


def _totals(totals: Totals) -> Iterator[str]:
    yield f"{totals.listings} listings"
    yield (
        f"  {totals.opened} opened, {totals.cancelled} cancelled, {totals.never_api} never open to API keys, "
        f"{totals.unknown} unknown, {totals.undecided} undecided"
    )
    yield f"  {totals.moved} moved, {totals.renamed} renamed"
    yield f"  {totals.signals} signals, {totals.alerts} alerts"


def _claims(claims: Iterable[DetectorResult]) -> Iterator[str]:
    yield "Claims"
    for claim in claims:
        judged = claim.correct + claim.wrong
        rate = f", {claim.correct / judged:.0%}" if judged >= MIN_N_FOR_RATE else ""
        few = f", too few for a rate (< {MIN_N_FOR_RATE})" if 0 < judged < MIN_N_FOR_RATE else ""
        verdicts = f"{claim.correct} correct, {claim.wrong} wrong, {claim.undecided} undecided"
        yield f"  {claim.detector:<16} {claim.signals:>3} raised: {verdicts}{rate}{few}"


def _passes(passes: Passes) -> Iterator[str]:
    yield f"{passes.count} detection passes"
    if passes.slowest_ms is not None:
        yield f"  slowest {passes.slowest_ms:.1f} ms"
    if passes.longest_pause_ms is not None:
        yield f"  longest interval {passes.longest_pause_ms / 1_000:.1f} s"


def _alerts(alerts: tuple[ReportedAlert, ...], clock: _Clock) -> Iterator[str]:
    yield f"{len(alerts)} alerts"
    for alert in alerts:
        times = f", {alert.times} times until {clock.at(alert.last_ms)}" if alert.times > 1 else ""
        state = "" if alert.is_open else ", closed"
        text = alert.text if alert.text.startswith(alert.about) else f"{alert.about}: {alert.text}"
        yield f"  {clock.at(alert.first_ms):>8}  {alert.severity:<8}  {text}{times}{state}"
