"""Builds the notifications of an engine: outbox, one delivery worker for each channel, and their secrets."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeAlias

import aiohttp

from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.subscriber import Notice, Resume
from mexc_tui.engine.runtime.tasks import cancel_and_wait
from mexc_tui.host.keys.channel_secrets import parts_of
from mexc_tui.host.keys.record import CredentialsError
from mexc_tui.host.logs.handler import hide_in_logs
from mexc_tui.model.event import Alert, Fact
from mexc_tui.model.notification import ChannelName, Notification
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import StorageError
from mexc_tui.notify.delivery import DeliveryWorker, Send
from mexc_tui.notify.http import HttpSender
from mexc_tui.notify.messages import Builder, ChannelAccess, ChannelRefused, builder_of
from mexc_tui.notify.outbox import Outbox
from mexc_tui.notify.schedule import FAILING_RULE, NotifyPolicy, QuietHours
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import UnitOfWork
from mexc_tui.settings.all_settings import Settings
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.wording.alert_titles import alert_title

log = logging.getLogger(__name__)

LAST_S = 3.0
"""How long a stopping engine sends what is due, such as the notification of its stop."""
CANCEL_S = 1.0

SecretOf: TypeAlias = Callable[[str, ChannelName], str]
"""Returns the secret of a profile's channel. Blocks. Raises CredentialsError."""


def notify_policy(settings: Settings) -> NotifyPolicy:
    """Return which notifications are sent, and when."""
    return NotifyPolicy(
        from_severity=settings.notify_from,
        suppress_ms=settings.notify_suppress_s * 1_000,
        per_hour=settings.notify_per_hour,
        quiet=quiet_hours(settings.notify_quiet_utc),
    )


def quiet_hours(text: str) -> QuietHours | None:
    """Return quiet hours such as 22:00-07:00; None for an empty text."""
    if not text:
        return None
    start, end = ((int(part[:2]) * 60 + int(part[3:])) for part in text.split("-"))
    return QuietHours(start_minute=start, end_minute=end)


def channel_access(settings: Settings, name: ChannelName, secret: str) -> ChannelAccess:
    """Return address and secret of a channel."""
    urls = {ChannelName.NTFY: settings.notify_ntfy_url, ChannelName.WEBHOOK: settings.notify_webhook_url}
    return ChannelAccess(name=name, url=urls.get(name, ""), secret=secret)


def channel_builder(settings: Settings, name: ChannelName, profile: str, *, secret_of: SecretOf) -> Builder:
    """Return the function that builds a channel's requests, whose secret logs hide from now on. Blocks.

    Raises CredentialsError or ChannelRefused.
    """
    secret = secret_of(profile, name)
    hide_in_logs(*parts_of(secret))
    return builder_of(channel_access(settings, name, secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyBuilder:
    """Builds the notifications of one engine; `stack` closes them. Without a channel nothing is built."""

    profile: str
    settings: Settings
    store: SqliteStore
    feed: EventFeed
    clock: Clock
    secret_of: SecretOf
    connector: Callable[[], aiohttp.BaseConnector | None]
    """Creates a connector for the channels; None: real sockets."""
    stack: AsyncExitStack

    async def open(self) -> None:
        """Start sending, if a channel is configured. A channel that cannot be used is reported by an alert.

        If the database fails, the engine starts all the same, and nothing is sent until the next start.
        """
        names = tuple(dict.fromkeys(self.settings.notify_channels))
        if not names:
            return
        try:
            await self._open(names)
        except StorageError as error:
            log.error("notifications are not sent until the next start: %s", error)

    async def _open(self, names: tuple[ChannelName, ...]) -> None:
        head = self.feed.last_sequence  # before the alert of a channel that is refused below
        sender = await self.stack.enter_async_context(HttpSender(self.connector()))
        policy = notify_policy(self.settings)
        workers: list[DeliveryWorker] = []
        for name in names:
            build = await self._builder(name)
            if build is not None:
                send = _sending(sender, build)
                worker = DeliveryWorker(name, send, store=self.store, clock=self.clock, policy=policy)
                workers.append(worker)

        def wake() -> None:
            for worker in workers:
                worker.wake()

        outbox = Outbox(
            self.store,
            self.clock,
            channels=[worker.name for worker in workers],
            policy=policy,
            title=alert_title,
            added=wake,
        )
        after = await outbox.start(head)
        tasks = [asyncio.create_task(worker.run(), name=f"channel {worker.name}") for worker in workers]
        self.stack.push_async_callback(_finish, workers, tasks)

        async def add(notice: Notice) -> None:
            match notice:
                case Fact():
                    await outbox.add([notice])
                case Resume(from_sequence=first, through_sequence=last):
                    await outbox.catch_up(first, last)

        subscriber = self.feed.subscribe("notifications", add, after=after)
        self.stack.push_async_callback(self.feed.unsubscribe, subscriber, CANCEL_S)

    async def _builder(self, name: ChannelName) -> Builder | None:
        """Return a channel's builder; None, and an alert, if the channel cannot be used."""
        try:
            return await asyncio.to_thread(
                channel_builder, self.settings, name, self.profile, secret_of=self.secret_of
            )
        except (CredentialsError, ChannelRefused) as error:
            log.warning("channel %s is not used: %s", name, error)
            alert = Alert(
                at_ms=self.clock.now_ms(),
                about=name.value,
                severity=Severity.ERROR,
                rule=FAILING_RULE,
                text=f"Channel {name} is not used. {error}",
            )
        await self.store.write("channel refused", lambda unit: _raise_alert(unit, alert))
        return None


def _raise_alert(unit: UnitOfWork, alert: Alert) -> None:
    if unit.alerts.add(alert):
        unit.record(alert)


def _sending(sender: HttpSender, build: Builder) -> Send:
    async def send(one: Notification) -> None:
        await sender.send(build(one))

    return send


async def _finish(workers: list[DeliveryWorker], tasks: "list[asyncio.Task[None]]") -> None:
    """Stop the workers, then send for a short time what is due; the rest is sent after the next start."""
    await asyncio.gather(*(cancel_and_wait(task, CANCEL_S) for task in tasks))
    try:
        async with asyncio.timeout(LAST_S):
            await asyncio.gather(*(worker.deliver_due() for worker in workers))
    except TimeoutError:
        log.warning("some notifications were not sent; they are sent after the next start")
    except StorageError as error:
        log.warning("the outbox cannot be used: %s", error)
