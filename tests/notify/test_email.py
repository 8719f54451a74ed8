"""E-mails go to a real SMTP server: with TLS and a login, without TLS to this machine only."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.notify.email import MailAccess, Mailer, message_of
from mexc_tui.notify.http import DeliveryFailed
from mexc_tui.notify.messages import ChannelRefused
from tests.support.exchange.certificates import server_context, write_certificates
from tests.support.samples.notification_samples import notification
from tests.support.smtp_server import mail_server

LOCAL = MailAccess(
    host="127.0.0.1", port=25, sender="desk@example.org", recipient="ann@example.org", secret=""
)
REMOTE = replace(LOCAL, host="localhost", secret="ann canary-password")


def trusting(folder: Path, name: str) -> ssl.SSLContext:
    """Return a context that verifies, and trusts one certificate."""
    context = ssl.create_default_context()
    context.load_verify_locations(folder / f"{name}.pem")
    return context


async def test_a_notification_is_sent_to_this_machine_without_tls_and_login() -> None:
    async with mail_server() as server:
        await Mailer(replace(LOCAL, port=server.port)).send(notification(title="Bought NEWUSDT"))
        (received,) = server.received
    assert received["Subject"] == "mexc-tui: Bought NEWUSDT (warning)"
    assert (received["From"], received["To"]) == ("desk@example.org", "ann@example.org")
    assert received.get_content().strip() == notification().text


async def test_elsewhere_tls_and_the_login_are_required(tmp_path: Path) -> None:
    folder = write_certificates(tmp_path)
    tls = server_context(folder, "localhost")
    async with mail_server(user="ann", password="canary-password", tls=tls) as server:
        access = replace(REMOTE, port=server.port)
        await Mailer(access, tls=trusting(folder, "localhost")).send(notification())
        assert server.was_encrypted == [True]
        wrong = replace(access, secret="ann wrong")
        with pytest.raises(DeliveryFailed, match="SMTP") as refused:
            await Mailer(wrong, tls=trusting(folder, "localhost")).send(notification())
        assert "wrong" not in str(refused.value)


@pytest.mark.parametrize("name", ["localhost", "expired", "elsewhere"])
async def test_nothing_is_sent_to_a_server_with_a_bad_certificate(tmp_path: Path, name: str) -> None:
    folder = write_certificates(tmp_path)
    trusted = ssl.create_default_context() if name == "localhost" else trusting(folder, name)
    async with mail_server(
        user="ann", password="canary-password", tls=server_context(folder, name)
    ) as server:
        with pytest.raises(DeliveryFailed, match="SSLCertVerificationError"):
            await Mailer(replace(REMOTE, port=server.port), tls=trusted).send(notification())
        assert server.received == []


async def test_a_server_without_tls_elsewhere_receives_no_login() -> None:
    async with mail_server() as server:
        with pytest.raises(DeliveryFailed, match="SMTPNotSupportedError"):
            await Mailer(replace(REMOTE, port=server.port)).send(notification())
        assert server.received == []


async def test_a_server_that_does_not_answer_fails_the_delivery() -> None:
    async with mail_server() as server:
        port = server.port
    with pytest.raises(DeliveryFailed, match="ConnectionRefusedError"):
        await Mailer(replace(LOCAL, port=port)).send(notification())


@pytest.mark.parametrize(
    "access", [replace(LOCAL, host=""), replace(LOCAL, sender=""), replace(LOCAL, recipient="")]
)
def test_a_missing_setting_is_named(access: MailAccess) -> None:
    with pytest.raises(ChannelRefused, match="mexc-tui settings notify_smtp_"):
        Mailer(access)


def test_a_login_is_required_elsewhere() -> None:
    with pytest.raises(ChannelRefused, match="alerts secret email"):
        Mailer(replace(REMOTE, secret=""))


@given(st.text(), st.text())
def test_no_text_adds_a_header_or_a_recipient(title: str, text: str) -> None:
    message = message_of(notification(title=title, text=text), LOCAL)
    parsed = message.as_bytes().split(b"\n\n", 1)[0]
    assert message.get_all("To") == ["ann@example.org"]
    assert message.get("Bcc") is None
    assert parsed.count(b"\nTo:") == 1
