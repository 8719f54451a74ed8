"""Runs the Textual app on an engine of this machine, in this process or another."""

import asyncio
import gc
import getpass
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from mexc_tui.desk import engine_requests
from mexc_tui.desk.api_types import FrontEndError, Role
from mexc_tui.desk.client import BACK_OFF_S, DeskClient
from mexc_tui.desk.single_request import send_command
from mexc_tui.host.detach import INTERRUPTED, INTERRUPTED_TEXT, DetachedTerminal, run_detachable
from mexc_tui.host.local_zone import local_zone
from mexc_tui.host.lock import socket_of
from mexc_tui.host.logs.handler import log_to
from mexc_tui.host.paths import Paths, paths_of
from mexc_tui.model.mode import Mode
from mexc_tui.model.text import clean
from mexc_tui.tui.action_mixin import AppEnvironment
from mexc_tui.tui.app import MAX_PROBLEM, DeskApp
from mexc_tui.tui.desk_source import source_of
from mexc_tui.tui.screens.quit import Ending
from mexc_tui.tui.terminal.terminal import RESTORE, Meter, Terminal, driver_of, write_soon
from mexc_tui.tui.themes import DEFAULT, all_themes, chosen

log = logging.getLogger(__name__)

LOOK_S = 2.0
COLLECT_AFTER_S = 2.0
"""Delay of garbage collection: it would slow down the first screen."""
PREFIX = "MEXC_TUI_"
"""Prefix of settings in the environment."""
NO_TERMINAL = (
    "The desk needs a terminal; standard input or output is not one. Use mexc-tui --headless to run "
    "the engine without a screen, and mexc-tui status to query it."
)


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """Display options of one front end."""

    theme: str = ""
    """Name of the theme; empty: the setting `theme`."""
    is_economy: bool = False
    """Repaint at most once a second; false: the setting `economy`."""
    role: str = Role.ADMIN.value
    welcome: str = ""
    """Text of the welcome message; empty: none."""


@dataclass(frozen=True, slots=True)
class ScreenResult:
    """Result of a screen."""

    ending: Ending
    pending_output: str
    """Output that the terminal has not accepted yet."""
    problem: str = ""
    """Error that ended the screen."""

    @property
    def code(self) -> int:
        """Return the exit code of an attached front end."""
        return INTERRUPTED if self.ending is Ending.INTERRUPTED else int(self.ending is Ending.BROKE)


@dataclass(frozen=True, slots=True)
class InProcessEngine:
    """Handle of an engine in this process."""

    when_ended: Callable[[Callable[[], None]], None]
    """Register a callback for the end of the engine; it may run in any thread."""
    stop: Callable[[], None]


def has_terminal() -> bool:
    """Whether a screen can be shown at all."""
    return os.isatty(0) and os.isatty(1)


def engine_display(paths: Paths) -> ScreenOptions | None:
    """Return the display settings of the profile's engine; None if no engine responds."""
    try:
        reply = send_command(
            socket_of(paths),
            engine_requests.SETTINGS,
            engine_requests.NoArguments(),
            who=_who(),
            now_ms=_now_ms(),
            deadline_s=LOOK_S,
        )
    except FrontEndError:
        return None
    values = {} if reply.result is None else {row.name: row.value for row in reply.result.rows}
    return ScreenOptions(values.get("theme", DEFAULT), values.get("economy") == "true")


def with_display(options: ScreenOptions, theme: str, *, is_economy: bool) -> ScreenOptions:
    """Fill in the configured theme and economy mode; a flag of the command line has priority."""
    return replace(options, theme=options.theme or theme, is_economy=options.is_economy or is_economy)


def run_attached(
    profile: str | None, mode: str | None, viewing: ScreenOptions, *, environ: Mapping[str, str]
) -> int | None:
    """Open the desk on a profile's running engine and return an exit code; None: none runs.

    Raises PathsError or SettingsError.
    """
    paths = paths_of(profile or _profile_of(mode, environ), environ)
    display = engine_display(paths)
    if display is None:
        return None
    options = with_display(viewing, display.theme, is_economy=display.is_economy)
    return show_attached(paths, options, environ)


def _profile_of(mode: str | None, environ: Mapping[str, str]) -> str:
    """Return the profile of a mode. Settings are loaded only if there are any, because that is slow."""
    is_plain = not any(name.startswith(PREFIX) for name in environ)
    if mode is not None or (is_plain and not paths_of("any", environ).settings.exists()):
        return mode or Mode.PRACTICE.value
    from mexc_tui.app.launch_options import LaunchOptions, layers_of, mode_of

    launch = LaunchOptions(mode, "", 0, None, None)
    return mode_of(launch, layers_of(launch, environ), environ).value


def show_attached(paths: Paths, viewing: ScreenOptions, environ: Mapping[str, str]) -> int:
    """Show an engine of another process, which a detach does not affect; return the exit code."""
    paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)

    def killed_text(how: str) -> str:
        return f"The screen {how}. {_reattach_hint(paths)}"

    return run_detachable(
        lambda detached: _attached(paths, viewing, environ, detached=detached),
        _log_of(paths, is_own=False),
        killed_text,
        restoring=RESTORE,
    )


def _attached(
    paths: Paths, viewing: ScreenOptions, environ: Mapping[str, str], *, detached: DetachedTerminal
) -> int:
    log_to(detached.log_file)
    ended = show(paths, viewing, environ, detached=detached, engine=None)
    detached.signals.handle_with(lambda _: None)  # already stopping
    detached.restore()
    if ended.ending is Ending.HUNG_UP:  # the terminal may have no reader left
        write_soon(detached.out, ended.pending_output)
    else:
        sys.stdout.write(f"{ended.pending_output}{farewell(paths, ended, is_own=False)}\n")
    return ended.code


def show(
    paths: Paths,
    viewing: ScreenOptions,
    environ: Mapping[str, str],
    *,
    detached: DetachedTerminal,
    engine: InProcessEngine | None,
) -> ScreenResult:
    """Show the desk until the screen ends."""
    try:
        return asyncio.run(_show(paths, viewing, environ, detached=detached, engine=engine))
    except Exception as error:  # an engine in this process must survive errors of the screen
        log.exception("the screen failed")
        return ScreenResult(Ending.BROKE, RESTORE, clean(f"{type(error).__name__}: {error}", MAX_PROBLEM))
    finally:
        detached.signals.defer()


def farewell(paths: Paths, ended: ScreenResult, *, is_own: bool) -> str:
    """Return the last message for the shell."""
    if ended.ending is Ending.ENGINE_ENDED:
        return "The engine has stopped."
    if ended.ending is Ending.INTERRUPTED:
        return INTERRUPTED_TEXT
    broke = (
        f"The screen failed ({ended.problem}); details are in {_log_of(paths, is_own=is_own)}. "
        if ended.ending is Ending.BROKE
        else ""
    )
    return f"{broke}{_reattach_hint(paths)}"


def _reattach_hint(paths: Paths) -> str:
    profile = "" if paths.profile == "practice" else f" --profile {paths.profile}"
    back = f"Reattach: mexc-tui attach{profile}. Stop: mexc-tui stop{profile}."
    return f"The engine keeps running. {back}"


def _log_of(paths: Paths, *, is_own: bool) -> Path:
    return paths.log if is_own else paths.state / "screen.log"


async def _show(
    paths: Paths,
    viewing: ScreenOptions,
    environ: Mapping[str, str],
    *,
    detached: DetachedTerminal,
    engine: InProcessEngine | None,
) -> ScreenResult:
    loop = asyncio.get_running_loop()
    role = Role(viewing.role)
    back_off_s = BACK_OFF_S if engine is None else BACK_OFF_S / 10
    client = DeskClient(
        socket_of(paths),
        who=_who(),
        role=role,
        now_ms=_now_ms,
        rng=Random(os.urandom(16)),
        back_off_s=back_off_s,
    )
    terminal = Terminal(
        detached.out,
        Meter(loop.time),
        stop_parent=detached.stop_parent,
        is_orphaned=lambda: detached.is_orphaned,
    )
    themes = all_themes(paths.themes)
    theme, problem = chosen(themes, viewing.theme, environ)
    if problem:
        themes = replace(themes, problems=(*themes.problems, problem))
    app = DeskApp(
        source_of(client, role, _now_ms, wire_per_s=terminal.meter.per_s),
        themes,
        theme,
        zone=local_zone(environ),
        is_economy=viewing.is_economy,
        welcome=viewing.welcome,
        environment=AppEnvironment(paths.state / "exports", "TMUX" in environ),
        driver_class=driver_of(terminal),
    )
    terminal.hung_up = lambda: app.end(Ending.HUNG_UP)
    terminal.input_failed = app.report_failed_input
    # Handled by the process, not the loop: a signal may arrive after the loop has ended.
    detached.signals.handle_with(lambda number: _soon(loop, lambda: _signalled(app, engine, number)))
    if engine is not None:
        engine.when_ended(lambda: _soon(loop, lambda: app.end(Ending.ENGINE_ENDED)))
    running = asyncio.create_task(client.run(), name="desk client")
    running.add_done_callback(lambda task: None if task.cancelled() else _client_failed(app, task))
    loop.call_later(COLLECT_AFTER_S, _start_collecting)
    try:
        await app.run_async(mouse="SSH_CONNECTION" not in environ)
    finally:
        gc.enable()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return ScreenResult(app.ending, terminal.pending_output, app.problem)


def _start_collecting() -> None:
    """Enable garbage collection; objects of the start are never scanned, which would take 0.1 s."""
    gc.freeze()
    gc.enable()


def _client_failed(app: DeskApp, ended: "asyncio.Task[None]") -> None:
    """End the screen when its client task ends: that happens only on an error."""
    app.fail(ended.exception() or RuntimeError(f"{ended.get_name()} ended"))


def _signalled(app: DeskApp, engine: InProcessEngine | None, number: int) -> None:
    """Detach when the terminal is lost; otherwise stop an engine in this process gracefully."""
    if number == signal.SIGHUP:
        app.end(Ending.HUNG_UP)
    elif number == signal.SIGINT and app.is_opening:
        app.end(Ending.INTERRUPTED)
    elif engine is not None:
        engine.stop()
    else:
        app.end(Ending.LEFT)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the screen is closed already
        loop.call_soon_threadsafe(call)


def _now_ms() -> int:
    return round(datetime.now(UTC).timestamp() * 1_000)


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = str(os.geteuid())
    return f"{user} (desk)"[:64]
