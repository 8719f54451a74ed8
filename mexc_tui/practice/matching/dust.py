"""Conversion of small balances to MX (protocol 4.5)."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from mexc_tui.practice.matching.accounts import PracticeAccount
from mexc_tui.practice.matching.pairs import PracticePair
from mexc_tui.practice.matching.values import (
    ZERO,
    BookChangeKind,
    Conversion,
    FailedConversion,
    PracticeDust,
    PracticeRefusal,
)

MAX_USDT = Decimal(5)
MAX_ASSETS = 15
FEE = Decimal("0.02")
_STEP = Decimal("1e-8")


def convertible(account: PracticeAccount, pairs: Mapping[str, PracticePair]) -> list[PracticeDust]:
    """Return the balances below the limit that have a price in USDT."""
    rows = (_valued(account, balance.asset, balance.free, pairs=pairs) for balance in account.balances())
    return [row for row in rows if row is not None and ZERO < row.value_usdt <= MAX_USDT]


def _valued(
    account: PracticeAccount, asset: str, amount: Decimal, *, pairs: Mapping[str, PracticePair]
) -> PracticeDust | None:
    mx, pair = pairs.get("MXUSDT"), pairs.get(f"{asset}USDT")
    if mx is None or asset == "MX" or not (asset == "USDT" or (pair is not None and pair.last_price)):
        return None
    value = amount * (pair.last_price if pair is not None else Decimal(1))
    in_mx = (value / mx.last_price).quantize(_STEP, ROUND_DOWN)
    return PracticeDust(asset, amount, in_mx, value.quantize(_STEP, ROUND_DOWN), account.coin_id(asset))


def convert(assets: Sequence[str], account: PracticeAccount, pairs: Mapping[str, PracticePair]) -> Conversion:
    """Convert small balances to MX, minus the fee."""
    if not 1 <= len(assets) <= MAX_ASSETS:
        raise PracticeRefusal(33333, "param is error")
    rows = {row.asset: row for row in convertible(account, pairs)}
    done = [rows[asset] for asset in dict.fromkeys(assets) if asset in rows]
    failed = [
        FailedConversion(asset, "Balance cannot be converted", "30032")
        for asset in assets
        if asset not in rows
    ]
    total = sum((row.value_mx for row in done), ZERO)
    fee = (total * FEE).quantize(_STEP, ROUND_DOWN)
    for row in done:
        account.move(row.asset, -row.balance, ZERO, kind=BookChangeKind.CONVERT)
    account.move("MX", total - fee, ZERO, kind=BookChangeKind.CONVERT)
    return Conversion([row.asset for row in done], failed, total - fee, fee)
