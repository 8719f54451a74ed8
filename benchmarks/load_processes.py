"""Processes of the load benchmark: endless loops, and front ends."""

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING

from benchmarks.load_checks import VIEWERS, ViewerReport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence


@contextmanager
def busy_cores() -> "Generator[None]":
    """Run two endless loops for each core."""
    loops = [Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for one in loops:
            one.kill()
            one.wait()


@asynccontextmanager
async def attached(path: Path) -> "AsyncGenerator[list[Process]]":
    """Attach front ends as processes; kill what is left of them."""
    command = (sys.executable, "-m", "benchmarks.load_viewer", str(path))
    viewers = [await asyncio.create_subprocess_exec(*command, stdout=PIPE) for _ in range(VIEWERS)]
    try:
        for viewer in viewers:
            assert viewer.stdout is not None
            await viewer.stdout.readline()
        yield viewers
    finally:
        for viewer in viewers:
            with contextlib.suppress(ProcessLookupError):
                viewer.kill()
            await viewer.wait()


async def reports(viewers: "Sequence[Process]") -> list[ViewerReport]:
    """End the front ends; return what they received."""
    found: list[ViewerReport] = []
    for viewer in viewers:
        viewer.terminate()
        text, _ = await viewer.communicate()
        if text.strip():
            report = json.loads(text.splitlines()[-1])
            found.append(ViewerReport(report["first"], report["last"], report["breaks"]))
    return found
