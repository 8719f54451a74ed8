"""The fault runs find deliberate defects of the order path."""

import subprocess
import sys

import pytest

from tests.verification.mutants import MUTANTS, Mutant

PLAY = """
from tests.verification.mutants import MUTANTS, install
install(MUTANTS[{number}])
from mexc_tui.verification.campaign import run_seed
print(len(run_seed({seed}).violations))
"""
CAUGHT = [one for one in MUTANTS if one.seed]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_mutant_changes_one_place_and_compiles(mutant: Mutant) -> None:
    for each in (mutant, *mutant.also):
        compile(each.source(), each.module, "exec")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mutant", CAUGHT, ids=lambda one: one.name)
def test_its_seed_finds_it(mutant: Mutant) -> None:
    program = PLAY.format(number=MUTANTS.index(mutant), seed=mutant.seed)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=110, check=True
    )
    assert int(done.stdout) > 0
