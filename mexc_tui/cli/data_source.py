"""Data source of the commands: the engine at its socket, or the stored data."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mexc_tui.cli.engine_access import EngineAccess
from mexc_tui.cli.errors import NO_ENGINE, NOT_DONE, CommandFailed
from mexc_tui.cli.pages.json_output import NoEngineJson
from mexc_tui.cli.profile_access import ProfileAccess
from mexc_tui.desk import engine_requests
from mexc_tui.desk.api_types import Args, CommandKind, FrontEndError, NoEngine, Result
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.views import stored_queries
from mexc_tui.host.lock import is_held
from mexc_tui.model.event import EngineStarted
from mexc_tui.model.pair_names import is_of_coin, typed_name
from mexc_tui.model.storage import StorageError, StorageRefused
from mexc_tui.model.view import AlertRow, FactRow, ListingRow, SettingRow, SignalRow, StatusRow
from mexc_tui.model.why import WhyRow
from mexc_tui.report.day import DayReport
from mexc_tui.settings.layers import Layer, SettingValue
from mexc_tui.settings.load import SettingsError, problems_of
from mexc_tui.settings.setting_rows import setting_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from mexc_tui.store.sqlite.unit_of_work import ReadTransaction

STATUS_S = 3.0


@dataclass(frozen=True, slots=True)
class FactFilter:
    """Filter of journal events; empty fields match any."""

    about: str = ""
    kind: str = ""
    since_ms: int = 0

    def matches(self, about: str, kind: str, at_ms: int) -> bool:
        """Whether an event matches the filter."""
        is_about = self.about in ("", about) or is_of_coin(about, typed_name(self.about))
        return is_about and self.kind in ("", kind) and at_ms >= self.since_ms


class DataSource:
    """Rows of one profile, from its engine or from its stored data."""

    def __init__(self, profile: ProfileAccess, engine: EngineAccess) -> None:
        self._profile = profile
        self._engine = engine

    def status(self) -> StatusRow | NoEngineJson:
        """Return the status of the engine; without a response, the stored facts about the last one."""
        try:
            return self._engine.query(engine_requests.STATUS, engine_requests.NoArguments(), STATUS_S)
        except FrontEndError as error:
            return self._last_engine(str(error))

    def listings(self) -> list[ListingRow]:
        """Return every listing ever stored, newest first."""
        found: list[ListingRow] = []
        wanted = engine_requests.ListingsQuery()
        while True:
            page = self._listing_page(wanted)
            found += page
            if not page:
                return found
            wanted = engine_requests.ListingsQuery(before_ms=page[-1].first_seen_ms, before_id=page[-1].id)

    def signals(self, limit: int, symbol: str) -> list[SignalRow]:
        """Return the newest signals, newest first."""
        found: list[SignalRow] = []
        before: int | None = engine_requests.LAST
        while before is not None and len(found) < limit:
            size = min(engine_requests.PAGE, limit - len(found))
            page = self._signal_page(engine_requests.SignalsQuery(before=before, limit=size, symbol=symbol))
            found += page.rows
            before = page.next
        return found

    def alerts(self, limit: int, *, closed: bool) -> list[AlertRow]:
        """Return the open alerts, or with `closed` all of them, latest first."""
        return self.query_or_read(
            engine_requests.ALERTS,
            engine_requests.AlertsQuery(limit=limit, closed=closed),
            lambda stored: engine_requests.AlertPage(stored_queries.alerts(stored, limit, closed=closed)),
            nothing=engine_requests.AlertPage([]),
        ).rows

    def why(self, symbol: str) -> WhyRow:
        """Return the history of a pair's listings."""
        now_ms = self._profile.clock.now_ms()
        return self.query_or_read(
            engine_requests.WHY,
            engine_requests.WhyQuery(symbol=symbol),
            lambda stored: stored_queries.why(stored, symbol, now_ms, settings=self._detection),
            nothing=WhyRow(symbol=symbol, at_ms=now_ms, listings=()),
        )

    def report(self, since_ms: int | None) -> DayReport:
        """Return the report of the last day, or since a time; while an engine runs, until now.

        Raises CommandFailed if no engine of this profile ever ran.
        """
        from mexc_tui.app.day_report import stored_report

        if not self._profile.has_store:
            raise CommandFailed(f"No day to report: {self._profile.missing_store_message}", NO_ENGINE)
        now_ms = self._profile.clock.now_ms() if is_held(self._profile.paths.lock) else None
        return self._profile.read_store(
            lambda stored: stored_report(stored, self._profile.loaded, now_ms, since_ms=since_ms)
        )

    def facts(self, limit: int, wanted: FactFilter) -> list[FactRow]:
        """Return the newest matching events, oldest first."""
        found: list[FactRow] = []
        before, size = engine_requests.LAST, engine_requests.PAGE
        while len(found) < limit:
            request = engine_requests.JournalQuery(
                before=before,
                limit=min(size, limit - len(found)),
                about=wanted.about,
                kind=wanted.kind,
                since_ms=wanted.since_ms,
            )
            page = self._fact_page(request)
            found += page
            if not page:
                break
            before = page[-1].sequence
        return found[::-1]

    def engine_head(self) -> int:
        """Return the number of the running engine's newest event. Raises NoEngine."""
        return self._engine.query(engine_requests.STATUS, engine_requests.NoArguments()).journal

    def settings(self) -> list[SettingRow]:
        """Return every setting: of the engine, or as an engine would load them."""
        try:
            return self._engine.query(engine_requests.SETTINGS, engine_requests.NoArguments()).rows
        except NoEngine:
            return setting_rows(self._profile.loaded)

    def change_setting(self, name: str, text: str | None) -> tuple[SettingRow, str]:
        """Write one setting into the file (None: remove it) and return it with a message.

        Raises SettingsError for an invalid value.
        """
        wrong = problems_of(Layer({name: SettingValue(text, "this command")})) if text is not None else []
        if wrong:
            raise SettingsError(wrong)
        try:
            reply = self._engine.send(
                engine_requests.SET, engine_requests.SettingChange(name=name, text=text)
            )
        except NoEngine:
            loaded = self._profile.write_setting(name, text)
            row = next(row for row in setting_rows(loaded) if row.name == name)
            return row, f"{name} = {row.value} (from {row.origin}); {self._engine.absence[0]}."
        if reply.result is None:
            raise CommandFailed(reply.message, NOT_DONE)
        return reply.result, reply.message

    def query_or_read(
        self,
        kind: CommandKind[Args, Result],
        args: Args,
        work: "Callable[[ReadTransaction], Result]",
        *,
        nothing: Result,
    ) -> Result:
        """Return the engine's response; without an engine `work`'s result from the store, or `nothing`."""
        try:
            return self._engine.query(kind, args)
        except NoEngine:
            self._profile.check_exists()
            return self._profile.read_store(work) if self._profile.has_store else nothing

    def _listing_page(self, wanted: engine_requests.ListingsQuery) -> list[ListingRow]:
        return self.query_or_read(
            engine_requests.LISTINGS,
            wanted,
            lambda stored: engine_requests.ListingPage(
                stored_queries.listings(
                    stored,
                    self._profile.clock.now_ms(),
                    self._detection,
                    before_ms=wanted.before_ms,
                    before_id=wanted.before_id,
                    limit=wanted.limit,
                )
            ),
            nothing=engine_requests.ListingPage([]),
        ).rows

    def _signal_page(self, wanted: engine_requests.SignalsQuery) -> engine_requests.SignalPage:
        return self.query_or_read(
            engine_requests.SIGNALS,
            wanted,
            lambda stored: engine_requests.SignalPage(
                *stored_queries.signals(stored, wanted.before, wanted.limit, symbol=wanted.symbol)
            ),
            nothing=engine_requests.SignalPage([], None),
        )

    def _fact_page(self, wanted: engine_requests.JournalQuery) -> tuple[FactRow, ...]:
        return self.query_or_read(
            engine_requests.JOURNAL,
            wanted,
            lambda stored: engine_requests.FactPage(
                stored_queries.journal(
                    stored,
                    wanted.before,
                    wanted.limit,
                    about=wanted.about,
                    kind=wanted.kind,
                    since_ms=wanted.since_ms,
                )
            ),
            nothing=engine_requests.FactPage(()),
        ).rows

    def _last_engine(self, cause: str) -> NoEngineJson:
        """Return the stored facts about the last engine."""
        try:
            facts = self._profile.read_store(lambda stored: stored.journal.of_kind("engine_started", 1))
        except StorageRefused:
            facts = []
        except StorageError as error:
            return NoEngineJson(profile=self._profile.paths.profile, cause=f"{cause} {error}")
        started = facts[-1].event if facts else None
        if not isinstance(started, EngineStarted):
            return NoEngineJson(profile=self._profile.paths.profile, cause=cause)
        return NoEngineJson(
            profile=self._profile.paths.profile,
            cause=cause,
            mode=started.mode,
            exchange_session=started.exchange_session,
        )

    @cached_property
    def _detection(self) -> DetectionSettings:
        from mexc_tui.app.settings_mapping import detection_settings

        return detection_settings(self._profile.loaded.settings)
