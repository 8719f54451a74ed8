"""Any bytes from a terminal: keys still work, and no garbage is decoded as keys."""

from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from textual import events, messages
from textual.message import Message

from mexc_tui.tui.terminal.input_decoder import MAX_PASTED, MAX_TYPED, PASTE_SILENCE_S, InputDecoder

TICK_S = 0.05


class DecoderInput:
    """A decoder with a clock of its own, and the messages that it returned."""

    def __init__(self) -> None:
        self.decoder, self.now_s = InputDecoder(), 1_000.0
        self.heard: list[Message] = []

    def send(self, *parts: bytes) -> "DecoderInput":
        """Send parts in separate reads without a pause."""
        for part in parts:
            self.heard.extend(self.decoder.feed(part, self.now_s))
        return self

    def wait(self, wait_s: float) -> "DecoderInput":
        """Advance the clock without input."""
        end_s = self.now_s + wait_s
        while self.now_s < end_s:
            self.now_s += TICK_S
            self.heard.extend(self.decoder.idle(self.now_s))
        return self

    @property
    def keys(self) -> list[str]:
        """Return the decoded keys in Textual's notation."""
        return keys(self.heard)


def keys(heard: Iterable[Message]) -> list[str]:
    return [one.key for one in heard if isinstance(one, events.Key)]


def pastes(line: DecoderInput) -> list[str]:
    return [one.text for one in line.heard if isinstance(one, events.Paste)]


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (b"h", ["h"]),
        (b"H", ["H"]),
        ("é€😀".encode(), ["é", "euro_sign", "grinning_face"]),
        (b"\r\t\x7f\x00\x03", ["enter", "tab", "backspace", "ctrl+@", "ctrl+c"]),
        (b"\x1b[A\x1bOB\x1b[5~", ["up", "down", "pageup"]),
        (b"\x1bOP\x1b[[A\x1b[11~", ["f1", "f1", "f1"]),
        (b"\x1b[1;5C\x1b[Z", ["ctrl+right", "shift+tab"]),
        (b"\x1b[104u\x1b[97;5u\x1b[104;;104u\x1b[27u", ["h", "ctrl+a", "h", "escape"]),
        (b"\x1bh", ["escape", "h"]),
        (b"\x1b\x1b[A", ["escape", "up"]),
        (b"\x1bf\x1b\x7f", ["ctrl+right", "ctrl+w"]),
    ],
)
def test_keys_are_decoded(sent: bytes, wanted: list[str]) -> None:
    assert DecoderInput().send(sent).wait(1).keys == wanted
    assert DecoderInput().send(*(bytes([byte]) for byte in sent)).wait(1).keys == wanted


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1b[M \x82\xd0",
        b"\x1b[M !!",
        b"\x1b[M h!",
        b"\x1b[" + b"9" * 100_000 + b"u",
        b"\x1b[" + b"1;" * 5_000 + b"h",
        b"\x1b[" + b"9" * 5_000 + b";5m",
        b"\x1b[1114112u",
        b"\x1b[99999999999u",
        b"\x1b[55296u",
        b"\x1b[97;;55296u",
        b"\x1b[97;;1114112u",
        b"\x1b[97:65;1:1u",
        b"\x1b[<0;99999999999999999999;1M",
        b"\x1b[<999999999999999999999999999;5;5M",
        b"\x1b[<0;-5;5M",
        b"\x1b[<h",
        b"\x1b[99999h",
        b"\x1b[?25h",
        b"\x1b[?62;1;6c",
        b"\x1b[5;5R",
        b"\x1b[48;0;0;0;0t",
        b"\x1b[48;99999;99999;0;0t",
        b"\x1b[?2048;1$y",
        b"\x1b]11;rgb:hhhh/0000/ffff\x07",
        b"\x1b]52;c;aGhoaA==\x1b\\",
        b"\x1bP1+r544e=787465726d\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b[201~",
        b"\x1b\\",
    ],
)
def test_an_unknown_sequence_is_dropped(sent: bytes) -> None:
    line = DecoderInput().send(sent, b"h").wait(0.2)
    assert line.keys == ["h"]
    assert not [one for one in line.heard if not isinstance(one, (events.Key, events.MouseEvent))]
    line = DecoderInput()
    for begin in range(0, len(sent), 7):
        line.send(sent[begin : begin + 7])
    assert line.send(b"h").keys == ["h"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\xe9",
        b"\xff\xfe",
        b"\xed\xa0\x80",  # a surrogate
        b"\xf8\x88\x80\x80\x80",
        b"\xf0\x9f\x9a",
        b"\xc0\xaf",
        b"\x00",
        b"\x9b31m"[:1],
    ],
)
def test_invalid_utf_8_is_replaced_and_the_next_key_decoded(sent: bytes) -> None:
    assert DecoderInput().send(sent + b"h").keys[-1] == "h"
    assert DecoderInput().send(sent, b"h").keys[-1] == "h"
    assert DecoderInput().send(sent).wait(1).send(b"h").keys[-1] == "h"


@pytest.mark.parametrize(
    "cut", [b"\x1b[", b"\x1b[1;", b"\x1bO", b"\x1b[M", b"\x1b[<0;5", b"\x1b]0;x", b"\x1bP", b"\x1b[200"]
)
def test_an_unterminated_sequence_is_dropped_after_a_timeout(cut: bytes) -> None:
    line = DecoderInput().send(cut).wait(0.6)
    assert line.send(b"h").keys == ["h"]


def test_a_sequence_in_slow_parts_is_not_decoded_as_letters() -> None:
    line = DecoderInput()
    for byte in b"\x1b[1;5A":
        line.send(bytes([byte])).wait(0.05 if byte == 0x1B else 0.3)
    assert line.keys == ["ctrl+up"]


def test_an_unterminated_control_string_blocks_keys_only_briefly() -> None:
    line = DecoderInput().send(b"\x1b]0;")
    for _ in range(60):
        line.send(b"h")
        line.now_s += 0.05
    assert "h" in line.keys


def test_a_single_escape_is_the_escape_key() -> None:
    assert DecoderInput().send(b"\x1b").wait(0.2).send(b"h").keys == ["escape", "h"]
    assert DecoderInput().send(b"\x1b\x1b\x1b").wait(0.2).keys == ["escape"] * 3


def test_pasted_text_is_not_decoded_as_keys_and_an_unterminated_paste_ends_after_a_pause() -> None:
    whole = DecoderInput().send(b"\x1b[200~hXY\x1b[A\x00q\x1b[20", b"1~h")
    assert (pastes(whole), whole.keys) == (["hXY\x1b[Aq"], ["h"])
    cut = DecoderInput().send(b"\x1b[200~hXY", b"A\x1b[20").wait(PASTE_SILENCE_S + TICK_S)
    assert (pastes(cut), cut.keys) == (["hXYA\x1b[20"], [])
    assert cut.send(b"h").keys == ["h"]
    slow = DecoderInput().send(b"\x1b[200~h").wait(PASTE_SILENCE_S - 2 * TICK_S).send(b"X\x1b[201~")
    assert (pastes(slow), slow.keys) == (["hX"], [])


def test_a_long_paste_is_truncated_and_an_empty_one_ignored() -> None:
    line = DecoderInput().send(b"\x1b[200~", *[b"x" * 4_096] * 1_000, b"\x1b[201~h", b"\x1b[200~\x1b[201~")
    assert [len(text) for text in pastes(line)] == [MAX_PASTED]
    assert line.keys == ["h"]


def test_a_burst_of_letters_is_a_paste_unless_one_key_is_held_down() -> None:
    text = "sell everything Y " * 100
    line = DecoderInput().send(text.encode())
    assert (pastes(line), line.keys) == ([text], [])
    assert DecoderInput().send(b"h" * 500).keys == ["h"] * MAX_TYPED


def test_a_later_part_of_unmarked_pasted_text_is_no_key_and_the_next_key_is() -> None:
    text = "sell everything Y " * 227
    line = DecoderInput().send(text.encode(), b"hKY")
    line.now_s += 0.05
    line.send(b"K")
    assert ("".join(pastes(line)), line.keys) == (text + "hKYK", [])
    assert line.wait(0.2).send(b"h").keys == ["h"]


def test_a_held_key_after_unmarked_pasted_text_is_soon_decoded() -> None:
    line = DecoderInput().send(b"sell everything Y " * 227)
    for _ in range(20):
        line.now_s += 0.033
        line.send(b"h")
    assert line.keys[-1:] == ["h"]


@pytest.mark.parametrize("every_s", [0.033, 0.25, 0.9])
def test_an_unterminated_paste_blocks_repeated_keys_only_briefly(
    every_s: float,
) -> None:
    line = DecoderInput().send(b"\x1b[200~hXY")
    while not line.keys and line.now_s < 1_004:
        line.now_s += every_s
        line.send(b"h")
    assert line.keys == ["h"]
    assert line.send(b"h").keys == ["h", "h"]


def test_a_long_paste_over_a_slow_connection_is_not_decoded_as_keys() -> None:
    line = DecoderInput().send(b"\x1b[200~")
    for _ in range(400):
        line.now_s += 0.02
        line.send(b"hXY sell every thing")
    line.send(b"\x1b[201~")
    assert (pastes(line), line.keys) == (["hXY sell every thing" * 400], [])


def test_mouse_focus_and_mode_reports_are_decoded() -> None:
    heard = DecoderInput().send(b"\x1b[<0;5;6M\x1b[<0;5;6m\x1b[I\x1b[O\x1b[?2026;2$y").heard
    assert [type(one) for one in heard] == [
        events.MouseDown,
        events.MouseUp,
        events.AppFocus,
        events.AppBlur,
        messages.TerminalSupportsSynchronizedOutput,
    ]
    assert isinstance(heard[0], events.MouseDown)
    assert (heard[0].x, heard[0].y) == (4, 5)


FRAGMENTS = st.sampled_from(
    [
        b"\x1b",
        b"\x1b[",
        b"\x1b[200~",
        b"\x1b[201~",
        b"\x1b[M",
        b"\x1b[<",
        b"\x1bO",
        b"\x1b]",
        b"\x1bP",
        b"\x07",
        *(
            b"9" * 70,
            b";",
            b":",
            b"u",
            b"~",
            b"M",
            b"\xe9",
            b"\xed\xa0\x80",
            b"\xf0\x9f",
            b"\x18",
            b"h",
            b"\x9b",
        ),
        *(b"\x1b[1114112u", b"\x1b[55296u", b"\x1b[?2048;1$y", b"\x1b[48;9;9;9;9t", b"\x00", b"\xff"),
    ]
)
BYTES = st.lists(st.one_of(FRAGMENTS, st.binary(max_size=40)), max_size=12)


@given(parts=BYTES, pause_s=st.sampled_from([0.0, 0.1, 0.3, 1.5]))
@example(parts=[b"\x1b[200~", b"\xe9"], pause_s=0.0)
@settings(max_examples=600)
def test_a_key_after_any_bytes_and_a_pause_is_decoded(parts: list[bytes], pause_s: float) -> None:
    line = DecoderInput()
    for part in parts:
        line.send(part).wait(pause_s)
    line.wait(PASTE_SILENCE_S + TICK_S)
    before = len(line.heard)
    line.send(b"h")
    assert keys(line.heard[before:]) == ["h"]


@given(parts=BYTES)
@settings(max_examples=300)
def test_no_message_has_text_that_cannot_be_encoded(parts: list[bytes]) -> None:
    for one in DecoderInput().send(*parts).wait(2).heard:
        text = one.text if isinstance(one, events.Paste) else getattr(one, "character", None) or ""
        text.encode()
