"""Pair names as users type them: NEWUSDT, newusdt, NEW/USDT, or the coin alone."""

from collections.abc import Callable

from mexc_tui.model.errors import DeskError

QUOTES = ("USDT", "USDC", "USD1", "USDE", "EUR", "BTC", "ETH", "MX")
"""Quote assets, the usual one first."""
SEPARATORS = "/-_"


class AmbiguousName(DeskError, ValueError):
    """A coin's name matches several pairs.

    Raised by `resolve`. Prompt for a pair name: the text lists the candidates.
    """

    def __init__(self, name: str, symbols: tuple[str, ...]) -> None:
        super().__init__(f"{name} is ambiguous: {', '.join(symbols)}. Name the pair.")


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote of a pair's name; both empty if the quote asset is unknown."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol[: -len(quote)], quote
    return "", ""


def typed_name(text: str) -> str:
    """Return typed text in the exchange's format: upper case, no separator before the quote."""
    name = text.strip().upper()
    for separator in SEPARATORS:
        base, is_pair, quote = name.rpartition(separator)
        if is_pair and base and quote in QUOTES:
            return base + quote
    return name


def resolve(name: str, is_known: Callable[[str], bool], *, prefers_usual: bool = True) -> str | None:
    """Return the known pair that a name refers to; None: there is none.

    The exact name wins, then the only pair of the coin. `prefers_usual`: of several pairs, the one with the
    usual quote asset wins. Raises AmbiguousName.
    """
    if is_known(name):
        return name
    found = tuple(name + quote for quote in QUOTES if is_known(name + quote))
    usual = name + QUOTES[0]
    if len(found) > 1 and not (prefers_usual and usual in found):
        raise AmbiguousName(name, found)
    return None if not found else found[0]


def new_pair(name: str) -> str:
    """Return the name of a pair that is not listed yet: a coin alone gets the usual quote asset."""
    base, quote = split_symbol(name)
    return name if base and quote.startswith("USD") else name + QUOTES[0]


def is_of_coin(symbol: str, name: str) -> bool:
    """Whether a symbol matches a pair's name or is a pair of a coin."""
    return symbol == name or bool(name and symbol.startswith(name) and symbol[len(name) :] in QUOTES)
