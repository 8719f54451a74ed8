"""Refusals of the exchange, in order of its checks (protocol 5, 6.1, 11)."""

import re
from decimal import ROUND_DOWN, Decimal

import msgspec

from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.practice.matching.accounts import PracticeAccount
from mexc_tui.practice.matching.pairs import PairStatus, PracticePair, PracticeTradeSides
from mexc_tui.practice.matching.values import ZERO, PracticeRefusal
from mexc_tui.practice.scenario import (
    EarlyOrder,
    ExcessPrecision,
    Knobs,
    MarketPolicy,
    MarketSellByQuote,
)

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{0,32}")
LIMIT_TYPES = (OrderType.LIMIT, OrderType.IMMEDIATE_OR_CANCEL, OrderType.FILL_OR_KILL)
"""Order types subject to the price band (protocol 4.2)."""
MAX_DIGITS = 18
"""Numbers beyond this many digits are refused."""


class OpeningRules(msgspec.Struct, frozen=True):
    """Order rules of a pair in the first seconds of its listing; the defaults are those of ordinary pairs."""

    ceiling: Decimal | None = None
    market_policy: MarketPolicy = MarketPolicy.ALLOW


def check_pair(pair: PracticePair, side: Side, knobs: Knobs) -> None:
    """Refuse an order if the pair accepts none of its side from API keys now."""
    early = {
        EarlyOrder.DIRECTION_NOT_ALLOWED: _direction_refused(),
        EarlyOrder.NOT_SUPPORTED: PracticeRefusal(10007, "symbol not support api"),
        EarlyOrder.TRADING_DISABLED: PracticeRefusal(30016, "trading disabled"),
    }
    if not pair.api_allowed:
        raise PracticeRefusal(10007, "symbol not support api")
    if pair.status is not PairStatus.ONLINE:
        raise PracticeRefusal(30000, "suspended transaction for the symbol")
    if not pair.trading:
        raise early[knobs.early_order]
    if pair.sides is PracticeTradeSides.CLOSED:
        raise PracticeRefusal(30016, "trading disabled")
    forbidden = PracticeTradeSides.SELL_ONLY if side is Side.BUY else PracticeTradeSides.BUY_ONLY
    if pair.sides is forbidden:
        raise _direction_refused()
    if side is Side.SELL and pair.rules.base in knobs.trapped:
        raise PracticeRefusal(30028, "the sale of this coin is suspended by risk control")


def _direction_refused() -> PracticeRefusal:
    return PracticeRefusal(30001, "The current transaction direction is not allowed to place an order")


def check_type(order: NewOrder, knobs: Knobs, opening: OpeningRules) -> None:
    """Refuse an order of a type that is not accepted at present."""
    is_immediate = order.type is OrderType.IMMEDIATE_OR_CANCEL
    if is_immediate and opening.market_policy is MarketPolicy.LIMIT_ONLY:
        raise PracticeRefusal(30041, "current order type can not place order")
    if order.type is not OrderType.MARKET:
        return
    if not knobs.market_enabled or opening.market_policy is MarketPolicy.DISABLED_30019:
        raise PracticeRefusal(30019, "api market order is disabled")
    if opening.market_policy in (MarketPolicy.TYPE_REFUSED_30041, MarketPolicy.LIMIT_ONLY):
        raise PracticeRefusal(30041, "current order type can not place order")


class PracticeTerms(msgspec.Struct, frozen=True):
    """An order in ticks and lots. `lots` is None for a MARKET buy that spends `budget` (ticks x lots)."""

    side: Side
    type: OrderType
    ticks: int
    lots: int | None
    budget: int | None

    @property
    def units(self) -> int:
        """Largest value in ticks x lots."""
        return (self.budget or 0) if self.lots is None else self.ticks * self.lots


def check_fields(order: NewOrder, knobs: Knobs) -> None:
    """Refuse an order with missing or invalid fields for its type."""
    if not CLIENT_ID.fullmatch(order.client_order_id):
        raise PracticeRefusal(700008, "Illegal characters found in parameter 'newClientOrderId'")
    for name, amount in _required_fields(order, knobs):
        if amount is None:
            raise PracticeRefusal(
                700004, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
            )
        if not amount.is_finite() or amount <= 0 or amount.adjusted() > MAX_DIGITS:
            raise PracticeRefusal(33333, "param is error")


def _required_fields(order: NewOrder, knobs: Knobs) -> list[tuple[str, Decimal | None]]:
    if order.type is not OrderType.MARKET:
        return [("quantity", order.quantity), ("price", order.price)]
    if spends_quote(order) or sells_for_quote(order, knobs):
        return [("quoteOrderQty", order.quote_quantity)]
    return [("quantity", order.quantity)]


def sells_for_quote(order: NewOrder, knobs: Knobs) -> bool:
    """Whether this is a MARKET sell by quote amount, and the exchange accepts those."""
    is_market_sell = order.type is OrderType.MARKET and order.side is Side.SELL
    accepts = knobs.market_sell_by_quote is MarketSellByQuote.ACCEPT
    return is_market_sell and accepts and order.quantity is None and order.quote_quantity is not None


def spends_quote(order: NewOrder) -> bool:
    """Whether this is a MARKET buy by the amount to spend; that amount wins over a quantity."""
    is_market_buy = order.type is OrderType.MARKET and order.side is Side.BUY
    return is_market_buy and order.quote_quantity is not None


def terms_of(order: NewOrder, pair: PracticePair, knobs: Knobs, *, opening: OpeningRules) -> PracticeTerms:
    """Return the order in ticks and lots; refuse (or cut: knob) decimals, and MARKET without a book."""
    if order.type is OrderType.MARKET:
        ticks = _protection_ticks(order.side, pair, knobs, opening=opening)
    else:
        ticks = _whole_units(order.price or ZERO, pair.rules.price_decimals, knobs)
    if spends_quote(order):
        decimals = pair.rules.price_decimals + pair.rules.quantity_decimals
        budget = int((order.quote_quantity or ZERO).scaleb(decimals))
        return PracticeTerms(order.side, order.type, ticks, None, budget)
    if sells_for_quote(order, knobs):
        lots = _lots_worth(order.quote_quantity or ZERO, ticks, pair)
    else:
        lots = _whole_units(order.quantity or ZERO, pair.rules.quantity_decimals, knobs)
    return PracticeTerms(order.side, order.type, ticks, lots, None)


def _lots_worth(amount: Decimal, limit: int, pair: PracticePair) -> int:
    """Return how many lots the bids down to a limit buy for this quote amount, rounded down."""
    decimals = pair.rules.price_decimals + pair.rules.quantity_decimals
    bids, left, lots = pair.book.bids, int(amount.scaleb(decimals)), 0
    for ticks in bids.prices():
        wanted = left // ticks
        if not wanted or not bids.reaches(ticks, limit):
            break
        taken = min(wanted, bids.totals[ticks])
        lots, left = lots + taken, left - taken * ticks
    if not lots:
        raise PracticeRefusal(33333, "param is error")
    return lots


def _whole_units(amount: Decimal, decimals: int, knobs: Knobs) -> int:
    steps = amount.scaleb(decimals)
    whole = steps.to_integral_value(ROUND_DOWN)
    if steps != whole and knobs.excess_precision is ExcessPrecision.REJECT:
        raise PracticeRefusal(10096, "amount precision error")
    if not whole:
        raise PracticeRefusal(33333, "param is error")
    return int(whole)


def _protection_ticks(side: Side, pair: PracticePair, knobs: Knobs, *, opening: OpeningRules) -> int:
    """Return the price about 5 % through the touch (protocol 5.2)."""
    touch = pair.book.opposite(side).best()
    if touch is None:
        if opening.market_policy is not MarketPolicy.CANCEL_UNFILLED:
            raise PracticeRefusal(30025, "no exist opponent order")
        touch = pair.market.last_ticks or pair.ticks(pair.rules.start_price)
    if side is Side.SELL:
        return max(int(touch * (1 - knobs.market_protection)), 1)
    limit = int(touch * (1 + knobs.market_protection))
    return limit if opening.ceiling is None else min(limit, pair.ticks(opening.ceiling))


def check_value(terms: PracticeTerms, pair: PracticePair) -> None:
    """Check minimum quantity, minimum and maximum value (protocol 4.2)."""
    rules = pair.rules
    is_market = terms.type is OrderType.MARKET
    smallest = rules.min_value_market if is_market else rules.min_value
    largest = rules.max_value_market if is_market else rules.max_value
    value = pair.value(terms.units)
    too_few = terms.lots is not None and pair.quantity(terms.lots) < rules.min_quantity
    if value < smallest or too_few:
        text = f"The minimum transaction volume cannot be less than:{plain(smallest)}{rules.quote}"
        raise PracticeRefusal(30002, text)
    if value > largest:
        text = f"The maximum transaction volume cannot be greater than:{plain(largest)}{rules.quote}"
        raise PracticeRefusal(30003, text)


def check_price(terms: PracticeTerms, pair: PracticePair, opening: OpeningRules) -> None:
    """Check the ceiling of an opening (30010 with its price), then the price band (30087)."""
    if terms.type is OrderType.MARKET:
        return
    price = pair.price(terms.ticks)
    if opening.ceiling is not None and terms.side is Side.BUY and price > opening.ceiling:
        raise PracticeRefusal(
            30010, f"The price cannot be higher than {plain(opening.ceiling)}{pair.rules.quote}"
        )
    last = pair.last_price
    if terms.type not in LIMIT_TYPES or not last or opening.ceiling is not None:
        return
    up, down = pair.rules.band_up, pair.rules.band_down
    too_high = up is not None and terms.side is Side.BUY and price > last * (1 + up)
    too_low = down is not None and terms.side is Side.SELL and price < last * (1 - down)
    if too_high or too_low:
        raise PracticeRefusal(30087, "Order price exceeds allowed range")


def check_funds(terms: PracticeTerms, pair: PracticePair, account: PracticeAccount, *, knobs: Knobs) -> None:
    """Check balances (30004, 30005) and the cap on the value of one coin (30027)."""
    rules = pair.rules
    if terms.side is Side.SELL:
        wanted = pair.quantity(terms.lots or 0)
        if account.free(rules.base) < wanted:
            if account.total(rules.base):
                raise PracticeRefusal(30005, "Oversold")
            raise PracticeRefusal(30004, "Insufficient position")
        return
    value = pair.value(terms.units)
    if account.free(rules.quote) < value:
        raise PracticeRefusal(30004, "Insufficient position")
    cap = knobs.holding_cap_quote
    if cap is not None and account.total(rules.base) * pair.price(terms.ticks) + value > cap:
        raise PracticeRefusal(30027, "max position reached, buying suspended")


def plain(number: Decimal) -> str:
    """Format a number without exponent and trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
