"""Names of pairs as people type them: NEWUSDT, newusdt, NEW/USDT, or the coin alone."""

from collections.abc import Callable

from mexc_tui.model.errors import DeskError

QUOTES = ("USDT", "USDC", "USD1", "USDE", "EUR", "BTC", "ETH", "MX")
"""Assets that pairs are quoted in, the usual one first."""
SEPARATORS = "/-_"


class AmbiguousName(DeskError, ValueError):
    """A name of a coin alone could mean several pairs.

    Raised by `resolve`. Ask for the name of the pair: the text lists them.
    """

    def __init__(self, name: str, symbols: tuple[str, ...]) -> None:
        super().__init__(f"{name} is ambiguous: {', '.join(symbols)}. Name the pair.")


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote of a pair's name; both empty when the quote is none we know."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol[: -len(quote)], quote
    return "", ""


def typed_name(text: str) -> str:
    """Return what a person typed as exchanges write names: upper case, no separator before the quote."""
    name = text.strip().upper()
    for separator in SEPARATORS:
        base, is_pair, quote = name.rpartition(separator)
        if is_pair and base and quote in QUOTES:
            return base + quote
    return name


def resolve(name: str, is_known: Callable[[str], bool], *, prefers_usual: bool = True) -> str | None:
    """Return the pair that a name means among those that are known; None: there is none.

    The exact name wins, then the only pair of a coin of that name. `prefers_usual`: of several pairs of the
    coin the one against the usual quote asset is meant. Raises AmbiguousName.
    """
    if is_known(name):
        return name
    found = tuple(name + quote for quote in QUOTES if is_known(name + quote))
    usual = name + QUOTES[0]
    if len(found) > 1 and not (prefers_usual and usual in found):
        raise AmbiguousName(name, found)
    return None if not found else found[0]


def new_pair(name: str) -> str:
    """Return the name of a pair that nobody knows yet: a coin alone is meant against the usual quote."""
    base, quote = split_symbol(name)
    return name if base and quote.startswith("USD") else name + QUOTES[0]


def is_of_coin(symbol: str, name: str) -> bool:
    """Whether a symbol is the pair of this name, or a pair of the coin of this name."""
    return symbol == name or bool(name and symbol.startswith(name) and symbol[len(name) :] in QUOTES)
