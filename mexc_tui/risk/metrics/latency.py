"""Latency of each stage of an order (formulas E6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mexc_tui.model.figure import Figure, FigureUnit, too_few
from mexc_tui.model.snipe import Stamps
from mexc_tui.risk.metrics.samples import quantile_of_sorted

MIN_FOR_P99 = 100
_NS_PER_MS = 1e6


class LatencySpan(StrEnum):
    """Span between two timestamps; the value is its display name. "Written": the last byte of the request."""

    LATENESS = "aim to written"
    SIGNING = "decided to signed"
    WRITING = "signed to written"
    DECISION_TO_WIRE = "decided to written"
    ANSWER = "written to response"
    FIRST_FILL = "written to first fill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Percentiles of one sample in milliseconds, type 7; each has its own minimum sample size."""

    n: int
    p50: Figure
    p99: Figure
    max: Figure


@dataclass(frozen=True, slots=True)
class StageLatency:
    """Latency of one stage over all attempts that reached it."""

    span: LatencySpan
    percentiles: Percentiles


def percentiles(samples_ns: Sequence[int]) -> Percentiles:
    """Return p50, p99 (n >= 100) and maximum of spans in nanoseconds (formulas E6)."""
    ordered = sorted(samples_ns)
    return Percentiles(
        n=len(ordered),
        p50=_at(ordered, 0.5, 1),
        p99=_at(ordered, 0.99, MIN_FOR_P99),
        max=_at(ordered, 1.0, 1),
    )


def stage_latencies(attempts: Iterable[Stamps]) -> tuple[StageLatency, ...]:
    """Return the percentiles of each stage over the attempts with both timestamps (formulas E6)."""
    samples: dict[LatencySpan, list[int]] = {span: [] for span in LatencySpan}
    for stamps in attempts:
        for span, took_ns in spans(stamps):
            if took_ns is not None:
                samples[span].append(took_ns)
    return tuple(StageLatency(span, percentiles(found)) for span, found in samples.items())


def spans(one: Stamps) -> tuple[tuple[LatencySpan, int | None], ...]:
    """Return the duration of each stage of one attempt, in nanoseconds; None: not reached."""
    stages = (
        (LatencySpan.LATENESS, one.aim_ns, one.written_ns),
        (LatencySpan.SIGNING, one.decided_ns, one.signed_ns),
        (LatencySpan.WRITING, one.signed_ns, one.written_ns),
        (LatencySpan.DECISION_TO_WIRE, one.decided_ns, one.written_ns),
        (LatencySpan.ANSWER, one.written_ns, one.answered_ns),
        (LatencySpan.FIRST_FILL, one.written_ns, one.filled_ns),
    )
    return tuple((span, None if start is None or end is None else end - start) for span, start, end in stages)


def _at(ordered: Sequence[int], share: float, minimum: int) -> Figure:
    n = len(ordered)
    if n < minimum:
        return too_few(n, minimum, FigureUnit.MS)
    return Figure(
        value=quantile_of_sorted(ordered, share) / _NS_PER_MS, n=n, minimum=minimum, unit=FigureUnit.MS
    )
