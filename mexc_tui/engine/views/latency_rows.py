"""Latency of firing: the last attempts stage by stage, and percentiles over many."""

from mexc_tui.model.engine_view import AttemptTimingRow, LatencyRow, StageRow, StageTime
from mexc_tui.model.snipe import Attempt
from mexc_tui.ports.trading_store import TradingTables
from mexc_tui.risk.metrics.latency import LatencySpan, StageLatency, spans, stage_latencies

SNIPES = 100
"""Number of newest snipes considered."""
NS_PER_MS = 1e6


def latency_of(tables: TradingTables, most: int) -> LatencyRow:
    """Return the last attempts, newest first, and the latency of each stage over the newest snipes."""
    fired = [
        (attempt, snipe.symbol)
        for snipe in tables.snipes.page(limit=SNIPES)
        for attempt in tables.attempts.of_snipe(snipe.id)
    ]
    newest = sorted(fired, key=lambda row: (row[0].aim_ms, row[0].number), reverse=True)[:most]
    return LatencyRow(
        attempts=tuple(_attempt_row(attempt, symbol) for attempt, symbol in newest),
        stages=tuple(map(_stage, stage_latencies(attempt.stamps for attempt, _ in fired))),
        attempt_count=len(fired),
    )


def _attempt_row(attempt: Attempt, symbol: str) -> AttemptTimingRow:
    took = dict(spans(attempt.stamps))
    return AttemptTimingRow(
        symbol=symbol,
        snipe_id=attempt.snipe_id,
        number=attempt.number,
        aim_ms=attempt.aim_ms,
        late_ms=_ms(took[LatencySpan.LATENESS]),
        stages=tuple(StageTime(name=span.value, took_ms=_ms(ns)) for span, ns in took.items()),
        code=attempt.code,
        answer=attempt.answer,
        next_step=attempt.next_step,
        clock_error_ms=attempt.clock_error_ms,
    )


def _stage(stage: StageLatency) -> StageRow:
    of = stage.percentiles
    return StageRow(
        name=stage.span.value,
        n=of.n,
        p50_ms=of.p50.value,
        p99_ms=of.p99.value,
        max_ms=of.max.value,
        p99_text=str(of.p99),
    )


def _ms(ns: int | None) -> float | None:
    return None if ns is None else ns / NS_PER_MS
