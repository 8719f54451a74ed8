"""Requests of a command to the engine of a profile, over its socket."""

import getpass
import os
import time
from functools import cached_property
from pathlib import Path

from mexc_tui.cli.errors import NOT_DONE, CommandFailed
from mexc_tui.cli.profile_access import ProfileAccess
from mexc_tui.desk import engine_requests
from mexc_tui.desk.api_types import Args, CommandKind, CommandOutcome, EngineSilent, NoEngine, Reply, Result
from mexc_tui.desk.single_request import send_command
from mexc_tui.host.lock import is_held, recorded_holder, socket_of

DEADLINE_S = 10.0
STOP_S = 30.0
SILENT_S = 4.0
"""Seconds without a heartbeat after which an engine counts as unresponsive in an emergency."""
CHECK_EVERY_S = 0.05


class EngineAccess:
    """Sends requests to the engine of a profile, one connection each."""

    def __init__(self, profile: ProfileAccess) -> None:
        """In an emergency command, give up an unresponsive engine early."""
        self._profile = profile
        self._clock = profile.clock

    @cached_property
    def user(self) -> str:
        """Return the name of the user, or the number of one without a name."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return str(os.geteuid())

    @cached_property
    def front_end(self) -> str:
        """Return the name under which this front end is audited."""
        return f"{self.user} (command line)"[:64]

    @property
    def socket(self) -> Path:
        """Return the engine's socket as recorded in its lock, independent of the environment."""
        return socket_of(self._profile.paths)

    @property
    def absence(self) -> tuple[str, bool]:
        """Return why no engine responds, and whether one still uses the profile."""
        lock = self._profile.paths.lock
        if not is_held(lock):
            return "no engine is running", False
        holder = recorded_holder(lock)
        process = "" if holder is None else f" (process {holder.pid})"
        return f"the engine{process} does not respond", True

    def query(self, kind: CommandKind[Args, Result], args: Args, deadline_s: float = DEADLINE_S) -> Result:
        """Return the engine's result. Raises CommandFailed without a result, NoEngine without an engine."""
        reply = self.send(kind, args, deadline_s)
        if reply.result is None or reply.outcome is not CommandOutcome.DONE:
            raise CommandFailed(reply.message, NOT_DONE)
        return reply.result

    def send(
        self, kind: CommandKind[Args, Result], args: Args, deadline_s: float = DEADLINE_S
    ) -> Reply[Result]:
        """Send a command and return its outcome. Raises DeskError; NoEngine without an engine."""
        is_emergency, paths = self._profile.is_emergency, self._profile.paths
        try:
            return send_command(
                self.socket,
                kind,
                args,
                who=self.front_end,
                now_ms=self._clock.now_ms(),
                deadline_s=deadline_s,
                silent_s=SILENT_S if is_emergency else None,
            )
        except (NoEngine, EngineSilent) as error:
            if not (is_emergency and is_held(paths.lock)):
                raise
            raise type(error)(f"{error} {self._direct_kill_hint()}") from None

    def stop(self) -> int:
        """Stop the engine, wait until it has exited and return its process id. Raises NoEngine."""
        stopping = self.query(engine_requests.STOP, engine_requests.NoArguments())
        deadline_ns = self._clock.monotonic_ns() + int(STOP_S * 1e9)
        while is_held(self._profile.paths.lock):
            if self._clock.monotonic_ns() > deadline_ns:
                message = f"Process {stopping.pid} has not stopped after {STOP_S:.0f} s."
                raise CommandFailed(message, NOT_DONE)
            time.sleep(CHECK_EVERY_S)
        return stopping.pid

    def _direct_kill_hint(self) -> str:
        """Return which process uses the profile, and how to stop without it."""
        holder, profile = recorded_holder(self._profile.paths.lock), self._profile.paths.profile
        process = f"Process {holder.pid} uses profile {profile}. " if holder is not None else ""
        return f"{process}To stop without an engine: mexc-tui kill --direct --profile {profile}"
