"""A failing plan is reduced to what it needs to fail."""

from mexc_tui.verification.plan import RunPlan, draw, keep
from mexc_tui.verification.shrink import shrunk

PLAN = max((draw(seed) for seed in range(1, 40)), key=lambda plan: plan.size)


def test_only_the_needed_items_are_left() -> None:
    needed = {PLAN.injected()[1], PLAN.injected()[-1]}
    small = shrunk(PLAN, lambda plan: needed <= set(plan.injected()))
    assert set(small.injected()) == needed


def test_a_plan_that_fails_without_any_fault_becomes_empty() -> None:
    assert shrunk(PLAN, lambda _: True).size == 0


def test_the_number_of_runs_is_bounded() -> None:
    runs: list[RunPlan] = []

    def fails(plan: RunPlan) -> bool:
        runs.append(plan)
        return plan.size == PLAN.size

    assert shrunk(PLAN, fails, most_runs=7) == PLAN
    assert len(runs) == 7


def test_keeping_everything_changes_nothing() -> None:
    assert keep(PLAN, frozenset(range(PLAN.size))) == PLAN
    assert keep(PLAN, frozenset()).size == 0


def test_the_same_seed_draws_the_same_plan_and_another_one_a_different_plan() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)
