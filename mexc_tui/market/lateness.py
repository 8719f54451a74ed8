"""For which time a stream message is valid: a message that waited in a queue is not current."""

PROMPT_MS = 500
"""A smaller delay is network and the error of the measured clock: the message counts as current."""
MAX_LATE_MS = 60_000
"""A larger delay is a wrong clock, not a queue: the message counts as current."""


def as_of_ms(sent_ms: int, now_ms: int) -> int:
    """Return when the data of a message was true: now, or when a late message was sent.

    Both in exchange time; `sent_ms` 0: the message did not state it.
    """
    is_late = sent_ms > 0 and PROMPT_MS < now_ms - sent_ms <= MAX_LATE_MS
    return sent_ms if is_late else now_ms
