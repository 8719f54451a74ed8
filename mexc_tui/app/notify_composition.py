"""Builds the notifications of an engine: outbox, one delivery worker for each channel, and their secrets."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeAlias

import aiohttp

from mexc_tui.engine.engine import Engine
from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.subscriber import Notice, Resume
from mexc_tui.engine.runtime.tasks import cancel_and_wait
from mexc_tui.host.keys.channel_secrets import parts_of
from mexc_tui.host.keys.record import CredentialsError
from mexc_tui.host.logs.handler import hide_in_logs
from mexc_tui.model.event import Alert, Fact
from mexc_tui.model.notification import ChannelName, Notification, SecretName
from mexc_tui.model.position import Position
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import StorageError
from mexc_tui.notify.dead_man import DeadMan
from mexc_tui.notify.delivery import DeliveryWorker, Send
from mexc_tui.notify.email import MailAccess, Mailer
from mexc_tui.notify.http import HttpSender
from mexc_tui.notify.messages import Builder, ChannelAccess, ChannelRefused, builder_of, ping_url
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

SecretOf: TypeAlias = Callable[[str, SecretName], str]
"""Returns a secret of a profile. Blocks. Raises CredentialsError."""
SendOf: TypeAlias = Callable[[HttpSender], Send]
"""Returns the function that sends to a channel, over HTTP with this sender."""
STALE_MS = 10_000
"""Age of the last exit check of a position from which the engine does not work."""
DEAD_MAN = "dead man's check"


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


def channel_send(settings: Settings, name: ChannelName, profile: str, *, secret_of: SecretOf) -> SendOf:
    """Return how to send to a channel, whose secret logs hide from now on. Blocks.

    Raises CredentialsError or ChannelRefused.
    """
    secret = _hidden(profile, SecretName(name.value), secret_of)
    if name is ChannelName.EMAIL:
        mailer = Mailer(mail_access(settings, secret))
        return lambda _: mailer.send
    build = builder_of(channel_access(settings, name, secret))
    return lambda sender: _sending(sender, build)


def mail_access(settings: Settings, secret: str) -> MailAccess:
    """Return server, addresses and login of the e-mail channel."""
    return MailAccess(
        host=settings.notify_smtp_host,
        port=settings.notify_smtp_port,
        sender=settings.notify_smtp_from,
        recipient=settings.notify_smtp_to,
        secret=secret,
    )


def _hidden(profile: str, name: SecretName, secret_of: SecretOf) -> str:
    secret = secret_of(profile, name)
    hide_in_logs(*parts_of(secret))
    return secret


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
            send_of = await self._send_of(name)
            if send_of is not None:
                worker = DeliveryWorker(
                    name, send_of(sender), store=self.store, clock=self.clock, policy=policy
                )
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

    async def _send_of(self, name: ChannelName) -> SendOf | None:
        """Return how to send to a channel; None, and an alert, if it cannot be used."""
        try:
            return await asyncio.to_thread(
                channel_send, self.settings, name, self.profile, secret_of=self.secret_of
            )
        except (CredentialsError, ChannelRefused) as error:
            log.warning("channel %s is not used: %s", name, error)
            await self._report(name.value, f"Channel {name} is not used. {error}")
        return None

    async def open_dead_man(self, engine: Engine) -> None:
        """Start the pings of the dead man's check, if its interval is set."""
        if not self.settings.dead_man_s:
            return
        try:
            secret = await asyncio.to_thread(_hidden, self.profile, SecretName.DEAD_MAN, self.secret_of)
            url = ping_url(secret)
        except (CredentialsError, ChannelRefused) as error:
            await self._report(DEAD_MAN, f"The {DEAD_MAN} is not used. {error}")
            return
        sender = await self.stack.enter_async_context(HttpSender(self.connector()))
        worker = DeadMan(
            lambda: sender.ping(url),
            lambda: engine_problem(engine),
            interval_s=self.settings.dead_man_s,
            report=lambda text: self._report(DEAD_MAN, text),
        )
        task = asyncio.create_task(worker.run(), name=DEAD_MAN)
        self.stack.push_async_callback(cancel_and_wait, task, CANCEL_S)

    async def _report(self, about: str, text: str) -> None:
        """Raise an alert about a channel; an empty text closes it."""
        alert = Alert(
            at_ms=self.clock.now_ms(), about=about, severity=Severity.ERROR, rule=FAILING_RULE, text=text
        )

        def save(unit: UnitOfWork) -> None:
            if not text:
                unit.alerts.close(FAILING_RULE, about, alert.at_ms)
            elif unit.alerts.add(alert):
                unit.record(alert)

        try:
            await self.store.write("channel", save)
        except StorageError as error:
            log.error("an alert about the %s is not stored: %s", about, error)


def engine_problem(engine: Engine) -> str:
    """Return why an engine does not work: the exits of a position are not checked; empty: it works."""
    components = engine.trading_components
    if components is None:
        return ""
    positions = components.ledger.state.positions.values()
    return unchecked_exits(positions, components.exit_monitor.heartbeat_ms, components.port.now_ms())


def unchecked_exits(
    positions: Iterable[Position], heartbeat_ms: Callable[[Position], int | None], now_ms: int
) -> str:
    """Return the first position whose exits were not checked for ten seconds, as text; empty: none."""
    for position in positions:
        checked_ms = heartbeat_ms(position)
        if checked_ms is None or now_ms - checked_ms > STALE_MS:
            return f"the exits of {position.symbol} are not checked"
    return ""


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
