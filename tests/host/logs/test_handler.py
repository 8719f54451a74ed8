"""The log handler: written by a thread, collapsed, and never blocking its callers."""

import logging
import threading
from collections.abc import Iterator

import pytest

from mexc_tui.host.logs.handler import MAX_LINE, MAX_WAITING, QueuedHandler, hide_in_logs
from mexc_tui.model.credentials import Secret


class Lines:
    """A sink that records lines and can be blocked."""

    def __init__(self) -> None:
        self.lines = list[str]()
        self.may_go = threading.Event()
        self.may_go.set()

    def write(self, line: str, at_s: float) -> None:
        self.may_go.wait()
        self.lines.append(line)


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    found = logging.getLogger("mexc_tui.tests.logs")
    found.propagate = False
    yield found
    found.handlers.clear()
    found.propagate = True


def test_a_message_is_one_line_in_utc_with_level_logger_and_traceback(log: logging.Logger) -> None:
    sink = Lines()
    handler = QueuedHandler([sink])
    log.addHandler(handler)
    log.warning("the disk of %s is %s", "ABC", "full")
    try:
        raise OSError("no space")
    except OSError:
        log.exception("it failed")
    log.info("not written")
    handler.flush()
    assert sink.lines[0].endswith("Z WARNING mexc_tui.tests.logs: the disk of ABC is full\n")
    assert sink.lines[1].endswith("OSError: no space\n")
    assert "Traceback (most recent call last)" in sink.lines[1]
    assert len(sink.lines) == 2


def test_repetitions_are_summarised_when_due_and_at_the_end(log: logging.Logger) -> None:
    now_s = [0.0]
    sink = Lines()
    handler = QueuedHandler([sink], lambda: now_s[0])
    log.addHandler(handler)

    def fail(times: int) -> None:
        for number in range(times):
            log.error("attempt %d failed", number)

    fail(1_000)
    handler.flush()
    assert len(sink.lines) == 1
    now_s[0] = 61.0
    handler.flush()
    assert len(sink.lines) == 2
    assert "attempt 999 failed [repeated 999 times" in sink.lines[1]
    fail(5)
    handler.close()
    assert "attempt 4 failed [repeated 5 times" in sink.lines[2]
    assert len(sink.lines) == 3


def test_a_blocked_sink_delays_no_caller_and_memory_is_bounded(log: logging.Logger) -> None:
    sink = Lines()
    handler = QueuedHandler([sink])
    log.addHandler(handler)
    sink.may_go.clear()
    for number in range(MAX_WAITING + 1_000):
        log.warning("message %d", number)
    sink.may_go.set()
    handler.flush()
    log.warning("another one")
    handler.close()
    text = "".join(sink.lines)
    assert "messages dropped: 5000 were waiting to be written" in text
    assert "another one" in text


def test_an_invalid_log_call_and_a_huge_message_are_still_written(log: logging.Logger) -> None:
    sink = Lines()
    handler = QueuedHandler([sink])
    log.addHandler(handler)
    log.warning("%d of them", "many")
    log.warning("x" * 10_000_000)
    handler.flush()
    assert "'%d of them': TypeError" in sink.lines[0]
    assert len(sink.lines[1]) <= MAX_LINE + 1


def test_secrets_are_removed_from_messages_and_tracebacks(log: logging.Logger) -> None:
    secret, signature = "Canary-secret-0123456789", "0123456789abcdef" * 4
    hide_in_logs(Secret(secret))
    sink = Lines()
    handler = QueuedHandler([sink])
    log.addHandler(handler)
    try:
        raise ValueError(f"no access with {secret} and {secret.encode().hex()}")
    except ValueError:
        log.exception("GET /api?signature=%s failed for %s", signature, secret)
    handler.close()
    text = "".join(sink.lines)
    assert "Traceback" in text
    for form in (secret, secret.encode().hex(), signature):
        assert form not in text
    assert "[removed]" in text
