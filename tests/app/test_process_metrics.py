"""Metrics of the process."""

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.app.process_metrics import lag_row, memory_bytes


def test_without_a_measurement_there_is_no_lag() -> None:
    row = lag_row([])
    assert (row.n, row.p50_ms, row.p99_ms, row.max_ms) == (0, None, None, None)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_lags_are_reported_as_quantiles_with_the_maximum(late_ms: list[float]) -> None:
    row = lag_row(late_ms)
    assert row.p50_ms is not None
    assert row.p99_ms is not None
    assert row.p50_ms <= row.p99_ms <= max(late_ms)
    assert (row.n, row.max_ms) == (len(late_ms), max(late_ms))


def test_memory_is_read_from_the_system() -> None:
    now, peak = memory_bytes()
    assert now is not None
    assert peak is not None
    assert 1_000_000 < now <= peak
