"""The engine's care for itself: the exchange's clock, reloaded settings, and alerts about what is wrong."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.runtime.start_patience import StartPatience
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

STEP_S = 1.0
FIRST_SAMPLES = 3
"""Of the clock, at the start: what else is asked then shares the requests of that second."""
RELOAD_EVERY_S = 1.0
AGREE_MS = 86_400_000
"""So far apart this machine's clock and the exchange's may be for rows to be deleted by their age."""


class ClockUnknown(WorkerFailure):
    """The exchange's clock could not be measured at the start.

    Raised by the clock worker while nothing is held. Check the network, then start again.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the exchange does not tell its time ({problem}). Check the network, then start again."
        )


class ClockWorker:
    """One worker: measures the exchange's clock, more often around an opening."""

    def __init__(
        self,
        market: Market,
        known: KnowledgeStore,
        clock: Clock,
        every_s: Callable[[], tuple[float, float]],
        holds: Callable[[], bool] = lambda: False,
    ) -> None:
        """`every_s`: usually, and around an opening; `holds`: whether something is held or unknown."""
        self._holds = holds
        self._market = market
        self._known = known
        self._clock = clock
        self._every_s = every_s
        self._hurries = False
        self.problem = ""
        self._is_measured = False

    def known_ms(self) -> int | None:
        """Return the exchange's time; None while it is not known, or could not be measured again.

        None too while this machine's clock is more than a day away: what is deleted by age does not come
        back, and one wrong clock would make everything old.
        """
        if not self._is_measured or self.problem:
            return None
        now_ms = self._market.now_ms()
        return now_ms if abs(now_ms - self._clock.now_ms()) <= AGREE_MS else None

    def hurry(self) -> None:
        """Measure soon: the exchange refused our time."""
        self._hurries = True

    async def run(self, started: Started) -> None:
        """Measure, then again and again. Raises ClockUnknown if the first try fails and nothing is held."""
        patience = StartPatience(self._holds, 0, self._note)
        while problem := await patience.answer(self._market.measure_clock(FIRST_SAMPLES)):
            await patience.wait(ClockUnknown(problem))
        self.problem, self._is_measured = "", True
        started()
        self._hurries = True  # a better measurement, once the first questions have been asked
        measured_ns = self._clock.monotonic_ns()
        while True:
            await asyncio.sleep(STEP_S)
            is_doubted = self._hurries or self._market.is_clock_doubted()
            if is_doubted or self._clock.monotonic_ns() - measured_ns >= self._pause_s() * 1e9:
                self._hurries = False
                self.problem = await self._market.measure_clock()
                measured_ns = self._clock.monotonic_ns()

    def _note(self, problem: str) -> None:
        self.problem = problem

    def _pause_s(self) -> float:
        now_ms = self._market.now_ms()
        usual_s, near_s = self._every_s()
        is_near = current_pace(self._known.live(now_ms), now_ms) is PollPace.NOW
        return near_s if is_near else usual_s


class SettingsWorker:
    """One worker: takes up changes of the settings file; what is wrong changes nothing and is alerted."""

    def __init__(self, settings: SettingsPort, books: Store, clock: Clock) -> None:
        self._settings = settings
        self._books = books
        self._clock = clock
        self.problem = ""

    async def run(self, started: Started) -> None:
        """Look at the file each second."""
        started()
        while True:
            await asyncio.sleep(RELOAD_EVERY_S)
            if self._settings.has_changed():
                await self.reload()

    async def reload(self) -> None:
        """Read the settings anew."""
        try:
            changes = self._settings.reload(self._clock.now_ms())
        except SettingsRefused as error:
            self.problem = str(error)
            log.error("settings are not taken: %s", error)
            return
        self.problem = ""
        await self._record(changes)

    async def change(self, name: str, text: str | None, who: str) -> None:
        """Write a setting into the file (None: remove it), apply and journal it. Raises SettingsRefused."""
        await self._record(self._settings.change(name, text, self._clock.now_ms()), who)

    async def _record(self, changes: tuple[SettingChanged, ...], who: str = "") -> None:
        def work(unit: UnitOfWork) -> None:
            for event in changes:
                unit.settings.add(event)
                unit.record(event)

        if changes:
            log.info("settings changed%s: %s", f" by {who}" if who else "", [one.about for one in changes])
            await self._books.write("change of settings", work, durability=Durability.FULL)


@dataclass(frozen=True, slots=True)
class AlertCondition:
    """Something that is wrong now."""

    rule: str
    about: str
    severity: Severity
    text: str


class AlertWorker:
    """One worker: stores an alert when trouble begins, and closes it when it is over."""

    def __init__(
        self,
        books: Store,
        clock: Clock,
        troubles: Callable[[], Iterable[AlertCondition]],
        every_s: Callable[[], float],
        is_over: Callable[[StoredAlert], bool],
    ) -> None:
        """`troubles` tells all that is wrong now; `is_over`: whether what others alerted of is so no more."""
        self._books = books
        self._clock = clock
        self._troubles = troubles
        self._every_s = every_s
        self._is_over = is_over
        self._standing: set[tuple[str, str]] = set()

    async def run(self, started: Started) -> None:
        """Look again and again. What stood when the engine ended is closed if it is so no more."""
        stored = await self._books.read("open alerts", lambda stored: stored.alerts.open())
        self._standing = {
            (one.alert.rule, one.alert.about) for one in stored if one.alert.rule.startswith("engine:")
        }
        started()
        while True:
            await self.look()
            await asyncio.sleep(self._every_s())

    async def look(self) -> None:
        """Store what is new and close what is over."""
        now_ms = self._clock.now_ms()
        troubles = {(one.rule, one.about): one for one in self._troubles()}
        new = [one for key, one in troubles.items() if key not in self._standing]
        stored = await self._books.read("open alerts", lambda found: found.alerts.open())
        ended = {(one.alert.rule, one.alert.about) for one in stored if self._is_over(one)}
        over = sorted(ended | (self._standing - set(troubles)))

        def work(unit: UnitOfWork) -> None:
            for one in new:
                alert = Alert(
                    at_ms=now_ms, about=one.about, severity=one.severity, rule=one.rule, text=one.text
                )
                if unit.alerts.add(alert):
                    unit.record(alert)
            for rule, about in over:
                unit.alerts.close(rule, about, now_ms)

        if new or over:
            await self._books.write("alerts", work, durability=Durability.NORMAL)
            self._standing = set(troubles)
