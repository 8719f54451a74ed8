"""Pending and accepted subscriptions of one socket. Pure: time is passed in (reliability M4)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from mexc_tui.exchange.streams.replies import Ack

MAX_REQUEST_BYTES = 1024
"""Request size that the exchange is known to accept (protocol 7.1)."""

SUBSCRIBE = "SUBSCRIPTION"
UNSUBSCRIBE = "UNSUBSCRIPTION"

_UNSUBSCRIBES_REMEMBERED = 100
"""Number of unanswered unsubscribe requests that are tracked."""


@dataclass(slots=True)
class _Pending:
    """A pending channel: next due time, number of attempts, first and latest request."""

    due_s: float = 0
    tries: int = 0
    first_id: int = 0
    request_id: int = 0

    def may_be_answered_by(self, ack: Ack) -> bool:
        """Whether `ack` can belong to it: it was requested, not after that request (id 0 matches any)."""
        return self.tries > 0 and (ack.request_id == 0 or ack.request_id >= self.first_id)


@dataclass(frozen=True, slots=True)
class Request:
    """A subscribe or unsubscribe request."""

    method: str
    channels: tuple[str, ...]
    id: int

    def text(self) -> str:
        """Return the JSON to send (protocol 7.2)."""
        return msgspec.json.encode({"method": self.method, "params": self.channels, "id": self.id}).decode()


@dataclass(frozen=True, slots=True)
class SubscriptionVerdict:
    """Channels that an acknowledgement accepted or refused."""

    accepted: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])


class Subscriptions:
    """Tracks the subscriptions of one socket."""

    def __init__(
        self,
        *,
        ack_timeout_s: float = 5,
        refused_retry_s: float = 5,
        priority_retry_s: float = 0.5,
        max_tries: int = 2,
    ) -> None:
        """Retry after `ack_timeout_s` without a reply and `refused_retry_s` after a refusal.

        A refused priority channel is retried after `priority_retry_s`.
        """
        self.accepted: dict[str, None] = {}
        self._pending: dict[str, _Pending] = {}
        self._to_unsubscribe: dict[str, None] = {}
        self._unsubscribing: dict[int, frozenset[str]] = {}
        """Channels of unanswered unsubscribe requests, by request id. Their replies accept nothing."""
        self._ack_timeout_s = ack_timeout_s
        self._refused_retry_s = refused_retry_s
        self._priority_retry_s = priority_retry_s
        self._priority: frozenset[str] = frozenset()
        self._max_tries = max_tries
        self._last_id = 0

    @property
    def is_settled(self) -> bool:
        """Whether every channel was accepted or refused."""
        return all(pending.tries == 0 and pending.due_s > 0 for pending in self._pending.values())

    def add(self, channels: Iterable[str]) -> None:
        """Subscribe channels."""
        for channel in channels:
            self._to_unsubscribe.pop(channel, None)
            if channel not in self.accepted:
                self._pending.setdefault(channel, _Pending())

    def remove(self, channel: str) -> None:
        """Unsubscribe a channel."""
        pending = self._pending.pop(channel, None)
        # A pending request may still be accepted and would occupy one of the 30 places.
        if self.accepted.pop(channel, "absent") is None or (pending is not None and pending.tries):
            self._to_unsubscribe[channel] = None

    def prioritise(self, channels: frozenset[str], now_s: float) -> None:
        """Set the priority channels. A refused one among them is retried soon."""
        self._priority = channels
        for channel in channels & self._pending.keys():
            pending = self._pending[channel]
            if pending.tries == 0:
                pending.due_s = min(pending.due_s, now_s + self._priority_retry_s)

    def due(self, now_s: float) -> list[Request]:
        """Return the requests due now and count them as sent."""
        to_unsubscribe, self._to_unsubscribe = list(self._to_unsubscribe), {}
        requests = [self._request(UNSUBSCRIBE, part) for part in _parts(to_unsubscribe)]
        for request in requests:
            self._unsubscribing[request.id] = frozenset(request.channels)
        while len(self._unsubscribing) > _UNSUBSCRIBES_REMEMBERED:
            del self._unsubscribing[next(iter(self._unsubscribing))]
        wanted = [
            channel
            for channel, pending in self._pending.items()
            if pending.due_s <= now_s and pending.tries < self._max_tries
        ]
        for part in _parts(wanted):
            request = self._request(SUBSCRIBE, part)
            requests.append(request)
            for channel in part:
                pending = self._pending[channel]
                pending.due_s, pending.request_id = now_s + self._ack_timeout_s, request.id
                pending.first_id = pending.first_id or request.id
                pending.tries += 1
        return requests

    def next_due_s(self) -> float | None:
        """Return when the next request is due; None if none is."""
        if self._to_unsubscribe:
            return 0
        return min((pending.due_s for pending in self._pending.values()), default=None)

    def pop_dropped(self, now_s: float) -> list[str]:
        """Remove and return channels without a reply after all attempts: silently dropped."""
        dropped = [
            channel
            for channel, pending in self._pending.items()
            if pending.tries >= self._max_tries and pending.due_s <= now_s
        ]
        for channel in dropped:
            del self._pending[channel]
        return dropped

    def apply_ack(self, ack: Ack, now_s: float) -> SubscriptionVerdict:
        """Apply an acknowledgement. A reply to an unsubscribe request changes nothing."""
        if self._answers_unsubscribe(ack):
            return SubscriptionVerdict()
        answered = {channel for channel, pending in self._pending.items() if pending.may_be_answered_by(ack)}
        refused = [channel for channel in self._pending if channel in ack.refused and channel in answered]
        for channel in refused:
            self._pending[channel] = _Pending(due_s=now_s + self._retry_s(channel))
        accepted = [channel for channel in self._pending if channel in ack.accepted and channel in answered]
        if ack.accepts_rest:
            rest = self._channels_of(ack.request_id)
            accepted += [channel for channel in rest if channel not in refused and channel not in accepted]
        for channel in accepted:
            del self._pending[channel]
            self.accepted[channel] = None
        return SubscriptionVerdict(accepted, refused)

    def _retry_s(self, channel: str) -> float:
        return self._priority_retry_s if channel in self._priority else self._refused_retry_s

    def _answers_unsubscribe(self, ack: Ack) -> bool:
        """Return whether `ack` replies to an unsubscribe request; without an id, judged by its channels."""
        is_empty = not (ack.accepted or ack.refused or ack.accepts_rest)
        request_id = ack.request_id or next(
            (
                number
                for number, channels in self._unsubscribing.items()
                if is_empty or channels == ack.accepted
            ),
            0,
        )
        return self._unsubscribing.pop(request_id, None) is not None

    def _channels_of(self, request_id: int) -> list[str]:
        """Return the pending channels of a request; without an id, those of the oldest one."""
        waiting = [
            (pending.request_id, channel) for channel, pending in self._pending.items() if pending.tries
        ]
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
