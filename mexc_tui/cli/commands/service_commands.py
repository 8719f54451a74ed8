"""Commands of the systemd service that runs a headless engine."""

import getpass
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mexc_tui.cli.command_runner import (
    NO_ENGINE,
    NOT_DONE,
    CommandRunner,
    command_runner,
    fail,
    output_flags,
    with_chosen_options,
)
from mexc_tui.cli.confirmation import confirm, yes_flag
from mexc_tui.model.mode import Mode

if TYPE_CHECKING:
    from mexc_tui.cli.pages.tables import Pen
    from mexc_tui.host.service_unit import ServiceUnit
    from mexc_tui.host.systemd import Systemd

NO_TERMINAL = "Changing the service needs a confirmation, but there is no terminal. Confirm with --yes."
SYSTEM_FOLDER = Path("/etc/systemd/system")
PASSED_ON = ("XDG_CONFIG_HOME", "XDG_STATE_HOME")
"""Variables that select the folders of settings and state."""

system_flag = click.option("--system", is_flag=True, help="Use the system's service manager, not the user's.")


class ServiceJson(msgspec.Struct, frozen=True, kw_only=True):
    """State of the service of a profile, as JSON."""

    unit: str
    is_installed: bool
    state: str
    is_enabled: bool
    pid: int
    restarts: int
    result: str
    status: str
    keeps_running_after_logout: bool


def credential(name: str, content: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Return an option with the file of an encrypted credential."""
    text = f"{content} A file of `systemd-creds encrypt`."
    return click.option(name, type=click.Path(dir_okay=False, path_type=Path), help=text)


@click.group()
def service() -> None:
    """Run the engine as a systemd service."""


@service.command()
@click.option("--system", "user", metavar="USER", help="Print a system unit that runs as USER.")
@click.option("--print", "only_print", is_flag=True, help="Print the unit; change nothing.")
@credential("--key-credential", "Two lines: access key and secret of live trading.")
@credential("--passphrase-credential", "The passphrase of the encrypted key file.")
@yes_flag
@output_flags
def install(
    *,
    user: str | None,
    only_print: bool,
    key_credential: Path | None,
    passphrase_credential: Path | None,
    yes: bool,
    profile: str | None,
    as_json: bool,
) -> None:
    """Install and start a service of the current user; it restarts a failed engine.

    Exit code: 0 installed or printed, 1 cancelled or refused, 3 no service manager.
    """
    with command_runner(profile, as_json) as runner:
        unit = _unit(runner, user or "", (key_credential, passphrase_credential))
        _warn_of_key(runner, unit)
        if only_print or user:
            click.echo(unit.text(), nl=False)
            if user and not only_print:
                click.echo(_system_steps(unit), err=True)
            return
        file = _user_folder() / unit.name
        if not yes:
            confirm(runner, f"INSTALL: write {file}, enable and start it.\n{unit.text()}", NO_TERMINAL)
        _install(file, unit)
        click.echo(_installed(file, unit))


@service.command()
@system_flag
@output_flags
def status(system: bool, profile: str | None, as_json: bool) -> None:
    """Show whether the service runs, its restarts, and whether it survives a logout.

    Exit code: 0 it runs, 1 it does not, 3 no service manager.
    """
    from mexc_tui.host.systemd import ServiceManagerError

    with command_runner(profile, as_json) as runner:
        systemd, name = _systemd(is_user=not system), _name(runner)
        try:
            found = systemd.status(name)
        except ServiceManagerError as error:
            fail(str(error), NO_ENGINE)
        row = ServiceJson(
            unit=name,
            is_installed=found.is_installed,
            state=found.state,
            is_enabled=found.is_enabled,
            pid=found.pid,
            restarts=found.restarts,
            result=found.result,
            status=found.status,
            keeps_running_after_logout=system or systemd.keeps_running_after_logout(getpass.getuser()),
        )
        runner.show(row, _page)
        if not found.pid:
            sys.exit(NOT_DONE)


@service.command()
@click.option("--lines", "-n", default=100, show_default=True, help="Number of lines.")
@click.option("--follow", "-f", is_flag=True, help="Print new lines until interrupted.")
@system_flag
@click.option("--profile", help="Profile of the engine; default: the name of the mode.")
def logs(lines: int, follow: bool, system: bool, profile: str | None) -> None:
    """Print the log of the service from the journal."""
    from mexc_tui.host.systemd import ServiceManagerError

    with command_runner(profile, as_json=False) as runner:
        try:
            command = _systemd(is_user=not system).log_command(_name(runner), lines, follows=follow)
        except ServiceManagerError as error:
            fail(str(error), NO_ENGINE)
    sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - arguments without a shell


@service.command()
@yes_flag
@click.option("--profile", help="Profile of the engine; default: the name of the mode.")
def remove(yes: bool, profile: str | None) -> None:
    """Stop the service and remove it. Ledger, settings and keys stay.

    Exit code: 0 removed, 1 cancelled or not installed, 3 no service manager.
    """
    from mexc_tui.host.systemd import ServiceManagerError

    with command_runner(profile, as_json=False) as runner:
        file = _user_folder() / _name(runner)
        if not file.exists():
            fail(f"Not installed: {file} does not exist.", NOT_DONE)
        if not yes:
            plan = f"REMOVE: stop the engine of profile {runner.profile.paths.profile} and delete {file}."
            confirm(runner, f"{plan} Stops of open positions are not monitored then.", NO_TERMINAL)
        try:
            _systemd(is_user=True).control("disable", "--now", file.name)
        except ServiceManagerError as error:
            fail(str(error), NO_ENGINE)
        file.unlink()
        _systemd(is_user=True).control("daemon-reload")
        click.echo(f"Removed {file}. Ledger, settings and keys are unchanged.")


def _unit(runner: CommandRunner, user: str, credentials: tuple[Path | None, Path | None]) -> "ServiceUnit":
    """Return the unit. `credentials`: files with the key and the passphrase, as given."""
    from mexc_tui.host.keys.service_key import unit_credentials
    from mexc_tui.host.service_unit import ServiceUnit

    paths = runner.profile.paths
    mode = runner.profile.mode.value
    return ServiceUnit(
        profile=paths.profile,
        command=(
            sys.executable,
            "-m",
            "mexc_tui",
            "--headless",
            *("--mode", mode),
            *("--profile", paths.profile),
        ),
        user=user,
        writable=(paths.state, paths.config),
        environment=tuple((name, os.environ[name]) for name in PASSED_ON if os.environ.get(name)),
        credentials=unit_credentials(paths.profile, *credentials),
        systemd_version=_systemd(is_user=not user).version(),
    )


def _warn_of_key(runner: CommandRunner, unit: "ServiceUnit") -> None:
    """Print why the service could not open the key of live trading; end if its systemd is too old."""
    from mexc_tui.host.keys.record import CredentialsError
    from mexc_tui.host.keys.service_key import old_systemd_text, unreadable_text
    from mexc_tui.host.keys.stored_keys import StoredKeys

    if runner.profile.mode is not Mode.LIVE:
        return
    if unit.credentials:
        if not unit.user and (problem := old_systemd_text(unit.systemd_version)):
            fail(problem, NOT_DONE)
        return
    try:
        kind = StoredKeys(unit.profile).kind()
    except CredentialsError:
        return
    if problem := unreadable_text(kind, is_system=bool(unit.user)):
        click.echo(with_chosen_options(problem), err=True)


def _name(runner: CommandRunner) -> str:
    from mexc_tui.host.service_unit import unit_name

    return unit_name(runner.profile.paths.profile)


def _systemd(*, is_user: bool) -> "Systemd":
    from mexc_tui.host.systemd import Systemd

    return Systemd(is_user=is_user)


def _user_folder() -> Path:
    config = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    base = config if config.is_absolute() else Path.home() / ".config"
    return base / "systemd" / "user"


def _install(file: Path, unit: "ServiceUnit") -> None:
    """Write, enable and start the unit; on a failure the file is removed again unless it was there."""
    from mexc_tui.host.systemd import ServiceManagerError

    before = file.read_text() if file.exists() else None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(unit.text())
    systemd = _systemd(is_user=True)
    try:
        systemd.control("daemon-reload")
        systemd.control("enable", "--now", unit.name)
    except ServiceManagerError as error:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
        fail(f"Not installed. {error}", NO_ENGINE)


def _installed(file: Path, unit: "ServiceUnit") -> str:
    text = f"Installed and started {unit.name} ({file}). Next step: mexc-tui service status"
    user = getpass.getuser()
    if not _systemd(is_user=True).keeps_running_after_logout(user):
        text += (
            "\nIt ends at your logout, because lingering is off. To keep the engine running:\n"
            f"  loginctl enable-linger {user}"
        )
    return with_chosen_options(text)


def _system_steps(unit: "ServiceUnit") -> str:
    return (
        f"Next steps, as root: save this unit as {SYSTEM_FOLDER / unit.name}, then\n"
        f"  systemctl daemon-reload && systemctl enable --now {unit.name}"
    )


def _page(row: ServiceJson, _: "Pen") -> str:
    if not row.is_installed:
        return f"{row.unit} is not installed. Install it with: mexc-tui service install"
    lines = [
        f"{row.unit}: {row.state}, {'enabled' if row.is_enabled else 'not started at boot'}",
        f"Process {row.pid or 'none'}, {row.restarts} restarts, last result: {row.result or 'none'}",
    ]
    if row.status:
        lines.append(f"The engine reports: {row.status}")
    if not row.keeps_running_after_logout:
        lines.append(f"It ends at logout. To keep it running: loginctl enable-linger {getpass.getuser()}")
    return "\n".join(lines)
