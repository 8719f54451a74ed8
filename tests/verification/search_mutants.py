"""Search a plan that finds each mutant: `python -m tests.verification.search_mutants [NAME ...]`.

Plays golden scenarios, saved plans, and seeds 1 to MOST_SEEDS. With CRASHES=SCENARIO also a crash at each
EVERY-th port call of that golden scenario.
"""

import multiprocessing
import os
import sys
from collections.abc import Iterator

from tests.verification.mutants import MUTANTS
from tests.verification.mutation import SAVED, Catcher, Golden, Mutant, Saved, Seed, install, violation_of

MOST_SEEDS = int(os.environ.get("MOST_SEEDS", "400"))
CRASHES, EVERY = os.environ.get("CRASHES", ""), int(os.environ.get("EVERY", "10"))


def first_catcher(mutant: Mutant) -> tuple[Catcher | None, str]:
    """Return the first plan that finds a mutant and what it found; None: none did."""
    install(mutant)
    for catcher in _catchers():
        if found := violation_of(catcher):
            return catcher, found
    return None, ""


def _catchers() -> Iterator[Catcher]:
    from mexc_tui.verification.campaign import crash_points
    from mexc_tui.verification.golden import GOLDEN

    yield from map(Golden, GOLDEN)
    yield from (Saved(path.stem) for path in sorted(SAVED.iterdir()))
    yield from map(Seed, range(1, MOST_SEEDS + 1))
    if CRASHES:
        for point in crash_points([CRASHES], every=EVERY):
            yield Golden(CRASHES, point.crash.at_call, point.crash.is_after)


def main(names: list[str]) -> int:
    """Print one line for each mutant; return the number of those that survived."""
    chosen = [one for one in MUTANTS if not names or one.name in names]
    survivors = 0
    with multiprocessing.get_context("spawn").Pool(maxtasksperchild=1) as pool:
        for mutant, (catcher, found) in zip(chosen, pool.imap(first_catcher, chosen), strict=True):
            survivors += catcher is None
            sys.stdout.write(f"{mutant.name}: {catcher}: {found[:120]}\n")
            sys.stdout.flush()
    return survivors


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
