"""One question before something dangerous: which keys answer it, and until when. Pure.

Never Enter, never the opening key held down, never pasted text; whatever is not the named key cancels, and
so does time (painting 4).
"""

from dataclasses import dataclass, field
from enum import StrEnum

DEAF_S = 0.4
"""Keys mean nothing for so long after a question was put."""
BURST_S = 0.08
"""A key so soon behind another one is a key held down or pasted text."""
WAITS_S = 10.0
TYPES_S = 60.0
"""So long a word may be typed."""
TYPED_S = 0.04
"""Nobody types faster, per letter."""
MOST_TYPED = 64
YES = "Y"


class Typed(StrEnum):
    """What a key meant."""

    NOTHING = "nothing"
    NO = "no"
    YES = "yes"
    CHOICE = "choice"


@dataclass(slots=True)
class Question:
    """A question that is open. Moments are seconds of one clock that never goes back."""

    since_s: float
    choices: tuple[str, ...] = ()
    """Keys that choose something first; none: `YES` does it."""
    word: str = ""
    """To be typed in place of a key; empty: none."""
    is_ready: bool = True
    """Whether it may be answered by now: the numbers it asks about are there."""
    typed: str = ""
    note: str = ""
    """Why the last key did nothing."""
    _last_s: float = field(default=-1.0)
    _typed_since_s: float = 0.0

    def left_s(self, now_s: float) -> float:
        """Return how long it is still open."""
        return max(self.since_s + (TYPES_S if self.word else WAITS_S) - now_s, 0.0)

    def ready(self, now_s: float, word: str = "") -> None:
        """Let it be answered; from here on keys are deaf for a moment again."""
        self.is_ready, self.word, self.since_s = True, word, now_s

    def hear(self, key: str, character: str | None, now_s: float) -> Typed:
        """Take a key in Textual's words, with the character it stands for."""
        is_burst = now_s - self._last_s < BURST_S
        self._last_s = now_s
        if key == "escape":
            return Typed.NO
        if now_s - self.since_s < DEAF_S or (is_burst and not self.word):
            return Typed.NOTHING
        if self.word:
            return self._spell(key, character, now_s)
        if self.choices:
            return Typed.CHOICE if character in self.choices else Typed.NO
        if character != YES:
            return Typed.NO
        if not self.is_ready:
            self.note = "Not yet: the engine has not said what it would do."
            return Typed.NOTHING
        return Typed.YES

    def refuse_paste(self) -> None:
        """Take nothing of a pasted text."""
        self.typed, self.note = "", "Pasted text counts for nothing here."

    def _spell(self, key: str, character: str | None, now_s: float) -> Typed:
        if key in ("backspace", "ctrl+h"):
            self.typed = self.typed[:-1]
            return Typed.NOTHING
        if character is None or not character.isprintable() or len(self.typed) >= MOST_TYPED:
            return Typed.NOTHING
        if not self.typed:
            self._typed_since_s = now_s
        self.typed += character
        if self.typed != self.word:
            return Typed.NOTHING
        if now_s - self._typed_since_s < TYPED_S * (len(self.word) - 1):
            self.refuse_paste()
            return Typed.NOTHING
        return Typed.YES
