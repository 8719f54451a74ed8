"""Facts for viewers: the newest from memory, older ones from the journal, never one left out."""

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
        """Return up to `limit` facts behind `sequence`, oldest first, without a gap."""
        ...


class FactFeed:
    """Serves any number of viewers; each of them costs one number."""

    def __init__(self, source: FactSource, head: int) -> None:
        """Begin with the journal at `head`."""
        self.head = head
        self._source = source
        self._recent: deque[FactMessage] = deque(maxlen=RECENT)

    def add(self, fact: Fact) -> None:
        """Take a committed fact. One that is not the next sends everybody to the journal."""
        if fact.sequence <= self.head:
            return
        if fact.sequence != self.head + 1:
            self._recent.clear()
        self._recent.append(_fact_message(fact))
        self.head = fact.sequence

    async def page(self, after: int) -> Facts:
        """Return what comes behind `after`, at most a page."""
        messages: Sequence[FactMessage]
        if self._recent and self._recent[0].sequence <= after + 1:
            messages = [message for message in self._recent if message.sequence > after]
        else:
            messages = [_fact_message(fact) for fact in await self._source.after(after, PAGE_FACTS)]
        size, page = 0, list[FactMessage]()
        for one in messages[:PAGE_FACTS]:
            size += len(bytes(one.event)) + 16
            if page and size > PAGE_BYTES:
                break
            page.append(one)
        return Facts(facts=page)


def _fact_message(fact: Fact) -> FactMessage:
    body = events.encode(fact.event)
    if len(body) > MAX_FACT_BYTES:  # its number must be sent all the same
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
