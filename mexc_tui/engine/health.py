"""Workers for the exchange clock, reloading of settings, and alerts about the engine."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.runtime.start_retry import StartRetry
from mexc_tui.engine.runtime.supervisor import Started, WorkerFailure
from mexc_tui.market.polling import PollPace, current_pace
from mexc_tui.model.errors import SettingsRefused
from mexc_tui.model.event import Alert, SettingChanged
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import Durability, StoredAlert
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.market import Market
from mexc_tui.ports.settings import SettingsPort
from mexc_tui.ports.store import Store, UnitOfWork

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0
FIRST_SAMPLES = 3
"""Clock samples at the start; few, because other start-up requests share the budget of that second."""
RELOAD_INTERVAL_S = 1.0
MAX_CLOCK_DIFFERENCE_MS = 86_400_000
"""Nothing is deleted by age while the local and the exchange clock differ by more."""


class ClockUnknown(WorkerFailure):
    """The exchange clock could not be measured at the start.

    Raised by the clock worker without exposure. Check the network, then start again.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the exchange clock could not be read ({problem}). Check the network, then start again."
        )


class ClockWorker:
    """Worker that measures the exchange clock, more often around an opening."""

    def __init__(
        self,
        *,
        market: Market,
        knowledge_store: KnowledgeStore,
        clock: Clock,
        intervals_s: Callable[[], tuple[float, float]],
        has_exposure: Callable[[], bool] = lambda: False,
    ) -> None:
        """`intervals_s`: normally, and around an opening; `has_exposure`: positions or unknown orders."""
        self._has_exposure = has_exposure
        self._market = market
        self._knowledge_store = knowledge_store
        self._clock = clock
        self._intervals_s = intervals_s
        self._is_requested = False
        self.problem = ""
        self._is_measured = False

    def known_ms(self) -> int | None:
        """Return the exchange time; None: unknown, or the last measurement failed.

        Also None while the local clock differs by more than a day: deletions by age cannot be undone, and
        with one wrong clock every row would look expired.
        """
        if not self._is_measured or self.problem:
            return None
        now_ms = self._market.now_ms()
        return now_ms if abs(now_ms - self._clock.now_ms()) <= MAX_CLOCK_DIFFERENCE_MS else None

    def request_sync(self) -> None:
        """Measure soon, for example because the exchange rejected a timestamp."""
        self._is_requested = True

    async def run(self, started: Started) -> None:
        """Measure the clock until cancelled. Raises ClockUnknown if the start fails without exposure."""
        patience = StartRetry(self._has_exposure, 0, self._set_problem)
        while problem := await patience.request(self._market.measure_clock(FIRST_SAMPLES)):
            await patience.wait(ClockUnknown(problem))
        self.problem, self._is_measured = "", True
        started()
        self._is_requested = True  # measure more precisely once the start-up requests are done
        measured_ns = self._clock.monotonic_ns()
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            is_due = self._is_requested or self._market.is_clock_doubted()
            if is_due or self._clock.monotonic_ns() - measured_ns >= self._interval_s() * 1e9:
                self._is_requested = False
                self.problem = await self._market.measure_clock()
                measured_ns = self._clock.monotonic_ns()

    def _set_problem(self, problem: str) -> None:
        self.problem = problem

    def _interval_s(self) -> float:
        now_ms = self._market.now_ms()
        normal_s, near_s = self._intervals_s()
        is_near = current_pace(self._knowledge_store.live(now_ms), now_ms) is PollPace.NOW
        return near_s if is_near else normal_s


class SettingsWorker:
    """Worker that reloads the settings file when it changes; an invalid file is reported, not applied."""

    def __init__(self, settings: SettingsPort, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self.problem = ""

    async def run(self, started: Started) -> None:
        """Check the file every second until cancelled."""
        started()
        while True:
            await asyncio.sleep(RELOAD_INTERVAL_S)
            if self._settings.has_changed():
                await self.reload()

    async def reload(self) -> None:
        """Reload the settings and journal the changes; on an error keep the current ones."""
        try:
            changes = self._settings.reload(self._clock.now_ms())
        except SettingsRefused as error:
            self.problem = str(error)
            log.error("settings not reloaded: %s", error)
            return
        self.problem = ""
        await self._record(changes)

    async def change(self, name: str, text: str | None, user: str) -> None:
        """Write a setting to the file (None: remove it), apply it and journal it. Raises SettingsRefused."""
        await self._record(self._settings.change(name, text, self._clock.now_ms()), user)

    async def _record(self, changes: tuple[SettingChanged, ...], user: str = "") -> None:
        def work(unit: UnitOfWork) -> None:
            for event in changes:
                unit.settings.add(event)
                unit.record(event)

        if changes:
            log.info(
                "settings changed%s: %s", f" by {user}" if user else "", [change.about for change in changes]
            )
            await self._store.write("change settings", work, durability=Durability.FULL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCondition:
    """An abnormal condition that is active now."""

    rule: str
    about: str
    severity: Severity
    text: str


class AlertWorker:
    """Worker that stores an alert when a condition begins and closes it when it ends."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        conditions: Callable[[], Iterable[AlertCondition]],
        interval_s: Callable[[], float],
        is_over: Callable[[StoredAlert], bool],
    ) -> None:
        """`conditions`: all active conditions; `is_over`: whether an alert of another component has ended."""
        self._store = store
        self._clock = clock
        self._conditions = conditions
        self._interval_s = interval_s
        self._is_over = is_over
        self._active: set[tuple[str, str]] = set()

    async def run(self, started: Started) -> None:
        """Update alerts until cancelled; alerts of the previous run are closed if their condition ended."""
        stored = await self._store.read("open alerts", lambda stored: stored.alerts.open())
        self._active = {
            (row.alert.rule, row.alert.about) for row in stored if row.alert.rule.startswith("engine:")
        }
        started()
        while True:
            await self.update()
            await asyncio.sleep(self._interval_s())

    async def update(self) -> None:
        """Store alerts for new conditions and close those of ended ones."""
        now_ms = self._clock.now_ms()
        conditions = {(condition.rule, condition.about): condition for condition in self._conditions()}
        new = [condition for key, condition in conditions.items() if key not in self._active]
        stored = await self._store.read("open alerts", lambda found: found.alerts.open())
        ended = {(row.alert.rule, row.alert.about) for row in stored if self._is_over(row)}
        over = sorted(ended | (self._active - set(conditions)))

        def work(unit: UnitOfWork) -> None:
            for condition in new:
                alert = Alert(
                    at_ms=now_ms,
                    about=condition.about,
                    severity=condition.severity,
                    rule=condition.rule,
                    text=condition.text,
                )
                if unit.alerts.add(alert):
                    unit.record(alert)
            for rule, about in over:
                unit.alerts.close(rule, about, now_ms)

        if new or over:
            await self._store.write("alerts", work, durability=Durability.NORMAL)
            self._active = set(conditions)
