"""The fault runs find deliberate defects of the order path."""

import subprocess
import sys

import pytest

from tests.verification.mutants import MUTANTS
from tests.verification.mutation import Mutant

PLAY = """
from tests.verification.mutants import MUTANTS
from tests.verification.mutation import install, violation_of
mutant = MUTANTS[{number}]
install(mutant)
print(violation_of(mutant.found_by))
"""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_mutant_changes_one_place_and_compiles(mutant: Mutant) -> None:
    for path, text in mutant.sources().items():
        compile(text, str(path), "exec")


def test_there_are_enough_mutants_of_different_names() -> None:
    assert len({one.name for one in MUTANTS}) == len(MUTANTS) >= 30


@pytest.mark.timeout(120)  # imports and plays a whole engine
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_its_plan_finds_it(mutant: Mutant) -> None:
    program = PLAY.format(number=MUTANTS.index(mutant))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=110, check=True
    )
    again = f"{mutant.found_by} no longer finds it: python -m tests.verification.search_mutants"
    assert done.stdout.strip(), f"{again} {mutant.name!r}"
