"""Shared parts of the benchmarks: interleaved rounds, medians and p99, one row per method."""

import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `p50` and `p99` are in `unit`; `note` names the reference."""

    group: str
    name: str
    p50: float
    p99: float
    unit: str
    ratio: float | None = None
    note: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value at quantile `share` (0..1)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def interleaved(
    methods: Mapping[str, Callable[[], object]], *, rounds: int, calls: int = 1
) -> dict[str, list[float]]:
    """Time the methods in turn, `rounds` times; return CPU microseconds per call, one figure per round."""
    times: dict[str, list[float]] = {name: [] for name in methods}
    for method in methods.values():
        method()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, method in methods.items():
                began = time.process_time_ns()
                method()
                times[name].append((time.process_time_ns() - began) / 1_000 / calls)
    finally:
        gc.enable()
    return times


def rows(group: str, times: Mapping[str, Sequence[float]], *, base: str, unit: str = "µs") -> list[Row]:
    """Convert timings to rows; each ratio is the median over the median of `base`."""
    anchor = statistics.median(times[base])
    return [
        Row(
            group,
            name,
            statistics.median(t),
            percentile(t, 0.99),
            unit,
            statistics.median(t) / anchor,
            f"ratio to {base}",
        )
        for name, t in times.items()
    ]


def machine() -> str:
    """Name CPU, cores, OS and Python."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            model = next(
                (line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), model
            )
    except OSError:
        pass  # not Linux: use the name of the platform module
    system = f"{platform.system()} {platform.release()}"
    return f"{model}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def emit(results: Sequence[Row]) -> None:
    """Print rows as JSON lines, for the command that collects them."""
    for row in results:
        sys.stdout.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def table(results: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| What | Method | p50 | p99 | Unit | Ratio | Note |", "|---|---|---:|---:|---|---:|---|"]
    for row in results:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        times = f"{row.p50:,.2f} | {row.p99:,.2f} | {row.unit}"
        lines.append(f"| {row.group} | {row.name} | {times} | {ratio} | {row.note} |")
    return "\n".join(lines)
