"""`python -m tests`: the whole suite on a few workers. Arguments go to pytest; the exit code is pytest's."""

import os
import sys

import pytest

WORKERS = 3
"""More than the cores of a small machine: many tests wait for processes."""


def main() -> int:
    """Run the suite; return the exit code."""
    # Hundreds of processes import the package; without bytecode files, each would compile it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    options = ["-n", str(WORKERS), "--dist", "worksteal", "-p", "no:cacheprovider", "--durations", "20"]
    return pytest.main([*options, *sys.argv[1:]])


if __name__ == "__main__":
    raise SystemExit(main())
