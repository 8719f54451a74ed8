"""The circuit breaker: it opens on repeated failures, probes carefully and never blocks an exit."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.exchange.limits.breaker import Breaker, BreakerLimits, BreakerPhase
from mexc_tui.model.outcome import Purpose


@dataclass
class ManualClock:
    """A clock that the test sets."""

    now_s: float = 0.0
    wall_ms: int = 0

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic_ns(self) -> int:
        return round(self.now_s * 1e9)


def opened(clock: ManualClock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.record_failure()
    return breaker


def test_the_fifth_failure_within_a_minute_opens_the_breaker() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    for _ in range(4):
        breaker.record_failure()
        assert breaker.allow(Purpose.ORDINARY)
        clock.now_s += 10
    breaker.record_failure()
    assert not breaker.allow(Purpose.ORDINARY)
    assert not breaker.allow(Purpose.ENTRY)
    state = breaker.state()
    assert (state.phase, state.failures, state.retry_in_s, state.refused) == (BreakerPhase.OPEN, 5, 30, 2)


def test_exits_and_stops_pass_an_open_breaker_and_are_not_counted_as_refused() -> None:
    breaker = opened(ManualClock())
    assert breaker.allow(Purpose.EXIT)
    assert breaker.allow(Purpose.STOP)
    assert breaker.state().refused == 0


def test_failures_older_than_the_window_do_not_count() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    for _ in range(40):
        breaker.record_failure()
        clock.now_s += 15
        assert breaker.allow(Purpose.ORDINARY)


def test_after_half_a_minute_a_limited_number_of_probes_passes() -> None:
    clock = ManualClock()
    breaker = opened(clock)
    clock.now_s = 29.9
    assert not breaker.allow(Purpose.ORDINARY)
    clock.now_s = 30
    assert breaker.state().phase is BreakerPhase.HALF_OPEN
    assert [breaker.allow(Purpose.ORDINARY) for _ in range(5)] == [True, True, True, False, False]


def test_a_successful_probe_closes_the_breaker() -> None:
    clock = ManualClock()
    breaker = opened(clock)
    clock.now_s = 30
    assert breaker.allow(Purpose.ORDINARY)
    breaker.record_success()
    assert breaker.state().phase is BreakerPhase.CLOSED
    assert breaker.state().failures == 0


def test_a_failed_probe_keeps_the_breaker_open_for_another_half_minute() -> None:
    clock = ManualClock()
    breaker = opened(clock)
    clock.now_s = 31
    assert breaker.allow(Purpose.ORDINARY)
    breaker.record_failure()
    assert breaker.state().retry_in_s == 30
    clock.now_s = 61
    assert breaker.allow(Purpose.ORDINARY)


def test_probes_that_never_report_are_replaced() -> None:
    clock = ManualClock()
    breaker = opened(clock)
    clock.now_s = 30
    for _ in range(3):
        assert breaker.allow(Purpose.ORDINARY)
    clock.now_s = 59
    assert not breaker.allow(Purpose.ORDINARY)
    clock.now_s = 60
    assert breaker.allow(Purpose.ORDINARY)


def test_withdrawn_probes_are_available_at_once() -> None:
    clock = ManualClock()
    breaker = opened(clock)
    clock.now_s = 30
    for _ in range(5):
        assert breaker.allow(Purpose.ORDINARY)
        breaker.release_probe(Purpose.ORDINARY)
    assert [breaker.allow(Purpose.ORDINARY) for _ in range(3)] == [True] * 3
    breaker.release_probe(Purpose.EXIT)
    assert not breaker.allow(Purpose.ORDINARY)


def test_a_late_success_of_an_earlier_request_does_not_close_an_open_breaker() -> None:
    clock = ManualClock()
    breaker = opened(clock)
    breaker.record_success()
    assert breaker.state().phase is BreakerPhase.OPEN


def test_C1_a_step_of_the_wall_clock_does_not_affect_the_breaker() -> None:
    clock = ManualClock()
    breaker = opened(clock)
    clock.wall_ms += 3_600_000
    assert breaker.state().retry_in_s == 30


acts = st.sampled_from(["ask", "fail", "fail", "succeed"]) | st.sampled_from([0.5, 29.0, 30.0, 61.0])


@given(acts=st.lists(acts, max_size=60), probes=st.integers(1, 3))
def test_exits_and_stops_always_pass_and_other_requests_wait_for_recovery(
    acts: list[str | float], probes: int
) -> None:
    clock = ManualClock()
    breaker = Breaker(clock, BreakerLimits(probes=probes))
    failed_s: list[float] = []
    for act in acts:
        if isinstance(act, float):
            clock.now_s += act
        elif act == "fail":
            breaker.record_failure()
            failed_s.append(clock.now_s)
        elif act == "succeed":
            breaker.record_success()
        phase = breaker.state().phase
        assert breaker.allow(Purpose.EXIT)
        assert breaker.allow(Purpose.STOP)
        assert breaker.state().phase is phase, "an exit takes no probe"
        if act == "ask" and not breaker.allow(Purpose.ORDINARY):
            # A refusal needs five failures within a minute.
            assert any(b - a <= 60 for a, b in zip(failed_s, failed_s[4:], strict=False))
        if phase is BreakerPhase.OPEN:
            assert 0 < breaker.state().retry_in_s <= 30


@given(late=st.floats(30, 10_000), asks=st.integers(1, 20), probes=st.integers(1, 3))
def test_half_open_lets_exactly_its_probes_through(late: float, asks: int, probes: int) -> None:
    clock = ManualClock()
    breaker = Breaker(clock, BreakerLimits(probes=probes))
    for _ in range(5):
        breaker.record_failure()
    clock.now_s = late
    assert sum(breaker.allow(Purpose.ENTRY) for _ in range(asks)) == min(asks, probes)
