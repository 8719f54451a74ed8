"""Client order ids of this engine: created per intent, each used once."""

from mexc_tui.engine.runtime.recent_keys import RecentKeys
from mexc_tui.ledger import ids
from mexc_tui.model.intent import Intent

MAX_IDS = 20_000
"""Remembered ids, enough for hundreds of intents. A forgotten id is replaced by a new one."""


class ClientIds:
    """Created and unused client order ids."""

    def __init__(self, desk_id: str, boot_ms: int) -> None:
        """`desk_id` and `boot_ms` are part of each id, so that no two engines create the same one."""
        self.desk_id, self._boot_ms = desk_id, boot_ms
        self._counter = 0
        self._fresh = RecentKeys[str](MAX_IDS)

    def make(self, attempts: int) -> tuple[str, ...]:
        """Create ids for the attempts of a new intent."""
        self._counter += 1
        made = ids.make_ids(self.desk_id, self._boot_ms, self._counter, attempts=attempts)
        self._fresh.update(made)
        return made

    def next_unused(self, intent: Intent) -> str:
        """Return an unused id of this intent; empty: none left."""
        for name in intent.client_ids:
            if name in self._fresh:
                self._fresh.discard(name)
                return name
        return ""
