"""A trading pair: what exchangeInfo says of it (`PairRules`) and how it stands now (`Pair`)."""

from collections import deque
from decimal import Decimal
from enum import IntEnum, StrEnum

import msgspec

from mexc_tui.practice.values import BookTop, Trade

LISTED_ORDER_TYPES = ("LIMIT", "MARKET", "LIMIT_MAKER")
"""exchangeInfo names these; IOC and FOK are accepted though not listed (reference 4.2)."""


class PairStatus(StrEnum):
    """exchangeInfo `status` (reference 4.2)."""

    ONLINE = "1"
    PAUSED = "2"
    OFFLINE = "3"


class TradeSides(IntEnum):
    """exchangeInfo `tradeSideType` (reference 4.2)."""

    BOTH = 1
    BUY_ONLY = 2
    SELL_ONLY = 3
    CLOSED = 4


class PairRules(msgspec.Struct, frozen=True, kw_only=True):
    """What never changes of a pair (reference 4.2); the wire's names below where they differ."""

    symbol: str
    base: str
    quote: str
    price_decimals: int
    """quotePrecision, quoteAssetPrecision, quoteCommissionPrecision."""
    quantity_decimals: int
    """baseAssetPrecision, baseCommissionPrecision."""
    min_quantity: Decimal
    """baseSizePrecision; 0: none."""
    min_value: Decimal
    """quoteAmountPrecision."""
    min_value_market: Decimal
    max_value: Decimal
    """maxQuoteAmount."""
    max_value_market: Decimal
    band_up: Decimal | None
    """bidMultiplierUp; None: `filters` is empty."""
    band_down: Decimal | None
    """askMultiplierDown."""
    full_name: str
    contract_address: str
    concept_plate_ids: tuple[int, ...]
    concept_plates: tuple[str, ...]
    permissions: tuple[str, ...] = ("SPOT",)
    special_treatment: bool = False
    """st."""
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal("0.0005")
    symbol_id: str
    coin_id: str
    market_coin_id: str
    start_price: Decimal
    """Price at the start of the world (of a listing: the reference price of its opening)."""
    turnover: Decimal
    """Usual quote volume of a day."""
    history_from_ms: int
    """When the pair opened; klines do not reach further back."""
    zone: str = ""


class Pair:
    """A pair as it stands now. Read it freely; only the world changes it."""

    rules: PairRules
    status: PairStatus
    sides: TradeSides
    api_allowed: bool
    """isSpotTradingAllowed, and member of defaultSymbols."""
    blocked: bool
    """Assessment zone: streams answer Blocked!, public market data is refused (reference 5.5)."""
    first_open_ms: int | None
    """firstOpenTime; None: unknown."""
    last_price: Decimal
    trades: deque[Trade]
    """The last ones, oldest first, at most 1,000."""
    last_order_ms: int
    """When the last order of anybody came (lastOrderCreateTime)."""

    @property
    def symbol(self) -> str:
        """Name of the pair."""
        return self.rules.symbol

    @property
    def version(self) -> int:
        """Version of the last change of a level."""
        raise NotImplementedError

    def top(self) -> BookTop:
        """Return the best quotes."""
        raise NotImplementedError
