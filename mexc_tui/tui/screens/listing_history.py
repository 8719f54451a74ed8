"""Draw the history of one symbol: sources, changes, signals, snipes with plan and checklist."""

from collections.abc import Iterable, Sequence

from mexc_tui.desk.engine_requests import WHY, WhyAsked
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.trading_view import WhatIfRow
from mexc_tui.model.verdict import Verdict
from mexc_tui.model.view import ListingRow, SignalRow
from mexc_tui.model.why import DetectorSays, ListingStory, SnipeSays, SourceSays, WhyRow
from mexc_tui.tui.query_cache import NOT_YET, QueryAnswer
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.panes import LOADING
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, folded, words
from mexc_tui.tui.widgets.text import age, amount, countdown, local_and_utc, price, utc
from mexc_tui.wording.signals import change_words, claim_words, readable

_ASK_S = 2.0
_INDENT = 4


def why(look: RenderContext, symbol: str | None) -> QueryAnswer[WhyRow]:
    """Query the history of a symbol; refreshed while it is shown."""
    return NOT_YET if symbol is None else look.ask(WHY, WhyAsked(symbol=symbol), _ASK_S)


def missing(heard: QueryAnswer[WhyRow], choose: str, symbol: str | None) -> list[Drawn]:
    """Explain a missing history."""
    if symbol is None:
        return [words(choose, Tone.FAINT)]
    return [words(heard.problem or LOADING, Tone.WARN if heard.problem else Tone.FAINT)]


def paragraph(text: str, width: int, tone: Tone = Tone.PLAIN, indent: int = 0) -> list[Drawn]:
    """Wrap a text into indented lines."""
    return [words(" " * indent + line, tone) for line in folded(text, max(width - indent, 8))]


def head(text: str) -> Drawn:
    """Return the heading of a section."""
    return words(text, Tone.STRONG)


def listing_lines(story: ListingStory, look: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw opening time, sources and changes of a listing."""
    row = story.listing
    yield _opening(row, look)
    keys = "API trading open" if row.api_allowed else "API trading not open yet"
    yield words(f"{row.stage.replace('_', ' ')}; {keys}", Tone.GOOD if row.api_allowed else Tone.WARN)
    for one in row.disagreements:
        yield from paragraph(f"! sources disagree: {readable(one)}", width, Tone.BAD)
    if row.outcome:
        yield from paragraph(f"outcome: {row.outcome}", width)
    yield head("Sources")
    for source in story.sources:
        yield from _source(source, look, width)
    yield head("Changes")
    for change in story.changes:
        yield from paragraph(f"{utc(change.at_ms)}  {change_words(change)}", width)


def _opening(row: ListingRow, look: RenderContext) -> Drawn:
    if row.opened_ms is not None:
        return StyledSpan("opened ", Tone.GOOD), StyledSpan(f"{local_and_utc(row.opened_ms, look.zone)}")
    if row.opens_ms is None:
        return words("opening time unknown", Tone.WARN)
    left = countdown(row.opens_ms, look.now_ms)
    return StyledSpan(f"{left}  ", Tone.STRONG), StyledSpan(
        f"opens {local_and_utc(row.opens_ms, look.zone)}, by {row.opens_source}"
    )


def _source(source: SourceSays, look: RenderContext, width: int) -> list[Drawn]:
    since = age(look.now_ms - source.since_ms)
    gone = "" if source.present else " (withdrawn)"
    said = readable(source.words) or "listed"
    text = f"{source.source}{gone}: {said}, {since} ago"
    return paragraph(text, width, Tone.PLAIN if source.present else Tone.FAINT)


def signal_lines(detectors: Sequence[DetectorSays], look: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw signals, active ones first, and the reasons of silent detectors."""
    said = sorted(
        (one for says in detectors for one in says.said), key=lambda one: (not one.stands, -one.at_ms)
    )
    for one in said:
        yield from signal_words(one, look, width)
    for says in detectors:
        if not says.said and says.why_not:
            yield from paragraph(f"{says.detector.replace('_', ' ')}: {says.why_not}", width, Tone.FAINT)


def signal_words(row: SignalRow, look: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw one signal: claim, probability and reasons."""
    tone = Tone.STRONG if row.stands else Tone.FAINT
    ended = "" if row.stands else ", ended"
    yield words(
        f"{row.detector.replace('_', ' ')} {row.topic}, {age(look.now_ms - row.at_ms)} ago{ended}", tone
    )
    yield from paragraph(f"{claim_words(row)}: {row.words}", width, indent=_INDENT)
    for reason in row.reasons:
        yield from paragraph(f"reason: {readable(reason)}", width, Tone.FAINT, _INDENT)


def snipe_lines(says: SnipeSays, look: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw a snipe: plan, checklist and the result of every pre-trade check."""
    row = says.snipe
    cap = "" if row.price_cap is None else f", max price {price(row.price_cap, row.price_decimals).text}"
    yield head(f"Snipe {row.state.value}: {amount(row.spend_cap).text}{cap}, by {row.by}")
    if row.reason:
        yield from paragraph(row.reason, width, Tone.FAINT, _INDENT)
    if says.plan is not None:
        yield from paragraph(plan_words(says.plan), width, indent=_INDENT)
    if says.checklist:
        when = "current" if says.checked_ms is None else f"checked {utc(says.checked_ms)}"
        yield head(f"T0 checklist, {when}")
        yield from verdict_lines(says.checklist, look, width)
    if says.verdicts:
        yield head("Checks when armed")
        yield from verdict_lines(says.verdicts, look, width)


def plan_words(plan: ExitPlan) -> str:
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


def verdict_lines(verdicts: Iterable[Verdict], look: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw each check; a failed one states what is needed to pass."""
    for one in verdicts:
        mark, tone = ("✓", Tone.GOOD) if one.passed else ("✗", Tone.BAD)
        text = f"{one.name.replace('_', ' ')}: {one.value} (limit {one.limit})"
        first, *rest = folded(text, max(width - 2, 8))
        yield StyledSpan(f"{mark} ", tone), StyledSpan(first, Tone.PLAIN if one.passed else tone)
        yield from (words(f"  {line}", Tone.PLAIN if one.passed else tone) for line in rest)
        if one.flip and not one.passed:
            until = "" if one.until_ms is None else f" (at {local_and_utc(one.until_ms, look.zone)})"
            yield from paragraph(f"to pass: {one.flip}{until}", width, Tone.FAINT, _INDENT)


def what_if_lines(row: WhatIfRow | None, look: RenderContext, width: int) -> Iterable[Drawn]:
    """Draw the current result of every pre-trade check."""
    if row is None:
        yield words("No trading engine is running.", Tone.FAINT)
        return
    yield words(
        "Can be armed now." if row.approved else "Cannot be armed now.",
        Tone.GOOD if row.approved else Tone.BAD,
    )
    yield from paragraph(row.words, width)
    if row.bound:
        yield from paragraph(f"price: {row.bound}", width)
    refused_first = sorted(row.verdicts, key=lambda one: one.passed)
    yield from verdict_lines(refused_first, look, width)
