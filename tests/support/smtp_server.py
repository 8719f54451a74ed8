"""A real SMTP server on loopback, with STARTTLS and logins."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(slots=True)
class MailServer:
    """Receives e-mails; with `user` only after a login."""

    user: str = ""
    password: str = ""
    port: int = 0
    received: list[EmailMessage] = field(default_factory=list[EmailMessage])
    was_encrypted: list[bool] = field(default_factory=list[bool])

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Record an e-mail."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.received.append(message)
        self.was_encrypted.append(session.ssl is not None)
        return "250 accepted"

    def login(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        """Check a login."""
        is_right = isinstance(data, LoginPassword) and (
            (data.login.decode(), data.password.decode()) == (self.user, self.password)
        )
        return AuthResult(success=is_right)


@asynccontextmanager
async def mail_server(
    *, user: str = "", password: str = "", tls: ssl.SSLContext | None = None
) -> AsyncGenerator[MailServer]:
    """Serve on a free port of loopback. `tls`: None: no STARTTLS."""
    found = MailServer(user, password)

    def connect() -> SMTP:
        return SMTP(
            found,
            tls_context=tls,
            require_starttls=tls is not None,
            authenticator=found.login if user else None,
            auth_required=bool(user),
            auth_require_tls=tls is not None,
            hostname="localhost",
        )

    server = await asyncio.get_running_loop().create_server(connect, "localhost", 0, family=2)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        await server.wait_closed()
