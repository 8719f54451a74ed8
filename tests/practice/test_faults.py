"""Times and conditions of planned faults."""

from mexc_tui.practice.faults import Faults, InjectedFault
from mexc_tui.practice.scenario import FaultKind, FaultPlan

START = 1_000_000


def armed(*plans: FaultPlan, seed: int = 1) -> Faults:
    return Faults(plans, seed, START)


def test_a_fault_applies_only_within_its_time() -> None:
    faults = armed(FaultPlan(kind=FaultKind.MAINTENANCE, at_s=2, for_s=3))
    struck = [bool(faults.of_request(START + ms, "GET", "/x")) for ms in (1_999, 2_000, 4_999, 5_000)]
    assert struck == [False, True, True, False]


def test_a_fault_applies_only_to_its_path_and_method_and_count() -> None:
    plan = FaultPlan(kind=FaultKind.DELAY, path="/api/v3/order", method="post", times=2, amount_ms=5)
    faults = armed(plan)
    assert faults.of_request(START, "GET", "/api/v3/order") == []
    assert faults.of_request(START, "POST", "/api/v3/depth") == []
    assert faults.of_request(START, "POST", "/api/v3/order") == [InjectedFault(FaultKind.DELAY, 5)]
    assert faults.of_request(START, "POST", "/api/v3/order/test") == [InjectedFault(FaultKind.DELAY, 5)]
    assert faults.of_request(START, "POST", "/api/v3/order") == []


def test_faults_depend_on_the_seed_only() -> None:
    plan = FaultPlan(kind=FaultKind.DROP_PUSH, chance=0.5)

    def drawn(seed: int) -> list[bool]:
        faults = armed(plan, seed=seed)
        return [bool(faults.of_push(START, "spot@x")) for _ in range(200)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 60 < sum(drawn(1)) < 140


def test_faults_draw_independently() -> None:
    plan = FaultPlan(kind=FaultKind.DROP_PUSH, chance=0.5)
    other = FaultPlan(kind=FaultKind.DUPLICATE_PUSH, chance=0.5)
    alone, together = armed(plan), armed(plan, other)
    for _ in range(50):
        kinds = [hit.kind for hit in together.of_push(START, "x")]
        assert (FaultKind.DROP_PUSH in kinds) == bool(alone.of_push(START, "x"))


def test_faults_of_requests_do_not_affect_pushes() -> None:
    assert not armed(FaultPlan(kind=FaultKind.EXECUTED_500)).affects_pushes
    assert not armed(FaultPlan(kind=FaultKind.DELAY, path="/api")).affects_pushes
    assert armed(FaultPlan(kind=FaultKind.SILENCE)).affects_pushes


def test_skew_lasts_as_long_as_it_is_planned() -> None:
    faults = armed(FaultPlan(kind=FaultKind.CLOCK_SKEW, at_s=1, for_s=1, amount_ms=-700))
    assert [faults.skew_ms(START + ms) for ms in (0, 1_000, 2_000)] == [0, -700, 0]
