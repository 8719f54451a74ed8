"""Command `exchange`: run a practice exchange until a signal ends it."""

import asyncio
import errno
import os
import signal
import sys

import msgspec

from mexc_tui.host.standard_streams import check_output
from mexc_tui.practice.scenario import Scenario, ScenarioError, load
from mexc_tui.practice.server import HOST, serving


def run_exchange(
    port: int = 0, scenario: str = "calm", seed: int = 1, *, strict: bool = False, with_parent: bool = False
) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code.

    When ready, one line of JSON (`Endpoint`) goes to standard output and nothing else. `with_parent` also
    ends it when standard input closes.
    """
    try:
        plan = load(scenario)
    except ScenarioError as error:
        return _fail(str(error))
    try:
        asyncio.run(_serve(plan, seed, port, strict=strict, with_parent=with_parent))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return _fail(f"Cannot listen on {HOST}:{port}: {error.strerror}")
        return _fail(f"Port {port} on {HOST} is in use. Choose another one with --port, or 0 for a free one.")
    return 0


def _fail(text: str) -> int:
    sys.stderr.write(f"mexc-tui: {text}\n")
    return 1


async def _serve(scenario: Scenario, seed: int, port: int, *, strict: bool, with_parent: bool) -> None:
    stop_requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_requested.set)
    async with serving(scenario, seed, port=port, strict=strict, warm=True) as endpoint:
        if with_parent:
            loop.add_reader(sys.stdin.fileno(), _read_parent, stop_requested)
        sys.stdout.write(msgspec.json.encode(endpoint).decode("utf-8") + "\n")
        sys.stdout.flush()
        check_output()
        await stop_requested.wait()


def _read_parent(stop_requested: asyncio.Event) -> None:
    """Detect the end of standard input: the parent has exited."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop_requested.set()
