"""Notifications that leave the terminal, and their deliveries to channels."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from mexc_tui.model.severity import Severity


class ChannelName(StrEnum):
    """Channels to which notifications are sent."""

    NTFY = "ntfy"
    TELEGRAM = "telegram"
    DISCORD = "discord"
    SLACK = "slack"
    WEBHOOK = "webhook"
    EMAIL = "email"


class SecretName(StrEnum):
    """Secrets of notifications: one for each channel, and the address of the dead man's check."""

    NTFY = "ntfy"
    TELEGRAM = "telegram"
    DISCORD = "discord"
    SLACK = "slack"
    WEBHOOK = "webhook"
    EMAIL = "email"
    DEAD_MAN = "dead-man"


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One message about one fact of the journal."""

    key: str
    """Identity: the same key is stored once."""
    rule: str
    about: str
    severity: Severity
    title: str
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A notification that one channel has not yet received."""

    number: int
    notification: Notification
    attempts: int
    """Failed attempts so far."""
    next_ms: int
