import pytest

from mexc_tui.model.intent import CloseReason


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (CloseReason.MANUAL, "manual close"),
        (CloseReason.BREAK_EVEN, "break even"),
        (CloseReason.NONE, "unknown reason"),
    ],
)
def test_a_close_reason_reads_as_text(reason: CloseReason, words: str) -> None:
    assert reason.text == words
