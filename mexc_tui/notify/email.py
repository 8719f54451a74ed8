"""Sends a notification as e-mail: SMTP with TLS, verified; without TLS to this machine only."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from mexc_tui.model.notification import Notification
from mexc_tui.notify.http import DEADLINE_S, DeliveryFailed
from mexc_tui.notify.messages import ChannelRefused, is_loopback, shortened

TLS_PORT = 465
"""Port on which TLS begins at once; on others STARTTLS is required."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAccess:
    """Server, addresses and login of the e-mail channel."""

    host: str
    port: int
    sender: str
    recipient: str
    secret: str = field(repr=False)
    """User name, a space, and the password."""


class Mailer:
    """Sends e-mails in a thread, one at a time."""

    def __init__(
        self, access: MailAccess, *, tls: ssl.SSLContext | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        """`tls`: None: the certificates that this system trusts. Raises ChannelRefused."""
        missing = [
            name
            for name, value in (
                ("notify_smtp_host", access.host),
                ("notify_smtp_from", access.sender),
                ("notify_smtp_to", access.recipient),
            )
            if not value
        ]
        if missing:
            raise ChannelRefused(
                f"Channel email is not complete. Next step: mexc-tui settings {missing[0]} VALUE"
            )
        self._user, _, self._password = access.secret.partition(" ")
        self._is_local = is_loopback(access.host)
        if not self._password and not self._is_local:
            raise ChannelRefused(
                "Channel email has no login on this machine. Next step: mexc-tui alerts secret email, "
                "with user name, space and password."
            )
        self._access = access
        self._tls = tls
        self._deadline_s = deadline_s

    async def send(self, one: Notification) -> None:
        """Send a notification; return once the server accepted it. Raises DeliveryFailed."""
        try:
            async with asyncio.timeout(3 * self._deadline_s):
                await asyncio.to_thread(self._send, message_of(one, self._access))
        except (TimeoutError, OSError, ValueError) as error:
            # Its text may contain addresses and what the server answered.
            problem = "no response in time" if isinstance(error, TimeoutError) else type(error).__name__
            raise DeliveryFailed(f"Not sent: {problem}.") from None

    def _send(self, message: EmailMessage) -> None:
        tls = self._tls or ssl.create_default_context()
        host, port, wait_s = self._access.host, self._access.port, self._deadline_s
        with (
            smtplib.SMTP_SSL(host, port, timeout=wait_s, context=tls)
            if port == TLS_PORT
            else smtplib.SMTP(host, port, timeout=wait_s)
        ) as server:
            if port != TLS_PORT and not self._is_local:
                server.starttls(context=tls)
            if self._password:
                server.login(self._user, self._password)
            server.send_message(message)


def message_of(one: Notification, access: MailAccess) -> EmailMessage:
    """Return the e-mail of a notification. Text of others stays in the body or one line of the subject."""
    message = EmailMessage()
    message["From"], message["To"] = access.sender, access.recipient
    message["Subject"] = " ".join(f"mexc-tui: {one.title} ({one.severity})".split())
    message["Date"] = format_datetime(datetime.fromtimestamp(one.at_ms / 1_000, UTC))
    message["Message-ID"] = f"<{one.key.replace(':', '.')}.{one.at_ms}@mexc-tui>"
    message.set_content(f"{shortened(one.text)}\n")
    return message
