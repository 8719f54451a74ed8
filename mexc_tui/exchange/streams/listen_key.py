"""The listen key of the private stream, from its making to its end (protocol 9)."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from enum import Enum
from random import Random
from typing import Protocol

from mexc_tui.model.errors import ExchangeError

log = logging.getLogger(__name__)

VALID_S = 60 * 60
RENEW_EVERY_S = 27 * 60
"""Renewed each 25 to 30 minutes, with jitter; valid for 60."""
_RENEW_JITTER_S = 120
_RETRY_S = 60
_ASSUMED_VALID_S = 55 * 60
"""Without a successful renewal for this long the key is treated as expired."""


class ListenKeyCalls(Protocol):
    """The four signed REST calls (protocol 4.7). Each raises ExchangeError."""

    async def create_listen_key(self) -> str:
        """POST: return a key, maybe one that exists already."""
        ...

    async def renew_listen_key(self, key: str) -> object:
        """PUT: make it valid for 60 minutes from now."""
        ...

    async def listen_keys(self) -> list[str]:
        """GET: return the live keys of the account."""
        ...

    async def delete_listen_key(self, key: str) -> object:
        """DELETE: end it."""
        ...


class KeyRecord(Protocol):
    """Which keys this desk made, over restarts too. Called in a thread: it may touch the disk."""

    def recorded(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of these keys that were recorded."""
        ...

    def add(self, key: str) -> None:
        """Record a key. Raises OSError."""
        ...


class KeysInMemory:
    """A record that ends with the engine."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def recorded(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of these keys that were recorded."""
        return frozenset(self._keys.intersection(keys))

    def add(self, key: str) -> None:
        """Record a key."""
        self._keys.add(key)


class KeyEvent(Enum):
    """What happened to the key, for display and alarms."""

    CREATED = "created"
    REUSED = "reused"
    SHARED = "shared with another program of the account"
    RENEWED = "renewed"
    RENEWAL_FAILED = "a renewal failed"
    ALARM = "two renewals failed: fills may be missed"
    RELEASED = "abandoned"


class ListenKeyManager:
    """One key at a time. A new one only when the old one is refused, expired, or cannot be renewed.

    Other programs use keys of the same account. Only a key that is recorded as made here is ever ended, or
    taken up again; one that the exchange hands out a second time is used and left alive.
    """

    def __init__(
        self,
        calls: ListenKeyCalls,
        rng: Random,
        on_event: Callable[[KeyEvent], None] | None = None,
        record: KeyRecord | None = None,
    ) -> None:
        """Start without a key. Without a record none outlasts the engine."""
        self._record = record or KeysInMemory()
        self._is_recorded = False
        self.created = 0
        self.failures = 0
        self._calls = calls
        self._rng = rng
        self._on_event = on_event or _ignore_event
        self._key: str | None = None
        self._renewed_s = 0.0
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        """Say whether there is a key, never which."""
        return f"ListenKey({'set' if self._key else 'none'})"

    async def get(self) -> str:
        """Return the key, made or taken over if there is none. Raises ExchangeError."""
        async with self._lock:
            if self._key is not None and self._age_s() <= _ASSUMED_VALID_S:
                return self._key
            await self._delete()
            return await self._obtain()

    async def release(self) -> None:
        """End the key: on exit, so that the account's 60 are not used up, or because it is suspected dead."""
        async with self._lock:
            await self._delete()

    async def renew_until_cancelled(self, on_replaced: Callable[[], None]) -> None:
        """Renew it in time until cancelled.

        When a renewal fails another key is made at once and `on_replaced` called, so that the sockets move
        over. If that fails too, the old key serves on while it lives and the renewal is tried again soon;
        the second failure in a row is an alarm.
        """
        pause_s = self._pause_s()
        while True:
            await asyncio.sleep(pause_s)
            async with self._lock:
                old = self._key
                is_sound = old is None or await self._renew(old) or await self._replace(old)
                is_replaced = old is not None and self._key != old
            pause_s = self._pause_s() if is_sound else _RETRY_S
            if is_replaced:
                on_replaced()

    async def _renew(self, key: str) -> bool:
        try:
            await self._calls.renew_listen_key(key)
        except ExchangeError as error:
            self._record_failure(error)
            return False
        self.failures = 0
        self._mark_renewed()
        self._on_event(KeyEvent.RENEWED)
        return True

    async def _replace(self, old: str) -> bool:
        """Make another key before the old one is ended; False if none could be had."""
        try:
            key, is_recorded = await self._create()
        except ExchangeError as error:
            log.warning("cannot create another listen key: %s", error)
            return False
        if key == old:
            return False  # the exchange may answer with the same one: nothing is gained yet
        await self._delete()
        self._adopt(key, KeyEvent.CREATED if is_recorded else KeyEvent.SHARED, is_recorded=is_recorded)
        return True

    async def _create(self) -> tuple[str, bool]:
        """Ask for a key; return it, and whether it was made for this desk. Raises ExchangeError.

        The exchange may answer with a key that lives already (protocol 4.7). What was there before and is
        not recorded is another program's; if nobody can say what was there, so is whatever comes.
        """
        try:
            before = frozenset(await self._calls.listen_keys())
        except ExchangeError as error:
            log.warning("cannot list the account's listen keys: %s", error)
            before = None
        key = await self._calls.create_listen_key()
        is_new = before is not None and key not in before
        is_recorded = is_new or bool(await asyncio.to_thread(self._record.recorded, (key,)))
        if is_new:
            try:
                await asyncio.to_thread(self._record.add, key)
            except OSError as error:
                log.warning("cannot record the listen key; after a crash it expires: %s", error)
        return key, is_recorded

    def _record_failure(self, error: ExchangeError) -> None:
        self.failures += 1
        log.warning("cannot renew the listen key: %s", error)
        self._on_event(KeyEvent.RENEWAL_FAILED if self.failures < 2 else KeyEvent.ALARM)

    async def _obtain(self) -> str:
        """Make a key; if that is refused, take one up that an earlier run made: the limit may be reached."""
        try:
            key, is_recorded = await self._create()
            event = KeyEvent.CREATED if is_recorded else KeyEvent.SHARED
        except ExchangeError:
            old = await self._earlier_key()
            if old is None:
                raise
            key, is_recorded, event = old, True, KeyEvent.REUSED
        self._adopt(key, event, is_recorded=is_recorded)
        return key

    def _adopt(self, key: str, event: KeyEvent, *, is_recorded: bool) -> None:
        self._key, self._is_recorded = key, is_recorded
        self.created += event is KeyEvent.CREATED
        self._mark_renewed()
        self._on_event(event)

    def _mark_renewed(self) -> None:
        self._renewed_s = asyncio.get_running_loop().time()

    async def _earlier_key(self) -> str | None:
        """Return a live key of an earlier run of this desk that can be renewed."""
        live = await self._calls.listen_keys()
        for key in sorted(await asyncio.to_thread(self._record.recorded, live)):
            try:
                await self._calls.renew_listen_key(key)
            except ExchangeError as error:
                log.info("cannot renew an old listen key: %s", error)
                continue
            return key
        return None

    async def _delete(self) -> None:
        """Use the key no more, and end it if it was made here; that it is gone already is fine."""
        key, self._key = self._key, None
        if key is None:
            return
        if not self._is_recorded:
            self._on_event(KeyEvent.RELEASED)
            return
        self._on_event(KeyEvent.RELEASED)
        try:
            await self._calls.delete_listen_key(key)
        except ExchangeError as error:
            log.info("cannot delete a listen key; it expires: %s", error)

    def _age_s(self) -> float:
        return asyncio.get_running_loop().time() - self._renewed_s

    def _pause_s(self) -> float:
        return RENEW_EVERY_S + _RENEW_JITTER_S * (2 * self._rng.random() - 1)


def _ignore_event(_event: KeyEvent) -> None:
    """Nobody listens."""
