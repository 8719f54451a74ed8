"""Price rules in one line each, such as `move 2% 15m`: grammar, and the rule that a line states."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mexc_tui.model.errors import DeskError
from mexc_tui.model.pair_names import split_symbol, typed_name
from mexc_tui.model.text import is_tradable_name

EXAMPLES = "move 2% 15m; spread 50bp; print 50k; volume 3x; at 1.25; BTCUSDT ETHUSDT: move 2% 15m"
MOST_RULES = 50
"""Rules of the settings, and of the commands."""
MOST_NAMED = 10
"""Symbols that one rule may name."""
MOST_LENGTH = 200
LEAST_WINDOW_MS, MOST_WINDOW_MS = 10_000, 4 * 3_600_000
SPANS = 15
"""A volume rule compares the newest part, a fifteenth of its window, with the window before that part."""

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000}
_WINDOW = re.compile(r"([0-9]{1,5})([smh])")
_NUMBER = r"([0-9]{1,13}(?:\.[0-9]{1,18})?)"


class BadPriceRule(DeskError, ValueError):
    """A line is not a price rule.

    Raised by `parse_rule`. Show the text, which names the wrong part and examples.
    """

    def __init__(self, line: str, problem: str) -> None:
        super().__init__(f"price rule {line[:MOST_LENGTH]!r}: {problem} Examples: {EXAMPLES}")


class RuleKind(StrEnum):
    """What a price rule measures."""

    MOVE = "move"
    """Last price against the lowest and the highest price of the window."""
    SPREAD = "spread"
    """Difference of best ask and best bid as a share of their middle."""
    PRINT = "print"
    """Value of one trade."""
    VOLUME = "volume"
    """Traded value as a multiple of what was usual before."""
    AT = "at"
    """The last price reaches or crosses a price, from below or above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRule:
    """One price rule."""

    kind: RuleKind
    threshold: Decimal
    """MOVE, SPREAD: a share (0.02 is 2 %); PRINT: quote units; VOLUME: a multiple; AT: a price."""
    window_ms: int
    """Time that the rule looks back; it arms after this time, and again once it was false for this time."""
    symbols: tuple[str, ...] = ()
    """Pairs that it is about; empty: every streamed pair."""

    @property
    def text(self) -> str:
        """Return the rule in one line, which `parse_rule` reads back."""
        named = f"{' '.join(self.symbols)}: " if self.symbols else ""
        return f"{named}{self.kind} {self.threshold_text} {self.window_text}"

    @property
    def threshold_text(self) -> str:
        """Return the threshold with its unit."""
        return _FORMS[self.kind].show(self.threshold)

    @property
    def window_text(self) -> str:
        """Return the window with its unit."""
        unit = next(unit for unit in "hms" if self.window_ms % _UNITS_MS[unit] == 0)
        return f"{self.window_ms // _UNITS_MS[unit]}{unit}"

    @property
    def span_ms(self) -> int:
        """Return the length of the newest part of a volume rule's window."""
        return self.window_ms // SPANS

    @property
    def arms_after_ms(self) -> int:
        """Return how long data must be unbroken before the rule can fire."""
        return self.window_ms + (self.span_ms if self.kind is RuleKind.VOLUME else 0)

    def is_about(self, symbol: str) -> bool:
        """Return whether the rule applies to a pair."""
        return not self.symbols or symbol in self.symbols


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """How thresholds of one kind are written."""

    pattern: re.Pattern[str]
    factors: Mapping[str, Decimal]
    low: Decimal
    high: Decimal
    example: str
    """Thresholds as an error shows them, with their bounds."""
    window_ms: int | None
    """Window of a rule that states none; None: it must state one."""
    show: Callable[[Decimal], str]


def plain(number: Decimal) -> str:
    """Return a number without exponent and trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _amount(number: Decimal) -> str:
    for factor, unit in ((1_000_000, "M"), (1_000, "k")):
        if number % factor == 0:
            return f"{plain(number / factor)}{unit}"
    return plain(number)


_SHARES = {"%": Decimal("0.01"), "bp": Decimal("0.0001")}
_FORMS = {
    RuleKind.MOVE: _Form(
        pattern=re.compile(_NUMBER + "(%|bp)"),
        factors=_SHARES,
        low=Decimal("0.0001"),
        high=Decimal(10),
        example="2% or 200bp, between 0.01% and 1000%",
        window_ms=None,
        show=lambda number: f"{plain(number * 100)}%",
    ),
    RuleKind.SPREAD: _Form(
        pattern=re.compile(_NUMBER + "(%|bp)"),
        factors=_SHARES,
        low=Decimal("0.0001"),
        high=Decimal(1),
        example="50bp or 0.5%, between 1bp and 100%",
        window_ms=60_000,
        show=lambda number: f"{plain(number * 10_000)}bp",
    ),
    RuleKind.PRINT: _Form(
        pattern=re.compile(_NUMBER + "(k|m)?", re.IGNORECASE),
        factors={"": Decimal(1), "k": Decimal(1_000), "m": Decimal(1_000_000)},
        low=Decimal(1),
        high=Decimal(10) ** 12,
        example="50k or 50000, at least 1",
        window_ms=60_000,
        show=_amount,
    ),
    RuleKind.VOLUME: _Form(
        pattern=re.compile(_NUMBER + "(x)", re.IGNORECASE),
        factors={"x": Decimal(1)},
        low=Decimal("1.1"),
        high=Decimal(1_000),
        example="3x, between 1.1x and 1000x",
        window_ms=15 * 60_000,
        show=lambda number: f"{plain(number)}x",
    ),
    RuleKind.AT: _Form(
        pattern=re.compile(_NUMBER + "()"),
        factors={"": Decimal(1)},
        low=Decimal("1e-18"),
        high=Decimal(10) ** 12,
        example="1.25, above 0",
        window_ms=60_000,
        show=plain,
    ),
}


def parse_rule(line: str) -> PriceRule:
    """Return the rule that a line states: `[SYMBOL...:] KIND THRESHOLD [WINDOW]`. Raises BadPriceRule."""
    if len(line) > MOST_LENGTH:
        raise BadPriceRule(line, f"it has {len(line)} characters, at most {MOST_LENGTH} are read.")
    named, colon, rest = line.rpartition(":")
    words = rest.split()
    if len(words) < 2:
        raise BadPriceRule(line, "a kind and a threshold are needed.")
    kind = _kind(line, words[0])
    threshold = _threshold(line, kind, words[1])
    if len(words) > 3:
        raise BadPriceRule(line, f"{words[3]!r} is too much: the window is the last part.")
    window_ms = _window_ms(line, kind, words[2] if len(words) == 3 else None)
    symbols = _symbols(line, named) if colon else ()
    return PriceRule(kind=kind, threshold=threshold, window_ms=window_ms, symbols=symbols)


def _kind(line: str, word: str) -> RuleKind:
    try:
        return RuleKind(word.lower())
    except ValueError:
        kinds = ", ".join(RuleKind)
        raise BadPriceRule(line, f"{word!r} is none of the kinds {kinds}.") from None


def _threshold(line: str, kind: RuleKind, word: str) -> Decimal:
    form = _FORMS[kind]
    found = form.pattern.fullmatch(word)
    if found is not None:
        number, unit = found.groups()
        threshold = Decimal(number) * form.factors[(unit or "").lower()]
        if form.low <= threshold <= form.high:
            return threshold
    raise BadPriceRule(line, f"{word!r} is no threshold of {kind}, such as {form.example}.")


def _window_ms(line: str, kind: RuleKind, word: str | None) -> int:
    default_ms, least_ms = _FORMS[kind].window_ms, LEAST_WINDOW_MS
    if kind is RuleKind.VOLUME:
        least_ms = 60_000  # the newest part then has 4 s
    if word is None:
        if default_ms is None:
            raise BadPriceRule(line, f"{kind} needs a window, such as 15m.")
        return default_ms
    found = _WINDOW.fullmatch(word)
    if found is not None:
        window_ms = int(found[1]) * _UNITS_MS[found[2]]
        if least_ms <= window_ms <= MOST_WINDOW_MS:
            return window_ms
    raise BadPriceRule(line, f"{word!r} is no window, such as 15m, between {least_ms // 1_000}s and 4h.")


def _symbols(line: str, named: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(typed_name(name) for name in re.split(r"[\s,]+", named) if name))
    if not 1 <= len(names) <= MOST_NAMED:
        raise BadPriceRule(line, f"before the colon 1 to {MOST_NAMED} symbols are needed.")
    for name in names:
        if not (split_symbol(name)[0] and is_tradable_name(name)):
            raise BadPriceRule(line, f"{name!r} is no symbol, such as BTCUSDT.")
    return names
