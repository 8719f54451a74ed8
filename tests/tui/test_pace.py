import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.tui.pace import MOST_QUIET_S, Pace, Time, adapted, quiet_left_s


@dataclass
class _Timer:
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


@dataclass
class _Clock:
    """A clock that is moved by hand."""

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
        self.painted: list[tuple[float, Mapping[str, frozenset[str]]]] = []
        time = Time(lambda: self.clock.now_s, self.clock.later)
        self.pace = Pace(time, self._paint, lambda: max(self.quiet_until_s - self.clock.now_s, 0.0), per_s)

    def _paint(self, dirty: Mapping[str, frozenset[str]]) -> None:
        self.painted.append((self.clock.now_s, dirty))

    @property
    def times(self) -> list[float]:
        return [at_s for at_s, _ in self.painted]


def test_the_first_change_after_a_quiet_time_is_painted_at_once_and_together_with_its_neighbours() -> None:
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


def test_economy_is_one_repaint_a_second_and_can_be_changed_while_waiting() -> None:
    desk = _Desk(per_s=1)
    desk.pace.changed("a", {"1"})
    desk.clock.go(100.1)
    desk.pace.changed("a", {"2"})
    desk.clock.go(100.9)
    assert desk.times == [100.0]
    desk.pace.set_rate(4)
    desk.clock.go(101)
    assert desk.times == [100.0, 100.9]


def test_nothing_is_painted_around_an_opening_and_nothing_is_lost() -> None:
    desk = _Desk()
    desk.quiet_until_s = 102.5
    desk.pace.changed("positions", {"a"})
    desk.clock.go(101)
    desk.pace.changed("positions", {"b"})
    desk.clock.go(102.4)
    assert desk.painted == []
    desk.clock.go(103)
    assert desk.painted == [(102.5, {"positions": frozenset("ab")})]


def test_openings_behind_one_another_keep_the_screen_still_for_five_seconds_at_most() -> None:
    desk = _Desk()
    desk.quiet_until_s = 1_000
    desk.pace.changed("positions", {"a"})
    desk.clock.go(110)
    assert desk.times == [100 + MOST_QUIET_S]


def test_a_view_without_rows_is_painted_too() -> None:
    desk = _Desk()
    desk.pace.changed("signals", ())
    desk.clock.go(100)
    assert desk.painted == [(100.0, {"signals": frozenset[str]()})]


def test_after_the_end_nothing_is_painted() -> None:
    desk = _Desk()
    desk.pace.changed("a", {"1"})
    desk.pace.stop()
    desk.clock.go(200)
    assert desk.painted == []


@given(
    st.lists(st.tuples(st.floats(0, 0.6), st.sampled_from("abc")), max_size=60), st.sampled_from([1.0, 4.0])
)
def test_never_too_often_and_every_change_within_one_period(
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


def test_quiet_is_from_a_second_before_an_opening_to_a_second_and_a_half_behind_it() -> None:
    assert quiet_left_s([], 10_000) == 0
    assert quiet_left_s([10_000], 8_999) == 0
    assert quiet_left_s([10_000], 9_000) == 2.5
    assert quiet_left_s([10_000, 10_500], 10_000) == 2.0
    assert quiet_left_s([10_000], 11_500) == 0


def test_a_line_that_is_full_is_painted_more_rarely_and_an_easy_one_as_wanted_again() -> None:
    assert adapted(4.0, 30_000, 4.0, 32_000) == 2.0
    assert adapted(0.25, 90_000, 4.0, 32_000) == 0.25
    assert adapted(2.0, 20_000, 4.0, 32_000) == 2.0
    assert adapted(2.0, 3_000, 4.0, 32_000) == 4.0
    assert adapted(1.0, None, 4.0, 32_000) == 4.0
    assert adapted(1.0, 2_600, 1.0, 1_000) == 0.5


def test_what_a_key_asked_for_is_painted_at_once_however_slow_the_line() -> None:
    desk = _Desk(per_s=0.25)
    desk.pace.changed("positions", ["a"])
    desk.clock.go(100.1)
    desk.pace.changed("positions", ["b"])
    desk.clock.go(100.5)
    desk.pace.at_once("cursor")
    desk.clock.go(100.6)
    assert desk.times == [100.0, 100.5]
    assert desk.painted[-1][1] == {"positions": frozenset({"b"}), "cursor": frozenset()}
