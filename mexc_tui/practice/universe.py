"""Pairs of a practice session: real tickers, synthetic markets, in the format of the recorded exchangeInfo.

`universe.json` holds the tickers (with their source). Prices, precisions, names, contracts and flags come
from the seed, by rules that keep the recorded shapes: about 3 in 4 pairs against USDT, fees 0 and 0.05 %,
a price band of 20 % (majors less), minimum value 1, five or so digits of price.
"""

import math
import random
from decimal import Decimal
from enum import Enum
from importlib import resources
from itertools import chain, islice

import msgspec

from mexc_tui.practice.matching.ids import coin_id, contract_address, seeded, symbol_id
from mexc_tui.practice.matching.intervals import DAY_MS
from mexc_tui.practice.matching.pairs import PairRules, PairStatus, PracticePair, PracticeTradeSides
from mexc_tui.practice.scenario import Knobs

QUOTE_SHARES = (("USDC", 0.165), ("BTC", 0.035), ("ETH", 0.025), ("EUR", 0.008))
"""Share of all pairs; the others trade against USDT."""
ZONES = (
    (51, "Innovation"),
    (50, "Main"),
    (19, "BSC"),
    (40, "AI"),
    (39, "Layer 1"),
    (12, "PoW"),
    (5, "Store of value"),
)
NO_API = frozenset({"BTCUSDT", "ETHUSDT"})
"""Visible, but closed to API keys, as recorded."""
SMALLEST_ODD_MARKET = 100
"""Smaller markets contain ordinary pairs only."""
MAJOR_TURNOVER = 10_000_000
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NAME_ENDS = (" Protocol", " Network", " Finance", " Token", " Chain", " AI", "", "", "")
_QUOTE_USD = {"USDT": Decimal(1), "USDC": Decimal(1), "EUR": Decimal("1.17")}
_MIN_VALUES = {"USDT": "1", "USDC": "1", "EUR": "1", "BTC": "0.000005", "ETH": "0.0001"}


class Major(msgspec.Struct, frozen=True):
    """A well-known coin; money in USDT."""

    price: Decimal
    turnover: Decimal
    price_decimals: int
    quantity_decimals: int
    full_name: str


class _File(msgspec.Struct, frozen=True):
    source: str
    majors: dict[str, Major]
    bases: dict[str, str]


class Oddity(Enum):
    """Deviation of a pair from an ordinary one at the start."""

    PAUSED = "paused"
    BUY_ONLY = "buy_only"
    SELL_ONLY = "sell_only"
    CLOSED = "closed"
    NO_API = "no_api"
    BLOCKED = "blocked"


ODDITY_SHARES = (
    (Oddity.PAUSED, 0.006),
    (Oddity.BUY_ONLY, 0.0015),
    (Oddity.SELL_ONLY, 0.0025),
    (Oddity.CLOSED, 0.001),
    (Oddity.NO_API, 0.03),
    (Oddity.BLOCKED, 0.004),
)
"""Of all pairs; at least one of each kind in a session of 100 pairs or more."""


class UniversePair(msgspec.Struct, frozen=True):
    """A pair of the universe, and its oddity."""

    rules: PairRules
    oddity: Oddity | None


def universe(count: int, seed: int, start_ms: int, *, knobs: Knobs) -> list[UniversePair]:
    """Build `count` pairs, the same for the same arguments."""
    file = msgspec.json.decode(
        (resources.files("mexc_tui.practice") / "universe.json").read_bytes(), type=_File, strict=False
    )
    names = _names(file, count, seed)
    oddities = _oddities(file, names, seed)
    coins: dict[str, _Coin] = {}
    listed: list[UniversePair] = []
    for base, quote in names:
        if base not in coins:
            coins[base] = _coin(file, base, seed, start_ms=start_ms)
        rules = _rules(coins[base], quote, file, seed=seed, knobs=knobs)
        listed.append(UniversePair(rules, oddities.get(base + quote)))
    return listed


def apply_oddity(pair: PracticePair, oddity: Oddity | None) -> None:
    """Apply an oddity to a pair."""
    match oddity:
        case Oddity.PAUSED:
            pair.status = PairStatus.PAUSED
        case Oddity.BUY_ONLY:
            pair.sides = PracticeTradeSides.BUY_ONLY
        case Oddity.SELL_ONLY:
            pair.sides = PracticeTradeSides.SELL_ONLY
        case Oddity.CLOSED:
            pair.sides = PracticeTradeSides.CLOSED
        case Oddity.NO_API:
            pair.api_allowed = False
        case Oddity.BLOCKED:
            pair.api_allowed, pair.blocked = False, True
        case None:
            pass


def _names(file: _File, count: int, seed: int) -> list[tuple[str, str]]:
    """Return (ticker, quote): majors first, then non-ASCII names, then others in seeded order."""
    rng = seeded(seed, "universe")
    all_usdt = [base for base in file.bases["USDT"].split() if base not in file.majors]
    exotic = [base for base in all_usdt if not base.isascii()]
    plain = [base for base in all_usdt if base.isascii()]
    rng.shuffle(plain)
    usdt = [*file.majors, *exotic, *plain]
    others: list[tuple[str, str]] = []
    for quote, share in QUOTE_SHARES:
        recorded = file.bases[quote].split()
        known = set(recorded)
        bases = chain(recorded, (base for base in usdt if base not in known and base != quote))
        others.extend((base, quote) for base in islice(bases, int(count * share)))
    return [(base, "USDT") for base in usdt[: count - len(others)]] + others


def _oddities(file: _File, names: list[tuple[str, str]], seed: int) -> dict[str, Oddity]:
    ordinary = [base + quote for base, quote in names if base not in file.majors and base.isascii()]
    if len(names) >= SMALLEST_ODD_MARKET:
        seeded(seed, "oddities").shuffle(ordinary)
    else:
        ordinary = []
    odd = {symbol: Oddity.NO_API for base, quote in names if (symbol := base + quote) in NO_API}
    left = iter(ordinary)
    for oddity, share in ODDITY_SHARES:
        for symbol in islice(left, max(round(share * len(names)), 1)):
            odd[symbol] = oddity
    return odd


class _Coin(msgspec.Struct, frozen=True):
    """Common properties of all pairs of one base; money in USD."""

    base: str
    price: Decimal
    turnover: float
    full_name: str
    contract: str
    zones: tuple[tuple[int, str], ...]
    special_treatment: bool
    since_ms: int


def _coin(file: _File, base: str, seed: int, *, start_ms: int) -> _Coin:
    rng = seeded(seed, f"coin/{base}")
    today_ms = start_ms - start_ms % DAY_MS
    major = file.majors.get(base)
    if major is not None:
        return _Coin(
            base,
            major.price,
            float(major.turnover),
            major.full_name,
            "",
            ZONES[1:4],
            False,
            today_ms - 1_095 * DAY_MS,
        )
    price = Decimal(f"{10 ** rng.gauss(-1.6, 1.5):.5g}")
    contract = "" if rng.random() < 0.1 else contract_address(f"{seed}/{base}")
    if rng.random() < 0.15:
        contract = "".join(rng.choices(_BASE58, k=44))
    return _Coin(
        base,
        max(price, Decimal("0.0000001")),
        10 ** rng.gauss(4.7, 0.6),
        base.capitalize() + rng.choice(_NAME_ENDS),
        contract,
        tuple(rng.sample(ZONES, rng.choice((1, 1, 2, 3)))),
        rng.random() < 0.02,
        today_ms - rng.randrange(20, 900) * DAY_MS,
    )


def _rules(coin: _Coin, quote: str, file: _File, *, seed: int, knobs: Knobs) -> PairRules:
    symbol = coin.base + quote
    rng = seeded(seed, f"rules/{symbol}")
    major = file.majors.get(coin.base)
    quote_usd = _QUOTE_USD.get(quote) or file.majors[quote].price
    price = coin.price / quote_usd
    if major is not None and quote in _QUOTE_USD:
        price_decimals, quantity_decimals = major.price_decimals, major.quantity_decimals
    else:
        price_decimals = min(max(4 - math.floor(math.log10(price)), 2), 12)
        quantity_decimals = rng.choice((1, 2, 2, 2, 2)) if coin.price < 1_000 else 6
    band = _band(coin, symbol, rng)
    largest = "4000000" if coin.turnover > MAJOR_TURNOVER else "2000000"
    return PairRules(
        symbol=symbol,
        base=coin.base,
        quote=quote,
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        min_quantity=Decimal("0.000001") if coin.base == "BTC" else _min_quantity(quantity_decimals, rng),
        min_value=Decimal(_MIN_VALUES[quote]),
        min_value_market=Decimal(_MIN_VALUES[quote]),
        max_value=Decimal(largest),
        max_value_market=Decimal(largest) if coin.base == "BTC" else Decimal(rng.choice((100000, 200000))),
        band_up=band,
        band_down=band,
        full_name=coin.full_name,
        contract_address=coin.contract,
        concept_plate_ids=tuple(number for number, _ in coin.zones),
        concept_plates=tuple(name for _, name in coin.zones),
        special_treatment=coin.special_treatment,
        maker_fee=knobs.maker_fee,
        taker_fee=knobs.taker_fee,
        symbol_id=symbol_id(symbol),
        coin_id=coin_id(coin.base),
        market_coin_id=coin_id(quote),
        start_price=round(price, price_decimals),
        turnover=Decimal(round(coin.turnover * (1 if quote == "USDT" else 0.04))) / quote_usd,
        history_from_ms=coin.since_ms,
    )


def _band(coin: _Coin, symbol: str, rng: random.Random) -> Decimal:
    if symbol == "BTCUSDT":
        return Decimal("0.005")
    if coin.turnover > MAJOR_TURNOVER or rng.random() < 0.05:
        return Decimal("0.02")
    return Decimal("0.2")


def _min_quantity(decimals: int, rng: random.Random) -> Decimal:
    """Return a minimum quantity, often none; never below a lot, so that it can be read as a step."""
    if rng.random() < 0.6:
        return Decimal(0)
    return Decimal(1).scaleb(-decimals)
