"""Reduces a failing plan to the faults, crashes and commands that it needs to fail."""

from collections.abc import Callable

from mexc_tui.verification.plan import RunPlan, keep


def shrunk(plan: RunPlan, fails: Callable[[RunPlan], bool], *, most_runs: int = 60) -> RunPlan:
    """Return a smaller plan that still fails: halves are dropped first, then single items.

    `fails` plays a plan; it is called at most `most_runs` times.
    """
    runs = 0

    def still_fails(chosen: list[int]) -> bool:
        nonlocal runs
        if runs >= most_runs:
            return False
        runs += 1
        return fails(keep(plan, frozenset(chosen)))

    chosen = list(range(plan.size))
    step = max(1, len(chosen) // 2)
    while True:
        start = 0
        while start < len(chosen):
            fewer = chosen[:start] + chosen[start + step :]
            if still_fails(fewer):
                chosen = fewer
            else:
                start += step
        if step == 1:
            return keep(plan, frozenset(chosen))
        step = max(1, step // 2)
