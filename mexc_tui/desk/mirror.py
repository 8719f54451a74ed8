"""Client-side copy of a view, updated atomically from one consistent state to the next."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic

import msgspec

from mexc_tui.desk.api_types import Row, ViewKind
from mexc_tui.desk.wire import SAME_RELEASE, Changes, ProtocolError, Subscribe

Listener = Callable[[frozenset[str]], None]
AWAITING_RESET = -1
"""Version before the first reset: only a reset is applied."""


class Mirror(Generic[Row]):
    """Rows of a view as last received. Their age is in `DeskClient.state`."""

    def __init__(self, kind: ViewKind[Row]) -> None:
        self.kind = kind
        self.version = 0
        self.is_complete = False
        """Whether the whole view was received at least once."""
        self.engine = ""
        """Engine to which the version belongs."""
        self._decoder = msgspec.json.Decoder(kind.row)
        self._rows: dict[str, Row] = {}
        self._listeners: list[Listener] = []
        self._next: dict[str, Row | None] = {}
        self._next_version = 0
        self._is_reset = False

    @property
    def rows(self) -> Mapping[str, Row]:
        """Return a read-only, live mapping of the rows."""
        return MappingProxyType(self._rows)

    def on_change(self, listener: Listener) -> None:
        """Call `listener` with the changed, added and removed keys. It must not block the client's loop."""
        self._listeners.append(listener)

    def subscription(self, engine: str, *, restart: bool = False) -> Subscribe:
        """Return the subscription to the next changes, or with `restart` to the whole view."""
        if restart or engine != self.engine:
            self.version = 0
        self._next, self._next_version, self._is_reset = {}, self.version or AWAITING_RESET, False
        self.engine = engine
        return Subscribe(view=self.kind.name, after=self.version, of=engine)

    def apply(self, changes: Changes) -> bool:
        """Apply the next part; return False if an earlier one is missing: then request the view again.

        Raises ProtocolError.
        """
        if changes.reset:
            self._next, self._next_version, self._is_reset = {}, 0, True
        if changes.after != self._next_version:
            return False
        try:
            for key, body in changes.rows.items():
                self._next[key] = self._decoder.decode(body)
        except msgspec.DecodeError as error:
            text = f"A row of {self.kind.name} is unknown to this front end ({error}). {SAME_RELEASE}"
            raise ProtocolError(text) from None
        self._next.update(dict.fromkeys(changes.gone))
        self._next_version = changes.upto
        if not changes.more:
            self._commit()
        return True

    def _commit(self) -> None:
        if self._is_reset:
            self._next = {**dict.fromkeys(self._rows), **self._next}
        changed = frozenset(key for key, row in self._next.items() if self._rows.get(key) != row)
        for key in changed:
            row = self._next[key]
            if row is None:
                del self._rows[key]
            else:
                self._rows[key] = row
        had_rows, self.is_complete = self.is_complete, True
        self.version = self._next_version
        self._next, self._is_reset = {}, False
        if changed or not had_rows:
            for listener in self._listeners:
                listener(changed)
