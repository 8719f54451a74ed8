"""Order handling of the account: accepts, settles, cancels; reports in the order of protocol 5.4 and 9."""

import random
from decimal import Decimal

import msgspec

from mexc_tui.model.order import NewOrder, OrderStatus, OrderType, Side
from mexc_tui.practice.matching import rules
from mexc_tui.practice.matching.accounts import PracticeAccount, fee_of
from mexc_tui.practice.matching.book import RestingOrder
from mexc_tui.practice.matching.hub import Hub
from mexc_tui.practice.matching.market import Match
from mexc_tui.practice.matching.orders import OrderLog
from mexc_tui.practice.matching.pairs import PracticePair
from mexc_tui.practice.matching.rules import OpeningRules, PracticeTerms
from mexc_tui.practice.matching.values import (
    ZERO,
    BookChangeKind,
    Fill,
    OrderRecord,
    PracticeRefusal,
    PracticeTrade,
)
from mexc_tui.practice.scenario import CancelAnswer, DuplicateClientId, Knobs, PostOnlyCrossing


class _OpenOrder:
    """An open order: its latest record, locked amount and place in the book."""

    __slots__ = ("frozen", "left", "pair", "record", "resting", "terms")

    def __init__(
        self, *, record: OrderRecord, pair: PracticePair, terms: PracticeTerms, frozen: Decimal
    ) -> None:
        self.record = record
        self.pair = pair
        self.terms = terms
        self.frozen = frozen
        self.left = terms.budget or 0 if terms.lots is None else terms.lots
        """Lots to fill, or ticks x lots to spend."""
        self.resting: RestingOrder | None = None

    @property
    def frozen_asset(self) -> str:
        return self.pair.rules.quote if self.terms.side is Side.BUY else self.pair.rules.base


class OrderMatcher:
    """Order handling of the account. Callers find the pair and its opening rules."""

    def __init__(
        self, *, hub: Hub, account: PracticeAccount, log: OrderLog, knobs: Knobs, rng: random.Random
    ) -> None:
        self._hub = hub
        self._account = account
        self._log = log
        self._knobs = knobs
        self._rng = rng
        self._live: dict[str, _OpenOrder] = {}
        self.mx_deduction = knobs.mx_deduction
        self.mx_pair: PracticePair | None = None
        """Source of the MX price."""
        hub.maker_filled = self._maker_filled

    def check(self, order: NewOrder, pair: PracticePair, opening: OpeningRules) -> PracticeTerms:
        """Return the order in ticks and lots; raises the PracticeRefusal that `place` would raise."""
        knobs, account = self._knobs, self._account
        rules.check_pair(pair, order.side, knobs)
        rules.check_type(order, knobs, opening)
        rules.check_fields(order, knobs)
        terms = rules.terms_of(order, pair, knobs, opening=opening)
        rules.check_value(terms, pair)
        rules.check_price(terms, pair, opening)
        if self._log.open_count() >= knobs.max_open_orders:
            raise PracticeRefusal(30029, "cannot exceed the maximum order limit")
        used = order.client_order_id and self._log.is_used(order.symbol, order.client_order_id)
        if used and knobs.duplicate_client_id is DuplicateClientId.REFUSE:
            raise PracticeRefusal(30026, "invalid order ids")
        rules.check_funds(terms, pair, account, knobs=knobs)
        crosses = terms.type is OrderType.LIMIT_MAKER and pair.book.crosses(terms.side, terms.ticks)
        if crosses and knobs.post_only_crossing is PostOnlyCrossing.REJECT:
            raise PracticeRefusal(30041, "current order type can not place order")
        return terms

    def place(self, order: NewOrder, pair: PracticePair, opening: OpeningRules) -> OrderRecord:
        """Match an order; return it as accepted."""
        terms = self.check(order, pair, opening)
        record = self._accepted(order, pair, terms)
        frozen = pair.value(terms.units) if terms.side is Side.BUY else pair.quantity(terms.lots or 0)
        live = _OpenOrder(record=record, pair=pair, terms=terms, frozen=frozen)
        self._live[record.order_id] = live
        self._report(live, record)
        self._account.move(live.frozen_asset, -frozen, frozen, kind=BookChangeKind.PLACE)
        self._match(live)
        return record

    def _accepted(self, order: NewOrder, pair: PracticePair, terms: PracticeTerms) -> OrderRecord:
        now_ms = self._hub.now_ms
        low_ms, high_ms = self._knobs.visibility_ms
        delay_ms = self._rng.randint(low_ms, high_ms) if high_ms else 0
        return OrderRecord(
            order_id=self._hub.counters.order_id(),
            client_order_id=order.client_order_id,
            symbol=pair.symbol,
            side=order.side,
            type=order.type,
            price=pair.price(terms.ticks),
            quantity=pair.quantity(terms.lots or 0),
            quote_quantity=(order.quote_quantity or ZERO) if terms.lots is None else pair.value(terms.units),
            stp_mode=order.stp_mode,
            created_ms=now_ms,
            visible_from_ms=now_ms + delay_ms,
        )

    def _match(self, live: _OpenOrder) -> None:
        terms, book = live.terms, live.pair.book
        match terms.type:
            case OrderType.LIMIT_MAKER if book.crosses(terms.side, terms.ticks):
                self._cancel_remainder(live)
            case OrderType.FILL_OR_KILL if self._unfillable(live):
                self._cancel_remainder(live)
            case _:
                self._match_and_add(live)

    def _unfillable(self, live: _OpenOrder) -> bool:
        lots = live.terms.lots or 0
        return live.pair.book.fillable(live.terms.side, live.terms.ticks, lots) < lots

    def _match_and_add(self, live: _OpenOrder) -> None:
        terms, pair = live.terms, live.pair
        matches = pair.take(
            terms.side, terms.ticks, terms.lots, budget=terms.budget, owner=live.record.order_id
        )
        for match in matches:
            self._settle(live, match, is_maker=False)
        if live.record.status.is_terminal:
            return
        if terms.type in (OrderType.LIMIT, OrderType.LIMIT_MAKER):
            live.resting = RestingOrder(
                side=terms.side, ticks=terms.ticks, lots=live.left, owner=live.record.order_id
            )
            pair.rest(live.resting)
        else:
            self._cancel_remainder(live)

    def _maker_filled(self, match: Match) -> None:
        """Book a fill of a resting order of the account."""
        live = self._live.get(match.maker.owner)
        if live is None:
            raise AssertionError(f"an order book holds the unknown order {match.maker.owner}")
        self._settle(live, match, is_maker=True)

    def _settle(self, live: _OpenOrder, match: Match, *, is_maker: bool) -> None:
        """Book deal, both assets, surplus, fee and order, in this order."""
        pair, account, side = live.pair, self._account, live.terms.side
        quantity, price = match.trade.quantity, match.trade.price
        value = price * quantity
        surplus = _surplus(live, quantity, value)
        fee, fee_asset = self._fee(pair, value, side, surplus=surplus, is_maker=is_maker)
        by_amount = live.terms.lots is None
        live.left -= match.lots * match.ticks if by_amount else match.lots
        is_full = live.left < (match.ticks if by_amount else 1)
        record = self._filled_record(live.record, match.trade, is_full=is_full, is_maker=is_maker)
        self._report_deal(record, match, fee, fee_asset=fee_asset, is_maker=is_maker)
        base, quote = pair.rules.base, pair.rules.quote
        spent, got = (value, quantity) if side is Side.BUY else (quantity, value)
        account.move(live.frozen_asset, ZERO, -spent, kind=BookChangeKind.TRADE)
        account.move(base if side is Side.BUY else quote, got, ZERO, kind=BookChangeKind.TRADE)
        live.frozen -= spent
        live.frozen -= surplus
        account.move(live.frozen_asset, surplus, -surplus, kind=BookChangeKind.UNFROZEN)
        account.pay_fee(fee_asset, fee)
        self._report(live, record)
        if record.status is OrderStatus.FILLED:
            self._release(live, BookChangeKind.UNFROZEN)

    def _report_deal(
        self, record: OrderRecord, match: Match, fee: Decimal, *, fee_asset: str, is_maker: bool
    ) -> None:
        fill = Fill(
            symbol=record.symbol,
            trade_id=match.trade.trade_id,
            order_id=record.order_id,
            client_order_id=record.client_order_id,
            side=record.side,
            price=match.trade.price,
            quantity=match.trade.quantity,
            quote_quantity=match.trade.price * match.trade.quantity,
            fee=fee,
            fee_asset=fee_asset,
            time_ms=match.trade.time_ms,
            is_maker=is_maker,
            is_self_trade=bool(match.taker and match.maker.owner),
        )
        self._log.add_fill(fill)
        for sink in self._hub.sinks:
            sink.on_deal(fill)

    def _fee(
        self, pair: PracticePair, value: Decimal, side: Side, *, surplus: Decimal, is_maker: bool
    ) -> tuple[Decimal, str]:
        """Return (fee, asset); a buyer pays at most the free balance plus the price improvement."""
        rate = pair.rules.maker_fee if is_maker else pair.rules.taker_fee
        deducts = self.mx_deduction and self.mx_pair is not None and pair.rules.quote in ("USDT", "USDC")
        price = self.mx_pair.last_price if deducts and self.mx_pair is not None else None
        fee, asset = fee_of(value, rate, pair.rules.quote, account=self._account, mx_price=price)
        if side is Side.BUY:
            fee = min(fee, self._account.free(asset) + (surplus if asset == pair.rules.quote else ZERO))
        return fee, asset

    def _filled_record(
        self, record: OrderRecord, trade: PracticeTrade, *, is_full: bool, is_maker: bool
    ) -> OrderRecord:
        return msgspec.structs.replace(
            record,
            status=OrderStatus.FILLED if is_full else OrderStatus.PARTIALLY_FILLED,
            executed=record.executed + trade.quantity,
            executed_quote=record.executed_quote + trade.price * trade.quantity,
            last_fill_quantity=trade.quantity,
            is_maker=is_maker,
            updated_ms=self._hub.now_ms,
        )

    def _report(self, live: _OpenOrder, record: OrderRecord) -> None:
        live.record = record
        self._log.put(record)
        if record.status.is_terminal:
            self._live.pop(record.order_id, None)
        for sink in self._hub.sinks:
            sink.on_order(record)

    def _release(self, live: _OpenOrder, kind: BookChangeKind) -> None:
        """Unlock the remaining amount of a closed order."""
        self._account.move(live.frozen_asset, live.frozen, -live.frozen, kind=kind)
        live.frozen = ZERO

    def _cancel_remainder(self, live: _OpenOrder) -> None:
        """Cancel the remainder of an order."""
        if live.resting is not None:
            live.pair.remove(live.resting)
        some = live.record.executed > 0
        status = OrderStatus.PARTIALLY_CANCELED if some else OrderStatus.CANCELED
        self._release(live, BookChangeKind.CANCEL)
        self._report(live, msgspec.structs.replace(live.record, status=status, updated_ms=self._hub.now_ms))

    def cancel(self, symbol: str, order_id: str, client_order_id: str) -> OrderRecord:
        """Cancel one order; return it before or after the cancel (knob). Raises -2011 if it is not open."""
        order = self._log.find(symbol, order_id, client_order_id)
        if order is None:
            raise PracticeRefusal(-2011, "Unknown order sent.")
        live = self._live.get(order.order_id)
        if live is None:
            filled = order.status is OrderStatus.FILLED
            raise PracticeRefusal(-2011, "Order filled." if filled else "Unknown order sent.")
        answer = self._cancel(live)
        if self._knobs.cancel_race and self._rng.random() < self._knobs.cancel_race:
            raise PracticeRefusal(-2011, "Unknown order sent.")
        return answer

    def _cancel(self, live: _OpenOrder) -> OrderRecord:
        before = live.record
        self._cancel_remainder(live)
        return before if self._knobs.cancel_answer is CancelAnswer.BEFORE else live.record

    def cancel_all(self, symbol: str | None) -> list[OrderRecord]:
        """Cancel every open order of a symbol (None: of the account)."""
        found = [live for live in self._live.values() if symbol in (None, live.record.symbol)]
        if not found and self._knobs.no_open_orders_error:
            raise PracticeRefusal(-2011, "Unknown order sent.")
        return [self._cancel(live) for live in found]


def _surplus(live: _OpenOrder, quantity: Decimal, value: Decimal) -> Decimal:
    """Return the price improvement; a MARKET buy by amount unlocks it when it closes."""
    if live.terms.side is Side.SELL or live.terms.lots is None:
        return ZERO
    return live.record.price * quantity - value
