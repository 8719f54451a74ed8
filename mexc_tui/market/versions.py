"""Version order of each symbol's order book: an older version never replaces a newer one (protocol 8.1)."""

RENEWED_NS = 2_000_000_000
"""After this time without a newer version any version is accepted: one wrong number must not block a stop."""


class VersionOrder:
    """Newest version of each symbol over all sources: quotes, levels, snapshots."""

    def __init__(self) -> None:
        """Start without versions."""
        self._newest: dict[str, tuple[int, int]] = {}

    def accepts(self, symbol: str, version: int, now_ns: int) -> bool:
        """Record a version; return False if a newer one came before. 0 (unknown) is always accepted."""
        if not version:
            return True
        newest, at_ns = self._newest.get(symbol, (0, now_ns))
        if version < newest and now_ns - at_ns < RENEWED_NS:
            return False
        self._newest[symbol] = (version, now_ns)
        return True

    def forget(self, symbol: str) -> None:
        """Accept any version next: a new subscription."""
        self._newest.pop(symbol, None)

    def clear(self) -> None:
        """Accept any version of every symbol next."""
        self._newest.clear()
