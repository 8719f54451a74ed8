"""Listen keys: access to the private channels and its lifetime (protocol 4.7, 9)."""

from random import Random

from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.scenario import Knobs


class PracticeListenKeys:
    """The live listen keys of the account, oldest first."""

    def __init__(self, knobs: Knobs, seed: int) -> None:
        self._knobs = knobs
        self._random = Random(f"{seed} listen keys")
        self._until_ms: dict[str, int] = {}
        self._sockets: dict[str, int] = {}

    def create(self, now_ms: int) -> str:
        """Return a new key, or the oldest one by the knob. Raises PracticeRefusal at the limit."""
        live = self.live(now_ms)
        if live and self._knobs.reuse_listen_key:
            return live[0]
        if len(live) >= self._knobs.listen_keys_per_account:
            raise _unknown()
        key = f"{self._random.getrandbits(256):064x}"
        self._extend(key, now_ms)
        return key

    def live(self, now_ms: int) -> list[str]:
        """Return the valid keys."""
        self._until_ms = {key: until for key, until in self._until_ms.items() if now_ms < until}
        return list(self._until_ms)

    def is_live(self, key: str, now_ms: int) -> bool:
        """Whether a key is valid."""
        return now_ms < self._until_ms.get(key, 0)

    def extend(self, key: str, now_ms: int) -> None:
        """Extend a key to its full validity. Raises PracticeRefusal "730708"."""
        self._need(key, now_ms)
        self._extend(key, now_ms)

    def close(self, key: str, now_ms: int) -> None:
        """Delete a key. Raises PracticeRefusal "730708"."""
        self._need(key, now_ms)
        del self._until_ms[key]

    def attach(self, key: str, now_ms: int) -> bool:
        """Count a socket of this key; False: unknown key, or too many sockets on it."""
        if not self.is_live(key, now_ms) or self._sockets.get(key, 0) >= self._knobs.sockets_per_listen_key:
            return False
        self._sockets[key] = self._sockets.get(key, 0) + 1
        return True

    def detach(self, key: str) -> None:
        """Count a closed socket of this key."""
        left = self._sockets.pop(key, 0) - 1
        if left > 0:
            self._sockets[key] = left

    def _need(self, key: str, now_ms: int) -> None:
        if not self.is_live(key, now_ms):
            raise _unknown()

    def _extend(self, key: str, now_ms: int) -> None:
        self._until_ms[key] = now_ms + int(self._knobs.listen_key_s * 1000)


def _unknown() -> PracticeRefusal:
    return PracticeRefusal("730708", "listen key information error")
