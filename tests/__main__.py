"""`python -m tests`: the whole suite, in a few pytest processes side by side; many tests wait for processes.

Arguments go to each pytest. The exit code is 0 if every one of them passed.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WORKERS = 3
HERE = Path(__file__).parent
IN_PARTS = ("cli", "report", "engine", "practice", "tui", "exchange")
"""Folders that take long: their files are shared out a few at a time, and first."""
FILES_PER_PART = 4
"""A new interpreter with pytest takes seconds to start, as long as many a file's tests."""


def jobs() -> list[list[Path]]:
    """Return what each pytest is given, the longest first."""
    parts = [
        part
        for name in IN_PARTS
        for part in batched(sorted((HERE / name).rglob("test_*.py")), FILES_PER_PART)
    ]
    folders = [
        [folder]
        for folder in sorted(HERE.iterdir())
        if folder.is_dir() and folder.name not in IN_PARTS and any(folder.rglob("test_*.py"))
    ]
    return [*parts, *folders, sorted(HERE.glob("test_*.py"))]


def batched(files: list[Path], most: int) -> Iterator[list[Path]]:
    """Cut a list into parts of at most so many."""
    return (files[start : start + most] for start in range(0, len(files), most))


def environment() -> dict[str, str]:
    """Return the environment of each pytest: the hundreds of processes share compiled bytecode."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(paths: list[Path]) -> bool:
    """Run one pytest; show all that it printed if it failed."""
    names = [str(path.relative_to(HERE.parent)) for path in paths]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *sys.argv[1:], *names]
    done = subprocess.run(
        command, cwd=HERE.parent, env=environment(), stdout=subprocess.PIPE, text=True, check=False
    )
    lines = done.stdout.strip().splitlines()
    said = lines[-1] if lines and done.returncode == 0 else done.stdout
    sys.stdout.write(f"{' '.join(names)}: {said}\n")
    sys.stdout.flush()
    return done.returncode == 0


def main() -> int:
    """Run them all; return the exit code."""
    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(run, jobs()))
    failed = results.count(False)
    sys.stdout.write(f"{len(results) - failed} of {len(results)} parts passed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
