"""Draw the history of one symbol: sources, changes, signals, snipes with plan and checklist."""

from collections.abc import Iterable, Sequence

from mexc_tui.desk.engine_requests import WHY, WhyQuery
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.trading_view import WhatIfRow
from mexc_tui.model.verdict import Verdict
from mexc_tui.model.view import ListingRow, SignalRow
from mexc_tui.model.why import DetectorDetail, ListingStory, SnipeDetail, SourceDetail, WhyRow
from mexc_tui.tui.query_cache import NO_RESPONSE, QueryResponse
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.panes import LOADING
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, text_line, wrap
from mexc_tui.tui.widgets.text import age, amount, countdown, local_and_utc, price, utc
from mexc_tui.wording.reasons import spaced
from mexc_tui.wording.signals import change_text, claim_text, readable

_ASK_S = 2.0
_INDENT = 4


def query_history(context: RenderContext, symbol: str | None) -> QueryResponse[WhyRow]:
    """Query the history of a symbol; refreshed while it is shown."""
    return NO_RESPONSE if symbol is None else context.query(WHY, WhyQuery(symbol=symbol), _ASK_S)


def missing_history(response: QueryResponse[WhyRow], choose: str, symbol: str | None) -> list[Drawn]:
    """Explain a missing history."""
    if symbol is None:
        return [text_line(choose, Tone.FAINT)]
    return [text_line(response.problem or LOADING, Tone.WARN if response.problem else Tone.FAINT)]


def paragraph(text: str, width: int, tone: Tone = Tone.PLAIN, *, indent: int = 0) -> list[Drawn]:
    """Wrap a text into indented lines."""
    return [text_line(" " * indent + line, tone) for line in wrap(text, max(width - indent, 8))]


def heading(text: str) -> Drawn:
    """Return the heading of a section."""
    return text_line(text, Tone.STRONG)


def listing_lines(story: ListingStory, context: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw opening time, sources and changes of a listing."""
    row = story.listing
    yield _opening(row, context)
    keys = "API trading open" if row.api_allowed else "API trading not open yet"
    yield text_line(f"{row.stage.replace('_', ' ')}; {keys}", Tone.GOOD if row.api_allowed else Tone.WARN)
    for disagreement in row.disagreements:
        yield from paragraph(f"! sources disagree: {readable(disagreement)}", width, Tone.BAD)
    if row.outcome:
        yield from paragraph(f"outcome: {row.outcome.replace('_', ' ')}", width)
    yield heading("Sources")
    for source in story.sources:
        yield from _source(source, context, width)
    yield heading("Changes")
    for change in story.changes:
        yield from paragraph(f"{utc(change.at_ms)}  {change_text(change)}", width)


def _opening(row: ListingRow, context: RenderContext) -> Drawn:
    if row.opened_ms is not None:
        return StyledSpan("opened ", Tone.GOOD), StyledSpan(f"{local_and_utc(row.opened_ms, context.zone)}")
    if row.opens_ms is None:
        return text_line("opening time unknown", Tone.WARN)
    left = countdown(row.opens_ms, context.now_ms)
    return StyledSpan(f"{left}  ", Tone.STRONG), StyledSpan(
        f"opens {local_and_utc(row.opens_ms, context.zone)}, by {row.opens_source}"
    )


def _source(source: SourceDetail, context: RenderContext, width: int) -> list[Drawn]:
    since = age(context.now_ms - source.since_ms)
    gone = "" if source.present else " (withdrawn)"
    text = readable(source.text) or "listed"
    line = f"{source.source}{gone}: {text}, {since} ago"
    return paragraph(line, width, Tone.PLAIN if source.present else Tone.FAINT)


def signal_lines(detectors: Sequence[DetectorDetail], context: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw signals, active ones first, and the reasons of silent detectors."""
    signals = sorted(
        (signal for says in detectors for signal in says.signals),
        key=lambda signal: (not signal.is_active, -signal.at_ms),
    )
    for signal in signals:
        yield from signal_paragraphs(signal, context, width)
    for says in detectors:
        if not says.signals and says.why_not:
            yield from paragraph(f"{says.detector.replace('_', ' ')}: {says.why_not}", width, Tone.FAINT)


def signal_paragraphs(row: SignalRow, context: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw one signal: claim, probability and reasons."""
    tone = Tone.STRONG if row.is_active else Tone.FAINT
    ended = "" if row.is_active else ", ended"
    yield text_line(
        f"{row.detector.replace('_', ' ')} {row.topic}, {age(context.now_ms - row.at_ms)} ago{ended}", tone
    )
    yield from paragraph(f"{claim_text(row)}: {row.text}", width, indent=_INDENT)
    for reason in row.reasons:
        yield from paragraph(f"reason: {readable(reason)}", width, Tone.FAINT, indent=_INDENT)


def snipe_lines(says: SnipeDetail, context: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw a snipe: plan, checklist and the result of every pre-trade check."""
    row = says.snipe
    cap = "" if row.price_cap is None else f", max price {price(row.price_cap, row.price_decimals).text}"
    yield heading(f"Snipe {spaced(row.state)}: {amount(row.spend_cap).text}{cap}, by {row.by}")
    if row.reason:
        yield from paragraph(row.reason, width, Tone.FAINT, indent=_INDENT)
    if says.plan is not None:
        yield from paragraph(plan_text(says.plan), width, indent=_INDENT)
    if says.checklist:
        when = "current" if says.checked_ms is None else f"checked {utc(says.checked_ms)}"
        yield heading(f"T0 checklist, {when}")
        yield from check_lines(says.checklist, context, width)
    if says.verdicts:
        yield heading("Checks when armed")
        yield from check_lines(says.verdicts, context, width)


def plan_text(plan: ExitPlan) -> str:
    """Describe the exits of a plan."""
    rungs = ", ".join(f"{rung.share_pct:f}% at +{rung.gain_pct:f}%" for rung in plan.ladder)
    parts = [
        f"stop {plan.stop_loss_pct:f}% below entry",
        f"take-profit {rungs}" if rungs else "no take-profit",
    ]
    if plan.trailing:
        parts.append(f"trailing {plan.trailing_distance_pct:f}% from a gain of {plan.trailing_after_pct:f}%")
    if plan.break_even_rung:
        parts.append(f"break-even after rung {plan.break_even_rung}")
    if plan.time_stop_s:
        parts.append(f"time stop after {plan.time_stop_s} s")
    return "exits: " + "; ".join(parts)


def check_lines(verdicts: Iterable[Verdict], context: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw each check; a failed one states what is needed to pass."""
    for verdict in verdicts:
        mark, tone = ("✓", Tone.GOOD) if verdict.passed else ("✗", Tone.BAD)
        text = f"{verdict.name.replace('_', ' ')}: {verdict.measured}"
        first, *rest = wrap(text, max(width - 2, 8))
        yield StyledSpan(f"{mark} ", tone), StyledSpan(first, Tone.PLAIN if verdict.passed else tone)
        yield from (text_line(f"  {line}", Tone.PLAIN if verdict.passed else tone) for line in rest)
        if verdict.flip and not verdict.passed:
            until = (
                "" if verdict.until_ms is None else f" (at {local_and_utc(verdict.until_ms, context.zone)})"
            )
            yield from paragraph(f"to pass: {verdict.flip}{until}", width, Tone.FAINT, indent=_INDENT)


def what_if_lines(row: WhatIfRow | None, context: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw the current result of every pre-trade check."""
    if row is None:
        yield text_line("No trading engine is running.", Tone.FAINT)
        return
    yield text_line(
        "Can be armed now." if row.approved else "Cannot be armed now.",
        Tone.GOOD if row.approved else Tone.BAD,
    )
    yield from paragraph(row.text, width)
    if row.bound:
        yield from paragraph(f"price: {row.bound}", width)
    refused_first = sorted(row.verdicts, key=lambda verdict: verdict.passed)
    yield from check_lines(refused_first, context, width)
