"""Runs the desk with an engine in the same process; the engine keeps running after a detach."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from dataclasses import replace
from typing import Any, Protocol

from mexc_tui.app.endpoints import ExchangeHandle
from mexc_tui.app.launch_options import (
    LaunchOptions,
    ask_passphrase,
    layers_of,
    mode_of,
    open_exchange,
    profile_paths,
)
from mexc_tui.app.run_screen import (
    InProcessEngine,
    ScreenOptions,
    engine_display,
    farewell,
    show,
    show_attached,
    with_display,
)
from mexc_tui.engine.runtime.thread import EngineThread, Main
from mexc_tui.host.detach import INTERRUPTED, DetachedTerminal, run_detachable
from mexc_tui.host.folders import make_folders
from mexc_tui.host.logs.handler import log_to
from mexc_tui.host.paths import Paths
from mexc_tui.model.mode import Mode
from mexc_tui.settings.file import read_file
from mexc_tui.settings.load import Layers, load
from mexc_tui.tui.screens.quit import Ending
from mexc_tui.tui.screens.welcome import welcome_text
from mexc_tui.tui.terminal.terminal import RESTORE, write_soon
from mexc_tui.wording.command_options import with_options

NO_CODE = 1
STOP_S = 8.0
"""Deadline for an engine whose start was interrupted."""
SWITCH_S = 0.001
"""Longest turn of a thread, so that painting hardly delays the engine."""

log = logging.getLogger(__name__)

OpenExchange = Callable[[LaunchOptions, Mode], AbstractAsyncContextManager[ExchangeHandle]]


class Run(Protocol):
    """Runs the engine; see `run_headless.run_engine`."""

    def __call__(
        self,
        launch: LaunchOptions,
        environ: Mapping[str, str],
        stop_requested: asyncio.Event,
        *,
        opener: OpenExchange,
    ) -> Coroutine[Any, Any, int]: ...


WELCOMED = "welcomed"
"""Marker in the state folder: the welcome page was dismissed."""


def run_desk(launch: LaunchOptions, viewing: ScreenOptions, environ: Mapping[str, str]) -> int:
    """Open the desk on the profile's running engine, or start one; return the exit code.

    Raises UsageProblem, SettingsError, PathsError or StartError.
    """
    layers = layers_of(launch, environ)
    mode = mode_of(launch, layers, environ)
    paths = profile_paths(launch.profile or mode.value, environ)
    if engine_display(paths) is not None:
        return show_attached(paths, _with_configured_display(viewing, layers, paths), environ)
    make_folders(paths)
    ask_passphrase(mode, launch.profile)
    viewing = replace(_with_configured_display(viewing, layers, paths), welcome=_welcome(launch, paths, mode))
    return run_detachable(
        lambda terminal: _run_in_child(
            launch, mode, paths, viewing=viewing, environ=environ, terminal=terminal
        ),
        paths.log,
        lambda how: (
            f"The engine {how}: stops of open positions are not monitored. Start mexc-tui again to resume."
        ),
        restoring=RESTORE,
    )


def _with_configured_display(viewing: ScreenOptions, layers: Layers, paths: Paths) -> ScreenOptions:
    """Return the options with the configured theme and economy mode."""
    settings = load(replace(layers, file=read_file(paths.settings))).settings
    return with_display(viewing, settings.theme, is_economy=settings.economy)


def _welcome(launch: LaunchOptions, paths: Paths, mode: Mode) -> str:
    """Return the welcome message of a profile's first start; empty later."""
    marker = paths.state / WELCOMED
    if marker.exists():
        return ""
    with suppress(OSError):  # the message is shown again next time
        marker.touch(mode=0o600)
    # The other messages suggest commands for other modes, which have their own profiles.
    return with_options(welcome_text(mode), launch.chosen) if mode is Mode.LIVE else welcome_text(mode)


def _run_in_child(
    launch: LaunchOptions,
    mode: Mode,
    paths: Paths,
    *,
    viewing: ScreenOptions,
    environ: Mapping[str, str],
    terminal: DetachedTerminal,
) -> int:
    """Run engine and screen; continue without the screen once it is left. Return the engine's exit code."""
    log_to(terminal.log_file)
    sys.setswitchinterval(SWITCH_S)
    engine = EngineThread(_main(launch, mode, environ))
    engine.start()
    ended = show(
        paths, viewing, environ, detached=terminal, engine=InProcessEngine(engine.on_end, engine.stop)
    )
    text = farewell(paths, ended, is_own=True)
    if ended.ending is Ending.INTERRUPTED:
        return _interrupted(engine, terminal, f"{ended.pending_output}{text}\n")
    if ended.ending is not Ending.ENGINE_ENDED:
        terminal.detach(ended.pending_output + text, ended.code)
        terminal.signals.handle_with(lambda number: None if number == signal.SIGHUP else engine.stop())
        return _code_of(launch, engine)
    _restore_terminal(terminal, ended.pending_output)
    terminal.signals.handle_with(lambda _: engine.stop())
    code = _code_of(launch, engine)
    if not code:  # otherwise the reason was printed
        sys.stdout.write(text + "\n")
    return code


def _main(launch: LaunchOptions, mode: Mode, environ: Mapping[str, str]) -> Main:
    async def main(stop_requested: asyncio.Event) -> int:
        async with AsyncExitStack() as stack:
            # The exchange starts in its own process while this one imports the engine.
            opening = stack.enter_async_context(open_exchange(launch, mode))
            exchange, run = await asyncio.gather(opening, asyncio.to_thread(_load_engine))
            return await run(launch, environ, stop_requested, opener=lambda _, __: nullcontext(exchange))

    return main


def _load_engine() -> Run:
    from mexc_tui.app.run_headless import run_engine  # after the fork: the parent does not need it

    return run_engine


def _restore_terminal(terminal: DetachedTerminal, pending: str) -> None:
    terminal.restore()
    sys.stdout.write(pending)
    sys.stdout.flush()


def _interrupted(engine: EngineThread, terminal: DetachedTerminal, message: str) -> int:
    """Stop an engine that was still starting, by force if that takes too long; return the exit code."""
    engine.stop()
    write_soon(terminal.out, message)
    terminal.signals.handle_with(lambda _: None)  # already stopping
    try:
        has_ended = engine.join(STOP_S) is not None
    except Exception as error:  # the start was cancelled
        log.warning("the interrupted start ended: %s", error)
        has_ended = True
    terminal.restore()
    if not has_ended:
        log.warning("the engine did not stop within %.0f s after an interrupted start", STOP_S)
        logging.shutdown()
        os._exit(INTERRUPTED)
    return INTERRUPTED


def _code_of(launch: LaunchOptions, engine: EngineThread) -> int:
    """Wait until the engine has ended; return its exit code."""
    from mexc_tui.app.run_headless import START_ERRORS, print_start_error

    try:
        code = engine.join()
    except START_ERRORS as error:
        return print_start_error(launch, error)
    return NO_CODE if code is None else code
