"""Publishes committed facts to isolated subscribers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mexc_tui.engine.runtime.subscriber import FactHandler, Subscriber, SubscriberPolicy, SubscriberState
from mexc_tui.model.event import Fact
from mexc_tui.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class EventFeedState:
    """Counters of the event feed."""

    last_sequence: int
    subscribers: tuple[SubscriberState, ...]


class EventFeed:
    """Feed of committed facts, in journal order.

    Each subscriber has its own bounded queue and task, so that a slow or failing subscriber delays neither
    the writer nor another subscriber.
    """

    def __init__(self, clock: Clock, *, last_sequence: int = 0) -> None:
        """Start after the journal's fact `last_sequence`."""
        self._clock = clock
        self._last_sequence = last_sequence
        self._subscribers: list[Subscriber] = []
        self._is_closed = False

    @property
    def last_sequence(self) -> int:
        """Return the sequence number of the newest published fact."""
        return self._last_sequence

    def publish(self, facts: Sequence[Fact]) -> None:
        """Queue committed facts for every subscriber, without waiting. Does nothing once closed."""
        if self._is_closed:
            return
        for fact in facts:
            self._last_sequence = max(self._last_sequence, fact.sequence)
            for subscriber in self._subscribers:
                subscriber.offer(fact)

    def subscribe(
        self,
        name: str,
        handler: FactHandler,
        policy: SubscriberPolicy | None = None,
        *,
        after: int | None = None,
    ) -> Subscriber:
        """Add a subscriber that has handled the journal up to fact `after`; None: up to the newest fact.

        If facts were published since, the handler first gets a `Resume`. Requires a running event loop.
        Raises RuntimeError once the feed is closed.
        """
        if self._is_closed:
            raise RuntimeError(f"the event feed is closed: {name} cannot subscribe")
        handled = self._last_sequence if after is None else after
        subscriber = Subscriber(
            name=name,
            handler=handler,
            policy=policy or SubscriberPolicy(),
            clock=self._clock,
            next_sequence=handled + 1,
        )
        subscriber.catch_up(self._last_sequence)
        self._subscribers.append(subscriber)
        return subscriber

    async def unsubscribe(self, subscriber: Subscriber, deadline_s: float = 0.0) -> None:
        """Remove a subscriber; its queued facts are handled within `deadline_s` or dropped."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)
        await subscriber.close(deadline_s)

    def state(self) -> EventFeedState:
        """Return the counters of the feed and of each subscriber."""
        subscribers = tuple(subscriber.state() for subscriber in self._subscribers)
        return EventFeedState(self._last_sequence, subscribers)

    async def close(self, deadline_s: float = 5.0) -> None:
        """Stop publishing and let all subscribers finish within `deadline_s` in total."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + deadline_s
        self._is_closed = True
        subscribers, self._subscribers = self._subscribers, []
        for subscriber in subscribers:
            await subscriber.close(max(ends_s - loop.time(), 0.0))
