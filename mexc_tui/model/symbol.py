"""Pairs as described by exchangeInfo (protocol 4.2)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import lru_cache

import msgspec
from msgspec.structs import force_setattr

from mexc_tui.model.answer import EndpointResponse, Ms, Precision, money
from mexc_tui.model.calendar import opening_ms
from mexc_tui.model.order import Side
from mexc_tui.model.text import are_clean, clean_all, clean_name, is_tradable_name


class SymbolStatus(StrEnum):
    """Whether a pair trades (protocol 4.2)."""

    ONLINE = "1"
    PAUSED = "2"
    OFFLINE = "3"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "SymbolStatus | None":
        return cls.UNKNOWN if isinstance(value, str) else None


class TradeSides(IntEnum):
    """Which sides a pair may be traded on: `tradeSideType`."""

    UNKNOWN = 0
    BOTH = 1
    BUY_ONLY = 2
    SELL_ONLY = 3
    CLOSED = 4


NO_LIMIT = "0"
"""Placeholder of a maximum that was not sent."""

_SIDES = {str(sides.value): sides for sides in TradeSides}


@dataclass(frozen=True, slots=True)
class PriceBand:
    """Buys up to last x (1 + `above`), sells down to last x (1 - `below`) (protocol 4.2, derived rules)."""

    above: Decimal
    below: Decimal


class ListedType(StrEnum):
    """Order types as listed by pairs; equal to the `OrderType` of the same name."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    IMMEDIATE_OR_CANCEL = "IMMEDIATE_OR_CANCEL"
    FILL_OR_KILL = "FILL_OR_KILL"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "ListedType | None":
        return cls.OTHER if isinstance(value, str) else None


class Permission(StrEnum):
    """Permissions of a pair; a desk needs only SPOT."""

    SPOT = "SPOT"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "Permission | None":
        return cls.OTHER if isinstance(value, str) else None


class FilterType(StrEnum):
    """Filters of a pair; only one type has been observed."""

    PERCENT_PRICE_BY_SIDE = "PERCENT_PRICE_BY_SIDE"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "FilterType | None":
        return cls.OTHER if isinstance(value, str) else None


class PriceFilter(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Maximum distance of a limit from the last price. Its numbers are checked with those of its pair."""

    filter_type: FilterType
    bid_multiplier_up: str = "0"
    ask_multiplier_down: str = "0"


@lru_cache(maxsize=8_192)
def _check_numbers(numbers: tuple[str, ...]) -> None:
    """Raise ValueError for an implausible number. Cached, as most pairs share their numbers."""
    for number in numbers:
        money(number)


def _limit(text: str) -> Decimal | None:
    return None if text == NO_LIMIT else money(text)


DECORATIVE = frozenset(
    {
        "fullName",
        "contractAddress",
        "conceptPlates",
        "conceptPlateIds",
        "st",
        "permissions",
        "orderTypes",
        "filters",
        "tradeSideType",
        "firstOpenTime",
    }
)
"""Optional fields, whose absence never makes a pair tradable: null counts as missing (protocol 4.10)."""


class Symbol(msgspec.Struct, frozen=True, rename="camel", gc=False, kw_only=True):
    """One pair. Quantities are in base units, values in quote units.

    Fields are as sent; numbers are converted to Decimal by the properties, as there are 2,000 pairs.
    """

    symbol: str
    status: SymbolStatus
    base_asset: str
    quote_asset: str
    base_asset_precision: Precision
    quote_precision: Precision
    is_spot_trading_allowed: bool
    """Whether ordinary keys may trade it through the API."""
    order_types: tuple[ListedType, ...] = ()
    """As listed; IMMEDIATE_OR_CANCEL and FILL_OR_KILL work without being listed."""
    permissions: tuple[Permission, ...] = ()
    filters: tuple[PriceFilter, ...] = ()
    quote_amount_precision: str = "0"
    quote_amount_precision_market: str = "0"
    max_quote_amount: str = NO_LIMIT
    max_quote_amount_market: str = NO_LIMIT
    base_size_precision: str = "0"
    maker_commission: str = "0"
    taker_commission: str = "0"
    base_commission_precision: Precision = 8
    quote_commission_precision: Precision = 8
    full_name: str = ""
    contract_address: str = ""
    trade_side_type: int | str = 0
    """As sent: a number in recordings, text in the docs. Use `sides`."""
    concept_plate_ids: tuple[int, ...] = ()
    concept_plates: tuple[str, ...] = ()
    special_treatment: bool = msgspec.field(name="st", default=False)
    """Whether it is marked as at risk of delisting."""
    first_open_time: int | float | str | None = None
    """As sent; undocumented and often absent. Use `first_open_ms`."""

    def __post_init__(self) -> None:
        # Not by `EndpointResponse`, for speed: this runs 2,000 times while a listing may be opening.
        names = (self.symbol, self.base_asset, self.quote_asset, self.full_name, self.contract_address)
        if not are_clean(names):
            for name in ("symbol", "base_asset", "quote_asset", "full_name", "contract_address"):
                force_setattr(self, name, clean_name(getattr(self, name)))
        for name in ("trade_side_type", "first_open_time"):
            if isinstance(value := getattr(self, name), str):
                force_setattr(self, name, clean_name(value))
        if self.concept_plates:
            force_setattr(self, "concept_plates", clean_all(self.concept_plates))
        _check_numbers(
            (
                self.quote_amount_precision,
                self.quote_amount_precision_market,
                self.max_quote_amount,
                self.max_quote_amount_market,
                self.base_size_precision,
                self.maker_commission,
                self.taker_commission,
            )
        )
        for entry in self.filters:
            _check_numbers((entry.bid_multiplier_up, entry.ask_multiplier_down))

    @property
    def price_precision(self) -> int:
        """Return the decimals of a price."""
        return self.quote_precision

    @property
    def quantity_precision(self) -> int:
        """Return the decimals of a quantity."""
        return self.base_asset_precision

    @property
    def min_quantity(self) -> Decimal:
        """Return the minimum quantity; 0: not specified."""
        return money(self.base_size_precision)

    @property
    def min_value(self) -> Decimal:
        """Return the minimum value of a limit order."""
        return money(self.quote_amount_precision)

    @property
    def min_value_market(self) -> Decimal:
        """Return the minimum value of a market order."""
        return money(self.quote_amount_precision_market)

    @property
    def max_value(self) -> Decimal | None:
        """Return the maximum value of a limit order."""
        return _limit(self.max_quote_amount)

    @property
    def max_value_market(self) -> Decimal | None:
        """Return the maximum value of a market order."""
        return _limit(self.max_quote_amount_market)

    @property
    def maker_fee(self) -> Decimal:
        """Return the maker fee as a ratio."""
        return money(self.maker_commission)

    @property
    def taker_fee(self) -> Decimal:
        """Return the taker fee as a ratio."""
        return money(self.taker_commission)

    @property
    def sides(self) -> TradeSides:
        """Return the tradable sides; UNKNOWN for an undocumented value."""
        return _SIDES.get(str(self.trade_side_type), TradeSides.UNKNOWN)

    @property
    def first_open_ms(self) -> int | None:
        """Return when the pair opened or will open, if the exchange's value is credible."""
        return opening_ms(self.first_open_time)

    @property
    def price_band(self) -> PriceBand | None:
        """Return the price band around the last price, if the pair has one."""
        for entry in self.filters:
            if entry.filter_type is FilterType.PERCENT_PRICE_BY_SIDE:
                return PriceBand(money(entry.bid_multiplier_up), money(entry.ask_multiplier_down))
        return None

    def is_tradable(self, side: Side) -> bool:
        """Return whether this side is tradable now (protocol 4.2, derived rules; reliability 4.5)."""
        one_side = TradeSides.BUY_ONLY if side is Side.BUY else TradeSides.SELL_ONLY
        return (
            self.status is SymbolStatus.ONLINE
            and self.is_spot_trading_allowed
            and Permission.SPOT in self.permissions
            and self.sides in (TradeSides.BOTH, one_side)
            and is_tradable_name(self.symbol)
        )


class ExchangeInfo(EndpointResponse, frozen=True):
    """All pairs, or the requested ones; an unknown pair may return an empty list."""

    server_time: Ms
    symbols: tuple[Symbol, ...]


class RawExchangeInfo(EndpointResponse, frozen=True):
    """The same with undecoded pairs, to be decoded in slices."""

    server_time: Ms
    symbols: tuple[msgspec.Raw, ...]
