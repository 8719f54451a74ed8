"""The command `simulate`: its selection of runs, its report and its exit code."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mexc_tui.cli.commands.simulate_command import simulate
from mexc_tui.verification.golden import GOLDEN
from mexc_tui.verification.plan_file import write_plan

pytestmark = pytest.mark.timeout(120)  # runs whole engines


def run(*arguments: str) -> Result:
    return CliRunner().invoke(simulate, [*arguments, "--workers", "1"])


def test_it_plays_seeds_and_prints_what_was_injected() -> None:
    done = run("--seeds", "2..3", "--verbose")
    assert done.exit_code == 0, done.output
    assert [line[:6] for line in done.output.splitlines()[:2]] == ["seed 2", "seed 3"]
    assert "2 runs in" in done.output
    assert "Injected: " in done.output
    assert done.output.splitlines()[-1] == "Every invariant held."


def test_it_injects_the_chosen_faults_only() -> None:
    done = run("--seeds", "1..4", "--faults", "delay,crash")
    injected = next(line for line in done.output.splitlines() if line.startswith("Injected: "))
    kinds = {one.split()[0] for one in injected.removeprefix("Injected: ").rstrip(".").split(", ")}
    assert kinds <= {"delay", "crash"}
    assert kinds


def test_it_plays_a_saved_plan(tmp_path: Path) -> None:
    done = run("--plan", str(write_plan(tmp_path, GOLDEN["clean"])))
    assert done.exit_code == 0, done.output
    assert "1 runs in" in done.output


def test_it_crashes_a_golden_scenario_at_its_port_calls() -> None:
    done = run("--crash-points", "--scenario", "clean", "--every", "150")
    assert done.exit_code == 0, done.output
    assert "Injected: crash 4." in done.output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--seeds", "9..3"), "no range of seeds"),
        (("--scenario", "sunny"), "unknown scenario 'sunny'"),
        (("--faults", "earthquake"), "unknown: earthquake"),
    ],
)
def test_a_wrong_argument_is_explained(arguments: tuple[str, ...], text: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert text in done.output
