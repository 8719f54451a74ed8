"""Balances of the account: free and locked; every movement is reported with its kind (protocol 5.4)."""

from decimal import Decimal

from mexc_tui.practice.matching.hub import Hub
from mexc_tui.practice.matching.ids import coin_id
from mexc_tui.practice.matching.values import ZERO, BalanceChange, BookChangeKind, PracticeBalance


class PracticeAccount:
    """Balances of the trader. A movement to a negative balance is a programming error."""

    def __init__(self, hub: Hub, balances: dict[str, Decimal]) -> None:
        self._hub = hub
        self._free = {asset: amount for asset, amount in balances.items() if amount}
        self._locked: dict[str, Decimal] = {}

    def free(self, asset: str) -> Decimal:
        """Return the free balance."""
        return self._free.get(asset, ZERO)

    def locked(self, asset: str) -> Decimal:
        """Return the amounts locked by open orders."""
        return self._locked.get(asset, ZERO)

    def total(self, asset: str) -> Decimal:
        """Return free + locked."""
        return self.free(asset) + self.locked(asset)

    def balances(self) -> list[PracticeBalance]:
        """Return non-zero balances by asset."""
        assets = sorted({*self._free, *self._locked})
        rows = (PracticeBalance(asset, self.free(asset), self.locked(asset)) for asset in assets)
        return [row for row in rows if row.free or row.locked]

    def move(self, asset: str, free: Decimal, locked: Decimal, *, kind: BookChangeKind) -> None:
        """Change a balance and report it, unless nothing changes."""
        if not free and not locked:
            return
        free_after, locked_after = self.free(asset) + free, self.locked(asset) + locked
        if free_after < 0 or locked_after < 0:
            raise AssertionError(f"{kind} would leave {free_after} free and {locked_after} locked {asset}")
        self._free[asset], self._locked[asset] = free_after, locked_after
        change = BalanceChange(
            asset, self.coin_id(asset), free_after, free, locked_after, locked, kind, self._hub.now_ms
        )
        for sink in self._hub.sinks:
            sink.on_balance(change)

    def coin_id(self, asset: str) -> str:
        """Return the exchange's own id of a coin."""
        return self._hub.coin_ids.get(asset) or coin_id(asset)

    def pay_fee(self, asset: str, fee: Decimal) -> None:
        """Deduct a fee, at most the free balance."""
        self.move(asset, -min(fee, self.free(asset)), ZERO, kind=BookChangeKind.FEE)


FEE_STEP = Decimal("1e-12")


def fee_of(
    value: Decimal, rate: Decimal, quote: str, *, account: PracticeAccount, mx_price: Decimal | None
) -> tuple[Decimal, str]:
    """Return (fee, asset) of a trade: MX if deducted and sufficient, else quote (protocol 4.5).

    `mx_price` is the price of MX in `quote`; None: no deduction.
    """
    fee = (value * rate).quantize(FEE_STEP)
    if mx_price and fee:
        in_mx = (fee / mx_price).quantize(FEE_STEP)
        if account.free("MX") >= in_mx:
            return in_mx, "MX"
    return fee, quote
