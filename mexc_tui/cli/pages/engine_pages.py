"""Text output of the commands."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from mexc_tui.cli.pages.signal_pages import STAGES
from mexc_tui.cli.pages.tables import Pen, TextCell, TextColumn, TextTone, cut, figure, fold, table
from mexc_tui.cli.pages.trading_pages import OLD_MS, label
from mexc_tui.model.digits import exact, price_number
from mexc_tui.model.severity import Severity
from mexc_tui.model.text import many
from mexc_tui.model.view import AlertRow, FactRow, ListingRow, LoopRow, SettingRow, StatusRow, TradingState
from mexc_tui.wording.alert_titles import alert_title
from mexc_tui.wording.event_text import event_text
from mexc_tui.wording.times import NONE, relative_time, when

_LISTING = (
    "SYMBOL",
    "STAGE",
    TextColumn("OPENS", 4),
    "(UTC)",
    TextColumn("", 1),
    TextColumn("SOURCE", 5),
    TextColumn("MOVES", 3),
    TextColumn("STATES", 7),
    TextColumn("API", 2),
    TextColumn("PRICE", 6),
    "OUTCOME",
    "NOTE",
)
_ALERT = ("LAST", "(UTC)", "SEVERITY", "ABOUT", "TIMES", TextColumn("STATE", 1), TextColumn("RULE", 2))
_COMMAND_KINDS = ("command_begun", "command_done")
"""Kinds of events about a command id, which is shown shortened."""
ABOUT = 24
"""Width of an alert's subject; its text below is complete."""
NARROW = 120
"""Smallest width at which a line shows the date."""


def _loop(loop: LoopRow) -> str:
    ended = "" if loop.last_ended_ms is None else f", the last until {when(loop.last_ended_ms)} UTC"
    return f"event loop: {many(loop.gaps, 'gap')}, longest {loop.longest_gap_ms or 0:,} ms{ended}"


def status_page(status: StatusRow, pen: Pen) -> str:
    """Return the status of an engine."""
    state = status.trading_state
    tone = TextTone.GOOD if state is TradingState.ACTIVE else TextTone.BAD
    clock, streams = status.clock, status.streams
    offset = NONE if clock.offset_ms is None else f"{clock.offset_ms:+.1f} ms ±{clock.error_ms or 0:.1f}"
    place = f"session {status.exchange_session}" if status.exchange_session else "the real exchange"
    lines = [
        _pair("engine", f"running, process {status.pid}, since {when(status.started_ms)} UTC"),
        _pair("profile", f"{status.profile}, mode {status.mode}, {place}"),
        _pair("trading", pen.write(label(state), tone) + (f": {status.cause}" if status.cause else "")),
        *([_pair("key", status.key)] if status.key else []),
        _pair("clock", offset + (f", {clock.warning}" if clock.warning else "")),
        _pair(
            "streams",
            f"{streams.live} of {streams.topics} topics live, {streams.stale} stale, "
            f"{streams.quiet} not trading, "
            f"{streams.connections} connections, {streams.messages_per_s:,.0f} messages/s",
        ),
        *[_pair("", pen.write(reason, TextTone.WARN)) for reason in (*streams.reasons, *streams.silent)],
        _pair(
            "known",
            f"{status.pairs:,} pairs, {status.listings:,} listings ahead, {status.signals:,} active signals, "
            f"{status.journal:,} events",
        ),
    ]
    if status.loop.last_gap_ms is not None:
        lines.append(_pair("loop", pen.write(_loop(status.loop), TextTone.WARN)))
    if status.budget.ban:
        lines.append(_pair("ban", pen.write(status.budget.ban, TextTone.BAD)))
    lines += [_pair("skipped", pen.write(row_text, TextTone.WARN)) for row_text in status.budget.skipped_rows]
    lines += [_pair("excluded", pen.write(item, TextTone.WARN)) for item in status.not_compared]
    lines += [
        _source(source.source, source.read_ms, source.problem, now_ms=status.now_ms, pen=pen)
        for source in status.sources
    ]
    for worker in status.workers:
        if worker.is_degraded or worker.failures:
            text = f"{worker.name}: {worker.state}, {worker.failures} failures, {worker.last_error}"
            lines.append(_pair("worker", pen.write(text, TextTone.WARN)))
    if status.pending_settings:
        lines.append(_pair("restart", f"applied at the next start: {', '.join(status.pending_settings)}"))
    return "\n".join(folded for line in lines for folded in fold(line, " " * 10, pen))


def _source(name: str, read_ms: int | None, problem: str, *, now_ms: int, pen: Pen) -> str:
    text = f"{name} read {relative_time(read_ms, now_ms)}" if read_ms is not None else f"{name} not read yet"
    return _pair("source", text + (f": {pen.write(problem, TextTone.WARN)}" if problem else ""))


def alerts_page(rows: Sequence[AlertRow], pen: Pen) -> str:
    """Return alerts, given newest first, with the newest at the end and the full text below each line."""
    if not rows:
        return "No open alerts."
    ordered = rows[::-1]
    head, *lines = table(_ALERT, [_alert(row) for row in ordered], pen).splitlines()
    texts = ["\n".join(fold(f"  {row.text}", "  ", pen)) for row in ordered]
    return "\n".join([head, *(f"{line}\n{text}" for line, text in zip(lines, texts, strict=True))])


def _alert(row: AlertRow) -> tuple[TextCell, ...]:
    day, time = when(row.last_ms).split()
    is_bad = row.severity in (Severity.ERROR, Severity.CRITICAL)
    return (
        TextCell(day),
        TextCell(time),
        TextCell(row.severity, TextTone.BAD if is_bad else TextTone.WARN),
        TextCell(cut(row.about, ABOUT)),
        TextCell(str(row.times), is_number=True),
        TextCell(
            "open" if row.closed_ms is None else "closed",
            TextTone.PLAIN if row.closed_ms is None else TextTone.FAINT,
        ),
        TextCell(alert_title(row.rule)),
    )


def listings_page(rows: Sequence[ListingRow], now_ms: int, pen: Pen) -> str:
    """Return every listing in order of opening time; those without one come last."""
    if not rows:
        return "No listings."
    ordered = sorted(rows, key=lambda row: (row.opens_ms is None, row.opens_ms or row.first_seen_ms, row.id))
    return table(_LISTING, [_listing(row, now_ms) for row in ordered], pen)


def _listing(row: ListingRow, now_ms: int) -> tuple[TextCell, ...]:
    opened = row.opened_ms if row.opened_ms is not None else row.opens_ms
    notes = (
        [f"was {', '.join(name for name in row.names if name != row.symbol)}"] if len(row.names) > 1 else []
    )
    notes += row.disagreements
    return (
        TextCell(row.symbol),
        TextCell(label(row.stage), STAGES.get(row.stage, TextTone.PLAIN)),
        TextCell(when(opened)[:10]),
        TextCell(when(opened)[11:]),
        TextCell(relative_time(opened, now_ms), TextTone.FAINT),
        TextCell(row.opens_source or row.first_source),
        TextCell(str(row.moves), TextTone.WARN if row.moves else TextTone.PLAIN, is_number=True),
        TextCell(row.triple or NONE),
        TextCell("yes" if row.api_allowed else "no", TextTone.GOOD if row.api_allowed else TextTone.PLAIN),
        _price(row, now_ms),
        TextCell(row.outcome or NONE),
        TextCell("; ".join(notes), TextTone.WARN),
    )


def _price(row: ListingRow, now_ms: int) -> TextCell:
    """Return the last price, with a ~ in front of one that is not current."""
    found = exact(row.price)
    if found is None:
        return figure(None)
    is_current = row.priced_ms is not None and now_ms - row.priced_ms <= OLD_MS
    return figure(replace(price_number(found, row.price_decimals), before="" if is_current else "~"))


def settings_page(rows: Sequence[SettingRow], pen: Pen) -> str:
    """Return every setting, one line each."""
    cells = [
        (
            TextCell(row.name),
            TextCell(row.value or "empty", TextTone.PLAIN if row.value == row.default else TextTone.GOOD),
            TextCell(row.unit),
            TextCell(f"{row.pending} from the next start" if row.pending else "", TextTone.WARN),
            TextCell(row.origin, TextTone.FAINT if row.value == row.default else TextTone.PLAIN),
        )
        for row in rows
    ]
    return table(("SETTING", "VALUE", "UNIT", "", "FROM"), cells, pen)


def setting_page(row: SettingRow, pen: Pen) -> str:
    """Return all details of one setting."""
    lines = [
        f"{pen.write(row.name, TextTone.HEAD)} = {row.value or 'empty'} {row.unit}".rstrip(),
        f"  {row.help}",
        _pair("  from", row.origin),
        _pair("  allowed", f"{row.allowed} {row.unit}".rstrip()),
        _pair("  default", row.default or "empty"),
    ]
    if row.pending:
        lines.append(_pair("  next", pen.write(f"{row.pending} from the next start", TextTone.WARN)))
    elif row.needs_restart:
        lines.append(_pair("  change", "in force at the next start"))
    return "\n".join(lines)


def fact_line(row: FactRow, pen: Pen) -> str:
    """Return one event of the journal in one line, cut to the pen's width."""
    number, at, text = f"{row.sequence:>7}", when(row.at_ms), event_text(row)
    if pen.columns is not None and pen.columns < NARROW:
        number, at = number.lstrip(), at[11:]
    about = row.about[:8] if row.kind in _COMMAND_KINDS else row.about
    rest = f"  {at}  {row.kind:<17}  {about:<14}  {text}".rstrip()
    if pen.columns is not None:
        rest = cut(rest, pen.columns - len(number))
    return pen.write(number, TextTone.FAINT) + rest


def facts_page(rows: Iterable[FactRow], pen: Pen) -> str:
    """Return events, oldest first."""
    return "\n".join(fact_line(row, pen) for row in rows) or "No matching events."


def money(value: float) -> str:
    """Return a price without an exponent."""
    return f"{Decimal(repr(value)):f}"


def _pair(name: str, value: str) -> str:
    return f"{name:<9} {value}"
