"""Paths of a profile's files, without disk access; `folders` creates and checks them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mexc_tui.model.errors import DeskError

APP = "mexc-tui"
SOCKET_LIMIT = 103
"""Longest path of a Unix socket on all supported systems, in bytes."""

_PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class PathsError(DeskError):
    """A path of the desk's files is invalid or cannot be created.

    Raised before anything is read or written. Show the text, which names the next step.
    """


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths of one profile."""

    profile: str
    state: Path
    """Private folder of this profile: store, lock, log."""
    config: Path
    """Folder of settings and user themes, shared by all profiles."""
    socket: Path

    @property
    def store(self) -> Path:
        """Return the database."""
        return self.state / "desk.sqlite3"

    @property
    def lock(self) -> Path:
        """Return the lock file of the profile's engine."""
        return self.state / "engine.lock"

    @property
    def log(self) -> Path:
        """Return the engine's log."""
        return self.state / "engine.log"

    @property
    def settings(self) -> Path:
        """Return the settings file."""
        return self.config / "settings.toml"

    @property
    def themes(self) -> Path:
        """Return the folder of user themes."""
        return self.config / "themes"


def paths_of(profile: str, environ: Mapping[str, str]) -> Paths:
    """Return the paths of a profile under the XDG folders of `environ`. Raises PathsError."""
    check_profile(profile)
    state = profiles_of(environ) / profile
    config = _base(environ, "XDG_CONFIG_HOME", ".config") / APP
    runtime = _absolute(environ, "XDG_RUNTIME_DIR")
    socket = runtime / APP / f"{profile}.sock" if runtime else state / f"{profile}.sock"
    return Paths(profile, state, config, socket)


def check_socket(paths: Paths) -> None:
    """Refuse a socket path that is too long for an engine. Raises PathsError.

    Commands skip this check: they find the engine's socket in the lock.
    """
    length = len(str(paths.socket).encode("utf-8", "surrogateescape"))
    if length > SOCKET_LIMIT:
        raise PathsError(
            f"The socket's path is {length} bytes long, at most {SOCKET_LIMIT} are allowed: {paths.socket}. "
            "Choose a shorter profile name, or set XDG_RUNTIME_DIR to a shorter folder."
        )


def profiles_of(environ: Mapping[str, str]) -> Path:
    """Return the folder with one state folder per profile. Raises PathsError."""
    return _base(environ, "XDG_STATE_HOME", ".local/state") / APP


def check_profile(name: str) -> str:
    """Return a valid profile name, which becomes the name of a folder. Raises PathsError."""
    if not _PROFILE.fullmatch(name):
        raise PathsError(
            f"{name!r} is not a profile name: use 1 to 32 of a-z, 0-9, _ and -, a letter or digit first."
        )
    return name


def _base(environ: Mapping[str, str], variable: str, under_home: str) -> Path:
    named = _absolute(environ, variable)
    if named is not None:
        return named
    home = _absolute(environ, "HOME")
    if home is None:
        raise PathsError(f"Neither {variable} nor HOME names an absolute folder: set one of them.")
    return home / under_home


def _absolute(environ: Mapping[str, str], variable: str) -> Path | None:
    # By the XDG specification, an empty or relative path counts as not set.
    path = Path(environ.get(variable, ""))
    return path if path.is_absolute() else None
