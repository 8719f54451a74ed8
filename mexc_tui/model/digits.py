"""Number formatting of prices, quantities and money, in full or within a column width.

The text equals the value within half a unit of its last digit, and is zero only for zero.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import lru_cache

SHOWN = Context(prec=18)
"""Rounding context of displayed quotients."""
SIGNIFICANT = 6
"""Significant digits of a price of unknown precision, and the maximum in scientific notation."""
PRICE_DIGITS = 4
"""Minimum significant digits of a price between two ticks, such as an average."""
LEAST_DIGITS = 2
"""Significant digits of a value that would round to zero."""
QUOTE_DIGITS = 4
"""Significant digits of an amount below one quote unit."""
QUANTITY_DIGITS = 8
SUFFIX_DIGITS = 4
GROUP_FROM = 10_000
"""Prices and quantities group thousands from here on, money from 1,000."""
GROUP_MONEY_FROM = 1_000
MOST_PLACES = 60
TOO_NARROW = "…"
REMEMBERED = 4_096
"""Cached formatted numbers: most repainted values are unchanged."""

_WIDE = Context(prec=120, rounding=ROUND_HALF_EVEN)
_SUFFIXES = ((12, "T"), (9, "B"), (6, "M"), (3, "k"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number, written in full where it fits and rounded to fewer digits elsewhere."""

    value: Decimal
    places: int
    before: str = ""
    """Prefix, such as the mark of a stale value."""
    after: str = ""
    """Suffix: its unit."""
    group_from: int = GROUP_FROM

    def __str__(self) -> str:
        """Return the number in full."""
        return f"{self.before}{plain_digits(self.value, self.places, self.group_from)}{self.after}"

    def fit(self, room: int) -> str:
        """Return it in at most `room` columns: rounded, or as 77.16B or 1.23e-10; `…` if nothing fits."""
        left = room - len(self.before) - len(self.after)
        text = fitted(self.value, self.places, left, group_from=self.group_from)
        return TOO_NARROW[: max(room, 0)] if text == TOO_NARROW else f"{self.before}{text}{self.after}"


def exact(value: Decimal | float | None) -> Decimal | None:
    """Return a value that can be written; None: unknown, not finite, or out of range."""
    if value is None:
        return None
    found = value if isinstance(value, Decimal) else Decimal(repr(value))
    return found if found.is_finite() and abs(found.adjusted()) < MOST_PLACES - SIGNIFICANT else None


def price_number(value: Decimal, places: int | None = None, *, digits: int = SIGNIFICANT) -> Number:
    """Return a price or quantity; `places`: decimals of its symbol; None: unknown, use `digits`."""
    return Number(value=value, places=_price_places(value, places, digits))


def money_number(value: Decimal, places: int = 2) -> Number:
    """Return an amount of money, a percentage or another measured figure."""
    return Number(value=value, places=_least_places(value, places, LEAST_DIGITS), group_from=GROUP_MONEY_FROM)


def quote_number(value: Decimal) -> Number:
    """Return an amount in quote units: cents, or four significant digits below one."""
    if abs(value) >= 1 or not value:
        return money_number(value)
    places = _stripped_places(value, _places_for(value, QUOTE_DIGITS))
    return Number(value=value, places=max(2, places), group_from=GROUP_MONEY_FROM)


def quantity_number(value: Decimal) -> Number:
    """Return a price or quantity of unknown precision, with at least eight significant digits."""
    return price_number(value, digits=QUANTITY_DIGITS)


def price_text(value: Decimal, places: int | None = None) -> str:
    """Return a price or a quantity in full, without an exponent."""
    return str(price_number(value, places))


def money_text(value: Decimal | float, places: int = 2) -> str:
    """Return an amount of money, a percentage or another measured figure in full."""
    found = exact(value)
    return "–" if found is None else str(money_number(found, places))


@lru_cache(REMEMBERED)
def plain_digits(value: Decimal, places: int, group_from: int) -> str:
    """Return a number with `places` decimals and grouped thousands."""
    rounded = _rounded(value, places)
    if not rounded:
        rounded = abs(rounded)
    return f"{rounded:,f}" if abs(rounded) >= group_from else f"{rounded:f}"


@lru_cache(REMEMBERED)
def fitted(value: Decimal, places: int, room: int, *, group_from: int) -> str:
    """Return a number in at most `room` columns, with as many digits as fit."""
    full = plain_digits(value, places, group_from)
    if len(full) <= room:
        return full
    if not value:
        return "0" if room > 0 else TOO_NARROW
    forms = (
        _plain(value, places, room, group_from=group_from),
        _suffixed(value, room) or _scientific(value, room),
    )
    found = [form for form in forms if form is not None]
    # The form closest to the value; of two equally close, the plain one.
    return min(found, key=lambda form: abs(form.shown - value)).text if found else TOO_NARROW


@dataclass(frozen=True, slots=True)
class _Form:
    """A text and its value."""

    text: str
    shown: Decimal


def _plain(value: Decimal, places: int, room: int, *, group_from: int) -> _Form | None:
    """Return the value with fewer decimals, then without commas; None: it does not fit, or shows as zero."""
    for fewer in range(places, -1, -1):
        shown, text = _rounded(value, fewer), plain_digits(value, fewer, group_from)
        if len(text) <= room:
            return _Form(text, shown) if shown else None
    shown = _rounded(value, 0)
    return _Form(f"{shown:f}", shown) if len(f"{shown:f}") <= room else None


def _suffixed(value: Decimal, room: int) -> _Form | None:
    """Return the value with a suffix, such as 77.16B; None: too small, too large, or too wide."""
    for digits in range(SUFFIX_DIGITS, 0, -1):
        shown = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value)
        power, suffix = next(
            ((exponent, name) for exponent, name in _SUFFIXES if shown.adjusted() >= exponent), (0, "")
        )
        if not suffix or shown.adjusted() >= power + 3:
            return None
        text = f"{_stripped(shown.scaleb(-power, _WIDE))}{suffix}"
        if len(text) <= room:
            return _Form(text, shown)
    return None


def _scientific(value: Decimal, room: int) -> _Form | None:
    """Return the value in scientific notation, such as 1.23e-10; None: too wide."""
    for digits in range(SIGNIFICANT, 0, -1):
        shown = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value)
        power = shown.adjusted()
        text = f"{_stripped(shown.scaleb(-power, _WIDE))}e{power}"
        if len(text) <= room:
            return _Form(text, shown)
    return None


def _stripped(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _price_places(value: Decimal, places: int | None, digits: int) -> int:
    if places is None:
        return _stripped_places(value, _places_for(value, digits))
    if not value or _rounded(value, places) == value:
        return places
    finer = _places_for(value, PRICE_DIGITS)
    return places if finer <= places else max(places, _stripped_places(value, finer))


def _least_places(value: Decimal, places: int, digits: int) -> int:
    if not value or _rounded(value, places):
        return places
    return _stripped_places(value, _places_for(value, digits))


@lru_cache(REMEMBERED)
def _stripped_places(value: Decimal, most: int) -> int:
    """Return the decimals of a rounded number without trailing zeros."""
    exponent = _rounded(value, most).normalize(_WIDE).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _places_for(value: Decimal, digits: int) -> int:
    """Return the decimals of a number with `digits` significant digits."""
    return min(max(digits - 1 - value.adjusted(), 0), MOST_PLACES)


@lru_cache(REMEMBERED)
def _rounded(value: Decimal, places: int) -> Decimal:
    with localcontext(_WIDE):
        return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
