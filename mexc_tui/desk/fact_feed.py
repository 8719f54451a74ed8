"""Events for viewers without gaps: recent ones from memory, older ones from the journal."""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import msgspec

from mexc_tui.desk.wire import MAX_FRAME, FactMessage, Facts, encode
from mexc_tui.model import event as events
from mexc_tui.model.event import Fact

RECENT = 256
PAGE_FACTS = 256
PAGE_BYTES = 32 * 1024
MAX_FACT_BYTES = MAX_FRAME - 1_024


class FactSource(Protocol):
    """The journal."""

    async def after(self, sequence: int, limit: int) -> Sequence[Fact]:
        """Return up to `limit` events after `sequence`, oldest first, without a gap."""
        ...


class FactFeed:
    """Event feed of all viewers; the state of a viewer is one event number."""

    def __init__(self, source: FactSource, head: int) -> None:
        """Start after event `head` of the journal."""
        self.head = head
        self._source = source
        self._recent: deque[FactMessage] = deque(maxlen=RECENT)

    def add(self, fact: Fact) -> None:
        """Add a committed event. After a gap, viewers are served from the journal."""
        if fact.sequence <= self.head:
            return
        if fact.sequence != self.head + 1:
            self._recent.clear()
        self._recent.append(_fact_message(fact))
        self.head = fact.sequence

    async def page(self, after: int) -> Facts:
        """Return the next page of events after `after`."""
        messages: Sequence[FactMessage]
        if self._recent and self._recent[0].sequence <= after + 1:
            messages = [message for message in self._recent if message.sequence > after]
        else:
            messages = [_fact_message(fact) for fact in await self._source.after(after, PAGE_FACTS)]
        size, page = 0, list[FactMessage]()
        for item in messages[:PAGE_FACTS]:
            size += len(bytes(item.event)) + 16
            if page and size > PAGE_BYTES:
                break
            page.append(item)
        return Facts(facts=page)


def _fact_message(fact: Fact) -> FactMessage:
    body = events.encode(fact.event)
    if len(body) > MAX_FACT_BYTES:  # without its number the sequence would have a gap
        body = encode(
            {
                "kind": "too_large_to_show",
                "version": 1,
                "at_ms": fact.event.at_ms,
                "about": fact.event.about[:64],
                "of": fact.event.kind[:64],
                "bytes": len(body),
            }
        )
    return FactMessage(fact.sequence, msgspec.Raw(body))
