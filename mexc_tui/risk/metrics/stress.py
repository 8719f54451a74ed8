"""Tail risk of the portfolio; assets that are too new for it count at their stress loss (formulas E2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class Sampling(Enum):
    """Interval of returns; the value is the minimum count below which an asset is new."""

    DAILY = 30
    ONE_MINUTE = 200


@dataclass(frozen=True, slots=True)
class CoinHistory:
    """An asset held now and its price history."""

    symbol: str
    value: Decimal
    """Current value in quote units."""
    returns: tuple[float, ...]
    """Simple returns, oldest first; the last ones of all coins are of the same moments."""


def is_new(coin: CoinHistory, sampling: Sampling) -> bool:
    """Whether a coin has fewer than 30 daily or 200 one-minute observations: no VaR (formulas E2)."""
    return len(coin.returns) < sampling.value


def profits_of_holdings(coins: Sequence[CoinHistory]) -> list[float]:
    """Return the gain of the current holdings at each past moment common to all (formulas E2)."""
    common = min((len(coin.returns) for coin in coins), default=0)
    if not common:
        return []
    columns = [
        [float(coin.value) * change for change in coin.returns[len(coin.returns) - common :]]
        for coin in coins
    ]
    return [math.fsum(moment) for moment in zip(*columns, strict=True)]
