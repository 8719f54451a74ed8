"""The request of each channel, and the addresses that are allowed."""

import hmac

import msgspec
import pytest

from mexc_tui.model.notification import ChannelName, Notification
from mexc_tui.model.severity import Severity
from mexc_tui.notify.messages import (
    MOST_TEXT,
    ChannelAccess,
    ChannelRefused,
    HttpMessage,
    builder_of,
    check_url,
)
from tests.support.samples.notification_samples import notification

DISCORD = "https://discord.com/api/webhooks/1/canary-discord"
SLACK = "https://hooks.slack.com/services/T/B/canary-slack"


def built(name: ChannelName, secret: str, url: str = "", one: Notification | None = None) -> HttpMessage:
    return builder_of(ChannelAccess(name=name, url=url, secret=secret))(one or notification())


def content(message: HttpMessage) -> dict[str, object]:
    return msgspec.json.decode(message.body, type=dict[str, object])


def test_ntfy_gets_topic_priority_and_the_token_in_a_header() -> None:
    message = built(
        ChannelName.NTFY, "my-topic tk_1", "https://ntfy.sh", notification(severity=Severity.CRITICAL)
    )
    assert message.url == "https://ntfy.sh"
    assert message.headers["Authorization"] == "Bearer tk_1"
    assert content(message) == {
        "topic": "my-topic",
        "title": "Ledger and exchange differ",
        "message": "difference of 1",
        "priority": 5,
        "tags": ["critical"],
    }


def test_ntfy_without_a_token_sends_no_authorization() -> None:
    assert "Authorization" not in built(ChannelName.NTFY, "my-topic", "https://ntfy.sh").headers


def test_telegram_gets_plain_text_for_one_chat() -> None:
    message = built(ChannelName.TELEGRAM, "1:canary 42")
    assert message.url == "https://api.telegram.org/bot1:canary/sendMessage"
    assert content(message) == {
        "chat_id": "42",
        "text": "Ledger and exchange differ (warning)\ndifference of 1",
    }


def test_discord_resolves_no_mention() -> None:
    message = built(ChannelName.DISCORD, DISCORD, one=notification(text="@everyone"))
    assert content(message)["allowed_mentions"] == {"parse": []}


def test_slack_reads_no_mention_in_a_text() -> None:
    text = content(built(ChannelName.SLACK, SLACK, one=notification(text="<!channel> & co")))["text"]
    assert str(text).endswith("&lt;!channel&gt; &amp; co")


def test_a_webhook_can_verify_the_signature_of_the_body() -> None:
    message = built(ChannelName.WEBHOOK, "canary-key", "https://example.org/in")
    signature = hmac.digest(b"canary-key", message.body, "sha256").hex()
    assert message.headers["X-Signature-256"] == f"sha256={signature}"
    assert content(message)["key"] == "fact:0"


def test_a_long_text_is_cut() -> None:
    message = built(ChannelName.DISCORD, DISCORD, one=notification(text="x" * 10_000))
    assert len(str(content(message)["content"])) < MOST_TEXT + 100


@pytest.mark.parametrize(
    "url", ["https://example.org/x", "https://example.org:8443", "http://127.0.0.1:80/x", "http://[::1]:9"]
)
def test_https_and_this_machine_are_allowed(url: str) -> None:
    assert check_url(url, "ntfy") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.org",
        "http://localhost.example.org",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://user@example.org",
        "https://",
        "https://[::1",
        "https://example.org:99999",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ChannelRefused):
        check_url(url, "ntfy")


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        (ChannelName.DISCORD, "https://evil.example/api/webhooks/canary"),
        (ChannelName.DISCORD, "https://discord.com.evil.example/canary"),
        (ChannelName.SLACK, DISCORD),
        (ChannelName.TELEGRAM, "1:canary"),
        (ChannelName.NTFY, ""),
    ],
)
def test_a_wrong_secret_is_refused_without_showing_it(name: ChannelName, secret: str) -> None:
    with pytest.raises(ChannelRefused) as caught:
        builder_of(ChannelAccess(name=name, url="https://ntfy.sh", secret=secret))
    assert f"alerts secret {name}" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_no_text_of_a_request_or_an_access_shows_its_secret() -> None:
    access = ChannelAccess(name=ChannelName.DISCORD, secret=DISCORD)
    assert "canary" not in repr(access)
    assert "canary" not in repr(builder_of(access)(notification()))
