"""The story of one pair as drawn lines: sources, changes, signals, snipes with plan and checklist. Pure."""

from collections.abc import Iterable, Sequence

from mexc_tui.desk.asking import WHY, WhyAsked
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
    """Return the story of a pair, asked while it is looked at."""
    return NOT_YET if symbol is None else look.ask(WHY, WhyAsked(symbol=symbol), _ASK_S)


def missing(heard: QueryAnswer[WhyRow], choose: str, symbol: str | None) -> list[Drawn]:
    """Say why there is no story to draw."""
    if symbol is None:
        return [words(choose, Tone.FAINT)]
    return [words(heard.problem or LOADING, Tone.WARN if heard.problem else Tone.FAINT)]


def paragraph(text: str, width: int, tone: Tone = Tone.PLAIN, indent: int = 0) -> list[Drawn]:
    """Return a text folded into lines, each moved to the right."""
    return [words(" " * indent + line, tone) for line in folded(text, max(width - indent, 8))]


def head(text: str) -> Drawn:
    """Return the head of a part."""
    return words(text, Tone.STRONG)


def listing_lines(story: ListingStory, look: RenderContext, width: int) -> Iterable[Drawn]:
    """Return when it opens, who says so, and what changed about it."""
    row = story.listing
    yield _opening(row, look)
    keys = "API keys may trade it" if row.api_allowed else "API keys may not trade it yet"
    yield words(f"{row.stage.replace('_', ' ')}; {keys}", Tone.GOOD if row.api_allowed else Tone.WARN)
    for one in row.disagreements:
        yield from paragraph(f"! sources disagree: {readable(one)}", width, Tone.BAD)
    if row.outcome:
        yield from paragraph(f"became of it: {row.outcome}", width)
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
        return words("no opening time is known", Tone.WARN)
    left = countdown(row.opens_ms, look.now_ms)
    return StyledSpan(f"{left}  ", Tone.STRONG), StyledSpan(
        f"opens {local_and_utc(row.opens_ms, look.zone)}, by {row.opens_source}"
    )


def _source(source: SourceSays, look: RenderContext, width: int) -> list[Drawn]:
    since = age(look.now_ms - source.since_ms)
    gone = "" if source.present else " (no more)"
    said = readable(source.words) or "has it"
    text = f"{source.source}{gone}: {said}, for {since}"
    return paragraph(text, width, Tone.PLAIN if source.present else Tone.FAINT)


def signal_lines(detectors: Sequence[DetectorSays], look: RenderContext, width: int) -> Iterable[Drawn]:
    """Return what detectors said, what stands first, and why the others are silent."""
    said = sorted(
        (one for says in detectors for one in says.said), key=lambda one: (not one.stands, -one.at_ms)
    )
    for one in said:
        yield from signal_words(one, look, width)
    for says in detectors:
        if not says.said and says.why_not:
            yield from paragraph(f"{says.detector.replace('_', ' ')}: {says.why_not}", width, Tone.FAINT)


def signal_words(row: SignalRow, look: RenderContext, width: int) -> Iterable[Drawn]:
    """Return one signal: what it claims, how sure it is and why."""
    tone = Tone.STRONG if row.stands else Tone.FAINT
    ended = "" if row.stands else ", ended"
    yield words(
        f"{row.detector.replace('_', ' ')} {row.topic}, {age(look.now_ms - row.at_ms)} ago{ended}", tone
    )
    yield from paragraph(f"{claim_words(row)}: {row.words}", width, indent=_INDENT)
    for reason in row.reasons:
        yield from paragraph(f"because {readable(reason)}", width, Tone.FAINT, _INDENT)


def snipe_lines(says: SnipeSays, look: RenderContext, width: int) -> Iterable[Drawn]:
    """Return a snipe: its plan, its checklist, and what every validator said."""
    row = says.snipe
    cap = "" if row.price_cap is None else f" at {price(row.price_cap, row.price_decimals).text} at most"
    yield head(f"Snipe {row.state.value}: {amount(row.spend_cap).text}{cap}, by {row.by}")
    if row.reason:
        yield from paragraph(row.reason, width, Tone.FAINT, _INDENT)
    if says.plan is not None:
        yield from paragraph(plan_words(says.plan), width, indent=_INDENT)
    if says.checklist:
        when = "as of now" if says.checked_ms is None else f"answered {utc(says.checked_ms)}"
        yield head(f"T0 checklist, {when}")
        yield from verdict_lines(says.checklist, look, width)
    if says.verdicts:
        yield head("When it was armed")
        yield from verdict_lines(says.verdicts, look, width)


def plan_words(plan: ExitPlan) -> str:
    """Return how a position is to be left."""
    rungs = ", ".join(f"{rung.share_pct:f}% at +{rung.gain_pct:f}%" for rung in plan.ladder)
    parts = [f"stop {plan.stop_loss_pct:f}% below the entry", f"take {rungs}" if rungs else "no take-profit"]
    if plan.trailing:
        parts.append(f"trailing {plan.trailing_distance_pct:f}% from +{plan.trailing_after_pct:f}% on")
    if plan.break_even_rung:
        parts.append(f"break-even after rung {plan.break_even_rung}")
    if plan.time_stop_s:
        parts.append(f"time stop after {plan.time_stop_s} s")
    return "exits: " + "; ".join(parts)


def verdict_lines(verdicts: Iterable[Verdict], look: RenderContext, width: int) -> Iterable[Drawn]:
    """Return one verdict after the other; a no says what would turn it round."""
    for one in verdicts:
        mark, tone = ("✓", Tone.GOOD) if one.passed else ("✗", Tone.BAD)
        text = f"{one.stage.value} {one.name.replace('_', ' ')}: {one.value} (limit {one.limit})"
        first, *rest = folded(text, max(width - 2, 8))
        yield StyledSpan(f"{mark} ", tone), StyledSpan(first, Tone.PLAIN if one.passed else tone)
        yield from (words(f"  {line}", Tone.PLAIN if one.passed else tone) for line in rest)
        if one.flip and not one.passed:
            until = "" if one.until_ms is None else f" (by itself {local_and_utc(one.until_ms, look.zone)})"
            yield from paragraph(f"turns round: {one.flip}{until}", width, Tone.FAINT, _INDENT)


def what_if_lines(row: WhatIfRow | None, look: RenderContext, width: int) -> Iterable[Drawn]:
    """Return what every validator would say now."""
    if row is None:
        yield words("No engine that trades was asked.", Tone.FAINT)
        return
    yield words(
        "It would be armed now." if row.approved else "It would be refused now.",
        Tone.GOOD if row.approved else Tone.BAD,
    )
    yield from paragraph(row.words, width)
    if row.bound:
        yield from paragraph(f"price: {row.bound}", width)
    refused_first = sorted(row.verdicts, key=lambda one: one.passed)
    yield from verdict_lines(refused_first, look, width)
