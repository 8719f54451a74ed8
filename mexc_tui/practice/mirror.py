"""A session with mirrored pairs and order books and its own account: matches paper orders.

Order books are loaded as whole levels, best first. Orders of the account rest behind the mirrored levels.
They are filled when the opposite side reaches their price, or by a trade beyond it. Quantity that they take
from a level is back with the next load: a paper order does not move the real market.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from mexc_tui.model.order import Side
from mexc_tui.model.symbol import Symbol, SymbolStatus
from mexc_tui.practice.matching.book import RestingOrder
from mexc_tui.practice.matching.ids import coin_id, symbol_id
from mexc_tui.practice.matching.pairs import PairRules, PairStatus, PracticePair, PracticeTradeSides
from mexc_tui.practice.matching.values import ZERO
from mexc_tui.practice.scenario import AccountPlan, FaultPlan, Knobs, MarketPlan, Scenario
from mexc_tui.practice.session import ExchangeSession

NAME = "paper"
NO_LARGEST = Decimal(10) ** 12
"""Represents an unlimited maximum value."""

_STATUS = {
    SymbolStatus.ONLINE: PairStatus.ONLINE,
    SymbolStatus.PAUSED: PairStatus.PAUSED,
    SymbolStatus.OFFLINE: PairStatus.OFFLINE,
    SymbolStatus.UNKNOWN: PairStatus.PAUSED,
}


def paper_scenario(
    balances: dict[str, Decimal], faults: tuple[FaultPlan, ...] = (), knobs: Knobs | None = None
) -> Scenario:
    """Return the scenario of a mirror: no pairs of its own, an account with these balances."""
    return Scenario(
        name=NAME,
        account=AccountPlan(balances=balances),
        market=MarketPlan(symbols=0, active_pairs=0),
        faults=faults,
        knobs=knobs or Knobs(),
    )


class MirrorSession(ExchangeSession):
    """One account on mirrored order books. Call `advance(now)` first, as for every session."""

    def __init__(self, scenario: Scenario, seed: int, start_ms: int) -> None:
        super().__init__(scenario, seed, start_ms)
        self._mirrored: dict[str, dict[Side, dict[int, RestingOrder]]] = {}
        """Other traders' orders by tick, one a level."""

    @property
    def id(self) -> str:
        """Return a constant name: the paper ledger continues after a restart."""
        return NAME

    def mirror_pair(self, symbol: Symbol) -> None:
        """Add or update a mirrored pair. A known symbol keeps its book and orders."""
        pair = self._pairs.get(symbol.symbol)
        if pair is None:
            pair = PracticePair(rules=rules_of(symbol), hub=self._hub, seed=self.seed, past_until_ms=None)
            pair.trading = False
            self._pairs[symbol.symbol] = pair
            self._mirrored[symbol.symbol] = {side: {} for side in Side}
        pair.status = _STATUS[symbol.status]
        pair.sides = PracticeTradeSides(symbol.sides.value or PracticeTradeSides.CLOSED.value)
        pair.api_allowed = symbol.is_spot_trading_allowed
        pair.first_open_ms = symbol.first_open_ms

    def mirror_book(
        self,
        symbol: str,
        bids: Sequence[tuple[Decimal, Decimal]],
        asks: Sequence[tuple[Decimal, Decimal]],
    ) -> None:
        """Set the other traders' levels as (price, base units), best first. A crossed book is ignored.

        In a locked book, the ask that equals the bid counts as taken.
        """
        pair = self._pairs.get(symbol)
        if pair is None or (bids and asks and bids[0][0] > asks[0][0]):
            return
        if bids and asks and bids[0][0] == asks[0][0]:
            asks = asks[1:]
        pair.trading = pair.trading or bool(bids or asks)
        wanted = {Side.BUY: _levels(pair, bids), Side.SELL: _levels(pair, asks)}
        for side in Side:
            self._withdraw(pair, side, wanted[side])
        for side in Side:
            self._offer(pair, side, wanted[side])

    def mirror_trade(self, symbol: str, price: Decimal, quantity: Decimal, *, taker: Side) -> None:
        """Apply a trade of the mirrored exchange: it fills our orders at better prices than its own."""
        pair = self._pairs.get(symbol)
        if pair is None:
            return
        pair.trading = True
        ticks, lots = pair.ticks(price), pair.lots(quantity)
        beyond = ticks + 1 if taker is Side.SELL else ticks - 1
        resting_side = Side.BUY if taker is Side.SELL else Side.SELL
        if lots and self._has_own(pair, resting_side, beyond):
            pair.take(taker, beyond, lots)
        pair.market.last_ticks = ticks

    def _withdraw(self, pair: PracticePair, side: Side, wanted: dict[int, int]) -> None:
        """Remove or reduce levels that are no longer quoted."""
        held = self._mirrored[pair.symbol][side]
        for ticks, order in list(held.items()):
            if order.lots != wanted.get(ticks):
                if order.lots:  # otherwise it was filled and has left the book
                    pair.remove(order)
                del held[ticks]

    def _offer(self, pair: PracticePair, side: Side, wanted: dict[int, int]) -> None:
        """Add new quotes; those that cross our orders trade with them first."""
        held = self._mirrored[pair.symbol][side]
        for ticks, lots in wanted.items():
            if ticks in held:
                continue
            left = lots
            if pair.book.crosses(side, ticks):
                left -= sum(match.lots for match in pair.take(side, ticks, lots))
            if left:
                held[ticks] = RestingOrder(side=side, ticks=ticks, lots=left)
                pair.rest(held[ticks])

    def _has_own(self, pair: PracticePair, side: Side, limit: int) -> bool:
        """Whether an incoming order with this limit reaches a resting order of the account."""
        ladder = pair.book.ladder(side)
        orders: Iterable[RestingOrder] = (
            order for ticks, level in ladder.levels.items() if ladder.reaches(ticks, limit) for order in level
        )
        return any(order.owner for order in orders)


def rules_of(symbol: Symbol) -> PairRules:
    """Return a live pair's rules in the form of the practice exchange."""
    band = symbol.price_band
    return PairRules(
        symbol=symbol.symbol,
        base=symbol.base_asset,
        quote=symbol.quote_asset,
        price_decimals=symbol.price_precision,
        quantity_decimals=symbol.quantity_precision,
        min_quantity=symbol.min_quantity,
        min_value=symbol.min_value,
        min_value_market=symbol.min_value_market,
        max_value=symbol.max_value or NO_LARGEST,
        max_value_market=symbol.max_value_market or NO_LARGEST,
        band_up=band.above if band is not None else None,
        band_down=band.below if band is not None else None,
        full_name=symbol.full_name,
        contract_address=symbol.contract_address,
        concept_plate_ids=(),
        concept_plates=(),
        maker_fee=symbol.maker_fee,
        taker_fee=symbol.taker_fee,
        symbol_id=symbol_id(symbol.symbol),
        coin_id=coin_id(symbol.base_asset),
        market_coin_id=coin_id(symbol.quote_asset),
        start_price=ZERO,
        turnover=ZERO,
        history_from_ms=symbol.first_open_ms or 0,
    )


def _levels(pair: PracticePair, levels: Iterable[tuple[Decimal, Decimal]]) -> dict[int, int]:
    """Return lots by tick; fractions of a tick or lot are dropped."""
    found: dict[int, int] = {}
    for price, quantity in levels:
        ticks, lots = pair.ticks(price), pair.lots(quantity)
        if ticks > 0 and lots > 0:
            found[ticks] = found.get(ticks, 0) + lots
    return found
