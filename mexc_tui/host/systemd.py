"""Commands of the service manager: systemctl, journalctl and loginctl of this machine."""

import shutil
import subprocess
from dataclasses import dataclass

from mexc_tui.model.errors import DeskError

DEADLINE_S = 30.0
NO_SYSTEMD = "{program} was not found: no systemd here. Start the engine with: mexc-tui --headless"
NO_BUS = (
    "systemd of this user cannot be reached ({reason}). Log in as this user itself (not with su or sudo), or "
    "install a system unit: mexc-tui service install --system USER"
)
PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "MainPID",
    "NRestarts",
    "Result",
    "StatusText",
)


class ServiceManagerError(DeskError):
    """The service manager is missing, cannot be reached, or refused a command.

    Raised by `host.systemd`. Show the text, which names the next step.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """What systemd reports about a unit."""

    is_installed: bool
    state: str
    """Active state and substate, such as "active (running)"."""
    is_enabled: bool
    pid: int
    """0: not running."""
    restarts: int
    result: str
    """Result of the last run; "success" while it runs."""
    status: str
    """What the engine reported last."""


class Systemd:
    """The service manager of the system, or of the current user."""

    def __init__(self, *, is_user: bool) -> None:
        self._scope = ("--user",) if is_user else ()

    def version(self) -> int:
        """Return the version of systemd; 0: unknown."""
        try:
            first = self._run("systemctl", "--version").split()
        except ServiceManagerError:
            return 0
        return int(first[1]) if len(first) > 1 and first[1].isdecimal() else 0

    def control(self, *arguments: str) -> str:
        """Run systemctl with arguments; return its output. Raises ServiceManagerError."""
        return self._run("systemctl", *self._scope, *arguments)

    def status(self, unit: str) -> ServiceStatus:
        """Return the status of a unit. Raises ServiceManagerError."""
        text = self.control("show", unit, f"--property={','.join(PROPERTIES)}")
        found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return ServiceStatus(
            is_installed=found.get("LoadState") == "loaded",
            state=f"{found.get('ActiveState', 'unknown')} ({found.get('SubState', 'unknown')})",
            is_enabled=found.get("UnitFileState") == "enabled",
            pid=_number(found.get("MainPID", "")),
            restarts=_number(found.get("NRestarts", "")),
            result=found.get("Result", ""),
            status=found.get("StatusText", ""),
        )

    def log_command(self, unit: str, lines: int, *, follows: bool) -> list[str]:
        """Return the command that prints the unit's log. Raises ServiceManagerError."""
        program = _program("journalctl")
        command = [program, *self._scope, "--unit", unit, "--lines", str(lines), "--no-pager"]
        return [*command, "--follow"] if follows else command

    def keeps_running_after_logout(self, user: str) -> bool:
        """Whether the user's services continue after a logout (lingering, loginctl(1))."""
        try:
            return self._run("loginctl", "show-user", user, "--property=Linger").strip() == "Linger=yes"
        except ServiceManagerError:
            return False

    def _run(self, name: str, *arguments: str) -> str:
        command = [_program(name), *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - programs of this machine, arguments without a shell
                command, capture_output=True, text=True, timeout=DEADLINE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServiceManagerError(f"{name} does not respond: {error}") from error
        if done.returncode:
            reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            if "connect to bus" in reason:
                raise ServiceManagerError(NO_BUS.format(reason=reason))
            raise ServiceManagerError(f"{' '.join((name, *arguments))}: {reason}")
        return done.stdout


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ServiceManagerError(NO_SYSTEMD.format(program=name))
    return found


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
