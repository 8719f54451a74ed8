"""Ids of the forms that the exchange uses (protocol 15), and seeds derived from names."""

import hashlib
import random

USDT_ID = "128f589271cb4951b03e71e6323eb7be"
"""coinId of USDT (protocol 7.6)."""


def coin_id(asset: str) -> str:
    """Return the 32-hex id of an asset."""
    return USDT_ID if asset == "USDT" else _hex32(f"coin/{asset}")


def symbol_id(symbol: str) -> str:
    """Return the 32-hex id of a pair."""
    return _hex32(f"symbol/{symbol}")


def contract_address(name: str) -> str:
    """Return an address in the common format of tokens."""
    return "0x" + hashlib.blake2b(name.encode(), digest_size=20).hexdigest()


def seeded(seed: int, name: str) -> random.Random:
    """Return the random generator of `name`, independent of call order."""
    return random.Random(number(f"{seed}/{name}"))


def number(name: str) -> int:
    """Return 64 bits that depend on `name` alone."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def past_trade_id(time_ms: int, salt: int) -> str:
    """Return the id of a trade before the session started."""
    return f"{time_ms // 1000:010d}{salt % 100_000_000:08d}X1"


class Counters:
    """Order ids `C02__` + 21 digits and trade ids of 18 digits + `X1`, both growing."""

    def __init__(self, start_ms: int) -> None:
        self._start_ms = start_ms
        self._orders = 0
        self._trades = 0

    def order_id(self) -> str:
        """Return the next order id."""
        self._orders += 1
        return f"C02__{self._start_ms:013d}{self._orders:08d}"

    def trade_id(self) -> str:
        """Return the next trade id."""
        self._trades += 1
        return f"{self._start_ms // 1000:010d}{self._trades:08d}X1"


def _hex32(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
