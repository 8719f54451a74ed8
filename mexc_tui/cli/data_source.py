"""Data source of the commands: the engine at its socket, or the stored data."""

import getpass
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.cli.json_output import NoEngineJson
from mexc_tui.desk import engine_requests
from mexc_tui.desk.api_types import (
    Args,
    CommandKind,
    CommandOutcome,
    EngineSilent,
    FrontEndError,
    NoEngine,
    Reply,
    Result,
)
from mexc_tui.desk.single_request import ask
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.views import stored_queries
from mexc_tui.host.lock import is_held, noted_holder, socket_of
from mexc_tui.host.paths import Paths, PathsError, paths_of, profiles_of
from mexc_tui.model.errors import DeskError
from mexc_tui.model.event import EngineStarted
from mexc_tui.model.mode import Mode
from mexc_tui.model.pair_names import is_of_coin, typed_name
from mexc_tui.model.storage import StorageError, StorageRefused
from mexc_tui.model.view import AlertRow, FactRow, ListingRow, SettingRow, SignalRow, StatusRow
from mexc_tui.model.why import WhyRow
from mexc_tui.report.day import DayReport
from mexc_tui.settings.file import read_file, set_value
from mexc_tui.settings.layers import GivenValue, Layer, environment_layer, flag_layer
from mexc_tui.settings.load import Layers, Loaded, SettingsError, load, mistakes
from mexc_tui.settings.rows import setting_rows
from mexc_tui.settings.table import Settings

if TYPE_CHECKING:
    from mexc_tui.store.unit_of_work import Reading

# The store is imported only when no engine responds: that takes a third of a query's time.

DEADLINE_S = 10.0
STATUS_S = 3.0
STOP_S = 30.0
SILENT_S = 4.0
"""Seconds without a heartbeat after which an engine counts as unresponsive in an emergency."""
LOOK_EVERY_S = 0.05

T = TypeVar("T")


class CommandFailed(DeskError):
    """A command could not be done.

    Raised by the sources of CLI commands. Print the one line of text and exit with `code`.
    """

    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.code = code


NO_ENGINE, NOT_DONE, WRONG = 3, 1, 2


@dataclass(frozen=True, slots=True)
class Fits:
    """Filter of journal events; empty fields match any."""

    about: str = ""
    kind: str = ""
    since_ms: int = 0

    def fits(self, about: str, kind: str, at_ms: int) -> bool:
        """Whether an event matches the filter."""
        is_about = self.about in ("", about) or is_of_coin(about, typed_name(self.about))
        return is_about and self.kind in ("", kind) and at_ms >= self.since_ms


class DataSource:
    """Access of the command line to one profile."""

    def __init__(
        self,
        profile: str | None,
        mode: str | None,
        environ: Mapping[str, str],
        assignments: Sequence[str] = (),
        *,
        is_emergency: bool = False,
    ) -> None:
        """Select the profile: the named one, or that of the mode. Raises CommandFailed.

        `assignments`: settings as NAME=VALUE, above those of the file and the environment.
        `is_emergency`: settings that cannot be read are passed over, and who is silent is not waited for.
        """
        self._is_emergency = is_emergency
        self.passed_over = ""
        """Error of settings that could not be read and are ignored."""
        self.clock = SystemClock()
        try:
            # A profile named after a mode has that mode, whatever the settings say.
            named_mode = profile if profile in list(Mode) else None
            self._layers = self._given(mode or named_mode, environ, assignments)
            named = profile or self._loaded(paths_of("any", environ).settings).settings.mode.value
            if profile is None and mode is None and self.passed_over:
                named = _that_runs(environ) or named
            self.paths: Paths = paths_of(named, environ)
        except PathsError as error:
            raise CommandFailed(str(error), WRONG) from None

    @cached_property
    def who(self) -> str:
        """Return the name of this front end."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a user without a name
            user = str(os.geteuid())
        return f"{user} at a command line"[:64]

    def status(self) -> StatusRow | NoEngineJson:
        """Return the status of the engine, or what is known without a response."""
        try:
            return self.ask(engine_requests.STATUS, engine_requests.Nothing(), STATUS_S)
        except FrontEndError as error:
            return self._last_engine(str(error))

    def listings(self) -> list[ListingRow]:
        """Return every listing ever stored, newest first."""
        found: list[ListingRow] = []
        wanted = engine_requests.ListingsAsked()
        while True:
            page = self._listing_page(wanted)
            found += page
            if not page:
                return found
            wanted = engine_requests.ListingsAsked(before_ms=page[-1].first_seen_ms, before_id=page[-1].id)

    def signals(self, limit: int, symbol: str) -> list[SignalRow]:
        """Return the newest signals, newest first."""
        found: list[SignalRow] = []
        before: int | None = engine_requests.LAST
        while before is not None and len(found) < limit:
            size = min(engine_requests.PAGE, limit - len(found))
            page = self._signal_page(engine_requests.SignalsAsked(before=before, limit=size, symbol=symbol))
            found += page.rows
            before = page.next
        return found

    def alerts(self, limit: int, *, closed: bool) -> list[AlertRow]:
        """Return the open alerts, or with `closed` all of them, raised last first."""
        return self.ask_or_look(
            engine_requests.ALERTS,
            engine_requests.AlertsAsked(limit=limit, closed=closed),
            lambda stored: engine_requests.AlertPage(stored_queries.alerts(stored, limit, closed=closed)),
            engine_requests.AlertPage([]),
        ).rows

    def why(self, symbol: str) -> WhyRow:
        """Return the history of a pair's listings."""
        now_ms = self.clock.now_ms()
        return self.ask_or_look(
            engine_requests.WHY,
            engine_requests.WhyAsked(symbol=symbol),
            lambda stored: stored_queries.why(stored, symbol, now_ms, self._detection),
            WhyRow(symbol=symbol, at_ms=now_ms, listings=()),
        )

    def report(self, since_ms: int | None) -> DayReport:
        """Return the report of the last day, or since a time; while an engine runs, until now.

        Raises CommandFailed if no engine of this profile ever ran.
        """
        from mexc_tui.app.day_report import stored_report

        if not self.has_store:
            raise CommandFailed(f"No day to report: {self.without_store}", NO_ENGINE)
        now_ms = self.clock.now_ms() if is_held(self.paths.lock) else None
        return self.look(lambda stored: stored_report(stored, self._settings, now_ms, since_ms))

    def facts(self, limit: int, wanted: Fits) -> list[FactRow]:
        """Return the newest matching events, oldest first."""
        found: list[FactRow] = []
        before, size = engine_requests.LAST, engine_requests.PAGE
        while len(found) < limit:
            asks = engine_requests.JournalAsked(
                before=before,
                limit=min(size, limit - len(found)),
                about=wanted.about,
                kind=wanted.kind,
                since_ms=wanted.since_ms,
            )
            page = self._fact_page(asks)
            found += page
            if not page:
                break
            before = page[-1].sequence
        return found[::-1]

    def engine_head(self) -> int:
        """Return the number of the running engine's newest event. Raises NoEngine."""
        return self.ask(engine_requests.STATUS, engine_requests.Nothing()).journal

    def settings(self) -> list[SettingRow]:
        """Return every setting: of the engine, or as an engine would load them."""
        try:
            return self.ask(engine_requests.SETTINGS, engine_requests.Nothing()).rows
        except NoEngine:
            return setting_rows(self._loaded(self.paths.settings))

    def set(self, name: str, text: str | None) -> tuple[SettingRow, str]:
        """Write one setting into the file (None: remove it) and return it with a message.

        Raises SettingsError for a value that no engine would take.
        """
        wrong = mistakes(Layer({name: GivenValue(text, "this command")})) if text is not None else []
        if wrong:
            raise SettingsError(wrong)
        try:
            reply = self.tell(engine_requests.SET, engine_requests.SettingChange(name=name, text=text))
        except NoEngine:
            loaded = set_value(self.paths.settings, name, text, self._layers)
            row = next(row for row in setting_rows(loaded) if row.name == name)
            return row, f"{name} = {row.value} (from {row.origin}); {self.absence[0]}."
        if reply.result is None:
            raise CommandFailed(reply.words, NOT_DONE)
        return reply.result, reply.words

    def stop(self) -> int:
        """Stop the engine, wait until it has exited and return its process id. Raises NoEngine."""
        stopping = self.ask(engine_requests.STOP, engine_requests.Nothing())
        give_up_ns = self.clock.monotonic_ns() + int(STOP_S * 1e9)
        while is_held(self.paths.lock):
            if self.clock.monotonic_ns() > give_up_ns:
                words = f"Process {stopping.pid} has not stopped after {STOP_S:.0f} s."
                raise CommandFailed(words, NOT_DONE)
            time.sleep(LOOK_EVERY_S)
        return stopping.pid

    def ask(self, kind: CommandKind[Args, Result], args: Args, deadline_s: float = DEADLINE_S) -> Result:
        """Return the engine's response. Raises CommandFailed without a result, NoEngine without an engine."""
        reply = self.tell(kind, args, deadline_s)
        if reply.result is None or reply.outcome is not CommandOutcome.DONE:
            raise CommandFailed(reply.words, NOT_DONE)
        return reply.result

    def tell(
        self, kind: CommandKind[Args, Result], args: Args, deadline_s: float = DEADLINE_S
    ) -> Reply[Result]:
        """Send a command and return its outcome. Raises DeskError; NoEngine without an engine."""
        try:
            return ask(
                self.socket,
                kind,
                args,
                who=self.who,
                now_ms=self.clock.now_ms(),
                deadline_s=deadline_s,
                silent_s=SILENT_S if self._is_emergency else None,
            )
        except (NoEngine, EngineSilent) as error:
            if not (self._is_emergency and is_held(self.paths.lock)):
                raise
            raise type(error)(f"{error} {self.without_engine}") from None

    @property
    def absence(self) -> tuple[str, bool]:
        """Return why no engine responds, and whether one still uses the profile."""
        if not is_held(self.paths.lock):
            return "no engine is running", False
        holder = noted_holder(self.paths.lock)
        who = "" if holder is None else f" (process {holder.pid})"
        return f"the engine{who} does not respond", True

    @property
    def socket(self) -> Path:
        """Return the engine's socket: as noted in its lock, whatever the environment says."""
        return socket_of(self.paths)

    @property
    def without_store(self) -> str:
        """Return why there is no database, and the next step if it was lost."""
        from mexc_tui.store.backups import Backups

        if is_held(self.paths.lock):
            return f"the engine of profile {self.paths.profile} has not stored any data yet."
        profile, backups = self.paths.profile, Backups(self.paths.store)
        if not backups.all():
            return f"no engine of profile {profile} has run yet."
        return f"the database of profile {profile} is missing. {backups.advice()}"

    @property
    def without_engine(self) -> str:
        """Return which process uses the profile, and how to stop without it."""
        holder, profile = noted_holder(self.paths.lock), self.paths.profile
        who = f"Process {holder.pid} uses profile {profile}. " if holder is not None else ""
        return f"{who}To stop without an engine: mexc-tui kill --direct --profile {profile}"

    @property
    def engine_settings(self) -> Settings:
        """Return the settings as an engine would load them. Raises SettingsError."""
        return self._settings.settings

    @property
    def mode(self) -> Mode:
        """Return the mode of the profile: from its settings, or its name if they cannot be read."""
        mode = self._settings.settings.mode
        is_named = self.passed_over and self.paths.profile in list(Mode)
        return Mode(self.paths.profile) if is_named else mode

    @property
    def has_store(self) -> bool:
        """Whether an engine of this profile ever ran."""
        return self.paths.store.is_file()

    def ask_or_look(
        self,
        kind: CommandKind[Args, Result],
        args: Args,
        work: "Callable[[Reading], Result]",
        nothing: Result,
    ) -> Result:
        """Return the engine's response; without an engine `work`'s result from the store, or `nothing`."""
        try:
            return self.ask(kind, args)
        except NoEngine:
            self.check_profile()
            return self.look(work) if self.has_store else nothing

    def check_profile(self) -> None:
        """Refuse a profile that was never used, unless it is that of a mode. Raises CommandFailed."""
        profile = self.paths.profile
        if self.paths.state.exists() or profile in list(Mode):
            return
        found = sorted(one.name for one in self.paths.state.parent.glob("*") if one.is_dir())
        others = f" Profiles: {', '.join(found)}." if found else " No profile has been used yet."
        raise CommandFailed(f"Profile {profile} does not exist.{others}", NO_ENGINE)

    def look(self, work: "Callable[[Reading], T]") -> T:
        """Return the result of `work` on the stored data. Raises StorageError."""
        from mexc_tui.app.settings_mapping import store_limits
        from mexc_tui.store.looking import look_into

        return look_into(self.paths.store, self.clock, work, store_limits(self._settings.settings))

    def _listing_page(self, wanted: engine_requests.ListingsAsked) -> list[ListingRow]:
        return self.ask_or_look(
            engine_requests.LISTINGS,
            wanted,
            lambda stored: engine_requests.ListingPage(
                stored_queries.listings(
                    stored,
                    self.clock.now_ms(),
                    self._detection,
                    wanted.before_ms,
                    wanted.before_id,
                    wanted.limit,
                )
            ),
            engine_requests.ListingPage([]),
        ).rows

    def _signal_page(self, wanted: engine_requests.SignalsAsked) -> engine_requests.SignalPage:
        return self.ask_or_look(
            engine_requests.SIGNALS,
            wanted,
            lambda stored: engine_requests.SignalPage(
                *stored_queries.signals(stored, wanted.before, wanted.limit, wanted.symbol)
            ),
            engine_requests.SignalPage([], None),
        )

    def _fact_page(self, wanted: engine_requests.JournalAsked) -> tuple[FactRow, ...]:
        return self.ask_or_look(
            engine_requests.JOURNAL,
            wanted,
            lambda stored: engine_requests.FactPage(
                stored_queries.journal(
                    stored, wanted.before, wanted.limit, wanted.about, wanted.kind, wanted.since_ms
                )
            ),
            engine_requests.FactPage(()),
        ).rows

    def _last_engine(self, cause: str) -> NoEngineJson:
        """Return what the store knows about the last engine."""
        try:
            facts = self.look(lambda stored: stored.journal.of_kind("engine_started", 1))
        except StorageRefused:
            facts = []
        except StorageError as error:
            return NoEngineJson(profile=self.paths.profile, cause=f"{cause} {error}")
        started = facts[-1].event if facts else None
        if not isinstance(started, EngineStarted):
            return NoEngineJson(profile=self.paths.profile, cause=cause)
        return NoEngineJson(profile=self.paths.profile, cause=cause, mode=started.mode, world=started.world)

    @cached_property
    def _settings(self) -> Loaded:
        return self._loaded(self.paths.settings)

    @cached_property
    def _detection(self) -> DetectionSettings:
        from mexc_tui.app.settings_mapping import detection_settings

        return detection_settings(self._settings.settings)

    def _loaded(self, file: Path) -> Loaded:
        try:
            return load(replace(self._layers, file=read_file(file)))
        except (SettingsError, OSError) as error:
            if not self._is_emergency:
                raise
            self.passed_over = " ".join(str(error).split())
        try:
            return load(self._layers)
        except SettingsError:
            return load(Layers())

    def _given(self, mode: str | None, environ: Mapping[str, str], assignments: Sequence[str]) -> Layers:
        flags = flag_layer({"mode": mode})
        try:
            given = Layers(flag_layer({"mode": mode}, assignments), environment_layer(environ))
            if assignments:
                load(given)  # a mistake in them is reported whether or not this command needs settings
            return given
        except SettingsError as error:
            if not self._is_emergency:
                raise
            self.passed_over = " ".join(str(error).split())
        return Layers(flags)


def _that_runs(environ: Mapping[str, str]) -> str:
    """Return the only profile with a running engine; empty: none. Raises CommandFailed if several run."""
    running = sorted(one.parent.name for one in profiles_of(environ).glob("*/engine.lock") if is_held(one))
    if len(running) > 1:
        words = (
            f"Cannot read the settings, and engines of several profiles are running: {', '.join(running)}."
        )
        raise CommandFailed(f"{words} Select one with --profile.", WRONG)
    return running[0] if running else ""
