"""Previews of commands: the effect of each with current numbers, before confirmation. Nothing changes."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.engine.views.sale_preview import BidDepth, sale_of
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.intent import ZERO, OrderRole
from mexc_tui.model.plan_view import Preview, PreviewRow, SaleRow
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import Snipe
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.model.trading_view import WhatIfRow
from mexc_tui.model.verdict import refusals
from mexc_tui.risk import state
from mexc_tui.risk.state import RESUME_WORD, Transition, needs_word
from mexc_tui.sniping.rounding import grid_of

STOPS = {
    Preview.HALT: TradingState.HALTED,
    Preview.REDUCE_ONLY: TradingState.REDUCE_ONLY,
    Preview.FLATTEN: TradingState.FLATTENING,
    Preview.KILL: TradingState.FLATTENING,
}


class Previews:
    """Previews of one engine that trades."""

    def __init__(
        self, components: TradingComponents, knowledge_store: KnowledgeStore, stale_ms: Callable[[], int]
    ) -> None:
        """`stale_ms`: maximum age of a usable price."""
        self._components = components
        self._knowledge_store = knowledge_store
        self._stale_ms = stale_ms

    def arm(self, what_if: WhatIfRow) -> PreviewRow:
        """Preview the maximum spend of a snipe."""
        symbol = what_if.symbol
        refused = "" if what_if.approved else f"{symbol} not armed: {what_if.text}"
        if self._components.ledger.state.snipe_of(symbol) is not None:
            refused = f"{symbol} is already armed."
        return msgspec.structs.replace(
            self._row(Preview.ARM, symbol, refused),
            spend_cap=what_if.spend_cap,
            price_cap=what_if.price_cap,
            bound=what_if.bound,
            refusals=refusals(what_if.verdicts),
        )

    def disarm(self, symbol: str) -> PreviewRow:
        """Preview the reservation that disarming a snipe frees."""
        snipe = self._components.ledger.state.snipe_of(symbol)
        if snipe is None:
            return self._row(Preview.DISARM, symbol, f"No snipe is armed for {symbol}.")
        if not snipe.state.is_unfired:
            text = f"{symbol} is already firing: halt to stop it, or close the position."
            return self._row(Preview.DISARM, symbol, text)
        row = self._row(Preview.DISARM, symbol)
        return msgspec.structs.replace(row, snipes_to_disarm=1, released=self._reserved([snipe]))

    def close(self, symbol: str, share_pct: Decimal | None) -> PreviewRow:
        """Preview the proceeds of selling a position or a share of it."""
        position = self._components.ledger.state.position_of(symbol)
        if position is None:
            return self._row(Preview.CLOSE, symbol, f"No open position in {symbol}.")
        sale = self._sale(position, share_pct)
        refused = "" if sale.quantity else f"{share_pct} % of {symbol} is less than one quantity step."
        row = self._row(Preview.CLOSE, symbol, refused)
        return _with_sales(msgspec.structs.replace(row, orders_to_cancel=sale.orders_to_cancel), (sale,))

    def stop(self, name: Preview) -> PreviewRow:
        """Preview what one of `STOPS` would cancel, disarm and sell."""
        memory, kept = self._components.ledger.state, self._components.safety.trading_state.kept
        change = state.restrict(kept, STOPS[name], Cause.MANUAL, text="", by="", at_ms=self._now_ms())
        if name is Preview.REDUCE_ONLY:
            return self._row(name, "", _unchanged(change), after=change.trading.state)
        sells = name is not Preview.HALT
        snipes = [snipe for snipe in memory.snipes.values() if snipe.state.is_unfired]
        orders = [order for order in memory.live_orders() if sells or order.role is OrderRole.ENTRY]
        row = msgspec.structs.replace(
            self._row(name, "", after=TradingState.HALTED),
            orders_to_cancel=len(orders),
            snipes_to_disarm=len(snipes),
            released=self._reserved(snipes),
        )
        held = [position for position in memory.positions.values() if position.remaining and sells]
        return _with_sales(row, tuple(self._sale(position, None) for position in held))

    def resume(self) -> PreviewRow:
        """Preview whether entries may resume, and the word to type."""
        kept, shown = self._components.safety.trading_state.kept, self._components.ledger.state.trading
        word, blockers = (
            RESUME_WORD if needs_word(kept) else "",
            self._components.safety.emergency_stop.blockers(),
        )
        change = state.resume(kept, user="a user", word=word, blockers=blockers, at_ms=self._now_ms())
        refused = _unchanged(change)
        if kept.state is TradingState.ACTIVE and not shown.state.allows_entries:
            refused = f"Reduce-only ends automatically: {shown.text}."
        row = self._row(Preview.RESUME, "", refused, after=change.trading.state)
        return msgspec.structs.replace(row, typed=word)

    async def unlock(self) -> PreviewRow:
        """Create the phrase that unlocks live trading, and preview the maximum exposure."""
        shows_rules = not await self._components.live_unlock.has_acknowledged_rules()
        try:
            typed, refused = self._components.live_unlock.offer(with_rules=shows_rules), ""
        except CommandRefused as refusal:
            typed, refused = "", str(refusal)
        risked = self._components.live_unlock.risked()
        return msgspec.structs.replace(
            self._row(Preview.UNLOCK, "", refused),
            typed=typed,
            unlock_hours=risked.hours,
            position_cap=risked.position_cap,
            max_positions=risked.positions,
            shows_rules=shows_rules,
        )

    # ---- helpers

    def _row(
        self, name: Preview, symbol: str, refused: str = "", *, after: TradingState | None = None
    ) -> PreviewRow:
        memory = self._components.ledger.state
        return PreviewRow(
            name=name,
            symbol=symbol,
            at_ms=self._now_ms(),
            is_allowed=not refused,
            text=refused,
            state=memory.trading.state,
            state_after=after or memory.trading.state,
            positions=len(memory.positions),
        )

    def _sale(self, position: Position, share_pct: Decimal | None) -> SaleRow:
        pair = self._knowledge_store.knowledge.pairs.get(position.symbol)
        orders = self._components.ledger.state.orders_of(position.id)
        resting = sum(order.state.is_on_exchange and order.role is OrderRole.TAKE_PROFIT for order in orders)
        grid = None if pair is None else grid_of(pair)
        return sale_of(position, share_pct, self._bids(position.symbol), grid=grid, orders_to_cancel=resting)

    def _bids(self, symbol: str) -> BidDepth:
        """Return the bids: the deep levels watched for display, if they agree with the newest price."""
        price, age_ms = self._components.prices.of(symbol), self._components.prices.age_ms(symbol)
        if age_ms is None or age_ms > self._stale_ms() or price.bid is None:
            return BidDepth(None)
        seen = self._knowledge_store.histories.get(symbol)
        deep = () if seen is None or seen.deep_levels is None else seen.deep_levels.bids
        levels = next((side for side in (deep, price.bids) if side and side[0][0] == price.bid), ())
        return BidDepth(price.bid, levels)

    def _reserved(self, snipes: Sequence[Snipe]) -> Decimal:
        intents = self._components.ledger.state.intents
        return sum((intents[snipe.id].reserved for snipe in snipes if snipe.id in intents), ZERO)

    def _now_ms(self) -> int:
        return self._components.port.now_ms()


def _with_sales(row: PreviewRow, sales: tuple[SaleRow, ...]) -> PreviewRow:
    """Add the sales; without a price of one sale the totals are unknown."""
    values = [sale.value for sale in sales if sale.value is not None]
    gains = [sale.pnl for sale in sales if sale.pnl is not None]
    return msgspec.structs.replace(
        row,
        sales=sales,
        value=sum(values, ZERO) if len(values) == len(sales) else None,
        pnl=sum(gains, ZERO) if len(gains) == len(sales) else None,
    )


def _unchanged(change: Transition) -> str:
    return "" if change.changed else f"Not changed: {change.refused}."
