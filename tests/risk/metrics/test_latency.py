"""Percentiles of latency spans."""

from random import Random
from statistics import quantiles

from mexc_tui.model.snipe import Stamps
from mexc_tui.risk.metrics.latency import LatencySpan, Percentiles, percentiles, stage_latencies
from tests.support.rounding import near

MS = 1_000_000


def stages(*attempts: Stamps) -> dict[LatencySpan, Percentiles]:
    return {stage_latency.span: stage_latency.percentiles for stage_latency in stage_latencies(attempts)}


def test_percentiles_equal_those_of_the_standard_library() -> None:
    random = Random(2)
    sample = [random.randrange(50 * MS) for _ in range(150)]
    cuts = quantiles(sample, n=100, method="inclusive")
    found = percentiles(sample)
    assert (found.p50.value, found.p99.value) == near((cuts[49] / MS, cuts[98] / MS))
    assert (found.max.value, found.n) == (near(max(sample) / MS), 150)


def test_each_percentile_has_its_own_minimum() -> None:
    found = percentiles([3 * MS] * 19)
    assert (found.p50.value, found.max.value) == (3, 3)
    assert str(percentiles([MS] * 99).p99) == "not enough data (99 of 100)"
    assert percentiles([]).p50.value is None


def test_each_span_is_measured_from_attempts_with_both_stamps() -> None:
    whole = Stamps(
        aim_ns=0,
        decided_ns=1 * MS,
        signed_ns=2 * MS,
        written_ns=5 * MS,
        answered_ns=15 * MS,
        filled_ns=25 * MS,
    )
    lost = Stamps(aim_ns=0, decided_ns=1 * MS, written_ns=3 * MS)
    found = stages(whole, lost, Stamps())
    assert found[LatencySpan.LATENESS].p50.value == 4
    assert found[LatencySpan.DECISION_TO_WIRE].p50.value == 3
    assert (found[LatencySpan.SIGNING].p50.value, found[LatencySpan.SIGNING].n) == (1, 1)
    assert found[LatencySpan.WRITING].p50.value == 3
    assert found[LatencySpan.ANSWER].p50.value == 10
    assert found[LatencySpan.FIRST_FILL].p50.value == 20


def test_a_send_before_its_aim_is_early_not_missing() -> None:
    assert stages(Stamps(aim_ns=10 * MS, written_ns=8 * MS))[LatencySpan.LATENESS].p50.value == -2
