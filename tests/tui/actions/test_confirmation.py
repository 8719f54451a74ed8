from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.tui.actions.confirmation import (
    BURST_S,
    IGNORE_S,
    TIMEOUT_S,
    TYPING_TIMEOUT_S,
    ActionConfirmation,
    KeyMeaning,
)


def test_only_the_named_key_confirms_and_any_other_key_cancels() -> None:
    assert ActionConfirmation(0).handle_key("Y", "Y", 1.0) is KeyMeaning.YES
    for key, character in (("enter", "\r"), ("y", "y"), ("X", "X"), ("space", " "), ("n", "n"), ("f1", None)):
        assert ActionConfirmation(0).handle_key(key, character, 1.0) is KeyMeaning.NO, key


def test_keys_are_ignored_at_first_but_escape_always_cancels() -> None:
    question = ActionConfirmation(10.0)
    assert question.handle_key("Y", "Y", 10.0 + IGNORE_S - 0.01) is KeyMeaning.IGNORED
    assert question.handle_key("escape", None, 10.0) is KeyMeaning.NO
    assert question.handle_key("Y", "Y", 10.0 + IGNORE_S + BURST_S) is KeyMeaning.YES


@given(st.lists(st.sampled_from("XY\rn"), min_size=1, max_size=200), st.floats(0, BURST_S * 0.9))
def test_a_held_key_or_pasted_text_never_confirms(characters: list[str], apart_s: float) -> None:
    question = ActionConfirmation(0)
    now_s = 0.0
    for character in characters:
        now_s += apart_s
        assert question.handle_key(character, character, now_s) is KeyMeaning.IGNORED


def test_a_confirmation_expires_after_ten_seconds_and_a_typed_word_later() -> None:
    assert ActionConfirmation(5.0).left_s(6.0) == TIMEOUT_S - 1.0
    assert ActionConfirmation(5.0).left_s(5.0 + TIMEOUT_S) == 0
    assert ActionConfirmation(5.0, word="resume").left_s(5.0) == TYPING_TIMEOUT_S


def test_a_confirmation_waits_for_the_preview() -> None:
    question = ActionConfirmation(0, is_ready=False)
    assert question.handle_key("Y", "Y", 1.0) is KeyMeaning.IGNORED
    assert "Not yet" in question.note
    question.allow_confirmation(2.0)
    assert question.handle_key("Y", "Y", 2.1) is KeyMeaning.IGNORED
    assert question.handle_key("Y", "Y", 3.0) is KeyMeaning.YES


def test_a_share_is_selected_by_its_key() -> None:
    assert ActionConfirmation(0, choices=("2", "5")).handle_key("5", "5", 1.0) is KeyMeaning.CHOICE
    assert ActionConfirmation(0, choices=("2", "5")).handle_key("Y", "Y", 1.0) is KeyMeaning.NO


def _typed(question: ActionConfirmation, text: str, apart_s: float) -> list[KeyMeaning]:
    return [question.handle_key(one, one, 1.0 + number * apart_s) for number, one in enumerate(text)]


def test_a_word_is_typed_letter_by_letter_and_needs_no_enter() -> None:
    question = ActionConfirmation(0, word="resume")
    heard = _typed(question, "resum", 0.1)
    assert set(heard) == {KeyMeaning.IGNORED}
    assert question.handle_key("enter", "\r", 1.6) is KeyMeaning.IGNORED
    assert question.handle_key("e", "e", 1.7) is KeyMeaning.YES


def test_backspace_removes_a_wrong_letter() -> None:
    question = ActionConfirmation(0, word="stop")
    _typed(question, "sx", 0.1)
    question.handle_key("backspace", "\x7f", 1.4)
    assert question.typed == "s"
    assert [question.handle_key(one, one, 2.0 + number) for number, one in enumerate("top")][
        -1
    ] is KeyMeaning.YES


@given(st.floats(0, 0.03))
def test_a_pasted_word_is_ignored(apart_s: float) -> None:
    question = ActionConfirmation(0, word="resume")
    assert set(_typed(question, "resume", apart_s)) == {KeyMeaning.IGNORED}
    assert question.typed == ""
    assert "Pasted" in question.note
