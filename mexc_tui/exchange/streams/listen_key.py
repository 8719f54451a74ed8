"""Life cycle of the listen key of the user stream (protocol 9)."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from enum import Enum
from random import Random
from typing import Protocol

from mexc_tui.model.errors import ExchangeError

log = logging.getLogger(__name__)

RENEW_EVERY_S = 27 * 60
"""Mean interval between renewals. With jitter 25 to 29 minutes; a key is valid for 60."""
_RENEW_JITTER_S = 120
_RETRY_S = 60
_ASSUMED_VALID_S = 55 * 60
"""Time after the last successful renewal at which the key is treated as expired."""


class ListenKeyCalls(Protocol):
    """The four signed listen-key endpoints (protocol 4.7). Each raises ExchangeError."""

    async def create_listen_key(self) -> str:
        """POST: return a key, possibly an existing one."""
        ...

    async def renew_listen_key(self, key: str) -> object:
        """PUT: extend a key to 60 minutes from now."""
        ...

    async def listen_keys(self) -> list[str]:
        """GET: return the valid keys of the account."""
        ...

    async def delete_listen_key(self, key: str) -> object:
        """DELETE: delete a key."""
        ...


class KeyRecord(Protocol):
    """Persistent record of the keys that this desk created. Called in a thread: it may access the disk."""

    def recorded(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of these keys that were recorded."""
        ...

    def add(self, key: str) -> None:
        """Record a key. Raises OSError."""
        ...


class KeysInMemory:
    """A key record in memory, lost on restart."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def recorded(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of these keys that were recorded."""
        return frozenset(self._keys.intersection(keys))

    def add(self, key: str) -> None:
        """Record a key."""
        self._keys.add(key)


class KeyEvent(Enum):
    """Event in the life of a listen key, for display and alerts."""

    CREATED = "created"
    REUSED = "reused"
    SHARED = "shared with another program of the account"
    RENEWED = "renewed"
    RENEWAL_FAILED = "a renewal failed"
    ALARM = "two renewals failed: fills may be missed"
    RELEASED = "abandoned"


class ListenKeyManager:
    """Manages one listen key. Creates a new one only if the old one is refused, expired or not renewable.

    Other programs may use keys of the same account. Only keys that are recorded as created by this desk are
    deleted or reused; a key of another program that the exchange returns is used, but never deleted.
    """

    def __init__(
        self,
        calls: ListenKeyCalls,
        *,
        rng: Random,
        on_event: Callable[[KeyEvent], None] | None = None,
        record: KeyRecord | None = None,
    ) -> None:
        """Start without a key. Without `record`, keys are not reused after a restart."""
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
        """Return whether a key is set, never the key."""
        return f"ListenKey({'set' if self._key else 'none'})"

    async def get(self) -> str:
        """Return the current key; create or reuse one if necessary. Raises ExchangeError."""
        async with self._lock:
            if self._key is not None and self._age_s() <= _ASSUMED_VALID_S:
                return self._key
            await self._delete()
            return await self._obtain()

    async def release(self) -> None:
        """Delete the key: on exit, because an account has at most 60, or because it may be invalid."""
        async with self._lock:
            await self._delete()

    async def renew_until_cancelled(self, on_replaced: Callable[[], None]) -> None:
        """Renew the key periodically until cancelled.

        If a renewal fails, another key is created immediately and `on_replaced` is called, so that the
        sockets reconnect with it. If that fails too, the old key stays in use and the renewal is retried
        soon. A second consecutive failure is an alarm.
        """
        pause_s = self._pause_s()
        while True:
            await asyncio.sleep(pause_s)
            async with self._lock:
                old = self._key
                is_valid = old is None or await self._renew(old) or await self._replace(old)
                is_replaced = old is not None and self._key != old
            pause_s = self._pause_s() if is_valid else _RETRY_S
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
        """Create another key before deleting the old one; False if none is available."""
        try:
            key, is_recorded = await self._create()
        except ExchangeError as error:
            log.warning("cannot create another listen key: %s", error)
            return False
        if key == old:
            return False  # the exchange may return the same key
        await self._delete()
        self._adopt(key, KeyEvent.CREATED if is_recorded else KeyEvent.SHARED, is_recorded=is_recorded)
        return True

    async def _create(self) -> tuple[str, bool]:
        """Request a key; return it and whether this desk created it. Raises ExchangeError.

        The exchange may return an existing key (protocol 4.7). One that existed before and is not recorded
        belongs to another program; so does any key if the existing ones cannot be listed.
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
        """Create a key; if refused (the limit may be reached), reuse one created by an earlier run."""
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
        """Return a renewable key created by an earlier run of this desk; None without one."""
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
        """Stop using the key, and delete it if this desk created it. Failures are logged only."""
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
    """Ignore the event."""
