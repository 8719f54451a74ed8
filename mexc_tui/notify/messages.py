"""Builds the HTTP request of a notification for each channel, and checks addresses. Pure."""

import hmac
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from mexc_tui.model.errors import DeskError
from mexc_tui.model.notification import ChannelName, Notification
from mexc_tui.model.severity import Severity

MOST_TEXT = 1_500
"""Characters of a text; Discord accepts 2,000."""
TELEGRAM = "https://api.telegram.org"
HOSTS = {ChannelName.DISCORD: ("discord.com", "discordapp.com"), ChannelName.SLACK: ("hooks.slack.com",)}
"""Hosts to which the secret addresses of these channels may lead."""
_PRIORITIES = {Severity.INFO: 3, Severity.WARNING: 3, Severity.ERROR: 4, Severity.CRITICAL: 5}


class ChannelRefused(DeskError):
    """A channel cannot be used as it is configured. The text names the next step and no secret.

    Raised when channels are built. Show the text; the other channels are used.
    """


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """A POST request. Its address, headers and body may contain secrets and are not shown."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAccess:
    """Address and secret of one channel."""

    name: ChannelName
    url: str = ""
    """Address from the settings; empty: the channel's own."""
    secret: str = field(default="", repr=False)


Builder = Callable[[Notification], HttpMessage]


def builder_of(access: ChannelAccess) -> Builder:
    """Return the function that builds a channel's requests. Raises ChannelRefused."""
    if not access.secret:
        raise ChannelRefused(
            f"Channel {access.name} has no secret on this machine. "
            f"Next step: mexc-tui alerts secret {access.name}"
        )
    return _BUILDERS[access.name](access)


def ping_url(secret: str) -> str:
    """Return the address that the dead man's check pings. Raises ChannelRefused."""
    if not secret:
        raise ChannelRefused(
            "The dead man's check has no address on this machine. Next step: mexc-tui alerts secret dead-man"
        )
    return check_url(secret, "the dead man's check")


def check_url(url: str, what: str) -> str:
    """Return an address that may be used: https, or http to this machine. Raises ChannelRefused."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_allowed = bool(host) and parts.username is None and parts.port != 0
    except ValueError:
        is_allowed, host, parts = False, "", urlsplit("")
    if not is_allowed or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise ChannelRefused(
            f"The address of {what} is not allowed: https:// is required, without a user name."
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether a host is an address of this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _ntfy(access: ChannelAccess) -> Builder:
    """Secret: the topic, and if the server requires one, a space and an access token."""
    url = check_url(access.url, "ntfy")
    topic, _, token = access.secret.partition(" ")
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def build(one: Notification) -> HttpMessage:
        content = {
            "topic": topic,
            "title": one.title,
            "message": shortened(one.text),
            "priority": _PRIORITIES[one.severity],
            "tags": [one.severity.value],
        }
        return _json(url, content, headers)

    return build


def _telegram(access: ChannelAccess) -> Builder:
    """Secret: the bot's token, a space, and the number of the chat. No markup is enabled."""
    origin = check_url(access.url or TELEGRAM, "telegram").rstrip("/")
    token, _, chat = access.secret.partition(" ")
    if not chat:
        raise ChannelRefused(
            "The secret of telegram has no chat. Next step: mexc-tui alerts secret telegram, "
            "with token, space and chat number."
        )

    def build(one: Notification) -> HttpMessage:
        return _json(f"{origin}/bot{token}/sendMessage", {"chat_id": chat, "text": _lines(one)}, {})

    return build


def _discord(access: ChannelAccess) -> Builder:
    """Secret: the whole address of the webhook. Mentions are disabled."""
    url = _secret_url(access)

    def build(one: Notification) -> HttpMessage:
        return _json(url, {"content": _lines(one), "allowed_mentions": {"parse": list[str]()}}, {})

    return build


def _slack(access: ChannelAccess) -> Builder:
    """Secret: the whole address of the webhook."""
    url = _secret_url(access)

    def build(one: Notification) -> HttpMessage:
        # Slack reads <!channel> as a mention unless these three characters are escaped.
        text = _lines(one).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return _json(url, {"text": text, "mrkdwn": False}, {})

    return build


def _webhook(access: ChannelAccess) -> Builder:
    """Secret: the key of the signature, HMAC-SHA256 of the body as hex in X-Signature-256."""
    url, key = check_url(access.url, "webhook"), access.secret.encode()

    def build(one: Notification) -> HttpMessage:
        body = msgspec.json.encode(one)
        signature = hmac.digest(key, body, "sha256").hex()
        return HttpMessage(
            url, body, {"Content-Type": "application/json", "X-Signature-256": f"sha256={signature}"}
        )

    return build


def _secret_url(access: ChannelAccess) -> str:
    url = check_url(access.secret, access.name)
    host = urlsplit(url).hostname or ""
    if host not in HOSTS[access.name] and not is_loopback(host):
        raise ChannelRefused(
            f"The secret of {access.name} is not an address of {HOSTS[access.name][0]}. "
            f"Next step: mexc-tui alerts secret {access.name}"
        )
    return url


def _json(url: str, content: object, headers: Mapping[str, str]) -> HttpMessage:
    return HttpMessage(url, msgspec.json.encode(content), {"Content-Type": "application/json", **headers})


def _lines(one: Notification) -> str:
    return f"{one.title} ({one.severity})\n{shortened(one.text)}"


def shortened(text: str) -> str:
    """Return a text that every channel accepts."""
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"


_BUILDERS: dict[ChannelName, Callable[[ChannelAccess], Builder]] = {
    ChannelName.NTFY: _ntfy,
    ChannelName.TELEGRAM: _telegram,
    ChannelName.DISCORD: _discord,
    ChannelName.SLACK: _slack,
    ChannelName.WEBHOOK: _webhook,
}
