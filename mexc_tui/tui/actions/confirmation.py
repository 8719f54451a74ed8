"""Confirmation of a dangerous action: accepted keys and time limit.

Never confirmed by Enter, by the opening key held down or by pasted text; any other key cancels, and
so does the time limit (painting 4).
"""

from dataclasses import dataclass, field
from enum import StrEnum

IGNORE_S = 0.4
"""Seconds after opening in which keys are ignored."""
BURST_S = 0.08
"""Keys closer together than this count as held down or pasted."""
TIMEOUT_S = 10.0
TYPING_TIMEOUT_S = 60.0
"""Seconds to type a word."""
MIN_LETTER_S = 0.04
"""Minimum seconds per typed letter."""
MAX_TYPED = 64
YES = "Y"


class KeyMeaning(StrEnum):
    """Meaning of a key."""

    IGNORED = "nothing"
    NO = "no"
    YES = "yes"
    CHOICE = "choice"


@dataclass(slots=True)
class ActionConfirmation:
    """An open question. Times are seconds of a monotonic clock."""

    since_s: float
    choices: tuple[str, ...] = ()
    """Keys of a choice; empty: `YES` confirms."""
    word: str = ""
    """Word to type instead of a key; empty: none."""
    is_ready: bool = True
    """Whether it can be confirmed: the preview has arrived."""
    typed: str = ""
    note: str = ""
    """Why the last key was ignored."""
    _last_s: float = field(default=-1.0)
    _typed_since_s: float = 0.0

    def left_s(self, now_s: float) -> float:
        """Return the remaining seconds."""
        return max(self.since_s + (TYPING_TIMEOUT_S if self.word else TIMEOUT_S) - now_s, 0.0)

    def allow_confirmation(self, now_s: float, word: str = "") -> None:
        """Allow confirmation; keys are ignored for a moment again."""
        self.is_ready, self.word, self.since_s = True, word, now_s

    def handle_key(self, key: str, character: str | None, now_s: float) -> KeyMeaning:
        """Handle a key in Textual's notation with its character."""
        is_burst = now_s - self._last_s < BURST_S
        self._last_s = now_s
        if key == "escape":
            return KeyMeaning.NO
        if now_s - self.since_s < IGNORE_S or (is_burst and not self.word):
            return KeyMeaning.IGNORED
        if self.word:
            return self._spell(key, character, now_s)
        if self.choices:
            return KeyMeaning.CHOICE if character in self.choices else KeyMeaning.NO
        if character != YES:
            return KeyMeaning.NO
        if not self.is_ready:
            self.note = "Not yet: waiting for the preview."
            return KeyMeaning.IGNORED
        return KeyMeaning.YES

    def refuse_paste(self) -> None:
        """Ignore pasted text."""
        self.typed, self.note = "", "Pasted text is ignored."

    def _spell(self, key: str, character: str | None, now_s: float) -> KeyMeaning:
        if key in ("backspace", "ctrl+h"):
            self.typed = self.typed[:-1]
            return KeyMeaning.IGNORED
        if character is None or not character.isprintable() or len(self.typed) >= MAX_TYPED:
            return KeyMeaning.IGNORED
        if not self.typed:
            self._typed_since_s = now_s
        self.typed += character
        if self.typed != self.word:
            return KeyMeaning.IGNORED
        if now_s - self._typed_since_s < MIN_LETTER_S * (len(self.word) - 1):
            self.refuse_paste()
            return KeyMeaning.IGNORED
        return KeyMeaning.YES
