"""Screen 7: latency, resources, request budget, streams and queues of the engine."""

from mexc_tui.desk.engine_requests import NoArguments
from mexc_tui.desk.screen_requests import LATENCY, MACHINE, LatencyQuery
from mexc_tui.model.engine_view import AttemptTimingRow, LatencyRow, MachineRow, QueueRow, StageRow
from mexc_tui.model.view import LaneRow, StatusRow
from mexc_tui.tui.query_cache import QueryResponse
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.panes import LOADING, PanePlace, PicturePane, QueryPane, ScreenSpec
from mexc_tui.tui.widgets.cell import UNKNOWN_CELL, Cell, Tone, fit
from mexc_tui.tui.widgets.charts import waterfall
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.progress_bar import bar
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, text_line
from mexc_tui.tui.widgets.table_rows import Line
from mexc_tui.tui.widgets.text import age, bytes_of, local_and_utc, milliseconds

_ASK_S, _ASK_SLOWLY_S = 1.0, 5.0
_NAME, _BAR, _MIN_BAR = 20, 24, 8
_FULL = 0.75
_ATTEMPTS = (
    Column("SYMBOL", 14),
    Column("ATTEMPT", 7, is_number=True),
    Column("LATE", 9, is_number=True),
    Column("TOTAL", 9, drop_order=1, is_number=True),
    Column("CODE", 6, drop_order=2, is_number=True),
    Column("RESPONSE", 12, grows=True),
    Column("NEXT", 14, drop_order=3),
)
_WORKERS = (
    Column("WORKER", 20),
    Column("STATE", 10),
    Column("RESTARTS", 8, drop_order=1, is_number=True),
    Column("LAST PROBLEM", 20, grows=True),
)


def _latency(context: RenderContext) -> QueryResponse[LatencyRow]:
    return context.query(LATENCY, LatencyQuery(), _ASK_SLOWLY_S)


def _metrics(context: RenderContext) -> QueryResponse[MachineRow]:
    return context.query(MACHINE, NoArguments(), _ASK_S)


def _status(context: RenderContext) -> StatusRow | None:
    return context.source.status_row


def _key(attempt: AttemptTimingRow) -> str:
    return f"{attempt.snipe_id} {attempt.number}"


def _attempt_lines(row: LatencyRow, _: RenderContext) -> dict[str, Line]:
    return {_key(attempt): _attempt_line(attempt) for attempt in row.attempts}


def _attempt_line(attempt: AttemptTimingRow) -> Line:
    took = [stage.took_ms for stage in attempt.stages if stage.took_ms is not None]
    return (
        Cell(attempt.symbol, Tone.STRONG),
        Cell(str(attempt.number), rank=attempt.number),
        UNKNOWN_CELL
        if attempt.late_ms is None
        else Cell(milliseconds(attempt.late_ms), rank=attempt.late_ms),
        Cell(milliseconds(sum(took)), rank=sum(took)) if took else UNKNOWN_CELL,
        Cell(str(attempt.code), Tone.WARN, attempt.code) if attempt.code else UNKNOWN_CELL,
        Cell(attempt.answer, Tone.WARN if attempt.code else Tone.PLAIN),
        Cell(attempt.next_step, Tone.FAINT),
    )


def _waterfall(context: RenderContext, width: int, height: int) -> list[Drawn]:
    """Draw the stages of the selected attempt with their usual duration."""
    del height
    response = _latency(context)
    row = response.result
    if row is None:
        return [text_line(response.problem or LOADING, Tone.FAINT)]
    if not row.attempts:
        return [text_line("No attempt sent yet.", Tone.FAINT)]
    attempt = next((attempt for attempt in row.attempts if _key(attempt) == context.key), row.attempts[0])
    usual = {stage.name: stage for stage in row.stages}
    figures = 34
    longest = max((len(stage.name) for stage in attempt.stages), default=_NAME)
    named = min(longest + 1, max(width - figures - _MIN_BAR, _NAME))
    room = max(width - named - figures, _MIN_BAR)
    took = [(stage.name, stage.took_ms) for stage in attempt.stages]
    lines: list[Drawn] = [
        (
            StyledSpan(f"{attempt.symbol} attempt {attempt.number}", Tone.STRONG),
            StyledSpan(f", aim {local_and_utc(attempt.aim_ms, context.zone)}"),
        ),
        text_line(f"{'':<{named + room}}{'THIS':>9}{'P50':>9}{'P99':>9}{'N':>5}", Tone.FAINT),
    ]
    for (name, value), drawn in zip(took, waterfall([value for _, value in took], room), strict=True):
        lines.append(
            _stage(fit(name.replace("_", " "), named - 1) + " ", value, drawn, usual=usual.get(name))
        )
    return lines


def _stage(name: str, took_ms: float | None, drawn: str, *, usual: StageRow | None) -> Drawn:
    p50, p99, n = (None, None, 0) if usual is None else (usual.p50_ms, usual.p99_ms, usual.n)
    figures = f"{milliseconds(p50):>9}{milliseconds(p99):>9}{n:>5}"
    return (
        StyledSpan(name),
        StyledSpan(drawn, Tone.GOOD),
        StyledSpan(f"{milliseconds(took_ms):>9}", Tone.STRONG),
        StyledSpan(figures, Tone.FAINT),
    )


def _resources(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del width, height
    response = _metrics(context)
    row, status = response.result, _status(context)
    if row is None or status is None:
        return [text_line(response.problem or LOADING, Tone.FAINT)]
    store, lag = row.store, row.lag
    worst = f"max {milliseconds(lag.max_ms)}"
    cpu = "–" if row.cpu_pct is None else f"{row.cpu_pct:.1f}%"
    return [
        _fact("memory", f"{bytes_of(row.rss_bytes)}, peak {bytes_of(row.rss_peak_bytes)}"),
        _fact("CPU", f"{cpu} of a core, {row.cpu_s:.0f} s total, {row.threads} threads"),
        _fact("loop lag", f"p50 {milliseconds(lag.p50_ms)}, p99 {milliseconds(lag.p99_ms)}, {worst}"),
        _fact("database", f"{bytes_of(store.database_bytes)} + {bytes_of(store.wal_bytes)} log"),
        _fact(
            "commits",
            f"{store.commits_per_s:.1f}/s, last {milliseconds(store.last_commit_ms)}, {store.waiting} queued",
        ),
        _fact(
            "slow queries",
            f"{store.slow}, timed out {store.too_slow}  {store.slowest}",
            is_bad=store.too_slow > 0,
        ),
        _fact("exit reserve", "available" if store.has_reserve else "MISSING", is_bad=not store.has_reserve),
        _fact("journal", f"{status.journal} events"),
        _fact("this terminal", _terminal(context)),
        *(
            _fact("client", f"{viewer.who} ({viewer.role}), {bytes_of(viewer.waiting_bytes)} unread")
            for viewer in row.viewers
        ),
    ]


def _terminal(context: RenderContext) -> str:
    per_s = context.source.wire_per_s()
    return "–" if per_s is None else f"{bytes_of(per_s)}/s"


def _fact(name: str, text: str, *, is_bad: bool = False) -> Drawn:
    return StyledSpan(f"{name:<15}", Tone.FAINT), StyledSpan(text, Tone.BAD if is_bad else Tone.PLAIN)


def _weights(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del height
    status, metrics = _status(context), _metrics(context).result
    if status is None:
        return [text_line(LOADING, Tone.FAINT)]
    clock, budget = status.clock, status.budget
    offset = (
        "unknown" if clock.offset_ms is None else f"{clock.offset_ms:+.1f} ± {clock.error_ms or 0:.1f} ms"
    )
    lines = [_fact("clock", f"{offset}  {clock.warning}".rstrip(), is_bad=bool(clock.warning))]
    if budget.ban:
        until = (
            ""
            if budget.ban_until_ms is None
            else f" until {local_and_utc(budget.ban_until_ms, context.zone)}"
        )
        lines.append(text_line(f"BANNED: {budget.ban}{until}", Tone.BAD))
    lines += [_lane(lane, width) for lane in budget.lanes]
    if metrics is not None:
        waiting = f"{metrics.requests_waiting} queued, {metrics.requests_refused} refused"
        lines.append(_fact("requests", waiting))
        lines += [
            _fact(
                "breaker",
                f"{breaker.group}: {breaker.phase}, retry in {breaker.retry_in_s:.0f} s",
                is_bad=True,
            )
            for breaker in metrics.breakers
            if breaker.phase != "closed"
        ]
    return lines


def _lane(lane: LaneRow, width: int) -> Drawn:
    share = lane.used / lane.limit if lane.limit else 0.0
    tone = Tone.BAD if share >= 1 else Tone.WARN if share >= _FULL else Tone.GOOD
    room = max(min(width - 15 - 18, _BAR), 4)
    usage = f" {lane.used}/{lane.limit} in {lane.window_s:g} s"
    return StyledSpan(fit(lane.name, 15), Tone.FAINT), StyledSpan(bar(share, room), tone), StyledSpan(usage)


def _streams(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del width, height
    status, row = _status(context), _metrics(context).result
    if status is None:
        return [text_line(LOADING, Tone.FAINT)]
    streams = status.streams
    lines = [
        text_line(
            f"{streams.live} of {streams.topics} live, {streams.quiet} quiet, {streams.stale} stale, "
            f"{streams.messages_per_s:.0f} messages/s"
        )
    ]
    lines += [text_line(topic, Tone.WARN) for topic in streams.silent]
    lines += [text_line(f"Skipped: {skipped}", Tone.WARN) for skipped in status.budget.skipped_rows]
    lines += [text_line(f"Not reconciled: {item}", Tone.WARN) for item in status.not_compared]
    for source in status.sources:
        read = (
            "not read yet" if source.read_ms is None else f"read {age(context.now_ms - source.read_ms)} ago"
        )
        words_of = f"{read}  {source.problem}".rstrip()
        lines.append(_fact(source.source[:14], words_of, is_bad=bool(source.problem)))
    if row is not None:
        for connection in row.connections:
            up = (
                f"up {age((connection.age_s or 0) * 1_000)}"
                if connection.is_up
                else f"DOWN: {connection.reason}"
            )
            lines.append(
                _fact(
                    connection.name[:14],
                    f"{up}, {connection.topics} topics, {connection.messages} messages",
                    is_bad=not connection.is_up,
                )
            )
        lines += [_queue(queue) for queue in row.observers]
    return lines


def _queue(row: QueueRow) -> Drawn:
    lost = f", {row.dropped} dropped" if row.dropped else ""
    return _fact(
        row.name[:14], f"{row.waiting} queued{lost}  {row.last_error}".rstrip(), is_bad=bool(row.last_error)
    )


def _workers(row: MachineRow, context: RenderContext) -> dict[str, Line]:
    del row
    status = _status(context)
    return (
        {}
        if status is None
        else {
            worker.name: _worker(
                worker.name,
                worker.state,
                worker.restarts,
                problem=worker.last_error,
                is_degraded=worker.is_degraded,
            )
            for worker in status.workers
        }
    )


def _worker(name: str, state: str, restarts: int, *, problem: str, is_degraded: bool) -> Line:
    return (
        Cell(name, Tone.STRONG),
        Cell(state, Tone.WARN if is_degraded else Tone.PLAIN),
        Cell(str(restarts), Tone.WARN if restarts else Tone.FAINT, restarts),
        Cell(problem, Tone.WARN),
    )


BOARD = ScreenSpec(
    "engine",
    "Engine",
    "Latency of each attempt by stage, with percentiles; workers; request weights and bans, clock, "
    "streams with data ages, queues, database, memory, and bytes sent to this terminal.",
    (
        QueryPane(
            "Attempts",
            _ATTEMPTS,
            _latency,
            _attempt_lines,
            "No attempt sent yet.",
            place=PanePlace(share=2),
            follows=True,
        ),
        PicturePane("Latency", _waterfall, PanePlace(share=3)),
        QueryPane(
            "Workers",
            _WORKERS,
            _metrics,
            _workers,
            "No worker is running.",
            place=PanePlace(share=2, least_height=36),
        ),
        PicturePane("Weights, bans, clock", _weights, PanePlace(share=3, is_beside=True)),
        PicturePane("Resources", _resources, PanePlace(share=4, is_beside=True, least_height=30)),
        PicturePane(
            "Streams, sources, queues", _streams, PanePlace(share=4, is_beside=True, least_height=36)
        ),
    ),
)
