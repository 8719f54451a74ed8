"""Order of the versions of one pair's order book: an older one never replaces a newer one (protocol 8.1)."""

RENEWED_NS = 2_000_000_000
"""After so long without a newer version any is accepted: one wrong number must not blind a stop."""


class VersionOrder:
    """Newest version of each pair, over all of its sources: quotes, levels, snapshots."""

    def __init__(self) -> None:
        """Start without any."""
        self._newest: dict[str, tuple[int, int]] = {}

    def accepts(self, symbol: str, version: int, now_ns: int) -> bool:
        """Note a version; return False if a newer one came before. 0, unknown, is always accepted."""
        if not version:
            return True
        newest, at_ns = self._newest.get(symbol, (0, now_ns))
        if version < newest and now_ns - at_ns < RENEWED_NS:
            return False
        self._newest[symbol] = (version, now_ns)
        return True

    def forget(self, symbol: str) -> None:
        """Accept any version next: a subscription began anew."""
        self._newest.pop(symbol, None)

    def clear(self) -> None:
        """Accept any version of any pair next."""
        self._newest.clear()
