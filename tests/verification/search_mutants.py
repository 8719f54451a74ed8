"""Search the first seed that finds each mutant: `python -m tests.verification.search_mutants [NAME ...]`."""

import multiprocessing
import os
import sys

from tests.verification.mutants import MUTANTS, Mutant, install

MOST_SEEDS = int(os.environ.get("MOST_SEEDS", "400"))


def first_seed(mutant: Mutant) -> tuple[int, str]:
    """Return the first seed that finds a mutant and what it found; 0: none did."""
    install(mutant)
    from mexc_tui.verification.campaign import run_seed

    for seed in range(1, MOST_SEEDS + 1):
        try:
            found = run_seed(seed).violations
        except Exception as error:  # the defect broke the run itself
            return seed, repr(error)
        if found:
            return seed, found[0]
    return 0, ""


def main(names: list[str]) -> int:
    """Print one line for each mutant; return the number of those that survived."""
    chosen = [one for one in MUTANTS if not names or one.name in names]
    survivors = 0
    with multiprocessing.get_context("spawn").Pool(maxtasksperchild=1) as pool:
        for mutant, (seed, found) in zip(chosen, pool.imap(first_seed, chosen), strict=True):
            survivors += not seed
            sys.stdout.write(f"{seed:4} {mutant.name}: {found[:120]}\n")
            sys.stdout.flush()
    return survivors


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
