"""Writes notifications about committed facts to the outbox."""

from collections.abc import Callable, Sequence

from mexc_tui.model.event import Fact
from mexc_tui.model.notification import ChannelName, Notification
from mexc_tui.model.storage import Durability
from mexc_tui.notify.schedule import NotifyPolicy, first_attempt_ms, is_selected, is_suppressed, receives
from mexc_tui.notify.selection import Titles, notifications_of
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Store, UnitOfWork

PAGE = 500
"""Facts read from the journal at once."""


class Outbox:
    """Outbox of one engine. The same fact may be added again: its notification is stored once."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        channels: Sequence[ChannelName],
        policy: NotifyPolicy,
        title: Titles,
        added: Callable[[], None],
    ) -> None:
        """`added` is called after each commit with new notifications."""
        self._store = store
        self._clock = clock
        self._channels = tuple(channels)
        self._policy = policy
        self._title = title
        self._added = added

    async def start(self, head: int) -> int:
        """Return the newest fact considered before, at first `head`: older facts are not sent."""

        def position(unit: UnitOfWork) -> int:
            stored = unit.notifications.position()
            if stored is None or stored > head:
                unit.notifications.forget_position()
                unit.notifications.save_position(head)
                return head
            return stored

        return await self._store.write("notify position", position, durability=Durability.NORMAL)

    async def add(self, facts: Sequence[Fact]) -> None:
        """Store the notifications about some facts, and the newest fact, in one transaction."""
        if not facts:
            return
        now_ms = self._clock.now_ms()
        selected = [
            one
            for fact in facts
            for one in notifications_of(fact, self._title)
            if is_selected(one, self._policy, now_ms)
        ]
        newest = facts[-1].sequence

        def add(unit: UnitOfWork) -> int:
            unit.notifications.save_position(newest)
            return sum(self._add_one(unit, one, now_ms) for one in selected)

        if await self._store.write("notifications", add, durability=Durability.NORMAL):
            self._added()

    async def catch_up(self, first: int, last: int) -> None:
        """Add the facts `first` to `last` of the journal."""
        while first <= last:
            after, limit = first - 1, min(PAGE, last - first + 1)
            facts = await self._store.read(
                "facts to notify", lambda stored, after=after, limit=limit: stored.journal.after(after, limit)
            )
            facts = [fact for fact in facts if fact.sequence <= last]
            if not facts:
                return
            await self.add(facts)
            first = facts[-1].sequence + 1

    def _add_one(self, unit: UnitOfWork, one: Notification, now_ms: int) -> bool:
        table = unit.notifications
        if is_suppressed(one, table.previous(one.rule, one.about), self._policy):
            return False
        next_ms = first_attempt_ms(one, self._policy, now_ms)
        return table.add(one, [(channel, next_ms) for channel in self._channels if receives(channel, one)])
