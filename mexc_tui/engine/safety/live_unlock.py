"""Lock of live trading: entries stay blocked until the user unlocks them for some hours with a random phrase.

Exits, stops and every command that lowers risk work regardless of the lock (architecture 2.4).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from mexc_tui.engine.entries.entry_context import EntryParameters
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.event import LiveLockChanged
from mexc_tui.model.mode import Mode
from mexc_tui.model.storage import Durability, StorageError
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Store
from mexc_tui.sniping.request import DeskFacts
from mexc_tui.sniping.unlocking import RULES_DATE, phrase, unlock_blockers

log = logging.getLogger(__name__)

PHRASE_S = 60
"""Validity of a phrase, which also allows only one attempt."""
LOCKED = "live trading is locked: unlock it manually"
MAX_READ = 1_000
"""Maximum events read to find the acknowledgement."""
_KIND = "live_lock_changed"
HOUR_S = 3_600
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AmountAtRisk:
    """Maximum exposure that unlocking permits."""

    hours: int
    positions: int
    position_cap: Decimal
    """Per position, in quote units."""


@dataclass(frozen=True, slots=True)
class LiveParameters:
    """Settings of live trading."""

    hours: int
    """Duration of an unlock."""


class LiveUnlock:
    """Owner of the lock. Practice and paper modes have no lock."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        rng: Random,
        profile: str,
        now_ms: Callable[[], int],
        desk: Callable[[], DeskFacts],
        parameters: Callable[[], tuple[EntryParameters, LiveParameters]],
    ) -> None:
        """`desk`: conditions checked before a phrase is offered; `now_ms`: exchange time."""
        self._store = store
        self._clock = clock
        self._rng = rng
        self._profile = profile
        self._now_ms = now_ms
        self._desk = desk
        self._parameters = parameters
        self._phrase, self._phrase_until_ns = "", 0
        self._with_rules = self._is_acknowledged = False
        self._until_ns = self._until_ms = 0
        self._locks = 0
        """Count of locks: an unlock in progress fails if this has changed."""

    @property
    def is_locked(self) -> bool:
        """Whether entries are blocked until the user unlocks."""
        is_live = self._parameters()[0].mode is Mode.LIVE
        return is_live and self._left_ns() <= 0

    @property
    def until_ms(self) -> int | None:
        """Exchange time of the automatic lock; None: locked, or there is no lock."""
        left_ns = self._left_ns()
        return self._now_ms() + left_ns // 1_000_000 if left_ns > 0 else None

    def _left_ns(self) -> int:
        """Return the remaining unlock time by both clocks: the monotonic one pauses during a suspend."""
        by_exchange_ns = (self._until_ms - self._now_ms()) * 1_000_000
        return min(self._until_ns - self._clock.monotonic_ns(), by_exchange_ns)

    def risked(self) -> AmountAtRisk:
        """Return the maximum exposure that unlocking permits under the current settings."""
        entry, live = self._parameters()
        cap = min(entry.limits.position_cap_quote, entry.sizing.cap_quote)
        return AmountAtRisk(live.hours, entry.limits.max_positions, cap)

    async def has_acknowledged_rules(self) -> bool:
        """Whether an earlier unlock acknowledged MEXC's rules. Raises StorageError."""
        if not self._is_acknowledged:
            facts = await self._store.read(
                "live locks", lambda stored: stored.journal.of_kind(_KIND, MAX_READ)
            )
            self._is_acknowledged = any(
                isinstance(fact.event, LiveLockChanged)
                and fact.event.rules == RULES_DATE
                and fact.event.about == self._profile
                for fact in facts
            )
        return self._is_acknowledged

    def offer(self, *, with_rules: bool = False) -> str:
        """Return a new phrase that unlocks within a minute; it replaces the previous one.

        `with_rules`: it also acknowledges MEXC's rules. Raises CommandRefused.
        """
        entry, _ = self._parameters()
        if entry.mode is not Mode.LIVE:
            raise CommandRefused(f"This engine trades in {entry.mode} mode: there is nothing to unlock.")
        if not self.is_locked:
            raise CommandRefused("Live trading is already unlocked.")
        if missing := unlock_blockers(self._desk()):
            raise CommandRefused(f"Not yet: {'; '.join(missing)}.")
        risked = self.risked()
        self._phrase = phrase(risked.position_cap, risked.positions, self._rng, with_rules=with_rules)
        self._with_rules = with_rules
        self._phrase_until_ns = self._clock.monotonic_ns() + PHRASE_S * NS
        return self._phrase

    async def unlock(self, typed: str, by: str) -> str:
        """Unlock with the latest phrase; return a message. Raises CommandRefused, StorageError."""
        wanted, self._phrase = self._phrase, ""
        if not wanted or self._clock.monotonic_ns() >= self._phrase_until_ns:
            raise CommandRefused(
                "The phrase has expired: each is valid for one attempt within a minute. Request a new one."
            )
        if typed.split() != wanted.split():
            raise CommandRefused("Wrong phrase: live trading stays locked. Request a new one.")
        if missing := unlock_blockers(self._desk()):
            raise CommandRefused(f"No longer possible: {'; '.join(missing)}.")
        hours = self._parameters()[1].hours
        until_ms, locks = self._now_ms() + hours * HOUR_S * 1_000, self._locks
        rules = RULES_DATE if self._with_rules else ""
        await self._record(by, until_ms, rules)
        if self._locks != locks or (missing := unlock_blockers(self._desk())):
            await self._record(by, None)
            text = "; ".join(missing) if self._locks == locks else "locked in the meantime"
            raise CommandRefused(f"Live trading stays locked: {text}.")
        self._is_acknowledged = self._is_acknowledged or bool(rules)
        self._until_ns, self._until_ms = self._clock.monotonic_ns() + hours * HOUR_S * NS, until_ms
        return f"Live trading is unlocked for {hours} hours: entries use real money."

    async def lock(self, by: str) -> str:
        """Lock at once; return a message.

        Raises CommandRefused, or StorageError: locked, but the lock event is not stored.
        """
        if self._parameters()[0].mode is not Mode.LIVE:
            raise CommandRefused("This engine does not trade live: there is nothing to lock.")
        was_locked = self._lock()
        if was_locked:
            return "Live trading is already locked."
        await self._record(by, None)
        return "Live trading is locked: no entries; positions keep their exits."

    async def lock_on_stop(self, by: str) -> None:
        """Lock as part of an emergency stop, even if the lock event cannot be stored. Raises nothing.

        Does nothing in practice and paper modes.
        """
        is_live = self._parameters()[0].mode is Mode.LIVE
        if self._lock() or not is_live:
            return
        try:
            await self._record(by, None)
        except StorageError as error:
            log.error("live trading is locked, but the lock event cannot be stored: %s", error)

    def _lock(self) -> bool:
        """Lock in memory; return whether it was already locked."""
        was_locked = self.is_locked
        self._phrase, self._until_ns, self._until_ms = "", 0, 0
        self._locks += 1
        return was_locked

    async def _record(self, by: str, until_ms: int | None, rules: str = "") -> None:
        event = LiveLockChanged(
            at_ms=self._now_ms(), about=self._profile, by=by, until_ms=until_ms, rules=rules
        )
        await self._store.write("live lock", lambda unit: unit.record(event), durability=Durability.FULL)
