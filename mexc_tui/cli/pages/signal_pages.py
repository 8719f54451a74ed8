"""Text output of `signals` and `why`: signals, probabilities and reasons."""

from collections.abc import Iterable, Sequence

from mexc_tui.cli.pages.tables import Pen, TextCell, TextColumn, TextTone, fold, table
from mexc_tui.cli.pages.trading_pages import label, verdict_lines, what_if_page
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import MIN_N_FOR_RATE
from mexc_tui.model.view import ListingRow, SignalRow
from mexc_tui.model.why import DetectorDetail, ListingStory, SnipeDetail, SourceDetail, WhyRow
from mexc_tui.wording.signals import change_text, claim_text, probability, readable
from mexc_tui.wording.times import duration, relative_time, source_text, time_of_day, when

STAGES = {
    ListingStage.OPEN.value: TextTone.GOOD,
    ListingStage.CANCELLED.value: TextTone.BAD,
    ListingStage.NEVER_API.value: TextTone.BAD,
}
_SEVERITIES = {
    Severity.WARNING.value: TextTone.WARN,
    Severity.ERROR.value: TextTone.BAD,
    Severity.CRITICAL.value: TextTone.BAD,
}
_SIGNAL = (
    TextColumn("DATE", 5),
    "(UTC)",
    "SYMBOL",
    "DETECTOR",
    TextColumn("TOPIC", 4),
    TextColumn("", 1),
    TextColumn("CLAIM", 2),
    "PROB",
    "N",
    "REASON",
)


def signals_page(rows: Sequence[SignalRow], pen: Pen) -> str:
    """Return signals, given newest first, as lines with the newest at the end."""
    if not rows:
        return "No signals."
    return table(_SIGNAL, [_signal(row) for row in rows[::-1]], pen)


def _signal(row: SignalRow) -> tuple[TextCell, ...]:
    day, time = when(row.at_ms).split()
    return (
        TextCell(day),
        TextCell(time),
        TextCell(row.symbol),
        TextCell(row.detector, _SEVERITIES.get(row.severity, TextTone.PLAIN)),
        TextCell(row.topic),
        TextCell("active" if row.is_active else "ended", TextTone.PLAIN if row.is_active else TextTone.FAINT),
        TextCell(claim_text(row)),
        TextCell(probability(row)),
        TextCell(f"{row.n} few" if 0 < row.n < MIN_N_FOR_RATE else str(row.n)),
        TextCell("; ".join(row.reasons)),
    )


def why_page(row: WhyRow, pen: Pen) -> str:
    """Return the history of a pair's listings: state, active signals and changes."""
    if not row.listings and not row.snipes:
        return f"No listing named {row.symbol}: no source lists it, and it was not added manually."
    parts = ["\n".join(_listing_history(story, row.at_ms, pen)) for story in row.listings]
    parts += ["\n".join(_snipe(says, pen)) for says in row.snipes]
    if row.what_if is not None:
        parts.append(f"{pen.write('Pre-trade check', TextTone.HEAD)}\n{what_if_page(row.what_if, pen)}")
    return "\n\n".join(parts)


def _snipe(says: SnipeDetail, pen: Pen) -> Iterable[str]:
    """Return a snipe and its pre-trade checks."""
    snipe = says.snipe
    yield pen.write(f"Snipe {label(snipe.state)}", TextTone.HEAD)
    yield from fold(f"  armed {when(snipe.armed_ms)} UTC by {snipe.by}: {snipe.reason}", " " * 4, pen)
    yield from verdict_lines(says.verdicts, pen)


def _listing_history(story: ListingStory, now_ms: int, pen: Pen) -> Iterable[str]:
    row = story.listing
    day_ms = row.opened_ms or row.opens_ms or row.first_seen_ms
    stage = pen.write(label(row.stage), STAGES.get(row.stage, TextTone.PLAIN))
    yield f"{pen.write(row.symbol, TextTone.HEAD)}  {stage}"
    yield from _opening(row, now_ms, pen)
    for text in row.disagreements:
        yield from _toned(f"  ! {text}", TextTone.WARN, pen)
    said = sorted(
        (signal for says in story.detectors for signal in says.signals), key=lambda signal: -signal.at_ms
    )
    yield from _signal_section("Active", [signal for signal in said if signal.is_active], day_ms, pen=pen)
    yield from _signal_section("Ended", [signal for signal in said if not signal.is_active], day_ms, pen=pen)
    yield from _silent([says for says in story.detectors if not says.signals and says.why_not], pen)
    yield pen.write("Sources", TextTone.HEAD)
    widest = max((len(source.source) for source in story.sources), default=0)
    for source in story.sources:
        yield from fold(_source(source, widest, day_ms), " " * 14, pen)
    yield pen.write("Changes", TextTone.HEAD)
    for change in story.changes:
        yield from fold(f"  {time_of_day(change.at_ms, day_ms)}  {change_text(change)}", " " * 14, pen)


def _opening(row: ListingRow, now_ms: int, pen: Pen) -> Iterable[str]:
    if row.opened_ms is not None:
        late = "" if row.opens_ms is None else f", {_late(row.opened_ms - row.opens_ms)}"
        yield from fold(
            f"  opened {when(row.opened_ms)} UTC ({relative_time(row.opened_ms, now_ms)}){late}", " " * 4, pen
        )
    elif row.opens_ms is not None:
        when_text = f"{when(row.opens_ms)} UTC ({relative_time(row.opens_ms, now_ms)})"
        yield from fold(f"  opens {when_text} {source_text(row.opens_source)}", " " * 4, pen)
    else:
        yield "  no opening time"
    facts = ["API trading enabled" if row.api_allowed else "API trading disabled"]
    facts += [f"moved {row.moves} times" if row.moves > 1 else "moved once"] if row.moves else []
    facts += (
        [f"was {', '.join(name for name in row.names if name != row.symbol)}"] if len(row.names) > 1 else []
    )
    facts += [f"outcome: {row.outcome}"] if row.outcome else []
    facts.append(f"first detected {when(row.first_seen_ms)} {source_text(row.first_source)}")
    yield from fold(f"  {', '.join(facts)}", " " * 4, pen)


def _late(late_ms: int) -> str:
    if abs(late_ms) < 1_000:
        return "on schedule"
    return f"{duration(late_ms)} {'after' if late_ms > 0 else 'before'} schedule"


def _signal_section(head: str, said: Sequence[SignalRow], day_ms: int, *, pen: Pen) -> Iterable[str]:
    """Return signals, newest first, with time, probability and reasons."""
    if not said:
        return
    yield pen.write(head, TextTone.HEAD)
    for signal in said:
        tone = _SEVERITIES.get(signal.severity, TextTone.PLAIN)
        yield f"  {time_of_day(signal.at_ms, day_ms)}  {pen.write(f'{signal.detector} {signal.topic}', tone)}"
        yield from fold(f"    {claim_text(signal)}: {signal.text}", " " * 6, pen)
        yield from fold(f"    reasons: {'; '.join(map(readable, signal.reasons))}", " " * 6, pen)


def _silent(detectors: Sequence[DetectorDetail], pen: Pen) -> Iterable[str]:
    if not detectors:
        return
    yield pen.write("Silent detectors", TextTone.HEAD)
    for says in detectors:
        yield from fold(f"  {says.detector}: {says.why_not}", " " * 4, pen)


def _source(source: SourceDetail, widest: int, day_ms: int) -> str:
    text = (readable(source.text) or "listed") if source.present else "no longer listed"
    return f"  {time_of_day(source.since_ms, day_ms)}  {source.source:<{widest}}  {text}"


def _toned(text: str, tone: TextTone, pen: Pen) -> Iterable[str]:
    return (pen.write(line, tone) for line in fold(text, " " * 4, pen))
