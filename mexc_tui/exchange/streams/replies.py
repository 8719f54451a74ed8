"""Parses text frames of the exchange: pongs, acknowledgements, refusals (protocol 7.3, 7.4)."""

import re
from dataclasses import dataclass, field

import msgspec

from mexc_tui.model.text import clean

INVALID_LISTEN_KEY = "invalid listen key"
NO_SUBSCRIPTION = "no subscription"
"""Reply to an unsubscribe without a subscription (protocol 4.10)."""

# Channels contain no brackets.
_REFUSED = re.compile(r"not\s+subscribed\s+successfully\s*!?\s*\[([^\]]*)\]", re.IGNORECASE)
_ACCEPTED = re.compile(r"(?<!not\s)subscribed\s+successful(?:ly)?\s*!?\s*\[([^\]]*)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pong:
    """Reply to a JSON PING."""


@dataclass(frozen=True, slots=True)
class Ack:
    """Reply to a subscribe or unsubscribe request.

    Names no channel if there was no subscription to remove. `request_id` is 0 if the exchange did not echo
    it. `accepts_rest`: all other channels of the request are accepted (a refusal names only the refused ones,
    a duplicate has an empty reply).
    """

    request_id: int
    accepted: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    accepts_rest: bool = False


@dataclass(frozen=True, slots=True)
class InvalidListenKey:
    """The listen key in the URL is invalid or expired. The exchange closes the socket next."""


@dataclass(frozen=True, slots=True)
class UnknownReply:
    """An unknown text frame, cleaned, to be logged once."""

    text: str


Reply = Pong | Ack | InvalidListenKey | UnknownReply


class _Control(msgspec.Struct):
    msg: str | None = None
    id: object = 0
    code: object = field(default=0)


_decode = msgspec.json.Decoder(_Control).decode


def parse_reply(text: str) -> Reply:
    """Parse one text frame. Never raises."""
    if INVALID_LISTEN_KEY in text.lower():
        return InvalidListenKey()
    try:
        control = _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return UnknownReply(clean(text))
    if control.msg is None:
        return UnknownReply(clean(text))
    if control.msg.strip().upper() == "PONG":
        return Pong()
    return _parse_ack(_number(control.id), control.msg, clean(text))


def _parse_ack(request_id: int, message: str, whole: str) -> Reply:
    refused = _REFUSED.search(message)
    accepted = _ACCEPTED.search(message)
    if refused or accepted:
        return Ack(
            request_id,
            accepted=_channels(accepted[1]) if accepted else frozenset(),
            refused=_channels(refused[1]) if refused else frozenset(),
            accepts_rest=accepted is None,
        )
    if message.strip().lower().startswith(NO_SUBSCRIPTION):
        return Ack(request_id)
    if not message.strip():
        return Ack(request_id, accepts_rest=True)
    channels = _channels(message)
    if all(channel.startswith("spot@") for channel in channels):
        return Ack(request_id, accepted=channels)
    return UnknownReply(whole)


def _channels(text: str) -> frozenset[str]:
    """Split comma-separated channels, ignoring spaces."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    return 0
