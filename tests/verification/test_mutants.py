"""The fault runs find deliberate defects of the order path."""

import subprocess
import sys

import pytest

from tests.verification.mutants import MUTANTS, Mutant

PLAY = """
from tests.verification.mutants import MUTANTS, install
install(MUTANTS[{number}])
from mexc_tui.verification.campaign import run_seed
seeds = ({seed}, *range(1, 401))
print(next((seed for seed in seeds if run_seed(seed).violations), 0))
"""
CAUGHT = [one for one in MUTANTS if one.seed]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_mutant_changes_one_place_and_compiles(mutant: Mutant) -> None:
    for each in (mutant, *mutant.also):
        compile(each.source(), each.module, "exec")


@pytest.mark.timeout(600)  # another seed is searched if the recorded one no longer finds it
@pytest.mark.parametrize("mutant", CAUGHT, ids=lambda one: one.name)
def test_a_seed_finds_it(mutant: Mutant) -> None:
    program = PLAY.format(number=MUTANTS.index(mutant), seed=mutant.seed)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=590, check=True
    )
    assert int(done.stdout) > 0
