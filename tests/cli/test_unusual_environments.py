"""Every command with closed or full streams, unusable folders and undecodable arguments: one line each."""

import os
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import click
import pytest

from mexc_tui.cli.main import main
from tests.support.processes.command_server import CLOSED, CommandServer, RunResult

pytestmark = pytest.mark.timeout(180)  # runs processes

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "": (),
    "--headless": ("--exchange", "missing.json"),
    "alerts": (),
    "alerts secret": ("ntfy", "--stdin"),
    "alerts test": ("ntfy",),
    "arm": ("NEWUSDT", "--yes"),
    "attach": (),
    "backup": (),
    "bundle": ("NEWUSDT",),
    "close": ("NEWUSDT",),
    "convert-dust": (),
    "disarm": ("NEWUSDT",),
    "doctor": ("--exchange", "missing.json"),
    "exchange": ("--scenario", "nowhere"),
    "exits": ("NEWUSDT", "--stop", "1"),
    "export": ("trades",),
    "flatten": (),
    "halt": ("for", "lunch"),
    "journal": (),
    "journal --follow": (),
    "keys check": (),
    "keys remove": ("--yes",),
    "keys rotate": ("--stdin",),
    "keys set": ("--stdin",),
    "keys show": (),
    "kill": (),
    "kill --direct": ("--exchange", "missing.json", "--yes"),
    "listings": (),
    "listings add": ("NEWUSDT",),
    "listings drop": ("NEWUSDT",),
    "lock": (),
    "orders": ("--last", "5"),
    "performance": (),
    "positions": (),
    "reconcile": ("--exchange", "missing.json"),
    "reduce-only": (),
    "report": (),
    "restore": ("--yes",),
    "restore-limits": (),
    "resume": (),
    "risk": (),
    "service install": ("--print",),
    "service remove": ("--yes",),
    "service status": (),
    "settings": (),
    "settings theme": (),
    "settings theme sea": (),
    "signals": (),
    "snipes": (),
    "status": (),
    "stop": (),
    "unlock": (),
    "watch": ("--exchange", "missing.json"),
    "what-if": ("NEWUSDT",),
    "why": ("NEWUSDT",),
}
"""Each command, with arguments that let it finish without an engine and an exchange."""
COMMANDS = [pytest.param((*name.split(), *more), id=name or "desk") for name, more in ARGUMENTS.items()]
PRINTING = [
    "listings",
    "signals",
    "journal",
    "settings",
    "settings theme",
    "status",
    "why",
    "snipes",
    "--help",
]
"""Commands that print something although nothing is stored."""


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Generator[CommandServer]:
    with CommandServer(tmp_path_factory.mktemp("run")) as found:
        yield found


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MEXC_TUI", "XDG", "PYTHON_K"))
    }
    folders = {"STATE_HOME": "s", "CONFIG_HOME": "c", "RUNTIME_DIR": "r"}
    for folder in folders.values():
        (tmp_path / folder).mkdir(mode=0o700)
    return (
        kept | {"HOME": str(tmp_path)} | {f"XDG_{name}": str(tmp_path / one) for name, one in folders.items()}
    )


def checked(ran: RunResult) -> RunResult:
    """Check that a run printed its problem, if any, in one line; return the run."""
    assert "Traceback" not in ran.err, ran.err
    assert ran.code in (0, 1, 2, 3), ran
    assert all(line.startswith("mexc-tui: ") for line in ran.lines), ran.err
    said = [
        line for line in ran.lines if "Ignored; using profile" not in line
    ]  # a note of commands that lower risk
    assert len(said) <= 1, ran.err
    assert said or ran.out or ran.code in (0, 1), ran
    return ran


def test_every_command_is_tried() -> None:
    context = click.Context(main)
    names = set[str]()
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if isinstance(command, click.Group):
            names |= {f"{name} {one}" for one in command.commands}
        else:
            names.add(name)
    # simulate uses no settings, folders or engine; service logs prints what journalctl writes
    assert names - {"simulate", "service logs"} <= set(ARGUMENTS)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("stream", ["/dev/full", CLOSED])
def test_a_full_output_is_one_line_and_a_failure(
    zygote: CommandServer, home: Mapping[str, str], command: tuple[str, ...], stream: str
) -> None:
    ran = checked(zygote.run(command, home, stdout=stream))
    plain = zygote.run(command, home)
    if plain.out:
        assert ran.code == 1
        assert "Standard output could not be written" in ran.err
    else:
        assert ran.code == plain.code


@pytest.mark.parametrize("name", PRINTING)
@pytest.mark.parametrize("stream", ["/dev/full", CLOSED])
def test_lost_output_ends_with_1(
    zygote: CommandServer, home: Mapping[str, str], name: str, stream: str
) -> None:
    ran = checked(zygote.run((*name.split(), *ARGUMENTS.get(name, ())), home, stdout=stream))
    reason = "No space left on device" if stream != CLOSED else "it is closed"
    assert (ran.code, ran.err) == (1, f"mexc-tui: Standard output could not be written: {reason}.\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_closed_standard_error_breaks_nothing(
    zygote: CommandServer, home: Mapping[str, str], command: tuple[str, ...]
) -> None:
    plain = checked(zygote.run(command, home))
    for stream in ("/dev/full", CLOSED):
        assert zygote.run(command, home, stderr=stream).code == plain.code
    assert checked(zygote.run(command, home, stdin=CLOSED)).code == plain.code
    assert checked(zygote.run(command, home, encoding="ascii")).code == plain.code


def _file_for_state(place: Path) -> None:
    (place / "s" / "mexc-tui").write_text("a file")


def _file_for_profile(place: Path) -> None:
    (place / "s" / "mexc-tui").mkdir(mode=0o700)
    (place / "s" / "mexc-tui" / "practice").write_text("a file")


def _file_for_sockets(place: Path) -> None:
    (place / "r" / "mexc-tui").write_text("a file")


def _file_for_settings_folder(place: Path) -> None:
    (place / "c" / "mexc-tui").write_text("a file")


def _folder_for_settings(place: Path) -> None:
    (place / "c" / "mexc-tui" / "settings.toml").mkdir(parents=True)


def _circle_of_links(place: Path) -> None:
    for name in ("s", "c", "r"):
        (place / name).rmdir()
        (place / name).symlink_to(place / name)


def _folder_for_database(place: Path) -> None:
    for name in ("desk.sqlite3", "engine.lock", "instance"):
        (place / "s" / "mexc-tui" / "practice" / name).mkdir(mode=0o700, parents=True)


def _noise_for_database(place: Path) -> None:
    folder = place / "s" / "mexc-tui" / "practice"
    folder.mkdir(mode=0o700, parents=True)
    for name in ("desk.sqlite3", "engine.lock", "instance", "halt.json"):
        (folder / name).write_bytes(b"\xff\x00\xfe" * 5_000)
        (folder / name).chmod(0o600)
    backups = folder / "backups"
    backups.mkdir(mode=0o700)
    (backups / "desk-20261130T154854Z.sqlite3").write_bytes(b"noise")


def _noise_for_settings(place: Path) -> None:
    folder = place / "c" / "mexc-tui"
    folder.mkdir()
    (folder / "settings.toml").write_bytes(b"\xff = [")


ODD: dict[str, Callable[[Path], None]] = {
    "a file where states are kept": _file_for_state,
    "a file where a profile is kept": _file_for_profile,
    "a file where sockets are kept": _file_for_sockets,
    "a file where settings are kept": _file_for_settings_folder,
    "a folder that is called settings": _folder_for_settings,
    "links in a circle": _circle_of_links,
    "a folder that is called database": _folder_for_database,
    "noise in each file": _noise_for_database,
    "noise in the settings": _noise_for_settings,
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("command", COMMANDS)
def test_unusable_folders_give_one_line(
    zygote: CommandServer, home: Mapping[str, str], tmp_path: Path, command: tuple[str, ...], odd: str
) -> None:
    ODD[odd](tmp_path)
    checked(zygote.run(command, home))


@pytest.mark.parametrize("command", COMMANDS)
def test_invalid_variables_give_one_line(
    zygote: CommandServer, home: dict[str, str], command: tuple[str, ...]
) -> None:
    no_text = os.fsdecode(b"/tmp/\xff\xfe")
    for changed in (
        {"XDG_STATE_HOME": "/" + "long" * 80},
        {"XDG_STATE_HOME": no_text, "XDG_RUNTIME_DIR": no_text, "XDG_CONFIG_HOME": no_text},
        {"MEXC_TUI_THEME": os.fsdecode(b"\xff")},
        {"MEXC_TUI_MAX_POSITIONS": "many"},
        {"COLUMNS": "-1", "TERM": os.fsdecode(b"\xff")},
        {"PYTHON_KEYRING_BACKEND": "no.such.Keyring"},
    ):
        checked(zygote.run(command, home | changed))
    bare = {name: value for name, value in home.items() if name not in ("HOME", "XDG_STATE_HOME")}
    checked(zygote.run(command, bare))


@pytest.mark.parametrize("command", COMMANDS)
def test_undecodable_arguments_give_one_line(
    zygote: CommandServer, home: Mapping[str, str], command: tuple[str, ...]
) -> None:
    checked(zygote.run([*command, b"\xff\xfe"], home))
    checked(zygote.run([*command, "--profile", b"\xff"], home))
    swapped = [b"\xff" if word in ("NEWUSDT", "lunch", "theme", "missing.json") else word for word in command]
    checked(zygote.run(swapped, home))


@pytest.mark.parametrize("command", [("keys", "show"), ("keys", "check"), ("keys", "remove", "--yes")])
def test_a_broken_keyring_names_the_correction(
    zygote: CommandServer, home: dict[str, str], command: tuple[str, ...]
) -> None:
    ran = checked(zygote.run(command, home | {"PYTHON_KEYRING_BACKEND": "no.such.Keyring"}))
    assert "cannot be loaded (ModuleNotFoundError)" in ran.err
    assert "PYTHON_KEYRING_BACKEND" in ran.err


ASKING = ("listings", "signals", "journal", "alerts", "positions", "orders", "snipes", "orders --last", "why")


@pytest.mark.parametrize("name", ASKING)
def test_an_unknown_profile_lists_the_known_ones(
    zygote: CommandServer, home: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    command, _, option = name.partition(" ")
    more = {"why": ["NEWUSDT"], "orders": [option, "5"] if option else []}.get(command, [])
    ran = checked(zygote.run([command, *more, "--profile", "mistyped"], home))
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "mexc-tui: Profile mistyped does not exist. No profile has been used yet.\n"
    for profile in ("mine", "paper"):
        (tmp_path / "s" / "mexc-tui" / profile).mkdir(parents=True)
    ran = checked(zygote.run([command, *more, "--profile", "mistyped"], home))
    assert (ran.code, ran.err) == (3, "mexc-tui: Profile mistyped does not exist. Profiles: mine, paper.\n")


@pytest.mark.parametrize("command", ["listings", "settings", "--headless"])
def test_all_errors_of_a_settings_file_are_printed_with_their_lines(
    zygote: CommandServer, home: Mapping[str, str], tmp_path: Path, command: str
) -> None:
    folder = tmp_path / "c" / "mexc-tui"
    folder.mkdir()
    file = folder / "settings.toml"
    file.write_text('# mine\nmax_positions = 900\n\nmax_position = 3\ntheme = "no theme"\n')
    ran = zygote.run((command,), home)
    assert ran.code in (2, 3)
    assert all(line.startswith("mexc-tui: ") for line in ran.lines)
    for name, number in (("max_positions", 2), ("max_position", 4), ("theme", 5)):
        (line,) = [line for line in ran.lines if line.startswith(f"mexc-tui: {name} = ")]
        assert f"(from {file}, line {number})" in line
    assert len(ran.lines) == 3


@pytest.mark.parametrize("profile", [(), ("--profile", "practice")])
@pytest.mark.parametrize(("command", "code"), [("listings", 2), ("status", 3)])
def test_an_unknown_setting_after_set_is_reported_by_every_command(
    zygote: CommandServer, home: Mapping[str, str], profile: tuple[str, ...], command: str, code: int
) -> None:
    ran = checked(zygote.run(("--set", "nosuch=1", *profile, command), home))
    assert ran.code == code  # a status is still returned
    assert "nosuch = 1: unknown setting (from the flag --set nosuch)." in ran.err


def test_a_setting_of_the_command_line_is_shown_with_that_origin(
    zygote: CommandServer, home: Mapping[str, str]
) -> None:
    ran = checked(zygote.run(("--set", "max_positions=3", "settings", "max_positions"), home))
    assert ran.code == 0
    assert "the flag --set max_positions" in ran.out


def test_a_negative_value_of_a_setting_is_refused_with_its_bounds(
    zygote: CommandServer, home: Mapping[str, str]
) -> None:
    ran = checked(zygote.run(("settings", "position_quote", "-5"), home))
    assert ran.code == 2
    assert "position_quote" in ran.err
    assert "No such option" not in ran.err
