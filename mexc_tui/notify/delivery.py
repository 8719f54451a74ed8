"""Sends the outbox to one channel, in a task of its own."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mexc_tui.model.event import Alert
from mexc_tui.model.notification import ChannelName, Delivery, Notification
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import Durability, StorageError
from mexc_tui.notify.http import DeliveryFailed
from mexc_tui.notify.schedule import (
    FAILING_RULE,
    HOUR_MS,
    MINUTE_MS,
    NotifyPolicy,
    is_expired,
    is_over_rate,
    retry_ms,
)
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Store, UnitOfWork

log = logging.getLogger(__name__)

FAILURES = 3
"""Failures in a row after which a channel is reported."""
LONGEST_WAIT_MS = MINUTE_MS

Send = Callable[[Notification], Awaitable[None]]
"""Sends one notification. Raises DeliveryFailed."""


class DeliveryWorker:
    """Delivers to one channel, at least once: after a crash the last delivery may be repeated."""

    def __init__(
        self, name: ChannelName, send: Send, *, store: Store, clock: Clock, policy: NotifyPolicy
    ) -> None:
        self.name = name
        self._send = send
        self._store = store
        self._clock = clock
        self._policy = policy
        self._wake = asyncio.Event()
        self._failures = 0
        self._paused_until_ms = 0
        """A failing channel is left alone until then, whatever is due."""

    def wake(self) -> None:
        """Look for new notifications now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. A store that fails is tried again after a minute."""
        while True:
            self._wake.clear()
            try:
                wait_ms = await self.deliver_due()
            except StorageError as error:
                log.warning("channel %s: the outbox cannot be used: %s", self.name, error)
                wait_ms = LONGEST_WAIT_MS
            try:
                async with asyncio.timeout(wait_ms / 1_000):
                    await self._wake.wait()
            except TimeoutError:
                pass  # the next attempt is due

    async def deliver_due(self) -> int:
        """Attempt every delivery that is due, up to a failure; return the pause in milliseconds."""
        paused_ms = self._paused_until_ms - self._clock.now_ms()
        if paused_ms > 0:
            return min(paused_ms, LONGEST_WAIT_MS)
        pending = await self._store.read("deliveries", lambda stored: stored.notifications.pending(self.name))
        for delivery in pending:
            if delivery.next_ms > self._clock.now_ms():
                break
            if not await self._deliver(delivery):
                return min(max(self._paused_until_ms - self._clock.now_ms(), 0), LONGEST_WAIT_MS)
        next_one = await self._store.read(
            "next delivery", lambda stored: stored.notifications.pending(self.name, 1)
        )
        if not next_one:
            return LONGEST_WAIT_MS
        return min(max(next_one[0].next_ms - self._clock.now_ms(), 0), LONGEST_WAIT_MS)

    async def _deliver(self, delivery: Delivery) -> bool:
        """Attempt one delivery, unless it is too old or too early; return False if the channel failed."""
        number, one, now_ms = delivery.number, delivery.notification, self._clock.now_ms()
        if is_expired(one, now_ms):
            await self._write(lambda unit: unit.notifications.give_up(number, now_ms, "expired"))
            return True
        sent = await self._store.read(
            "deliveries of an hour",
            lambda stored: stored.notifications.sent_since(self.name, now_ms - HOUR_MS),
        )
        if is_over_rate(one, self._policy, sent):
            await self._write(lambda unit: unit.notifications.postpone(number, now_ms + MINUTE_MS))
            return True
        try:
            await self._send(one)
        except DeliveryFailed as error:
            await self._save_failure(delivery, error)
            return False
        self._failures = 0
        done_ms = self._clock.now_ms()

        def save(unit: UnitOfWork) -> None:
            unit.notifications.save_sent(number, done_ms)
            unit.alerts.close(FAILING_RULE, self.name.value, done_ms)

        await self._write(save)
        return True

    async def _save_failure(self, delivery: Delivery, error: DeliveryFailed) -> None:
        self._failures += 1
        failures, now_ms = self._failures, self._clock.now_ms()
        self._paused_until_ms = retry_ms(failures, now_ms, error.retry_after_s)
        next_ms = retry_ms(delivery.attempts + 1, now_ms, None)
        alert = Alert(
            at_ms=now_ms,
            about=self.name.value,
            severity=Severity.ERROR,
            rule=FAILING_RULE,
            text=f"Channel {self.name} failed {failures} times in a row. {error} "
            f"Next step: mexc-tui alerts test {self.name}",
        )

        def save(unit: UnitOfWork) -> None:
            unit.notifications.save_failed(delivery.number, next_ms, str(error))
            if failures >= FAILURES and unit.alerts.add(alert):
                unit.record(alert)

        await self._write(save)
        log.warning("channel %s: attempt %d failed: %s", self.name, delivery.attempts + 1, error)

    async def _write(self, work: Callable[[UnitOfWork], None]) -> None:
        await self._store.write("delivery", work, durability=Durability.NORMAL)
