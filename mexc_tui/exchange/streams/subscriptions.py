"""Requested and acknowledged topics of one socket. Pure: time in, requests out (reliability M4)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from mexc_tui.exchange.streams.replies import Ack

MAX_REQUEST_BYTES = 1024
"""A frame of this size is known to be taken (protocol 7.1)."""

SUBSCRIBE = "SUBSCRIPTION"
UNSUBSCRIBE = "UNSUBSCRIPTION"

_ENDS_REMEMBERED = 100
"""How many unanswered ends are waited for."""


@dataclass(slots=True)
class _Asked:
    """A channel on its way: when it is due (again), how often it was asked, by which request."""

    due_s: float = 0
    tries: int = 0
    first_id: int = 0
    request_id: int = 0

    def may_be_answered_by(self, ack: Ack) -> bool:
        """Whether it was sent, and not after the request that `ack` answers (0 is any)."""
        return self.tries > 0 and (ack.request_id == 0 or ack.request_id >= self.first_id)


@dataclass(frozen=True, slots=True)
class Request:
    """One frame to send."""

    method: str
    channels: tuple[str, ...]
    id: int

    def text(self) -> str:
        """Return the JSON to send (protocol 7.2)."""
        return msgspec.json.encode({"method": self.method, "params": self.channels, "id": self.id}).decode()


@dataclass(frozen=True, slots=True)
class SubscriptionVerdict:
    """What an acknowledgement changed."""

    accepted: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])


class Subscriptions:
    """The asks of one socket."""

    def __init__(
        self,
        *,
        ack_timeout_s: float = 5,
        refused_retry_s: float = 5,
        hurried_retry_s: float = 0.5,
        max_tries: int = 2,
    ) -> None:
        """Ask again after `ack_timeout_s` without an answer, `refused_retry_s` after a refusal.

        A refused channel that is in a hurry is asked for again after `hurried_retry_s`.
        """
        self.accepted: dict[str, None] = {}
        self._asked: dict[str, _Asked] = {}
        self._leaving: dict[str, None] = {}
        self._left: dict[int, frozenset[str]] = {}
        """Ends that were asked for and not answered yet, by request: their answers start nothing."""
        self._ack_timeout_s = ack_timeout_s
        self._refused_retry_s = refused_retry_s
        self._hurried_retry_s = hurried_retry_s
        self._hurried: frozenset[str] = frozenset()
        self._max_tries = max_tries
        self._last_id = 0

    @property
    def is_settled(self) -> bool:
        """Whether every wanted channel was answered or refused."""
        return all(asked.tries == 0 and asked.due_s > 0 for asked in self._asked.values())

    def want(self, channels: Iterable[str]) -> None:
        """Ask for these."""
        for channel in channels:
            self._leaving.pop(channel, None)
            if channel not in self.accepted:
                self._asked.setdefault(channel, _Asked())

    def leave(self, channel: str) -> None:
        """Ask for this no longer."""
        asked = self._asked.pop(channel, None)
        # What was asked for may be granted yet: it would take one of the 30 places for nothing.
        if self.accepted.pop(channel, "absent") is None or (asked is not None and asked.tries):
            self._leaving[channel] = None

    def hurry(self, channels: frozenset[str], now_s: float) -> None:
        """Say which channels are in a hurry from now on; a refused one of them need not wait for long."""
        self._hurried = channels
        for channel in channels & self._asked.keys():
            asked = self._asked[channel]
            if asked.tries == 0:
                asked.due_s = min(asked.due_s, now_s + self._hurried_retry_s)

    def due(self, now_s: float) -> list[Request]:
        """Return what to send now; it counts as sent."""
        leaving, self._leaving = list(self._leaving), {}
        requests = [self._request(UNSUBSCRIBE, part) for part in _parts(leaving)]
        for request in requests:
            self._left[request.id] = frozenset(request.channels)
        while len(self._left) > _ENDS_REMEMBERED:
            del self._left[next(iter(self._left))]
        wanted = [
            channel
            for channel, asked in self._asked.items()
            if asked.due_s <= now_s and asked.tries < self._max_tries
        ]
        for part in _parts(wanted):
            request = self._request(SUBSCRIBE, part)
            requests.append(request)
            for channel in part:
                asked = self._asked[channel]
                asked.due_s, asked.request_id = now_s + self._ack_timeout_s, request.id
                asked.first_id = asked.first_id or request.id
                asked.tries += 1
        return requests

    def next_due_s(self) -> float | None:
        """Return when something is to be done again, None for never."""
        if self._leaving:
            return 0
        return min((asked.due_s for asked in self._asked.values()), default=None)

    def take_dropped(self, now_s: float) -> list[str]:
        """Return, and forget, channels that were asked often enough and never answered: silently dropped."""
        dropped = [
            channel
            for channel, asked in self._asked.items()
            if asked.tries >= self._max_tries and asked.due_s <= now_s
        ]
        for channel in dropped:
            del self._asked[channel]
        return dropped

    def take_ack(self, ack: Ack, now_s: float) -> SubscriptionVerdict:
        """Compare an acknowledgement with what was asked. One of an end says nothing about what is wanted."""
        if self._is_of_an_end(ack):
            return SubscriptionVerdict()
        answered = {channel for channel, asked in self._asked.items() if asked.may_be_answered_by(ack)}
        refused = [channel for channel in self._asked if channel in ack.refused and channel in answered]
        for channel in refused:
            self._asked[channel] = _Asked(due_s=now_s + self._retry_s(channel))
        accepted = [channel for channel in self._asked if channel in ack.accepted and channel in answered]
        if ack.speaks_for_rest:
            rest = self._of_request(ack.request_id)
            accepted += [channel for channel in rest if channel not in refused and channel not in accepted]
        for channel in accepted:
            del self._asked[channel]
            self.accepted[channel] = None
        return SubscriptionVerdict(accepted, refused)

    def _retry_s(self, channel: str) -> float:
        return self._hurried_retry_s if channel in self._hurried else self._refused_retry_s

    def _is_of_an_end(self, ack: Ack) -> bool:
        """Return whether it answers the end of subscriptions; without an id, by the channels it names."""
        is_empty = not (ack.accepted or ack.refused or ack.speaks_for_rest)
        request_id = ack.request_id or next(
            (number for number, channels in self._left.items() if is_empty or channels == ack.accepted), 0
        )
        return self._left.pop(request_id, None) is not None

    def _of_request(self, request_id: int) -> list[str]:
        """Return the open channels of a request; without an id, of the oldest request."""
        waiting = [(asked.request_id, channel) for channel, asked in self._asked.items() if asked.tries]
        if not request_id and waiting:
            request_id = min(waiting)[0]
        return [channel for number, channel in waiting if number == request_id]

    def _request(self, method: str, channels: list[str]) -> Request:
        self._last_id += 1
        return Request(method, tuple(channels), self._last_id)


def _parts(channels: list[str]) -> list[list[str]]:
    """Split channels so that each request stays within MAX_REQUEST_BYTES."""
    parts: list[list[str]] = []
    size = MAX_REQUEST_BYTES
    for channel in channels:
        cost = len(channel.encode()) + 3
        if size + cost > MAX_REQUEST_BYTES - 64:
            parts.append([])
            size = 0
        parts[-1].append(channel)
        size += cost
    return parts
