"""The desk with an engine in its process: the engine keeps running when the screen is left or lost."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from dataclasses import replace
from typing import Any

from mexc_tui.app.endpoints import ExchangeHandle
from mexc_tui.app.launch_options import LaunchOptions, layers_of, mode_of, open_exchange, places_of
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
from mexc_tui.host.detach import INTERRUPTED, DetachedTerminal, tethered
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
"""For an engine whose start was interrupted."""
SWITCH_S = 0.001
"""How long a thread holds the interpreter at most: the engine hardly waits for a screen that paints."""

log = logging.getLogger(__name__)

OpenExchange = Callable[[LaunchOptions, Mode], AbstractAsyncContextManager[ExchangeHandle]]
Run = Callable[[LaunchOptions, Mapping[str, str], asyncio.Event, OpenExchange], Coroutine[Any, Any, int]]


def run_desk(launch: LaunchOptions, viewing: ScreenOptions, environ: Mapping[str, str]) -> int:
    """Open the desk and return an exit code: on the profile's engine if it runs, else on one of its own.

    Raises UsageProblem, and what `launching` raises for what cannot be used.
    """
    layers = layers_of(launch, environ)
    mode = mode_of(launch, layers, environ)
    paths = places_of(launch.profile or mode.value, environ)
    if engine_display(paths) is not None:
        return show_attached(paths, _dressed(viewing, layers, paths), environ)
    make_folders(paths)
    viewing = replace(_dressed(viewing, layers, paths), welcome=_welcome(launch, paths, mode))
    return tethered(
        lambda tether: _inside(launch, mode, paths, viewing, environ, tether),
        paths.log,
        lambda how: (
            f"The engine {how}: stops of open positions are not watched. Start mexc-tui again to resume."
        ),
        RESTORE,
    )


def _dressed(viewing: ScreenOptions, layers: Layers, paths: Paths) -> ScreenOptions:
    """Return the options with the configured theme and economy mode."""
    settings = load(replace(layers, file=read_file(paths.settings))).settings
    return with_display(viewing, settings.theme, is_economy=settings.economy)


def _welcome(launch: LaunchOptions, paths: Paths, mode: Mode) -> str:
    """Return the welcome message of a profile's first start; empty later."""
    told = paths.state / "welcomed"
    if told.exists():
        return ""
    with suppress(OSError):  # then it is shown again
        told.touch(mode=0o600)
    # The other welcomes name the steps to other modes, which have profiles of their own.
    return with_options(welcome_text(mode), launch.chosen) if mode is Mode.LIVE else welcome_text(mode)


def _inside(
    launch: LaunchOptions,
    mode: Mode,
    paths: Paths,
    viewing: ScreenOptions,
    environ: Mapping[str, str],
    tether: DetachedTerminal,
) -> int:
    """Run engine and screen; continue without the screen once it is left. Return the engine's exit code."""
    log_to(tether.log_file)
    sys.setswitchinterval(SWITCH_S)
    engine = EngineThread(_main(launch, mode, environ))
    engine.start()
    ended = show(paths, viewing, environ, tether, InProcessEngine(engine.on_end, engine.stop))
    words = farewell(paths, ended, is_own=True)
    if ended.how is Ending.INTERRUPTED:
        return _interrupted(engine, tether, f"{ended.owed}{words}\n")
    if ended.how is not Ending.ENGINE_ENDED:
        tether.cut(ended.owed + words, ended.code)
        tether.signals.handle_with(lambda number: None if number == signal.SIGHUP else engine.stop())
        return _code_of(launch, engine)
    _give_back(tether, ended.owed)
    tether.signals.handle_with(lambda _: engine.stop())
    code = _code_of(launch, engine)
    if not code:  # otherwise the reason was printed
        sys.stdout.write(words + "\n")
    return code


def _main(launch: LaunchOptions, mode: Mode, environ: Mapping[str, str]) -> Main:
    async def main(told: asyncio.Event) -> int:
        async with AsyncExitStack() as stack:
            # The exchange starts in its own process while this one imports the engine.
            opening = stack.enter_async_context(open_exchange(launch, mode))
            exchange, run = await asyncio.gather(opening, asyncio.to_thread(_engine))
            return await run(launch, environ, told, lambda _, __: nullcontext(exchange))

    return main


def _engine() -> Run:
    from mexc_tui.app.run_headless import run_engine  # after the fork: the shell's side needs none of it

    return run_engine


def _give_back(tether: DetachedTerminal, owed: str) -> None:
    tether.back()
    sys.stdout.write(owed)
    sys.stdout.flush()


def _interrupted(engine: EngineThread, tether: DetachedTerminal, last_words: str) -> int:
    """Stop an engine that was still starting, by force if that takes too long; return the exit code."""
    engine.stop()
    write_soon(tether.out, last_words)
    tether.signals.handle_with(lambda _: None)  # it ends already
    try:
        has_ended = engine.join(STOP_S) is not None
    except Exception as error:  # it was not to start anyway
        log.warning("the interrupted start ended: %s", error)
        has_ended = True
    tether.back()
    if not has_ended:
        log.warning("the engine did not stop within %.0f s after an interrupted start", STOP_S)
        logging.shutdown()
        os._exit(INTERRUPTED)
    return INTERRUPTED


def _code_of(launch: LaunchOptions, engine: EngineThread) -> int:
    """Wait until the engine has ended; return its exit code."""
    from mexc_tui.app.run_headless import WHY_NOT_UP, told_why

    try:
        code = engine.join()
    except WHY_NOT_UP as error:
        return told_why(launch, error)
    return NO_CODE if code is None else code
