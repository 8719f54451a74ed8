"""Access of a command to one profile: paths, settings and stored data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.cli.errors import NO_ENGINE, WRONG_USAGE, CommandFailed
from mexc_tui.host.lock import is_held
from mexc_tui.host.paths import Paths, PathsError, paths_of, profiles_of
from mexc_tui.model.mode import Mode
from mexc_tui.settings.file import read_file, set_value
from mexc_tui.settings.layers import environment_layer, flag_layer
from mexc_tui.settings.load import Layers, Loaded, SettingsError, load

if TYPE_CHECKING:
    from mexc_tui.store.sqlite.unit_of_work import ReadTransaction

# The store is imported only when no engine responds: that takes a third of a query's time.

T = TypeVar("T")


class ProfileAccess:
    """Paths, settings and stored data of one profile."""

    def __init__(
        self,
        profile: str | None,
        mode: str | None,
        environ: Mapping[str, str],
        *,
        assignments: Sequence[str] = (),
        is_emergency: bool = False,
    ) -> None:
        """Select the named profile, or that of the mode. Raises CommandFailed.

        `assignments`: settings as NAME=VALUE, above those of the file and the environment.
        `is_emergency`: ignore settings that cannot be read.
        """
        self.is_emergency = is_emergency
        self.ignored_error = ""
        """Error of settings that could not be read and are ignored."""
        self.clock = SystemClock()
        try:
            # A profile named after a mode has that mode, whatever its settings are.
            named_mode = profile if profile in list(Mode) else None
            self._layers = self._given_layers(mode or named_mode, environ, assignments)
            name = profile or self._load(paths_of("any", environ).settings).settings.mode.value
            if profile is None and mode is None and self.ignored_error:
                name = _running_profile(environ) or name
            self.paths: Paths = paths_of(name, environ)
        except PathsError as error:
            raise CommandFailed(str(error), WRONG_USAGE) from None

    # ---- settings

    @cached_property
    def loaded(self) -> Loaded:
        """Return the settings as an engine would load them, with their origins. Raises SettingsError."""
        return self._load(self.paths.settings)

    @property
    def mode(self) -> Mode:
        """Return the mode of the profile: from its settings, or its name if they cannot be read."""
        mode = self.loaded.settings.mode
        is_named = self.ignored_error and self.paths.profile in list(Mode)
        return Mode(self.paths.profile) if is_named else mode

    def write_setting(self, name: str, text: str | None) -> Loaded:
        """Write one setting into the file (None: remove it) and return the new settings.

        Raises SettingsError.
        """
        return set_value(self.paths.settings, name, text, layers=self._layers)

    # ---- stored data

    @property
    def has_store(self) -> bool:
        """Whether an engine of this profile ever ran."""
        return self.paths.store.is_file()

    @property
    def missing_store_message(self) -> str:
        """Return why there is no database, and the next step if it was lost."""
        from mexc_tui.store.sqlite.backups import Backups

        if is_held(self.paths.lock):
            return f"the engine of profile {self.paths.profile} has not stored any data yet."
        profile, backups = self.paths.profile, Backups(self.paths.store)
        if not backups.all():
            return f"no engine of profile {profile} has run yet."
        return f"the database of profile {profile} is missing. {backups.advice()}"

    def check_exists(self) -> None:
        """Refuse a profile that was never used, unless it is that of a mode. Raises CommandFailed."""
        profile = self.paths.profile
        if self.paths.state.exists() or profile in list(Mode):
            return
        found = sorted(folder.name for folder in self.paths.state.parent.glob("*") if folder.is_dir())
        others = f" Profiles: {', '.join(found)}." if found else " No profile has been used yet."
        raise CommandFailed(f"Profile {profile} does not exist.{others}", NO_ENGINE)

    def read_store(self, work: "Callable[[ReadTransaction], T]", *, deadline_s: float | None = None) -> T:
        """Return the result of `work` on the stored data. Raises StorageError.

        `deadline_s`: for work that reads a whole ledger; None: as for a query.
        """
        from mexc_tui.app.settings_mapping import store_limits
        from mexc_tui.store.sqlite.offline_read import read_offline

        limits = store_limits(self.loaded.settings)
        if deadline_s is not None:
            limits = replace(limits, deadline_s=deadline_s)
        return read_offline(self.paths.store, self.clock, work, limits=limits)

    # ---- loading

    def _load(self, file: Path) -> Loaded:
        try:
            return load(replace(self._layers, file=read_file(file)))
        except (SettingsError, OSError) as error:
            if not self.is_emergency:
                raise
            self.ignored_error = " ".join(str(error).split())
        try:
            return load(self._layers)
        except SettingsError:
            return load(Layers())

    def _given_layers(
        self, mode: str | None, environ: Mapping[str, str], assignments: Sequence[str]
    ) -> Layers:
        flags = flag_layer({"mode": mode})
        try:
            layers = Layers(
                flags=flag_layer({"mode": mode}, assignments), environment=environment_layer(environ)
            )
            if assignments:
                load(layers)  # report an invalid assignment whether or not this command needs settings
            return layers
        except SettingsError as error:
            if not self.is_emergency:
                raise
            self.ignored_error = " ".join(str(error).split())
        return Layers(flags=flags)


def _running_profile(environ: Mapping[str, str]) -> str:
    """Return the only profile with a running engine; empty: none. Raises CommandFailed if several run."""
    locks = profiles_of(environ).glob("*/engine.lock")
    running = sorted(lock.parent.name for lock in locks if is_held(lock))
    if len(running) > 1:
        raise CommandFailed(
            f"Cannot read the settings, and engines of several profiles are running: {', '.join(running)}. "
            "Select one with --profile.",
            WRONG_USAGE,
        )
    return running[0] if running else ""
