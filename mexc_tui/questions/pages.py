"""What each command prints for people: rows in, text out."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from mexc_tui.model.listing import ChangeKind, Stage
from mexc_tui.model.severity import Severity
from mexc_tui.model.view import FactRow, ListingRow, SettingRow, SignalRow, StatusRow, TradingState
from mexc_tui.model.why import ChangeRow, DetectorSays, ListingStory, WhyRow
from mexc_tui.questions.facts import fact_words
from mexc_tui.questions.moments import NONE, ahead, when
from mexc_tui.questions.tables import Cell, Pen, Tone, table

_STAGES = {Stage.OPEN.value: Tone.GOOD, Stage.CANCELLED.value: Tone.BAD, Stage.NEVER_API.value: Tone.BAD}
_SEVERITIES = {
    Severity.WARNING.value: Tone.WARN,
    Severity.ERROR.value: Tone.BAD,
    Severity.CRITICAL.value: Tone.BAD,
}
_MOMENT = re.compile(r"\b(?:(\w+?)_ms )?(\d{13})\b")


def status_page(status: StatusRow, pen: Pen) -> str:
    """Return how an engine is."""
    state = status.trading_state
    tone = Tone.GOOD if state is TradingState.ACTIVE else Tone.BAD
    clock, streams = status.clock, status.streams
    offset = NONE if clock.offset_ms is None else f"{clock.offset_ms:+.1f} ms ±{clock.error_ms or 0:.1f}"
    place = f"world {status.world}" if status.world else "the real exchange"
    lines = [
        _pair("engine", f"running, process {status.pid}, since {when(status.started_ms)} UTC"),
        _pair("profile", f"{status.profile}, mode {status.mode}, {place}"),
        _pair("trading", pen.write(state.value, tone) + (f": {status.cause}" if status.cause else "")),
        _pair("clock", offset + (f", {clock.warning}" if clock.warning else "")),
        _pair(
            "streams",
            f"{streams.live} of {streams.topics} topics live, {streams.stale} stale, "
            f"{streams.connections} connections, {streams.messages_per_s:,.0f} messages/s",
        ),
        *[_pair("", pen.write(reason, Tone.WARN)) for reason in streams.reasons],
        _pair(
            "knowing",
            f"{status.pairs:,} pairs, {status.listings:,} listings ahead, {status.signals:,} signals stand, "
            f"{status.journal:,} facts",
        ),
    ]
    if status.budget.ban:
        lines.append(_pair("ban", pen.write(status.budget.ban, Tone.BAD)))
    lines += [_source(one.source, one.read_ms, one.problem, status.now_ms, pen) for one in status.sources]
    for worker in status.workers:
        if worker.is_degraded or worker.failures:
            words = f"{worker.name}: {worker.state}, {worker.failures} failures, {worker.last_error}"
            lines.append(_pair("worker", pen.write(words, Tone.WARN)))
    if status.pending_settings:
        lines.append(_pair("restart", f"waiting for the next start: {', '.join(status.pending_settings)}"))
    return "\n".join(lines)


def _source(name: str, read_ms: int | None, problem: str, now_ms: int, pen: Pen) -> str:
    words = f"{name} read {ahead(read_ms, now_ms)}" if read_ms is not None else f"{name} not read yet"
    return _pair("source", words + (f": {pen.write(problem, Tone.WARN)}" if problem else ""))


def listings_page(rows: Sequence[ListingRow], now_ms: int, pen: Pen) -> str:
    """Return every listing in the order of their openings; those without a time come last."""
    if not rows:
        return "No listing is known."
    ordered = sorted(rows, key=lambda row: (row.opens_ms is None, row.opens_ms or row.first_seen_ms, row.id))
    heads = ("SYMBOL", "STAGE", "OPENS (UTC)", "", "BY", "MOVES", "STATES", "API", "PRICE", "OUTCOME", "NOTE")
    return table(heads, [_listing(row, now_ms) for row in ordered], pen)


def _listing(row: ListingRow, now_ms: int) -> tuple[Cell, ...]:
    opened = row.opened_ms if row.opened_ms is not None else row.opens_ms
    notes = (
        [f"was {', '.join(name for name in row.names if name != row.symbol)}"] if len(row.names) > 1 else []
    )
    notes += row.disagreements
    return (
        Cell(row.symbol),
        Cell(row.stage, _STAGES.get(row.stage, Tone.PLAIN)),
        Cell(when(opened)),
        Cell(ahead(opened, now_ms), Tone.FAINT),
        Cell(row.opens_source or row.first_source),
        Cell(str(row.moves), Tone.WARN if row.moves else Tone.PLAIN, is_number=True),
        Cell(row.triple or NONE),
        Cell("yes" if row.api_allowed else "no", Tone.GOOD if row.api_allowed else Tone.PLAIN),
        Cell(NONE if row.price is None else money(row.price), is_number=True),
        Cell(row.outcome or NONE),
        Cell("; ".join(notes), Tone.WARN),
    )


def signals_page(rows: Sequence[SignalRow], pen: Pen) -> str:
    """Return signals, newest first, as lines with the newest at the end."""
    if not rows:
        return "No signal has been raised."
    heads = ("TIME (UTC)", "SYMBOL", "DETECTOR", "TOPIC", "", "CLAIM", "PROBABILITY", "WHY")
    return table(heads, [_signal(row) for row in rows[::-1]], pen)


def _signal(row: SignalRow) -> tuple[Cell, ...]:
    tone = _SEVERITIES.get(row.severity, Tone.PLAIN)
    return (
        Cell(when(row.at_ms)),
        Cell(row.symbol),
        Cell(row.detector, tone),
        Cell(row.topic),
        Cell("stands" if row.stands else "ended", Tone.PLAIN if row.stands else Tone.FAINT),
        Cell(claim_words(row)),
        Cell(row.words),
        Cell("; ".join(row.reasons)),
    )


def claim_words(row: SignalRow) -> str:
    """Return what a signal's probability is the probability of."""
    words = row.claim.replace("_", " ")
    return f"{words} {when(row.due_ms)[11:]}" if row.due_ms is not None else words


def why_page(answer: WhyRow, pen: Pen) -> str:
    """Return the story of a pair's listings."""
    if not answer.listings:
        return f"No listing called {answer.symbol} is known: no source listed it, and nobody added it."
    return "\n\n".join(_story(story, answer.at_ms, pen) for story in answer.listings)


def _story(story: ListingStory, now_ms: int, pen: Pen) -> str:
    row = story.listing
    tone = _STAGES.get(row.stage, Tone.PLAIN)
    seen = f"first seen {when(row.first_seen_ms)} UTC"
    head = f"{pen.write(row.symbol, Tone.HEAD)} {pen.write(row.stage, tone)}, {seen}"
    opens = f"  opens {when(row.opens_ms)} ({ahead(row.opens_ms, now_ms)}) by {row.opens_source or NONE}"
    lines = [head, opens if row.opens_ms is not None else "  no opening time is known"]
    if row.opened_ms is not None:
        lines.append(f"  opened {when(row.opened_ms)} ({ahead(row.opened_ms, now_ms)})")
    if row.outcome:
        lines.append(f"  outcome: {row.outcome}")
    lines += [f"  {pen.write(f'! {words}', Tone.WARN)}" for words in row.disagreements]
    lines.append(pen.write("Sources", Tone.HEAD))
    for source in story.sources:
        words = readable(source.words) if source.present else "lists it no more"
        lines.append(f"  {source.source} since {when(source.since_ms)}: {words or 'lists it'}")
    lines.append(pen.write("What changed", Tone.HEAD))
    lines += [f"  {when(change.at_ms)}  {change_words(change)}" for change in story.changes]
    lines.append(pen.write("Detectors", Tone.HEAD))
    for detector in story.detectors:
        lines += _detector(detector, pen)
    return "\n".join(lines)


def change_words(change: ChangeRow) -> str:
    """Return one change in words."""
    before, after = change.before, change.after
    if change.kind == ChangeKind.MOVED.value and before.isdecimal() and after.isdecimal():
        before, after = when(int(before)), when(int(after))
    told = f" ({change.source})" if change.source else ""
    return f"{change.kind}: {before or NONE} → {after or NONE}{told}"


def _detector(says: DetectorSays, pen: Pen) -> list[str]:
    lines = [f"  {pen.write(says.detector, Tone.HEAD)} (version {says.version})"]
    for signal in says.said:
        state = "stands" if signal.stands else "ended"
        tone = _SEVERITIES.get(signal.severity, Tone.PLAIN)
        said = f"said {when(signal.at_ms)} {pen.write(signal.topic, tone)} ({state})"
        lines.append(f"    {said}: {'; '.join(signal.reasons)}")
        lines.append(f"      {claim_words(signal)}: {signal.words}")
    if says.saw:
        lines.append(readable(f"    saw {', '.join(says.saw)}"))
    if says.why_not:
        lines.append(f"    {'says nothing now' if says.said else 'said nothing'}: {says.why_not}")
    return lines


def settings_page(rows: Sequence[SettingRow], pen: Pen) -> str:
    """Return every setting, one line each."""
    cells = [
        (
            Cell(row.name),
            Cell(row.value or "empty", Tone.PLAIN if row.value == row.default else Tone.GOOD),
            Cell(row.unit),
            Cell(row.origin, Tone.FAINT if row.value == row.default else Tone.PLAIN),
            Cell(f"{row.pending} from the next start" if row.pending else "", Tone.WARN),
        )
        for row in rows
    ]
    return table(("SETTING", "VALUE", "UNIT", "FROM", ""), cells, pen)


def setting_page(row: SettingRow, pen: Pen) -> str:
    """Return everything there is to know about one setting."""
    lines = [
        f"{pen.write(row.name, Tone.HEAD)} = {row.value or 'empty'} {row.unit}".rstrip(),
        f"  {row.help}",
        _pair("  from", row.origin),
        _pair("  allowed", f"{row.allowed} {row.unit}".rstrip()),
        _pair("  default", row.default or "empty"),
    ]
    if row.pending:
        lines.append(_pair("  next", pen.write(f"{row.pending} from the next start", Tone.WARN)))
    elif row.needs_restart:
        lines.append(_pair("  change", "in force at the next start"))
    return "\n".join(lines)


def fact_line(row: FactRow, pen: Pen) -> str:
    """Return one fact of the journal in one line."""
    words = fact_words(row)
    number = pen.write(f"{row.sequence:>7}", Tone.FAINT)
    return f"{number}  {when(row.at_ms)}  {row.kind:<17}  {row.about:<14}  {words}".rstrip()


def facts_page(rows: Iterable[FactRow], pen: Pen) -> str:
    """Return facts, oldest first."""
    return "\n".join(fact_line(row, pen) for row in rows) or "Nothing in the journal fits."


def readable(text: str) -> str:
    """Return a text with its moments in milliseconds as moments."""
    return _MOMENT.sub(lambda found: f"{found[1] + ' ' if found[1] else ''}{when(int(found[2]))}", text)


def money(value: float) -> str:
    """Return a price without an exponent."""
    return f"{Decimal(repr(value)):f}"


def _pair(name: str, value: str) -> str:
    return f"{name:<9} {value}"
