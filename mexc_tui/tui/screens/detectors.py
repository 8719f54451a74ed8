"""Screen 6: performance of each detector."""

from mexc_tui.desk.engine_requests import NoArguments
from mexc_tui.desk.screen_requests import DETECTORS
from mexc_tui.model.engine_view import DetectorRow, DetectorsRow, RateRow
from mexc_tui.model.signal import MIN_N_FOR_CALIBRATION, MIN_N_FOR_RATE
from mexc_tui.tui.query_cache import QueryResponse
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.panes import LOADING, PanePlace, PicturePane, QueryPane, ScreenSpec
from mexc_tui.tui.widgets.cell import UNKNOWN_CELL, Cell, Tone
from mexc_tui.tui.widgets.charts import band
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, text_line, wrap
from mexc_tui.tui.widgets.table_rows import Line
from mexc_tui.tui.widgets.text import age, local_and_utc, span

_ASK_S = 5.0
_BAND = 24
_COLUMNS = (
    Column("DETECTOR", 16),
    Column("HIT RATE", 8, is_number=True),
    Column("95% RANGE", 9, drop_order=2),
    Column("N", 5, is_number=True),
    Column("RECALL", 6, drop_order=1, is_number=True),
    Column("RAISED", 6, drop_order=4, is_number=True),
    Column("ACTIVE", 6, drop_order=5, is_number=True),
    Column("LEAD", 7, drop_order=3, is_number=True),
    Column("P10–P90", 13, drop_order=6),
    Column("CALIB", 6, drop_order=7, is_number=True),
    Column("VERDICT", 20, grows=True),
)


def _query(context: RenderContext) -> QueryResponse[DetectorsRow]:
    return context.query(DETECTORS, NoArguments(), _ASK_S)


def _rows(row: DetectorsRow, _: RenderContext) -> dict[str, Line]:
    return {detector.name: _line(detector) for detector in row.detectors}


def _line(row: DetectorRow) -> Line:
    rate, lead = row.rate, row.lead
    few = Tone.FAINT if rate.n < MIN_N_FOR_RATE else Tone.PLAIN
    error = row.calibration_error
    return (
        Cell(row.name.replace("_", " "), Tone.STRONG),
        UNKNOWN_CELL if rate.value is None else Cell(f"{rate.value:.0%}", few, rate.value),
        UNKNOWN_CELL
        if rate.low is None or rate.high is None
        else Cell(f"{rate.low * 100:.0f}–{rate.high:.0%}", few),
        Cell(str(rate.n), few, rate.n),
        _recall(row.recall),
        Cell(str(row.raised), rank=row.raised),
        Cell(str(row.active), rank=row.active),
        UNKNOWN_CELL if lead.median_ms is None else Cell(span(lead.median_ms), rank=lead.median_ms),
        UNKNOWN_CELL
        if lead.p10_ms is None or lead.p90_ms is None
        else Cell(f"{span(lead.p10_ms)} – {span(lead.p90_ms)}", Tone.FAINT),
        UNKNOWN_CELL
        if error is None
        else Cell(f"{error * 100:.0f}pp", Tone.WARN if error > 0.15 else Tone.PLAIN, error),
        Cell(row.verdict, Tone.FAINT),
    )


def _recall(recall: RateRow) -> Cell:
    if recall.value is None:
        return UNKNOWN_CELL
    tone = Tone.FAINT if recall.n < MIN_N_FOR_RATE else Tone.PLAIN
    return Cell(f"{recall.value:.0%}", tone, recall.value)


def _detail(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del height
    response = _query(context)
    if response.result is None:
        return [text_line(response.problem or LOADING, Tone.FAINT)]
    row = next((detector for detector in response.result.detectors if detector.name == context.key), None)
    if row is None:
        return [text_line("Select a detector.", Tone.FAINT)]
    last = "none since start" if row.last_ms is None else local_and_utc(row.last_ms, context.zone)
    lead = row.lead
    ahead = "" if lead.share_ahead is None else f", {lead.share_ahead:.0%} before the opening"
    return [
        text_line(f"{row.name.replace('_', ' ')}, version {row.version}", Tone.STRONG),
        *(text_line(line) for line in wrap(row.verdict, width)),
        text_line(""),
        *_rate(row.rate, width),
        text_line(""),
        (StyledSpan("last signal   ", Tone.FAINT), StyledSpan(last)),
        (StyledSpan("recall        ", Tone.FAINT), StyledSpan(_shown(row.recall, "in time"))),
        (StyledSpan("base rate     ", Tone.FAINT), StyledSpan(_shown(row.base, "of all listings"))),
        (StyledSpan("Brier skill   ", Tone.FAINT), StyledSpan(_skill(row))),
        (
            StyledSpan("outcomes      ", Tone.FAINT),
            StyledSpan(f"{row.waiting} pending, {row.censored} censored"),
        ),
        (StyledSpan("lead time     ", Tone.FAINT), StyledSpan(f"of {lead.n} listings{ahead}")),
        (
            StyledSpan("calibration   ", Tone.FAINT),
            StyledSpan(
                f"not enough data ({row.judged} of {MIN_N_FOR_CALIBRATION})"
                if row.calibration_error is None
                else f"mean error {row.calibration_error * 100:.1f} points, n {row.judged}"
            ),
        ),
    ]


def _shown(rate: RateRow, of: str) -> str:
    return rate.text or "unknown" if rate.value is None else f"{rate.text}, {of}"


def _skill(row: DetectorRow) -> str:
    if row.judged < MIN_N_FOR_RATE:
        return f"not enough data ({row.judged} of {MIN_N_FOR_RATE})"
    if row.skill is None:
        return "not comparable: all listings had the same outcome"
    return f"{row.skill:+.2f} against the base rate, n {row.judged}"


def _rate(rate: RateRow, width: int) -> list[Drawn]:
    """Draw the hit rate with its interval on a scale of 0 to 100 %."""
    if rate.value is None or rate.low is None or rate.high is None:
        return [text_line(rate.text or "No hit rate: no outcome known yet.", Tone.FAINT)]
    room = min(_BAND * 2, max(width - 10, 8))
    tone = Tone.FAINT if rate.n < MIN_N_FOR_RATE else Tone.GOOD
    return [
        (
            StyledSpan("0% "),
            StyledSpan(band(rate.low, rate.value, rate.high, width=room), tone),
            StyledSpan(" 100%"),
        ),
        *(text_line(line) for line in wrap(f"correct: {rate.text}", width)),
    ]


def _pass(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del width, height
    row = _query(context).result
    if row is None:
        return [text_line(LOADING, Tone.FAINT)]
    last = row.last_pass
    if last is None:
        return [text_line("No detection pass completed yet.", Tone.FAINT)]
    lines: list[Drawn] = [
        (
            StyledSpan(f"{last.looked_at} listings in {last.duration_ms:.1f} ms"),
            StyledSpan(
                f", {age(context.now_ms - last.at_ms)} ago; {last.passes} passes since start", Tone.FAINT
            ),
        ),
        text_line(f"{last.raised} raised, {last.ended} ended"),
        text_line(""),
    ]
    for read in last.read:
        old = "never read" if read.age_ms is None else f"{age(read.age_ms)} old"
        lines.append(
            (
                StyledSpan(f"{read.source:<16}", Tone.FAINT),
                StyledSpan(old, Tone.WARN if read.age_ms is None else Tone.PLAIN),
            )
        )
    return lines


BOARD = ScreenSpec(
    "detectors",
    "Detectors",
    "Hit rate of each detector with its 95 % interval and sample (N); recall: share of openings signalled in "
    "time; lead time before the opening; calibration error of its probabilities; "
    "and the data read in the last detection pass.",
    (
        QueryPane("Detectors", _COLUMNS, _query, _rows, "No detector is running.", place=PanePlace(share=3)),
        PicturePane("Detector", _detail, PanePlace(share=3, is_beside=True)),
        PicturePane("Last pass", _pass, PanePlace(share=2, is_beside=True, least_height=30)),
    ),
    wide_from=160,
)
