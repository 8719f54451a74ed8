import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.tui.terminal.repaint_scheduler import (
    MAX_QUIET_S,
    Dirty,
    RepaintScheduler,
    Time,
    adapted_rate,
    quiet_left_s,
)


@dataclass
class _Timer:
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


@dataclass
class _Clock:
    """A clock that the test advances."""

    now_s: float = 100.0
    _timers: list[tuple[float, int, Callable[[], None], _Timer]] = field(
        default_factory=list[tuple[float, int, Callable[[], None], _Timer]]
    )
    _numbers: "count[int]" = field(default_factory=count)

    def later(self, delay_s: float, call: Callable[[], None]) -> _Timer:
        timer = _Timer()
        heapq.heappush(self._timers, (self.now_s + delay_s, next(self._numbers), call, timer))
        return timer

    def go(self, to_s: float) -> None:
        while self._timers and self._timers[0][0] <= to_s:
            at_s, _, call, timer = heapq.heappop(self._timers)
            if not timer.is_cancelled:
                self.now_s = max(self.now_s, at_s)
                call()
        self.now_s = to_s


class _Desk:
    def __init__(self, per_s: float = 4.0) -> None:
        self.clock = _Clock()
        self.quiet_until_s = 0.0
        self.urgent = set[str]()
        self.painted: list[tuple[float, Dirty]] = []
        time = Time(lambda: self.clock.now_s, self.clock.later)
        self.pace = RepaintScheduler(
            time, paint=self._paint, quiet_left_s=self._quiet_left_s, per_s=per_s, urgent=self._urgent
        )

    def _quiet_left_s(self) -> float:
        return max(self.quiet_until_s - self.clock.now_s, 0.0)

    def _urgent(self, changed: Dirty) -> Dirty:
        found = {view: keys & self.urgent for view, keys in changed.items()}
        return {view: keys for view, keys in found.items() if keys}

    def _paint(self, dirty: Dirty) -> None:
        self.painted.append((self.clock.now_s, dirty))

    @property
    def times(self) -> list[float]:
        return [at_s for at_s, _ in self.painted]


def test_the_first_change_after_a_pause_is_painted_at_once_with_simultaneous_ones() -> None:
    desk = _Desk()
    desk.pace.changed("positions", {"a"})
    desk.pace.changed("positions", {"b"})
    desk.pace.changed("risk", {"risk"})
    assert desk.painted == []
    desk.clock.go(100.0)
    assert desk.painted == [(100.0, {"positions": frozenset("ab"), "risk": frozenset({"risk"})})]


def test_a_thousand_changes_a_second_are_four_repaints() -> None:
    desk = _Desk()
    for number in range(1_000):
        desk.pace.changed("positions", {f"{number % 10}"})
        desk.clock.go(100 + (number + 1) / 1_000)
    assert desk.times == [100.0, 100.25, 100.5, 100.75, 101.0]


def test_economy_mode_repaints_once_a_second_and_can_change_while_waiting() -> None:
    desk = _Desk(per_s=1)
    desk.pace.changed("a", {"1"})
    desk.clock.go(100.1)
    desk.pace.changed("a", {"2"})
    desk.clock.go(100.9)
    assert desk.times == [100.0]
    desk.pace.set_rate(4)
    desk.clock.go(101)
    assert desk.times == [100.0, 100.9]


def test_other_rows_wait_around_an_opening_and_none_is_lost() -> None:
    desk = _Desk()
    desk.pace.changed("positions", {"a"})
    desk.clock.go(100)
    desk.quiet_until_s = 100.75
    desk.pace.changed("positions", {"b"})
    desk.clock.go(100.5)
    desk.pace.changed("positions", {"c"})
    desk.clock.go(100.7)
    assert desk.times == [100.0]
    desk.clock.go(101)
    assert desk.painted[1:] == [(100.75, {"positions": frozenset("bc")})]


def test_rows_of_the_opening_pair_are_painted_at_the_usual_rate_while_others_wait() -> None:
    desk = _Desk()
    desk.urgent = {"opening"}
    desk.pace.changed("positions", {"a"})
    desk.clock.go(100)
    desk.quiet_until_s = 1_000
    for number in range(10):
        desk.pace.changed("positions", {"opening", "a"})
        desk.pace.changed("tick", ())
        desk.clock.go(100 + (number + 1) / 10)
    opening = (frozenset({"opening"}), [100.25, 100.5, 100.75])
    assert [at_s for at_s, dirty in desk.painted if dirty == {"positions": opening[0]}] == opening[1]
    assert desk.painted[-1] == (101.0, {"positions": frozenset({"opening", "a"}), "tick": frozenset()})


def test_successive_openings_delay_repaints_by_a_second_at_most() -> None:
    desk = _Desk()
    desk.quiet_until_s = 1_000
    for number in range(100):
        desk.pace.changed("positions", {"a"})
        desk.clock.go(100 + (number + 1) / 10)
    assert desk.times == [100.0 + number for number in range(11)]
    assert MAX_QUIET_S == 1.0


def test_a_repaint_for_a_key_does_not_wait_for_an_opening() -> None:
    desk = _Desk()
    desk.pace.changed("positions", {"a"})
    desk.clock.go(100)
    desk.quiet_until_s = 1_000
    desk.pace.changed("positions", {"b"})
    desk.clock.go(100.3)
    desk.pace.repaint_now("tick")
    desk.clock.go(100.3)
    assert desk.painted[-1] == (100.3, {"positions": frozenset({"b"}), "tick": frozenset()})


def test_a_view_without_rows_is_painted_too() -> None:
    desk = _Desk()
    desk.pace.changed("signals", ())
    desk.clock.go(100)
    assert desk.painted == [(100.0, {"signals": frozenset[str]()})]


def test_nothing_is_painted_after_stop() -> None:
    desk = _Desk()
    desk.pace.changed("a", {"1"})
    desk.pace.stop()
    desk.clock.go(200)
    assert desk.painted == []


@given(
    st.lists(st.tuples(st.floats(0, 0.6), st.sampled_from("abc")), max_size=60), st.sampled_from([1.0, 4.0])
)
def test_repaints_are_rate_limited_and_every_change_is_painted_within_one_period(
    steps: list[tuple[float, str]], per_s: float
) -> None:
    desk = _Desk(per_s)
    said: list[tuple[float, str]] = []
    for pause_s, key in steps:
        desk.clock.go(desk.clock.now_s + pause_s)
        desk.pace.changed("view", {key})
        said.append((desk.clock.now_s, key))
    desk.clock.go(desk.clock.now_s + 2)
    assert all(after - before >= 1 / per_s - 1e-9 for before, after in pairwise(desk.times))
    for at_s, key in said:
        shown = [when for when, dirty in desk.painted if when >= at_s and key in dirty["view"]]
        assert shown
        assert shown[0] - at_s <= 1 / per_s + 1e-9


def test_the_quiet_time_is_half_a_second_before_and_after_an_opening() -> None:
    assert quiet_left_s([], 10_000) == 0
    assert quiet_left_s([10_000], 9_499) == 0
    assert quiet_left_s([10_000], 9_500) == 1.0
    assert quiet_left_s([10_000, 10_250], 10_000) == 0.75
    assert quiet_left_s([10_000], 10_500) == 0


def test_the_clock_is_never_two_seconds_wrong_on_a_slow_connection() -> None:
    per_s = 4.0
    for _ in range(20):
        per_s = adapted_rate(per_s, 1e9, 1.0, most_wire_per_s=1_000)
    assert 1 / per_s <= 1.5


def test_the_repaint_rate_drops_on_a_full_connection_and_recovers() -> None:
    assert adapted_rate(4.0, 30_000, 4.0, most_wire_per_s=32_000) == 2.0
    assert adapted_rate(2.0, 20_000, 4.0, most_wire_per_s=32_000) == 2.0
    assert adapted_rate(2.0, 3_000, 4.0, most_wire_per_s=32_000) == 4.0
    assert adapted_rate(1.0, None, 4.0, most_wire_per_s=32_000) == 4.0
    assert adapted_rate(2.0, 2_600, 2.0, most_wire_per_s=1_000) == 1.0


def test_a_repaint_for_a_key_is_immediate_on_a_slow_connection() -> None:
    desk = _Desk(per_s=0.25)
    desk.pace.changed("positions", ["a"])
    desk.clock.go(100.1)
    desk.pace.changed("positions", ["b"])
    desk.clock.go(100.5)
    desk.pace.repaint_now("cursor")
    desk.clock.go(100.6)
    assert desk.times == [100.0, 100.5]
    assert desk.painted[-1][1] == {"positions": frozenset({"b"}), "cursor": frozenset()}
