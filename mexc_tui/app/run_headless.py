"""Runs a headless engine and returns its exit code."""

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from random import Random

from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.day_report import report_day, reported_day
from mexc_tui.app.endpoints import ExchangeHandle, StartError, SystemClock
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.app.launch_options import (
    LaunchOptions,
    UsageProblem,
    ask_passphrase,
    layers_of,
    mode_of,
    open_exchange,
    profile_paths,
)
from mexc_tui.desk.api_types import FrontEndError
from mexc_tui.engine.runtime.supervisor import StartFailed
from mexc_tui.engine.runtime.tasks import is_being_cancelled
from mexc_tui.exchange.origins import OriginRefused
from mexc_tui.host.lock import EngineRuns
from mexc_tui.host.logs.handler import add_log_file, limit_log, log_to_stderr
from mexc_tui.host.paths import PathsError
from mexc_tui.host.service_manager import ServiceManager
from mexc_tui.host.standard_streams import os_error_text
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.mode import Mode
from mexc_tui.model.storage import StorageError
from mexc_tui.report.day import DayReport, to_json
from mexc_tui.report.text import to_text
from mexc_tui.settings.load import SettingsError
from mexc_tui.wording.command_options import with_options

FINISHED, DIFFERENCE, WRONG_USAGE, NOT_STARTED, ENDED_BY_ERROR = 0, 1, 2, 3, 4
"""Exit codes. `DIFFERENCE`: unexplained difference between ledger and exchange."""

log = logging.getLogger(__name__)

EXPLAINED_ERRORS = (
    SettingsError,
    PathsError,
    StartError,
    EngineRuns,
    StorageError,
    OriginRefused,
    FrontEndError,
)
START_ERRORS = (*EXPLAINED_ERRORS, ExchangeError, StartFailed, OSError, UnicodeError)
OpenExchange = Callable[[LaunchOptions, Mode], AbstractAsyncContextManager[ExchangeHandle]]
"""Opens the selected exchange during a block."""

RUNTIME_ERRORS = (StorageError, ExchangeError, FrontEndError)


RUNNING = "the engine is running"


@dataclass(frozen=True, slots=True)
class _Requests:
    """Events that signals set."""

    stop: asyncio.Event
    reload: asyncio.Event


def run_headless(launch: LaunchOptions, environ: Mapping[str, str]) -> int:
    """Run an engine until a signal; return the exit code. Errors are one line on stderr."""
    log_to_stderr(environ)
    try:
        ask_passphrase(mode_of(launch, layers_of(launch, environ), environ), launch.profile)
        return asyncio.run(_run_until_signal(launch, environ))
    except UsageProblem as error:
        return _fail(launch, str(error), WRONG_USAGE)
    except START_ERRORS as error:
        return print_start_error(launch, error)


def print_start_error(launch: LaunchOptions, error: Exception) -> int:
    """Print why an engine could not start; return the exit code."""
    text = (
        str(error)
        if isinstance(error, EXPLAINED_ERRORS)
        else f"The engine did not start. {os_error_text(error)}"
    )
    return _fail(launch, text, NOT_STARTED)


async def _run_until_signal(launch: LaunchOptions, environ: Mapping[str, str]) -> int:
    """Run an engine in this thread; SIGTERM and SIGINT stop it gracefully, SIGHUP reloads the settings."""
    stop_requested, reload_requested = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_requested.set)
    loop.add_signal_handler(signal.SIGHUP, reload_requested.set)  # a lost terminal does not end the engine
    return await run_engine(launch, environ, stop_requested, reload_requested=reload_requested)


async def run_engine(
    launch: LaunchOptions,
    environ: Mapping[str, str],
    stop_requested: asyncio.Event,
    *,
    opener: OpenExchange = open_exchange,
    reload_requested: asyncio.Event | None = None,
) -> int:
    """Run an engine until `stop_requested` is set, a front end stops it, or its day is over.

    The settings file is read again whenever `reload_requested` is set. A stop before it is ready cancels the
    start. Returns the exit code; raises one of `START_ERRORS`.
    """
    ready = asyncio.Event()
    requests = _Requests(stop_requested, reload_requested or asyncio.Event())
    running = asyncio.create_task(_run(launch, environ, requests, ready=ready, opener=opener), name="engine")
    stopper = asyncio.create_task(_cancel_start_on_stop(running, ready, stop_requested))
    try:
        return await running
    except asyncio.CancelledError:
        if is_being_cancelled():
            raise
        _say("Stopped by a signal before it was ready.")
        return FINISHED
    except RUNTIME_ERRORS as error:
        if not ready.is_set():
            raise
        return _fail(launch, f"The engine ended with an error. {error}", ENDED_BY_ERROR)
    except (OSError, UnicodeError) as error:
        if not ready.is_set():
            raise
        log.exception("the engine ended with an error")
        return _fail(launch, f"The engine ended with an error. {os_error_text(error)}", ENDED_BY_ERROR)
    finally:
        stopper.cancel()


async def _cancel_start_on_stop(
    running: "asyncio.Task[int]", ready: asyncio.Event, stop_requested: asyncio.Event
) -> None:
    await stop_requested.wait()
    if not ready.is_set():
        running.cancel()


async def _run(
    launch: LaunchOptions,
    environ: Mapping[str, str],
    requests: _Requests,
    *,
    ready: asyncio.Event,
    opener: OpenExchange,
) -> int:
    layers = layers_of(launch, environ)
    mode = mode_of(launch, layers, environ)
    paths = profile_paths(launch.profile or mode.value, environ)
    add_log_file(paths.log)
    async with opener(launch, mode) as exchange:
        endpoint = exchange.endpoint
        location = EngineLocation(endpoint, mode is Mode.PRACTICE, paths, layers, exchange.key)
        environment = EngineEnvironment(SystemClock(), Random(os.urandom(16)))
        async with running_engine(location, environment) as running:
            ready.set()
            limit_log(running.loaded.settings.keep_log_mb)
            gc.collect()
            gc.freeze()  # long-lived objects: the garbage collector skips them from now on
            _say(f"Ready: profile {paths.profile}, {mode}, {endpoint.exchange_session or endpoint.rest}.")
            for text in running.loaded.removed:
                _say(f"Ignored: {text}. It had no effect: delete it from the file.")
            if running.engine.waits_for:
                _say(f"Exits are active; entries wait for the exchange: {running.engine.waits_for}.")
            code = await _serve(running, launch, requests, manager=ServiceManager.of(environ))
        if running.engine.stop_message:
            _say(running.engine.stop_message)
        return code


async def _serve(
    running: RunningEngine, launch: LaunchOptions, requests: _Requests, *, manager: ServiceManager
) -> int:
    """Wait until the engine stops; print the report of a finished practice day."""
    engine = running.engine
    manager.ready(RUNNING)
    tasks = (
        asyncio.create_task(manager.feed_watchdog()),
        asyncio.create_task(_stop_on_request(running, requests.stop)),
        asyncio.create_task(_reload_on_request(running, requests.reload, manager)),
        asyncio.create_task(_print_recovery(running, launch)),
    )
    try:
        reason = await engine.wait(until_done=launch.until_done)
    finally:
        for task in tasks:
            task.cancel()
    manager.stopping(reason)
    _say(f"Stopping: {reason}.")
    if not engine.is_done:
        return FINISHED
    report = await _report(running)
    sys.stdout.write((to_json(report).decode() if launch.as_json else to_text(report)) + "\n")
    for text in engine.unexplained:
        _say(f"Unexplained: {text}")
    if engine.unexplained:
        return _fail(launch, "Ledger and exchange balances differ (unexplained).", DIFFERENCE)
    if engine.closing_problem:  # a slow machine: the report is incomplete, but the ledger is reconciled
        _say(engine.closing_problem)
    return FINISHED


async def _report(running: RunningEngine) -> DayReport:
    """Return the report of the finished practice day."""
    engine = running.engine
    now_ms = engine.parts.market.now_ms()
    began_ms = running.day.start_ms or engine.started_ms
    day = reported_day(running.loaded, engine.parts.identity.exchange_session, began_ms, to_ms=now_ms)
    return await report_day(running.store, day)


async def _stop_on_request(running: RunningEngine, stop_requested: asyncio.Event) -> None:
    await stop_requested.wait()
    running.engine.request_stop("by a signal")


async def _reload_on_request(
    running: RunningEngine, reload_requested: asyncio.Event, manager: ServiceManager
) -> None:
    while True:
        await reload_requested.wait()
        reload_requested.clear()
        manager.reloading(time.monotonic_ns())
        await running.engine.settings_worker.reload()
        manager.ready(running.engine.settings_worker.problem or RUNNING)


async def _print_recovery(running: RunningEngine, launch: LaunchOptions) -> None:
    """Print the recovery of orders that the last engine left open, once known."""
    components = running.engine.trading_components
    if components is None:
        return
    await components.reconciler.recovery_reported.wait()
    for text in components.reconciler.recovery_lines:
        _say(with_options(f"Recovered: {text}.", launch.chosen))


def _say(text: str) -> None:
    try:
        descriptor = sys.stderr.fileno()
    except (OSError, ValueError):
        sys.stderr.write(text + "\n")
        return
    with suppress(OSError):  # a full disk must not stop the engine; a buffer would fail at exit
        os.write(descriptor, f"{text}\n".encode("utf-8", "backslashreplace"))


def _fail(launch: LaunchOptions, text: str, code: int) -> int:
    for line in with_options(text, launch.chosen).splitlines():
        _say(f"mexc-tui: {' '.join(line.split())}")
    return code
