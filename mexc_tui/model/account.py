"""Account, fees, keys and their rights (protocol 4.5, 4.7; reliability 4.3)."""

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum

import msgspec

from mexc_tui.model.answer import EndpointResponse, LongText, Ms
from mexc_tui.model.rows import SkippedRow


class Balance(EndpointResponse, frozen=True):
    """Balance of one asset; the exchange omits zero balances."""

    asset: str
    free: Decimal
    locked: Decimal
    available: Decimal | None = None
    """Newer field than `free`; they differ in one recorded sample, so both are kept."""

    @property
    def total(self) -> Decimal:
        """Return free plus locked."""
        return self.free + self.locked


class Account(EndpointResponse, frozen=True):
    """GET account. `can_withdraw` describes the account, not the key: probe the key for that."""

    balances: tuple[Balance, ...]
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    can_deposit: bool | None = None
    account_type: str | None = None
    permissions: tuple[str, ...] = ()
    update_time: Ms | None = None
    skipped: tuple[SkippedRow, ...] = ()
    """Malformed balance rows, by asset."""

    def free(self, asset: str) -> Decimal | None:
        """Return the free balance of an asset; None: its row could not be read."""
        found = next((balance.free for balance in self.balances if balance.asset == asset), None)
        if found is None and is_read(asset, self.balances, self.skipped):
            return Decimal(0)
        return found


def is_read(asset: str, balances: Iterable[Balance], skipped: Iterable[SkippedRow]) -> bool:
    """Whether a list of balances is conclusive for an asset: a skipped row may be its row."""
    is_lacking = any(row.name in ("", asset) for row in skipped)
    return not is_lacking or any(balance.asset == asset for balance in balances)


class TradeFee(EndpointResponse, frozen=True):
    """GET tradeFee, as ratios."""

    maker_fee: Decimal = msgspec.field(name="makerCommission")
    taker_fee: Decimal = msgspec.field(name="takerCommission")


class ListenKey(EndpointResponse, frozen=True):
    """Listen key of the user stream. It grants read access to the account: repr hides it."""

    listen_key: str

    def __repr__(self) -> str:
        """Return a text without the key."""
        return "ListenKey(***)"


class ListenKeys(EndpointResponse, frozen=True):
    """GET userDataStream: all live keys of the account."""

    listen_keys: tuple[str, ...] = msgspec.field(name="listenKey")

    def __repr__(self) -> str:
        """Return the number of keys, not the keys."""
        return f"ListenKeys({len(self.listen_keys)} of them)"


class DustFailure(EndpointResponse, frozen=True):
    """An asset that could not be converted, and why."""

    asset: str
    message: LongText | None = None
    code: int | str | None = None


class DustConversion(EndpointResponse, frozen=True):
    """POST capital/convert: small balances converted to MX."""

    converted: tuple[str, ...] = msgspec.field(name="successList")
    failed: tuple[DustFailure, ...] = msgspec.field(name="failedList")
    total: Decimal | None = msgspec.field(name="totalConvert", default=None)
    """MX received."""
    fee: Decimal | None = msgspec.field(name="convertFee", default=None)


class DustCandidate(EndpointResponse, frozen=True):
    """GET capital/convert/list: a balance small enough to be converted."""

    asset: str
    balance: Decimal
    value_mx: Decimal | None = msgspec.field(name="convertMx", default=None)
    value_usdt: Decimal | None = msgspec.field(name="convertUsdt", default=None)
    code: int | str | None = None
    message: LongText | None = None


class KeyRight(Enum):
    """Whether a key has a permission (reliability 4.3)."""

    LACKS = "the key lacks the right"
    HAS = "the key CAN"
    UNCLEAR = "cannot tell"


class KeyRights(msgspec.Struct, frozen=True, kw_only=True):
    """Known permissions of a key."""

    may_trade: bool | None
    """Permission of the account; None: not reported."""
    places_orders: KeyRight
    withdraws: KeyRight
    reads_withdrawals: KeyRight
    transfers: KeyRight = KeyRight.UNCLEAR
    """Only reported, never probed: a probe could move money."""
    addresses: tuple[str, ...] | None = None
    """Addresses that the key is bound to; None: not reported."""
    valid_days: int | None = None
    """Days until it expires; None: not reported, or it does not expire."""
    is_reported: bool = False
    """Whether the exchange reported them (protocol 4.9); otherwise they were probed."""

    def validity_text(self, stored: str) -> str:
        """Return addresses and expiry as text. `stored`: expiry by the date of storage, if not reported."""
        if self.addresses:
            return f"It is bound to {', '.join(self.addresses)}."
        if self.addresses is None:
            return f"The exchange does not report whether it is bound to an IP address. {stored}"
        expiry = stored if self.valid_days is None else f"It expires in {self.valid_days} days."
        return f"It is NOT bound to an IP address: bind it to this machine's. {expiry}"

    @property
    def moves_funds(self) -> bool:
        """Whether the key can take money out of the account."""
        return KeyRight.HAS in (self.withdraws, self.transfers)


class KeyInfo(EndpointResponse, frozen=True, kw_only=True):
    """Response to a query of a key's permissions (protocol 4.9)."""

    access_key: str = msgspec.field(name="accessKey")
    permissions: tuple[str, ...]
    addresses: tuple[str, ...] = msgspec.field(name="ipWhiteList", default=())
    valid_days: int | None = msgspec.field(name="remainingValidity", default=None)

    def right(self, name: str) -> KeyRight:
        """Return a permission by its full name; the exchange also writes `_R` and `_W` (protocol 2.6)."""
        short = name.replace("_READ", "_R").replace("_WRITE", "_W")
        return KeyRight.HAS if {name, short} & set(self.permissions) else KeyRight.LACKS
