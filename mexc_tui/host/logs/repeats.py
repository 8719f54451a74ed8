"""Collapses repeated log messages: each is written when it first occurs, then counted. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

FIRST_WAIT_S = 60.0
"""Time until the first summary of repetitions; it doubles with each summary."""
MAX_WAIT_S = 3_600.0
QUIET_S = 600.0
"""Seconds without a message after which it is written in full again."""
MAX_TEXTS = 25
"""Maximum different texts written per origin; further ones are counted together."""
MAX_KINDS = 200
COMPARED = 1_000
"""Characters of a text used to compare it."""
OTHERS = ""

_WORD = re.compile(r"[0-9a-z]+")


@dataclass(frozen=True, slots=True)
class MessageOrigin:
    """Where in the code a message comes from."""

    logger: str
    level: str
    template: str
    line: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is logged. `at_s`: Unix time; `detail`: lines below it, such as a traceback."""

    kind: MessageOrigin
    at_s: float
    text: str
    detail: str = ""


@dataclass(slots=True)
class _Count:
    """Repetitions of one text. `first_s`: Unix time of the first unwritten one; `recorded_s`: monotonic."""

    began_s: float
    due_s: float
    recorded_s: float
    wait_s: float = FIRST_WAIT_S
    total: int = 1
    unwritten: int = 0
    first_s: float = 0.0
    last: Message | None = None


_Counts = dict[str, _Count]
"""Counts by comparison key."""


class Repeats:
    """Selects the messages to write. `now_s`: monotonic clock."""

    def __init__(self) -> None:
        """Start without messages."""
        self._kinds: dict[MessageOrigin, _Counts] = {}
        self._evicted: list[Message] = []

    def record(self, message: Message, now_s: float) -> bool:
        """Return whether to write a message; otherwise it is counted."""
        counts = self._kinds.pop(message.kind, None) or {}
        self._kinds[message.kind] = counts  # the last one is the newest
        self._evict()
        key = _comparison_key(message)
        if key not in counts and len(counts) >= MAX_TEXTS:
            key = OTHERS
        count = counts.get(key)
        is_new = count is None
        if count is None:
            count = counts[key] = _Count(message.at_s, now_s + FIRST_WAIT_S, now_s, total=0)
        count.total += 1
        count.recorded_s = now_s
        if is_new and key != OTHERS:
            return True
        count.first_s = message.at_s if not count.unwritten else count.first_s
        count.unwritten += 1
        count.last = message
        return False

    def due(self, now_s: float) -> list[Message]:
        """Return the summaries that are due; forget messages that have not occurred for long."""
        found, self._evicted = self._evicted, []
        for kind, counts in list(self._kinds.items()):
            for key, count in list(counts.items()):
                if now_s < count.due_s:
                    continue
                if count.unwritten:
                    found.append(_summary(count, is_others=key == OTHERS))
                    count.wait_s = min(count.wait_s * 2, MAX_WAIT_S)
                elif now_s - count.recorded_s >= QUIET_S:
                    del counts[key]
                else:
                    count.wait_s = FIRST_WAIT_S
                count.due_s = now_s + count.wait_s
            if not counts:
                del self._kinds[kind]
        return found

    def next_s(self) -> float | None:
        """Return the time of the next summary; None: nothing is counted."""
        return min(
            (count.due_s for counts in self._kinds.values() for count in counts.values()), default=None
        )

    def end(self) -> list[Message]:
        """Return summaries of all counted messages."""
        found, self._evicted = self._evicted, []
        for counts in self._kinds.values():
            found += _unwritten(counts)
        self._kinds.clear()
        return found

    def size(self) -> int:
        """Return the number of texts in memory."""
        return sum(len(counts) for counts in self._kinds.values())

    def _evict(self) -> None:
        while len(self._kinds) > MAX_KINDS:
            oldest = next(iter(self._kinds))
            self._evicted += _unwritten(self._kinds.pop(oldest))


def moment(at_s: float) -> str:
    """Return a time in UTC with milliseconds, in the format of the log."""
    try:
        return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%S}.{int(at_s * 1_000) % 1_000:03d}Z"
    except (ValueError, OverflowError, OSError):
        return f"{at_s:.3f}"


def _unwritten(counts: _Counts) -> Iterator[Message]:
    for key, count in counts.items():
        if count.unwritten:
            yield _summary(count, is_others=key == OTHERS)


def _summary(count: _Count, *, is_others: bool) -> Message:
    """Return the last message with its number of repetitions, and reset the count."""
    last = count.last
    assert last is not None
    what = "different messages of this kind" if is_others else "times"
    span = f"from {moment(count.first_s)} to {moment(last.at_s)}"
    since = f"{count.total} since {moment(count.began_s)}"
    text = f"{last.text} [repeated {count.unwritten} {what} {span}; {since}]"
    count.unwritten, count.last = 0, None
    return Message(last.kind, last.at_s, text)


def _comparison_key(message: Message) -> str:
    """Return the comparison key of a text: numbers, ids and times count as equal."""
    last_line = message.detail.rstrip().rpartition("\n")[2]
    text = f"{message.text[:COMPARED]}\n{last_line[:COMPARED]}"
    return _WORD.sub(lambda found: "#" if any(char.isdigit() for char in found[0]) else found[0], text)
