"""The exchange's clock: the true offset is always within the bound, and signing requires an estimate."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.exchange.limits.clock_offset import (
    ClockOutOfBounds,
    Offset,
    OffsetEstimator,
    OffsetLimits,
    Sample,
    measure,
)
from mexc_tui.simulation.clock import VirtualClock
from mexc_tui.simulation.run import Simulation, simulate

MS = 1_000_000
S = 1_000 * MS
START_MS = 1_764_547_200_000

Truth = Callable[[int], float]


def exchange(ahead_ms: float, drift_ppm: float) -> Truth:
    """Return the exchange's true time in milliseconds as a function of our monotonic clock."""
    return lambda now_ns: START_MS + ahead_ms + now_ns / MS * (1 + drift_ppm / 1e6)


def round_trip(
    truth: Truth, t0_ns: int, there_ms: float, back_ms: float, wall_ms: int | None = None
) -> Sample:
    arrived_ns = t0_ns + round(there_ms * MS)
    t1_ns = arrived_ns + round(back_ms * MS)
    wall_ms = START_MS + t1_ns // MS if wall_ms is None else wall_ms
    return Sample(t0_ns, t1_ns, int(truth(arrived_ns)), wall_ms)


def estimate_at(estimator: OffsetEstimator, now_ns: int) -> Offset:
    offset = estimator.estimate(now_ns)
    assert offset is not None
    return offset


def estimate_error_ms(estimator: OffsetEstimator, truth: Truth, now_ns: int) -> float:
    """Return how far the estimate is from the truth."""
    return abs(now_ns / MS - estimator.monotonic_ns_at(truth(now_ns)) / MS)


delays = st.floats(0.05, 800)
trips = st.lists(st.tuples(st.floats(0.01, 120), delays, delays), min_size=1, max_size=80)


@given(
    trips=trips, ahead_ms=st.floats(-5_000, 5_000), drift_ppm=st.floats(-99, 99), later_s=st.floats(0, 7_200)
)
def test_C2_the_true_offset_is_always_within_the_bound(
    trips: list[tuple[float, float, float]], ahead_ms: float, drift_ppm: float, later_s: float
) -> None:
    truth = exchange(ahead_ms, drift_ppm)
    estimator = OffsetEstimator()
    now_ns = 10 * S
    for pause_s, there_ms, back_ms in trips:
        sample = round_trip(truth, now_ns, there_ms, back_ms)
        estimator.add(sample)
        assert (
            estimate_error_ms(estimator, truth, sample.t1_ns) <= estimate_at(estimator, sample.t1_ns).error_ms
        )
        now_ns = sample.t1_ns + round(pause_s * S)
        assert estimate_error_ms(estimator, truth, now_ns) <= estimate_at(estimator, now_ns).error_ms
    now_ns += round(later_s * S)
    assert estimate_error_ms(estimator, truth, now_ns) <= estimate_at(estimator, now_ns).error_ms
    assert estimate_at(estimator, now_ns).jumps == 0


@given(trips=trips, drift_ppm=st.floats(-1_900, 1_900))
def test_C2_an_unusually_fast_drift_is_detected_and_included_in_the_bound(
    trips: list[tuple[float, float, float]], drift_ppm: float
) -> None:
    truth = exchange(0, drift_ppm)
    estimator = OffsetEstimator()
    now_ns = 10 * S
    for pause_s, there_ms, back_ms in trips:
        sample = round_trip(truth, now_ns, there_ms, back_ms)
        estimator.add(sample)
        now_ns = sample.t1_ns + round(pause_s * S)
    offset = estimate_at(estimator, now_ns)
    if offset.drift_ppm is not None and offset.drift_error_ppm is not None:
        # Half a millisecond of rounding covers the drift within a round trip.
        assert abs(offset.drift_ppm - drift_ppm) <= offset.drift_error_ppm + 1


def test_C2_a_fast_drift_widens_the_bound_to_include_the_true_offset() -> None:
    truth = exchange(0, 1_000)
    estimator = OffsetEstimator()
    for minute in range(5):
        estimator.add(round_trip(truth, minute * 60 * S, 5, 5))
    now_ns = 5 * 60 * S
    offset = estimate_at(estimator, now_ns)
    assert estimate_error_ms(estimator, truth, now_ns) <= offset.error_ms
    assert "drifts up to" in offset.warning
    assert offset.drift_ppm is not None
    assert 900 < offset.drift_ppm < 1_100


@settings(max_examples=30)
@given(ahead_ms=st.floats(-5_000, 5_000), drift_ppm=st.floats(-90, 90), seed=st.integers(0, 99))
def test_C2_on_a_jittery_network_requests_are_signed_within_the_exchanges_window(
    ahead_ms: float, drift_ppm: float, seed: int
) -> None:
    async def main(sim: Simulation) -> None:
        exchange_clock = VirtualClock(ahead_ms=ahead_ms, drift_ppm=drift_ppm)
        estimator = OffsetEstimator()

        async def server_time() -> int:
            await asyncio.sleep(sim.rng.uniform(0.02, 0.4))
            server_ms = exchange_clock.now_ms()
            await asyncio.sleep(sim.rng.uniform(0.02, 0.4))
            return server_ms

        for _ in range(10):
            measured = await measure(server_time, sim.clock)
            assert measured.best is not None
            estimator.add(measured.best)
            await asyncio.sleep(60)
            now_ns = sim.clock.monotonic_ns()
            signed_ms = estimator.exchange_now_ms(now_ns)
            assert abs(signed_ms - exchange_clock.now_ms()) <= estimate_at(estimator, now_ns).error_ms + 1
            # The exchange's rule (protocol 2.4).
            assert signed_ms < exchange_clock.now_ms() + 1_000

    simulate(main, seed=seed)


def test_the_fastest_round_trip_decides() -> None:
    async def main(sim: Simulation) -> None:
        trips_s = iter([0.5, 0.3, 0.04, 0.2, 0.9, 0.4, 0.1, 0.6, 0.8, 0.7])

        async def server_time() -> int:
            await asyncio.sleep(next(trips_s))
            return sim.clock.now_ms()

        measured = await measure(server_time, sim.clock)
        assert measured.best is not None
        assert round(measured.best.round_trip_ms) == 40
        assert (measured.tried, measured.failed, measured.first_failure) == (10, 0, "")

    simulate(main)


def test_a_failed_round_trip_is_skipped_and_counted() -> None:
    async def main(sim: Simulation) -> None:
        queries = 0

        async def server_time() -> int:
            nonlocal queries
            queries += 1
            await asyncio.sleep(0.05)
            if queries % 2:
                raise ConnectionResetError("reset by peer")
            return sim.clock.now_ms()

        measured = await measure(server_time, sim.clock)
        assert measured.best is not None
        assert (measured.tried, measured.failed) == (10, 5)
        assert measured.first_failure == "reset by peer"

    simulate(main)


def test_no_sample_results_if_every_round_trip_fails() -> None:
    async def main(sim: Simulation) -> None:
        async def server_time() -> int:
            raise TimeoutError

        measured = await measure(server_time, sim.clock, samples=3)
        assert (measured.best, measured.failed) == (None, 3)

    simulate(main)


def test_an_unexpected_error_during_measurement_is_raised() -> None:
    async def main(sim: Simulation) -> None:
        async def server_time() -> int:
            raise KeyError("serverTime")

        with pytest.raises(KeyError):
            await measure(server_time, sim.clock)

    simulate(main)


def test_nothing_is_signed_before_the_first_measurement() -> None:
    estimator = OffsetEstimator()
    assert estimator.estimate(0) is None
    with pytest.raises(ClockOutOfBounds, match="offset is unknown"):
        estimator.exchange_now_ms(0)
    with pytest.raises(ClockOutOfBounds, match="offset is unknown"):
        estimator.monotonic_ns_at(START_MS)


def test_C2_a_bound_that_cannot_rule_out_900_ms_ahead_is_refused() -> None:
    truth = exchange(0, 0)
    estimator = OffsetEstimator()
    slow = round_trip(truth, 0, 1_000, 900)
    estimator.add(slow)
    with pytest.raises(ClockOutOfBounds, match="more than 900 ms ahead"):
        estimator.exchange_now_ms(slow.t1_ns)
    fast = round_trip(truth, 10 * S, 20, 20)
    estimator.add(fast)
    assert abs(estimator.exchange_now_ms(fast.t1_ns) - truth(fast.t1_ns)) < 22


def test_C2_a_bound_above_250_ms_warns_and_allows_signing() -> None:
    estimator = OffsetEstimator()
    sample = round_trip(exchange(0, 0), 0, 300, 300)
    estimator.add(sample)
    assert estimate_at(estimator, sample.t1_ns).warning.startswith(
        "The clock offset is known to ±301 ms only"
    )
    estimator.exchange_now_ms(sample.t1_ns)


def test_an_outdated_estimate_is_refused() -> None:
    estimator = OffsetEstimator(OffsetLimits(max_age_s=600))
    sample = round_trip(exchange(0, 0), 0, 5, 5)
    estimator.add(sample)
    estimator.exchange_now_ms(sample.t1_ns + 600 * S)
    with pytest.raises(ClockOutOfBounds, match="last measured 601 s ago"):
        estimator.exchange_now_ms(sample.t1_ns + 601 * S)


def test_exits_can_still_be_signed_after_a_ban_of_ten_minutes() -> None:
    estimator = OffsetEstimator()
    sample = round_trip(exchange(0, 50), 0, 100, 100)
    estimator.add(sample)
    estimator.exchange_now_ms(sample.t1_ns + 11 * 60 * S)


@pytest.mark.parametrize("step_ms", [3_600_000, -3_600_000, 1_000, -27_000])
def test_C1_a_step_of_the_wall_clock_changes_no_signature(step_ms: int) -> None:
    async def main(sim: Simulation) -> None:
        estimator = OffsetEstimator()
        exchange_clock = VirtualClock(ahead_ms=70)

        async def server_time() -> int:
            await asyncio.sleep(0.02)
            return exchange_clock.now_ms()

        measured = await measure(server_time, sim.clock)
        assert measured.best is not None
        estimator.add(measured.best)
        await asyncio.sleep(5)
        sim.clock.step_wall(step_ms)
        now_ns = sim.clock.monotonic_ns()
        assert abs(estimator.exchange_now_ms(now_ns) - exchange_clock.now_ms()) <= 12
        second = await measure(server_time, sim.clock)
        assert second.best is not None
        estimator.add(second.best)
        offset = estimate_at(estimator, sim.clock.monotonic_ns())
        assert offset.jumps == 0
        assert abs(offset.offset_ms - (70 - step_ms)) < 15

    simulate(main)


def test_C3_a_measurement_after_system_sleep_corrects_the_offset() -> None:
    estimator = OffsetEstimator()
    estimator.add(round_trip(exchange(0, 0), 0, 10, 10))
    # The monotonic clock stopped for 30 s while the exchange's time went on.
    after = exchange(30_000, 0)
    sample = round_trip(after, 60 * S, 10, 10)
    estimator.add(sample)
    assert estimate_at(estimator, sample.t1_ns).jumps == 1
    assert abs(estimator.exchange_now_ms(sample.t1_ns) - after(sample.t1_ns)) <= 12


def test_R17_a_new_measurement_replaces_one_that_the_exchange_contradicts() -> None:
    estimator = OffsetEstimator()
    estimator.add(round_trip(exchange(5_000, 0), 0, 1, 1))
    slower_but_true = round_trip(exchange(0, 0), 30 * S, 100, 100)
    estimator.add(slower_but_true)
    now_ns = slower_but_true.t1_ns
    assert abs(estimator.exchange_now_ms(now_ns) - exchange(0, 0)(now_ns)) <= 101
    assert estimate_at(estimator, now_ns).drift_ppm is None, (
        "samples from before the jump were used for the drift"
    )


def test_a_slow_round_trip_replaces_a_fast_one_only_when_that_is_old() -> None:
    truth = exchange(0, 0)
    estimator = OffsetEstimator()
    estimator.add(round_trip(truth, 0, 10, 10))
    slow = round_trip(truth, 60 * S, 100, 100)
    estimator.add(slow)
    assert estimate_at(estimator, slow.t1_ns).round_trip_ms == 20
    slow = round_trip(truth, 1_800 * S, 100, 100)
    estimator.add(slow)
    assert estimate_at(estimator, slow.t1_ns).round_trip_ms == 200


def test_a_round_trip_that_ends_before_it_starts_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="cannot end before"):
        OffsetEstimator().add(Sample(2, 1, START_MS, START_MS))
