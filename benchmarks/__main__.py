"""`python -m benchmarks [NAME...]`: run each benchmark in a separate process and print one table.

Options after a single name are passed to it: `python -m benchmarks load --minutes 10`.
"""

import json
import subprocess
import sys

from benchmarks.common import Row, machine, table

ALL = (
    "depth_frame",
    "stream_load",
    "order_path",
    "firing",
    "openings",
    "entries",
    "stops",
    "exchange_info",
    "store",
    "arming",
    "risk",
    "detection",
    "engine",
    "screen",
)


def main() -> int:
    """Print the machine and the table; return 1 when a benchmark failed."""
    arguments = sys.argv[1:]
    first = next((place for place, one in enumerate(arguments) if one.startswith("-")), len(arguments))
    chosen, options = arguments[:first] or list(ALL), arguments[first:]
    if options and len(chosen) != 1:
        print("Options need the name of one benchmark before them.", file=sys.stderr)
        return 2
    found: list[Row] = []
    failed: list[str] = []
    for name in chosen:
        print(f"… {name}", file=sys.stderr)
        run = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *options],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if run.returncode:
            failed.append(name)
        found.extend(Row(**json.loads(line)) for line in run.stdout.splitlines() if line.startswith("{"))
    print(f"{machine()}\n\n{table(found)}")
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
