"""Command `simulate`: play seeded faults and crashes against the desk, and check its invariants."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mexc_tui.verification.campaign import CampaignResult
    from mexc_tui.verification.plan import RunPlan
    from mexc_tui.verification.run import RunResult

FAILED = 1
MOST_REPORTS = 3


def seed_range(context: click.Context, parameter: click.Parameter, value: str) -> range:
    """Read `A..B`, both included, or one number."""
    del context, parameter
    first, _, last = value.partition("..")
    last = last or first
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise click.BadParameter(f"{value!r} is no range of seeds. Write two numbers, as in 1..200.")
    return range(int(first), int(last) + 1)


@click.command()
@click.option("--seeds", callback=seed_range, default="1..20", show_default=True, help="Seeds to run: A..B.")
@click.option("--scenario", default="", help="Play this golden scenario, with the faults of each seed.")
@click.option("--faults", default="", help="Inject these kinds only, separated by commas.")
@click.option("--crash-points", is_flag=True, help="Crash at every port call of golden scenarios.")
@click.option(
    "--every", type=click.IntRange(1), default=1, show_default=True, help="Use each N-th crash point only."
)
@click.option(
    "--plan", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Play a saved plan instead."
)
@click.option(
    "--save", type=click.Path(file_okay=False, path_type=Path), help="Save reduced failing plans in a folder."
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=None, help="Processes; default: one for each core."
)
@click.option("--verbose", is_flag=True, help="Print one line for each run.")
def simulate(
    *,
    seeds: range,
    scenario: str,
    faults: str,
    crash_points: bool,
    every: int,
    plan: Path | None,
    save: Path | None,
    workers: int | None,
    verbose: bool,
) -> None:
    """Test the desk under random faults and crashes.

    The real engine, store and client trade on the practice exchange in virtual time, without sockets, and
    every invariant is checked. The same seed gives the same run. A failing run is reduced to the faults that
    it needs.
    Exit code: 0 every invariant held, 1 at least one run failed.
    """
    from mexc_tui.verification.campaign import reduced, run_plans
    from mexc_tui.verification.plan_file import write_plan

    def show(result: "RunResult") -> None:
        if verbose or result.violations:
            click.echo(_line(result))

    if plan is not None:
        plans = _saved(plan)
    elif crash_points:
        plans = _points(scenario, every)
    else:
        plans = _drawn(seeds, scenario, faults)
    total = run_plans(plans, workers=workers, on_result=show)
    for failed in total.failed[:MOST_REPORTS]:
        small = reduced(failed)
        click.echo(_report(small))
        if save is not None:
            click.echo(f"Saved as {write_plan(save, small.plan)}.")
    click.echo(_summary(total))
    if total.failed:
        raise SystemExit(FAILED)


def _saved(path: Path) -> "Iterator[RunPlan]":
    from mexc_tui.verification.plan_file import read_plan

    yield read_plan(path)


def _points(name: str, every: int) -> "Iterator[RunPlan]":
    from mexc_tui.verification.campaign import crash_points
    from mexc_tui.verification.golden import GOLDEN

    names = [_golden_name(name)] if name else list(GOLDEN)
    return (point.plan() for point in crash_points(names, every=every))


def _drawn(seeds: range, name: str, faults: str) -> "Iterator[RunPlan]":
    from mexc_tui.verification.golden import with_faults
    from mexc_tui.verification.plan import KINDS, draw, only

    kinds = frozenset(one.strip() for one in faults.split(",") if one.strip())
    if unknown := sorted(kinds - KINDS):
        raise click.BadParameter(f"unknown: {', '.join(unknown)}. Known: {', '.join(sorted(KINDS))}.")
    golden = _golden_name(name) if name else ""
    for seed in seeds:
        drawn = draw(seed) if not golden else with_faults(golden, draw(seed))
        yield only(drawn, kinds) if kinds else drawn


def _golden_name(name: str) -> str:
    from mexc_tui.verification.golden import GOLDEN

    if name not in GOLDEN:
        raise click.BadParameter(f"unknown scenario {name!r}. Known: {', '.join(GOLDEN)}.")
    return name


def _line(result: "RunResult") -> str:
    text = "; ".join(result.violations) or "ok"
    return f"seed {result.plan.seed} {result.digest[:12]} {_crashes(result)}: {text}"


def _crashes(result: "RunResult") -> str:
    return ", ".join(map(str, result.plan.crashes)) or "no crash"


def _report(result: "RunResult") -> str:
    lines = [f"Seed {result.plan.seed}, reduced to what fails:"]
    lines += [f"  {one}" for one in result.plan.injected()]
    lines += ["Violations:", *(f"  {one}" for one in result.violations)]
    lines += ["Last events:", *(f"  {one}" for one in result.history)]
    return "\n".join(lines)


def _summary(total: "CampaignResult") -> str:
    kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(total.injected.items()))
    failed = ", ".join(sorted({str(one.plan.seed) for one in total.failed}))
    return (
        f"{total.runs} runs in {total.seconds:.1f} s ({total.runs_per_s:.2f} runs/s), "
        f"{total.crashes} crashes at {total.port_calls} port calls, bought in {total.bought} runs.\n"
        f"Injected: {kinds or 'nothing'}.\n{_settling(total)}\n"
        + (f"{len(total.failed)} runs failed, of seeds {failed}." if failed else "Every invariant held.")
    )


def _settling(total: "CampaignResult") -> str:
    return (
        f"Unknown orders settled after the faults: {_times(total.settled_s)}; "
        f"beside a deposit or withdrawal: {_times(total.settled_beside_flow_s)}."
    )


def _times(found_s: list[float]) -> str:
    times_s = sorted(found_s)
    if not times_s:
        return "none"
    p99_s = times_s[min(len(times_s) * 99 // 100, len(times_s) - 1)]
    return (
        f"{len(times_s)}, in virtual seconds "
        f"p50 {times_s[len(times_s) // 2]:.1f}, p99 {p99_s:.1f}, longest {times_s[-1]:.1f}"
    )
