"""Decode terminal input into keys, mouse reports and pastes. No input can stop it.

Textual's parser raises at invalid UTF-8 and impossible key codes, and treats the letters of an unknown
sequence as typed keys. Here sequences are delimited by the rules of ECMA-48 first; each is decoded
separately, and an unknown one is dropped.
"""

import logging
import re
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator

from textual import constants, events, messages
from textual._xterm_parser import XTermParser
from textual.keys import Keys
from textual.message import Message

log = logging.getLogger(__name__)

ESCAPE_S = constants.ESCAPE_DELAY
"""Time without a further byte after which an ESC is the escape key."""
SEQUENCE_S = 0.5
"""After this time an incomplete sequence is dropped."""
STRING_S = 2.0
"""Timeout of an unterminated control string."""
PASTE_SILENCE_S = 1.0
"""A paste that pauses for this time has ended, even without its end marker."""
PASTE_WINDOW_S, PASTE_WINDOW_BYTES = 2.0, 512
"""A paste slower than this rate has ended: the input is typed."""
UNMARKED_S = 0.1
"""Text within this time after unmarked pasted text belongs to it."""
MAX_SEQUENCE = 64
"""Maximum bytes of a meaningful sequence."""
MAX_PASTED = 65_536
"""Maximum characters of a paste."""
MAX_TYPED = 64
"""More characters at once than this are a paste without brackets."""
MAX_COORDINATE = 10_000.0

_ESC = 0x1B
_PASTE_BEGIN, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_CONTROL_SEQUENCE = re.compile(
    rb"\x1b\[M[ -\xff]{3}"  # a mouse report of X10
    rb"|\x1b\[\[[ -~]"  # a function key of the Linux console
    rb"|\x1b\[(?![M\[])[ -?]*[@-~]"
    rb"|\x1bO[0-9;]*[@-~]"
)
_INCOMPLETE = re.compile(rb"\x1b(\[(M[ -\xff]{0,2}|\[|[ -?]*)?|O[0-9;]*)?")
_STRING_BEGIN = re.compile(rb"\x1b[\]PX^_]")
_STRING_END = re.compile(rb"\x07|(?=[\x18\x1a\x1b])")
_SEQUENCE_END = re.compile(rb"[@-~]|(?=[^ -?])")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOUSE = re.compile(r"\x1b\[<\d+;-?\d+;-?\d+[Mm]")
_MODE_REPORT = re.compile(r"\x1b\[\?2026;[1-4]\$y")
_UNREQUESTED_REPORT = re.compile(r"\x1b\[(\d+;\d+R|48;[\d:;]*t|\?.*)")
"""Reports of cursor position, size and modes: never requested, dropped."""


class InputDecoder:
    """Converts bytes to messages; keeps incomplete input until completion or timeout."""

    def __init__(self) -> None:
        """Start without input."""
        self._parser = XTermParser()
        self._text = getincrementaldecoder("utf-8")("replace")
        self._buffer = b""
        self._now_s = self._read_s = 0.0
        self._skip_until: re.Pattern[bytes] | None = None
        """Terminator of the sequence being skipped."""
        self._skipping_since_s = 0.0
        self._pasted: list[str] | None = None
        self._pasted_size = 0
        self._window_since_s, self._window_size = 0.0, 0
        self._unmarked_until_s = 0.0

    def feed(self, data: bytes, now_s: float) -> Iterator[Message]:
        """Yield the messages of these and earlier incomplete bytes.

        Input that raised is not decoded again: the caller may continue with `feed(b"", …)`.
        """
        self._now_s = now_s
        self._read_s = now_s if data else self._read_s
        if self._skip_until is not None and now_s - self._skipping_since_s > STRING_S:
            self._skip_until = None
        if data and self._is_paste_too_slow(len(data)):
            self._collect_paste(self._consume(len(self._buffer)))
            yield from self._end_paste()
        self._buffer += data
        while self._buffer:
            before = self._buffer
            yield from self._next()
            if self._buffer is before:
                return  # incomplete

    def idle(self, now_s: float) -> Iterator[Message]:
        """Yield the messages due after a timeout."""
        silent_s = now_s - self._read_s
        if self._pasted is not None:
            if silent_s >= PASTE_SILENCE_S:
                self._collect_paste(self._consume(len(self._buffer)))
                yield from self._end_paste()
        elif self._buffer == b"\x1b":
            if silent_s >= ESCAPE_S:
                self._buffer = b""
                yield events.Key("escape", "\x1b")
        elif silent_s >= SEQUENCE_S:
            self._skip_until = None
            yield from self._decoded(self._consume(len(self._buffer)))
            yield from self._typed(self._text.decode(b"", final=True))

    def _next(self) -> Iterable[Message]:
        """Consume one complete unit of the buffer; return its messages."""
        if self._pasted is not None:
            return self._read_paste()
        if self._skip_until is not None:
            return self._skip(self._skip_until)
        if self._buffer[0] != _ESC:
            end = self._buffer.find(b"\x1b")
            return self._typed(self._text.decode(self._consume(len(self._buffer) if end < 0 else end)))
        if found := _CONTROL_SEQUENCE.match(self._buffer):
            return self._decoded(self._consume(found.end()))
        if found := _STRING_BEGIN.match(self._buffer):
            self._consume(found.end())
            return self._begin_skipping(_STRING_END)
        if found := _INCOMPLETE.fullmatch(self._buffer):
            if len(self._buffer) <= MAX_SEQUENCE:
                return ()
            self._consume(len(self._buffer))
            return self._begin_skipping(_SEQUENCE_END)
        return self._escaped()

    def _consume(self, size: int) -> bytes:
        consumed, self._buffer = self._buffer[:size], self._buffer[size:]
        return consumed

    def _begin_skipping(self, end: re.Pattern[bytes]) -> Iterable[Message]:
        self._skip_until, self._skipping_since_s = end, self._now_s
        return ()

    def _skip(self, end: re.Pattern[bytes]) -> Iterable[Message]:
        found = end.search(self._buffer)
        self._consume(len(self._buffer) if found is None else found.end())
        if found is not None:
            self._skip_until = None
        return ()

    def _escaped(self) -> Iterable[Message]:
        """Return the messages of an ESC before other input.

        No key is bound with alt: on a slow connection the escape key and the next key arrive like this.
        """
        broken = _INCOMPLETE.match(self._buffer)
        if broken is not None and broken.end() > 1:  # an interrupted sequence
            self._consume(broken.end())
            return ()
        if self._buffer.startswith(b"\x1b\\"):  # the end of a control string
            self._consume(2)
            return ()
        known = list(self._parser._sequence_to_key_events(self._buffer[:2].decode("ascii", "replace")))  # pyright: ignore[reportPrivateUsage]
        if known and self._buffer[1] != _ESC:
            self._consume(2)
            return known
        self._consume(1)
        return (events.Key("escape", "\x1b"),)

    # Text

    def _typed(self, text: str) -> Iterator[Message]:
        is_rest = self._now_s < self._unmarked_until_s
        if text and (is_rest or (len(text) > MAX_TYPED and len(set(text)) > 1)):
            if len(text) > 1:  # a single character may be a key held down
                self._unmarked_until_s = self._now_s + UNMARKED_S
            yield events.Paste(text[:MAX_PASTED].replace("\x00", ""))
            return
        text = text[:MAX_TYPED]  # repetitions: a key held down while nothing was read
        for character in text:
            yield from self._keys(character)

    def _keys(self, sequence: str) -> Iterator[Message]:
        try:
            keys = list(self._parser._sequence_to_key_events(sequence))  # pyright: ignore[reportPrivateUsage]
        except (ValueError, OverflowError) as error:
            log.info("invalid key code: %s", error)
            return
        for key in keys:
            if key.key != Keys.Ignore and _SURROGATE.search(key.character or "") is None:
                yield key

    # Sequences

    def _decoded(self, raw: bytes) -> Iterable[Message]:
        """Return the messages of a complete sequence; none for most."""
        if raw == _PASTE_BEGIN:
            self._begin_paste()
            return ()
        if raw == _PASTE_END or len(raw) > MAX_SEQUENCE:
            return ()
        sequence = raw.decode("latin-1")
        if sequence == "\x1b[I":
            return (events.AppFocus(),)
        if sequence == "\x1b[O":
            return (events.AppBlur(),)
        if _MOUSE.fullmatch(sequence):
            return self._mouse(sequence)
        if _MODE_REPORT.fullmatch(sequence):
            return (messages.TerminalSupportsSynchronizedOutput(),)
        if _UNREQUESTED_REPORT.fullmatch(sequence):
            return ()
        return self._keys(sequence)

    def _mouse(self, sequence: str) -> Iterable[Message]:
        event = self._parser.parse_mouse_code(sequence)
        if isinstance(event, events.MouseEvent) and max(event.screen_x, event.screen_y) < MAX_COORDINATE:
            return (event,)
        return ()

    # Pastes

    def _begin_paste(self) -> None:
        self._pasted, self._pasted_size = [], 0
        self._window_since_s, self._window_size = self._now_s, 0

    def _is_paste_too_slow(self, size: int) -> bool:
        """Measure the rate of a paste; return whether it is too low for one."""
        if self._pasted is None:
            return False
        if self._now_s - self._window_since_s >= PASTE_WINDOW_S:
            if self._window_size < PASTE_WINDOW_BYTES:
                return True
            self._window_since_s, self._window_size = self._now_s, 0
        self._window_size += size
        return False

    def _read_paste(self) -> Iterable[Message]:
        end = self._buffer.find(_PASTE_END)
        if end >= 0:
            self._collect_paste(self._consume(end))
            self._consume(len(_PASTE_END))
            return self._end_paste()
        begun = next(
            (n for n in range(len(_PASTE_END) - 1, 0, -1) if self._buffer.endswith(_PASTE_END[:n])), 0
        )
        if len(self._buffer) > begun:
            self._collect_paste(self._consume(len(self._buffer) - begun))
        return ()

    def _collect_paste(self, raw: bytes) -> None:
        if self._pasted is not None and self._pasted_size < MAX_PASTED:
            self._pasted.append(self._text.decode(raw))
            self._pasted_size += len(raw)

    def _end_paste(self) -> Iterable[Message]:
        pasted = "".join(self._pasted or ()) + self._text.decode(b"", final=True)
        self._pasted = None
        return (events.Paste(pasted[:MAX_PASTED].replace("\x00", "")),) if pasted else ()
