"""What happened in a run, in order: its digest is equal for the same seed and the same code (I17)."""

from collections import deque
from hashlib import blake2b

KEPT = 60


class History:
    """Lines of one run, with the last ones kept for a report."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self._lines: deque[str] = deque(maxlen=KEPT)

    def add(self, at_s: float, line: str) -> None:
        """Add a line."""
        line = f"{at_s:.6f} {line}"
        self._hash.update(line.encode() + b"\n")
        self._lines.append(line)

    def digest(self) -> str:
        """Return the digest of all lines."""
        return self._hash.hexdigest()

    def last(self) -> tuple[str, ...]:
        """Return the last lines, oldest first."""
        return tuple(self._lines)
