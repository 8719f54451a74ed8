"""The listen key of the private stream, from its making to its end (reference 9)."""

import asyncio
import logging
from collections.abc import Callable
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
_TRUST_S = 55 * 60
"""Without a successful renewal for this long the key is treated as expired."""


class ListenKeyCalls(Protocol):
    """The four signed REST calls (reference 4.7). Each raises ExchangeError."""

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


class KeyEvent(Enum):
    """What happened to the key, for display and alarms."""

    CREATED = "created"
    REUSED = "reused"
    RENEWED = "renewed"
    RENEWAL_FAILED = "a renewal failed"
    ALARM = "two renewals failed: fills may go unseen"
    GIVEN_UP = "given up"


class ListenKey:
    """One key at a time. A new one only when the old one is refused, expired, or cannot be renewed."""

    def __init__(
        self, calls: ListenKeyCalls, rng: Random, on_event: Callable[[KeyEvent], None] | None = None
    ) -> None:
        """Start without a key."""
        self.created = 0
        self.failures = 0
        self._calls = calls
        self._rng = rng
        self._on_event = on_event or _ignore
        self._key: str | None = None
        self._renewed_s = 0.0
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        """Say whether there is a key, never which."""
        return f"ListenKey({'set' if self._key else 'none'})"

    async def get(self) -> str:
        """Return the key, made or taken over if there is none. Raises ExchangeError."""
        async with self._lock:
            if self._key is not None and self._age_s() <= _TRUST_S:
                return self._key
            await self._delete()
            return await self._make()

    async def give_up(self) -> None:
        """End the key: on exit, so that the account's 60 are not used up, or because it is suspected dead."""
        async with self._lock:
            await self._delete()

    async def keep(self, on_replaced: Callable[[], None]) -> None:
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
            self._note_failure(error)
            return False
        self.failures = 0
        self._note_fresh()
        self._on_event(KeyEvent.RENEWED)
        return True

    async def _replace(self, old: str) -> bool:
        """Make another key before the old one is ended; False if none could be had."""
        try:
            key = await self._calls.create_listen_key()
        except ExchangeError as error:
            log.warning("no other listen key could be made: %s", error)
            return False
        if key == old:
            return False  # the exchange may answer with the same one: nothing is gained yet
        await self._delete()
        self._take(key, KeyEvent.CREATED)
        return True

    def _note_failure(self, error: ExchangeError) -> None:
        self.failures += 1
        log.warning("the listen key could not be renewed: %s", error)
        self._on_event(KeyEvent.RENEWAL_FAILED if self.failures < 2 else KeyEvent.ALARM)

    async def _make(self) -> str:
        """Make a key; if that is refused, take over one of an earlier run: the limit of 60 may be reached."""
        event = KeyEvent.CREATED
        try:
            key = await self._calls.create_listen_key()
        except ExchangeError:
            old = await self._take_over()
            if old is None:
                raise
            key, event = old, KeyEvent.REUSED
        self._take(key, event)
        return key

    def _take(self, key: str, event: KeyEvent) -> None:
        self._key = key
        self.created += event is KeyEvent.CREATED
        self._note_fresh()
        self._on_event(event)

    def _note_fresh(self) -> None:
        self._renewed_s = asyncio.get_running_loop().time()

    async def _take_over(self) -> str | None:
        """Return a live key of an earlier run that can be renewed."""
        for key in await self._calls.listen_keys():
            try:
                await self._calls.renew_listen_key(key)
            except ExchangeError as error:
                log.info("an old listen key could not be renewed: %s", error)
                continue
            return key
        return None

    async def _delete(self) -> None:
        """End the key; that it is gone already is fine."""
        key, self._key = self._key, None
        if key is None:
            return
        self._on_event(KeyEvent.GIVEN_UP)
        try:
            await self._calls.delete_listen_key(key)
        except ExchangeError as error:
            log.info("a listen key could not be deleted, it ends by itself: %s", error)

    def _age_s(self) -> float:
        return asyncio.get_running_loop().time() - self._renewed_s

    def _pause_s(self) -> float:
        return RENEW_EVERY_S + _RENEW_JITTER_S * (2 * self._rng.random() - 1)


def _ignore(_event: KeyEvent) -> None:
    """Nobody listens."""
