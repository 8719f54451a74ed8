"""Repeated messages are written once and counted, new ones at once, in bounded memory."""

from mexc_tui.host.logs.repeats import MAX_KINDS, MAX_TEXTS, Message, MessageOrigin, Repeats

POLL = MessageOrigin(
    "mexc_tui.engine.market.poll_worker", "WARNING", "%s could not be read, time %d: %s", 156
)


def message(text: str, at_s: float, kind: MessageOrigin = POLL, detail: str = "") -> Message:
    return Message(kind, at_s, text, detail)


def written(repeats: Repeats, messages: list[Message]) -> list[str]:
    """Return every line written for these messages, including due summaries."""
    found = list[str]()
    for one in messages:
        found += [summary.text for summary in repeats.due(one.at_s)]
        if repeats.record(one, one.at_s):
            found.append(one.text)
    return found


def test_thousands_of_equal_messages_are_a_few_lines_with_first_last_and_count() -> None:
    repeats = Repeats()
    failed = MessageOrigin("mexc_tui.store", "ERROR", "%s", 7)
    lines = written(repeats, [message("the disk is full", n / 20, failed) for n in range(3_600)])  # 180 s
    assert lines[0] == "the disk is full"
    assert lines[1] == (
        "the disk is full [repeated 1199 times from 1970-01-01T00:00:00.050Z to "
        "1970-01-01T00:00:59.950Z; 1200 since 1970-01-01T00:00:00.000Z]"
    )
    assert len(lines) == 2
    (last,) = repeats.end()
    assert "repeated 2400 times" in last.text
    assert "3600 since 1970-01-01T00:00:00.000Z" in last.text


def test_messages_that_differ_only_in_numbers_and_ids_are_counted_together() -> None:
    repeats = Repeats()
    lines = written(
        repeats,
        [
            message(f"calendar could not be read, time {n}: no answer in {n}.5 s, order mxt{n}ab", n)
            for n in range(50)
        ],
    )
    assert len(lines) == 1


def test_a_message_about_another_pair_or_source_is_written_at_once() -> None:
    repeats = Repeats()
    sources = ["calendar", "symbols", "1000SATSUSDT", "1000CATUSDT"]
    messages = [
        message(f"{source} could not be read, time {n}: no answer", n)
        for n in range(10)
        for source in sources
    ]
    assert len(written(repeats, messages)) == 4


def test_a_new_cause_of_the_same_failure_is_written_at_once() -> None:
    repeats = Repeats()
    failed = MessageOrigin("mexc_tui.engine.exits.exit_execution", "ERROR", "the sale of %s failed", 188)
    texts = ["OSError: disk", "KeyError: 'bid'", "OSError: disk"]
    messages = [
        message("the sale of ABC failed", n, failed, f"\nTraceback:\n{text}") for n, text in enumerate(texts)
    ]
    assert len(written(repeats, messages)) == 2


def test_a_day_long_outage_logs_few_lines_of_each_message() -> None:
    repeats = Repeats()
    lines = written(
        repeats, [message(f"calendar could not be read, time {n}: no answer", n * 2.4) for n in range(36_000)]
    )
    assert len(lines) < 40


def test_a_message_absent_for_ten_minutes_is_written_in_full_again() -> None:
    repeats = Repeats()
    assert written(repeats, [message("no answer", 0), message("no answer", 500)]) == ["no answer"]
    assert repeats.due(560)[0].text.startswith("no answer [repeated 1 times")
    for now_s in range(600, 2_000, 10):
        assert repeats.due(now_s) == []
    assert repeats.size() == 0
    assert written(repeats, [message("no answer", 2_000)]) == ["no answer"]


def test_ever_changing_texts_are_counted_together_and_the_last_is_written() -> None:
    repeats = Repeats()
    names = [f"{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(400)]
    assert (
        len(written(repeats, [message(f"{name} is unknown", n / 100) for n, name in enumerate(names)]))
        == MAX_TEXTS
    )
    (summary,) = repeats.due(120)
    assert summary.text.startswith(
        f"{names[-1]} is unknown [repeated {400 - MAX_TEXTS} different messages of this kind"
    )


def test_memory_is_bounded_and_evicted_counts_are_written() -> None:
    repeats = Repeats()
    for number in range(2 * MAX_KINDS):
        kind = MessageOrigin("some.logger", "WARNING", "%s", number)
        for _ in range(2):
            repeats.record(message("again", number / 1_000, kind), number / 1_000)
    assert repeats.size() <= MAX_KINDS
    assert len(repeats.due(1)) == MAX_KINDS
    assert len(repeats.end()) == MAX_KINDS


def test_a_clock_that_steps_back_delays_no_summary() -> None:
    repeats = Repeats()
    assert repeats.record(message("no answer", 10_000), 0)
    assert not repeats.record(message("no answer", 6_400), 1)
    (summary,) = repeats.due(60)
    assert (
        "from 1970-01-01T01:46:40.000Z to 1970-01-01T01:46:40.000Z; 2 since 1970-01-01T02:46:40.000Z"
        in summary.text
    )
